/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts the first process, vm, from the boot archive: space 0 gets its segments and a stack, all
 * present and in frames of their own. Everything after that is vm's work.
 * References: ELF-64 object file format 1.5; System V ABI, AMD64 supplement, 3.4.1 (initial stack).
 */
#include "proc.h"

#define STACK_PAGES 32
#define STACK_TOP   0x7fffff000000ul
#define PRIO_VM     1
#define QUANTUM_US  50000
#define AT_PAGESZ   6
#define AT_PHDR     3
#define AT_PHENT    4
#define AT_PHNUM    5
#define AT_ENTRY    9
#define AT_RANDOM   25
#define PT_LOAD     1
#define PF_X        1u
#define PF_W        2u

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct elf_header) == 64 && sizeof(struct elf_segment) == 56, "ELF-64");

static void give_tables(struct space *s)
{
	uint64_t pa = boot_alloc(1);

	*(uint64_t *)direct(pa) = s->spare;
	s->spare = pa;
}

static void map_page(uint64_t va, uint64_t pa, uint32_t prot)
{
	while (paging_map_one(&spaces[0], va, pa, prot) == -ENOTABLES)
		give_tables(&spaces[0]);
}

static void load_segment(const uint8_t *image, uint64_t size, const struct elf_segment *s)
{
	uint32_t prot =
		VMP_READ | (s->flags & PF_W ? VMP_WRITE : 0) | (s->flags & PF_X ? VMP_EXEC : 0);
	uint64_t end = s->vaddr + s->memsz;

	if (s->offset > size || s->filesz > size - s->offset || s->filesz > s->memsz ||
	    s->memsz > (1ul << 30) || s->vaddr < PAGE_BYTES || end > USER_TOP)
		panic("loader: bad segment in vm");
	for (uint64_t va = s->vaddr & ~(PAGE_BYTES - 1); va < end; va += PAGE_BYTES) {
		uint64_t pa = boot_alloc(1);
		uint64_t from = va < s->vaddr ? s->vaddr : va;
		uint64_t to = va + PAGE_BYTES < s->vaddr + s->filesz ? va + PAGE_BYTES
		                                                     : s->vaddr + s->filesz;

		if (from < to)
			memcpy((uint8_t *)direct(pa) + (from - va),
			       image + s->offset + (from - s->vaddr), to - from);
		map_page(va, pa, prot);
	}
}

/* argc, argv, environment and auxiliary vector, at the top of the stack's last page. */
static uint64_t build_stack(const struct elf_header *h, uint64_t phdr)
{
	uint64_t pa = 0, top = STACK_TOP - 64, tsc = time_read_tsc();

	for (unsigned i = STACK_PAGES; i > 0; i--) {
		pa = boot_alloc(1);
		map_page(STACK_TOP - (STACK_PAGES + 1 - i) * PAGE_BYTES, pa, VMP_READ | VMP_WRITE);
		if (i != STACK_PAGES)
			continue;
		uint8_t *page = direct(pa);
		uint64_t vector[] = {
			1,          top,      0,        0,        AT_PAGESZ,
			PAGE_BYTES, AT_PHDR,  phdr,     AT_PHENT, sizeof(struct elf_segment),
			AT_PHNUM,   h->phnum, AT_ENTRY, h->entry, AT_RANDOM,
			top + 16,   0,        0};
		uint64_t at = (top - sizeof(vector)) & ~15ul;

		memcpy(page + PAGE_BYTES - 64, "vm", 3);
		memcpy(page + PAGE_BYTES - 48, &tsc, 8);
		memcpy(page + (at & (PAGE_BYTES - 1)), vector, sizeof(vector));
		top = at;
	}
	return top;
}

static struct priv *vm_priv(void)
{
	struct priv *v = &privs[PRIV_ID_VM];

	v->id = PRIV_ID_VM;
	v->flags = PRIV_MANAGER | PRIV_FIXED | PRIV_SYSTEM;
	v->ipc_mask = (1u << IPC_PRIMITIVES) - 1;
	v->kcall_mask = (1ul << KC_COUNT) - 1;
	memset(v->send_mask, 0xff, sizeof(v->send_mask));
	memcpy(v->label, "vm", 3);
	return v;
}

void loader_start_vm(void)
{
	const struct elf_header *h;
	const struct elf_segment *s;
	const uint8_t *image;
	uint64_t size, phdr = 0;
	struct proc *p = proc_alloc();

	if (!boot_find("vm", &image, &size))
		panic("loader: the boot archive has no entry vm");
	h = (const struct elf_header *)image;
	if (size < sizeof(*h) || memcmp(h->ident, "\177ELF\2\1", 6) != 0 || h->machine != 62 ||
	    h->phentsize != sizeof(*s) || h->phoff > size ||
	    h->phnum * sizeof(*s) > size - h->phoff)
		panic("loader: vm is no x86-64 ELF program");
	s = (const struct elf_segment *)(image + h->phoff);
	for (unsigned i = 0; i < h->phnum; i++) {
		if (s[i].type != PT_LOAD)
			continue;
		if (s[i].offset == 0)
			phdr = s[i].vaddr + h->phoff;
		load_segment(image, size, &s[i]);
	}
	KASSERT(p && p->ep == EP_VM);
	p->priv = vm_priv();
	p->space = 0;
	spaces[0].holders++;
	p->priority = p->base_priority = PRIO_VM;
	p->quantum_us = QUANTUM_US;
	memcpy(p->name, "vm", 3);
	p->regs.rip = h->entry;
	p->regs.rsp = build_stack(h, phdr);
	proc_unset(p, KRTS_NOSPACE | KRTS_NOEXEC);
}
