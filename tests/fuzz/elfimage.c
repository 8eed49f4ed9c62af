/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/elf/elfimage.c */
/* Any bytes as an ELF program: refused, or what elfimage.h promises holds. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include "elf/elfimage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

/* Most random bytes fail at once: the second half of the inputs gets a sound file header. */
static void repair(uint8_t *bytes, size_t size)
{
	Elf64_Ehdr eh;

	if (size < sizeof(eh))
		return;
	memcpy(&eh, bytes, sizeof(eh));
	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS64;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	eh.e_ident[EI_VERSION] = EV_CURRENT;
	eh.e_ident[EI_OSABI] = ELFOSABI_SYSV;
	eh.e_type = eh.e_type & 1 ? ET_DYN : ET_EXEC;
	eh.e_machine = EM_X86_64;
	eh.e_version = EV_CURRENT;
	eh.e_ehsize = sizeof(eh);
	eh.e_phentsize = sizeof(Elf64_Phdr);
	eh.e_phoff = sizeof(eh);
	eh.e_phnum = 1 + eh.e_phnum % 8;
	memcpy(bytes, &eh, sizeof(eh));
	for (size_t at = sizeof(eh); at + sizeof(Elf64_Phdr) <= size; at += sizeof(Elf64_Phdr))
		if (bytes[at] & 0x80)
			memcpy(bytes + at, &(uint32_t){bytes[at] & 0x40 ? PT_INTERP : PT_LOAD}, 4);
}

/* Wherever it is placed, all its pages lie between base (ET_DYN) and limit. */
static void check_place(const struct elf_image *img)
{
	static const uint64_t bases[] = {0, 0x555555554000ul, 0x7f0000000000ul};
	uint64_t bias, limit = 0x7ffff0000000ul;

	for (unsigned i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		if (elf_place(img, bases[i], limit, &bias) != 0)
			continue;
		check(bias % PAGE_BYTES == 0 && bias <= limit && img->high <= limit - bias);
		check(img->is_dyn ? bias >= bases[i] && bias % img->align == 0 : bias == 0);
		check(elf_overlap(img, bias, img, bias));
	}
}

static void check_image(const struct elf_image *img, uint64_t file_bytes)
{
	uint64_t end = 0;
	struct elf_pages p;

	check(img->segment_count >= 1 && img->segment_count <= ELF_SEGMENTS_MAX);
	for (unsigned i = 0; i < img->segment_count; i++) {
		const struct elf_segment *s = &img->segments[i];

		check(s->vaddr >= end && s->mem_bytes > 0 && s->file_bytes <= s->mem_bytes);
		check(s->offset <= file_bytes && s->file_bytes <= file_bytes - s->offset);
		end = s->vaddr + s->mem_bytes;
		check(end > s->vaddr && end <= ELF_ADDR_MAX);
		check((s->prot & (ELF_WRITE | ELF_EXEC)) != (ELF_WRITE | ELF_EXEC));
		elf_segment_pages(s, &p);
		check(p.vaddr % PAGE_BYTES == 0 && p.offset % PAGE_BYTES == 0);
		check(p.vaddr >= img->low && p.vaddr + p.len_bytes <= img->high);
		check(p.file_bytes <= p.len_bytes && p.offset + p.file_bytes <= file_bytes);
	}
	check(img->align >= PAGE_BYTES && (img->align & (img->align - 1)) == 0);
	if (img->has_interp) {
		check(img->interp_bytes >= 2 && img->interp_bytes <= ELF_INTERP_MAX);
		check(img->interp_offset <= file_bytes &&
		      img->interp_bytes <= file_bytes - img->interp_offset);
	}
	check_place(img);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes = malloc(size + 1);
	struct elf_image img;
	uint64_t file_bytes;

	if (bytes == NULL || size < 1) {
		free(bytes);
		return 0;
	}
	memcpy(bytes, data, size);
	file_bytes = size + (uint64_t)(data[size - 1] & 0x3f) * PAGE_BYTES;
	if (size & 1)
		repair(bytes, size);
	if (elf_parse(bytes, size, file_bytes, &img) == 0)
		check_image(&img, file_bytes);
	free(bytes);
	return 0;
}
