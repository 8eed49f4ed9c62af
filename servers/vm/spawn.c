/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making a system process from an image, in well under a millisecond: one new space; text and
 * constants mapped from the image's frames, all at once; small data copied at once; the first pages
 * of the stack and of zeroed memory present, so that a driver reaches its main loop with few
 * faults.
 */
#include <errno.h>
#include <string.h>
#include "axolotl/timepage.h"
#include "sys/sys.h"
#include "stack.h"
#include "vm.h"

#define ARGS_BYTES_MAX 4096u
#define STACK_PRESENT  (4 * PAGE_BYTES) /* touched before main() in practice: two pages */
#define SPAWN_PRIORITY 5
#define SPAWN_QUANTUM  20000
#define MIX_CONSTANT   0x9e3779b97f4a7c15ul

/* AT_RANDOM: seeds the C library's guards; the time stamp counter is all the entropy there is. */
static void make_random(uint8_t random[16])
{
	static uint64_t state;

	for (unsigned i = 0; i < 16; i += 8) {
		uint64_t z = state += MIX_CONSTANT ^ time_read_tsc();

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
		z = (z ^ z >> 27) * 0x94d049bb133111ebul;
		z ^= z >> 31;
		memcpy(random + i, &z, 8);
	}
}

static int map_segment(struct space *s, const struct image *img, const struct elf_segment *seg)
{
	struct elf_pages p;
	struct region r;
	int err;

	elf_segment_pages(seg, &p);
	r = (struct region){.start = p.vaddr,
	                    .end = p.vaddr + p.len_bytes,
	                    .offset = p.offset,
	                    .file_end = p.offset + p.file_bytes,
	                    .object = img->object,
	                    .prot = (uint8_t)seg->prot,
	                    .max_prot = VMP_READ | VMP_WRITE | VMP_EXEC,
	                    .kind = REGION_FILE,
	                    .flags = RF_BSS};
	err = mmap_install(s, &r);
	if (err < 0)
		return err;
	if (r.end > s->brk_start)
		s->brk_start = s->brk_end = r.end;
	space_prefault(s, &r);
	return 0;
}

static int map_stack(struct space *s)
{
	struct region r = {.start = VM_STACK_TOP - VM_STACK_BYTES,
	                   .end = VM_STACK_TOP,
	                   .prot = VMP_READ | VMP_WRITE,
	                   .max_prot = VMP_READ | VMP_WRITE,
	                   .kind = REGION_ANON,
	                   .flags = RF_STACK | RF_NOCOUNT};
	struct access_range a = {VM_STACK_TOP - STACK_PRESENT, STACK_PRESENT, ACCESS_WRITE};
	struct need need;
	int err = mmap_install(s, &r);

	return err < 0 ? err : space_make_present(s, &a, &need);
}

static int fill_stack(struct space *s, const struct spawn *sp, uint64_t *stack)
{
	static uint8_t buf[2 * PAGE_BYTES];
	const struct elf_image *elf = &sp->image->elf;
	struct stack_image img = {.top = VM_STACK_TOP,
	                          .args = sp->args,
	                          .args_bytes = sp->args_bytes,
	                          .argc = sp->argc,
	                          .phdr = elf->phdr_vaddr,
	                          .entry = elf->entry,
	                          .vdso = VDSO_VA,
	                          .phnum = elf->phnum,
	                          .phentsize = elf->phentsize};
	uint64_t used;
	int err;

	make_random(img.random);
	err = stack_build(&img, buf, sizeof(buf), stack);
	if (err < 0)
		return err;
	used = VM_STACK_TOP - *stack;
	return space_copy_out(s, *stack, buf + sizeof(buf) - used, used);
}

static int fill_space(struct space *s, const struct spawn *sp, uint64_t *stack)
{
	int err = 0;

	for (unsigned i = 0; err == 0 && i < sp->image->elf.segment_count; i++)
		err = map_segment(s, sp->image, &sp->image->elf.segments[i]);
	if (err == 0)
		err = map_stack(s);
	return err < 0 ? err : fill_stack(s, sp, stack);
}

int spawn_into(endpoint_t ep, const struct spawn *sp)
{
	struct kexec exec = {.entry = sp->image->elf.entry};
	struct space *s;
	int err = space_create(&s);

	if (err < 0)
		return err;
	s->is_system = true;
	err = fill_space(s, sp, &exec.stack);
	if (err == 0)
		err = space_attach(ep, s);
	if (err < 0) {
		space_destroy(s);
		return err;
	}
	memcpy(exec.name, sp->name, strnlen(sp->name, sizeof(exec.name) - 1));
	return k_exec(ep, &exec);
}

static int decode_spawn(const struct msg *m, struct vm_spawn *req, char *args)
{
	struct space *s;

	msg_get(m, req);
	s = space_of(req->args_ep);
	if (s == NULL || image_nth(req->image) == NULL || req->args_bytes > ARGS_BYTES_MAX ||
	    req->name[sizeof(req->name) - 1] != 0)
		return -EINVAL;
	return space_copy_in(s, args, req->args_addr, req->args_bytes);
}

void spawn_request(const struct msg *m, struct vm_rep *rep)
{
	static char args[ARGS_BYTES_MAX];
	struct vm_spawn req;
	struct spawn sp;
	int ep, err;

	rep->result = decode_spawn(m, &req, args);
	if (rep->result < 0)
		return;
	ep = k_fork(&(struct kfork){.parent = EP_NONE, .flags = KFORK_FRESH});
	rep->result = ep;
	if (ep < 0)
		return;
	sp = (struct spawn){image_nth(req.image), args, req.args_bytes, req.argc, req.name};
	err = k_sched(SCHED_STOP, ep, 0, 0);
	if (err == 0)
		err = k_sched(SCHED_SET, ep, SPAWN_PRIORITY, SPAWN_QUANTUM);
	while (err == 0) {
		err = spawn_into(ep, &sp);
		if (err == 0)
			break;
		err = err == -ENOMEM && oom_relieve() ? 0 : err;
	}
	if (err < 0) {
		VM_ASSERT(k_clear(ep) == 0);
		space_detach(ep);
		rep->result = err;
	}
}
