/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Images: the ELF programs that system processes are made from, kept whole in memory, so that a
 * restart needs no disk and all incarnations share the same text frames (the emulator translates
 * each physical page once, costs.md 6). An image is an IMAGE object with all pages present: those
 * of the boot archive in place, others copied from the memory of rs.
 *
 * An entry of the boot archive is one image however often it is asked for; rs drops as often.
 */
#include <errno.h>
#include <string.h>
#include "bootarchive/bootarchive.h"
#include "sys/sys.h"
#include "vm.h"

#define IMAGES_MAX      256u
#define IMAGE_BYTES_MAX (64ul << 20)

static struct image images[IMAGES_MAX + 1]; /* number 0: none */
static struct bootarchive archive;
static uint64_t archive_base_pa;

void image_init(const void *archive_bytes, uint64_t archive_pa, uint64_t len_bytes)
{
	VM_ASSERT(bootarchive_open(&archive, archive_bytes, len_bytes) == 0);
	archive_base_pa = archive_pa;
}

struct image *image_nth(uint32_t number)
{
	if (number == 0 || number > IMAGES_MAX || images[number].object == 0)
		return NULL;
	return &images[number];
}

static struct image *free_image(void)
{
	for (uint32_t i = 1; i <= IMAGES_MAX; i++)
		if (images[i].object == 0)
			return &images[i];
	return NULL;
}

/* What spawn_into() relies on beyond the parser: fixed address, no interpreter, whole pages. */
static int check_elf(const struct elf_image *elf)
{
	uint64_t end = 0;
	struct elf_pages p;

	if (elf->is_dyn || elf->has_interp || elf->high > VM_INTERP_BASE)
		return -ENOEXEC;
	for (unsigned i = 0; i < elf->segment_count; i++) {
		elf_segment_pages(&elf->segments[i], &p);
		if (p.vaddr < end)
			return -ENOEXEC;
		end = p.vaddr + p.len_bytes;
	}
	return 0;
}

static int start_image(struct image **out, struct object **object)
{
	*out = free_image();
	*object = *out == NULL ? NULL : object_new(OBJECT_IMAGE);
	if (*object == NULL)
		return -ENFILE;
	(*object)->is_pinned = true;
	**out = (struct image){.object = object_number(*object), .refs = 1};
	return 0;
}

static void end_image(struct image *img)
{
	struct object *o = object_nth(img->object);

	*img = (struct image){0};
	object_unpin(o);
}

/* Frames of the archive are entered as they are; they are nobody's, so counting ignores them. */
static int fill_from_archive(struct object *o, const struct boot_entry *e)
{
	uint64_t first = PAGE_OF(archive_base_pa + e->offset);
	int err = 0;

	for (uint64_t i = 0; err == 0 && i < PAGE_OF(PAGE_UP(e->size_bytes)); i++)
		err = pagemap_set(&o->pages, i, (uint32_t)(first + i));
	return err;
}

int image_load_boot(const char *name, uint32_t *number)
{
	struct elf_image elf;
	struct boot_entry e;
	struct object *o;
	struct image *img;
	int err;

	for (uint32_t i = 1; i <= IMAGES_MAX; i++) {
		if (images[i].object != 0 && strcmp(images[i].name, name) == 0) {
			images[i].refs++;
			*number = i;
			return 0;
		}
	}
	err = bootarchive_find(&archive, name, &e);
	if (err == 0)
		err = elf_parse(archive.bytes + e.offset, e.size_bytes, e.size_bytes, &elf);
	if (err == 0)
		err = check_elf(&elf);
	if (err == 0)
		err = start_image(&img, &o);
	if (err < 0)
		return err;
	img->elf = elf;
	memcpy(img->name, e.name, sizeof(img->name));
	err = fill_from_archive(o, &e);
	if (err < 0)
		end_image(img);
	*number = (uint32_t)(img - images);
	return err;
}

static int decode_name(const struct msg *m, struct vm_image_boot *req)
{
	msg_get(m, req);
	return req->name[0] == 0 || strnlen(req->name, sizeof(req->name)) == sizeof(req->name)
	               ? -EINVAL
	               : 0;
}

void image_boot(const struct msg *m, struct vm_rep *rep)
{
	struct vm_image_boot req;
	uint32_t number = 0;

	rep->result = decode_name(m, &req);
	if (rep->result == 0)
		rep->result = image_load_boot(req.name, &number);
	if (rep->result == 0)
		rep->result = (int32_t)number;
}

void image_boot_entry(const struct msg *m, struct vm_rep *rep)
{
	struct vm_image_boot req;
	struct boot_entry e;

	rep->result = decode_name(m, &req);
	if (rep->result == 0)
		rep->result = bootarchive_find(&archive, req.name, &e);
	if (rep->result < 0)
		return;
	rep->value = archive_base_pa + e.offset;
	rep->value2 = e.size_bytes;
}

/* Copies the file into frames of the object. */
static int fill_from_memory(struct object *o, struct space *s, const struct vm_image_add *req)
{
	int err = 0;

	for (uint64_t pos = 0; err == 0 && pos < req->len_bytes; pos += PAGE_BYTES) {
		uint64_t left = req->len_bytes - pos;
		uint32_t n = memory_page(FRAME_CACHE, 0);

		if (n == FRAME_NONE)
			return -ENOMEM;
		err = space_copy_in(s, frame_ptr(n), req->addr + pos,
		                    left < PAGE_BYTES ? left : PAGE_BYTES);
		if (err == 0)
			err = pagemap_set(&o->pages, PAGE_OF(pos), n);
		if (err < 0)
			frame_unref(n);
	}
	return err;
}

static int parse_object(struct object *o, uint64_t len_bytes, struct elf_image *elf)
{
	uint32_t first = pagemap_get(&o->pages, 0);
	int err =
		elf_parse(frame_ptr(first), len_bytes < PAGE_BYTES ? (size_t)len_bytes : PAGE_BYTES,
	                  len_bytes, elf);

	if (err == -E2BIG)
		err = -ENOEXEC;
	return err < 0 ? err : check_elf(elf);
}

void image_add(const struct msg *m, struct vm_rep *rep)
{
	struct vm_image_add req;
	struct object *o;
	struct image *img;
	struct space *s;

	msg_get(m, &req);
	s = space_of(req.ep);
	rep->result = -EINVAL;
	if (s == NULL || req.reserved != 0 || req.len_bytes == 0 || req.len_bytes > IMAGE_BYTES_MAX)
		return;
	rep->result = start_image(&img, &o);
	if (rep->result < 0)
		return;
	rep->result = fill_from_memory(o, s, &req);
	if (rep->result == 0)
		rep->result = parse_object(o, req.len_bytes, &img->elf);
	if (rep->result < 0)
		end_image(img);
	else
		rep->result = (int32_t)(img - images);
}

void image_drop(const struct msg *m, struct vm_rep *rep)
{
	struct vm_image req;
	struct image *img;

	msg_get(m, &req);
	img = image_nth(req.image);
	rep->result = img == NULL ? -EINVAL : 0;
	if (img != NULL && --img->refs == 0)
		end_image(img);
}
