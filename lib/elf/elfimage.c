/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF64 parser: decode, check everything, then hand out. See elfimage.h for what is guaranteed.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include "elf/elfimage.h"

_Static_assert(ELF_READ == PF_R >> 2 && ELF_WRITE == PF_W && ELF_EXEC == PF_X << 2,
               "protection bits: R and X change places");

static bool is_ident_good(const Elf64_Ehdr *eh)
{
	return memcmp(eh->e_ident, ELFMAG, SELFMAG) == 0 && eh->e_ident[EI_CLASS] == ELFCLASS64 &&
	       eh->e_ident[EI_DATA] == ELFDATA2LSB && eh->e_ident[EI_VERSION] == EV_CURRENT &&
	       (eh->e_ident[EI_OSABI] == ELFOSABI_SYSV || eh->e_ident[EI_OSABI] == ELFOSABI_LINUX);
}

int elf_table(const void *head, size_t head_bytes, uint64_t file_bytes, struct elf_table *table)
{
	Elf64_Ehdr eh;

	if (head_bytes < sizeof(eh) || file_bytes < sizeof(eh))
		return -ENOEXEC;
	memcpy(&eh, head, sizeof(eh));
	if (!is_ident_good(&eh) || (eh.e_type != ET_EXEC && eh.e_type != ET_DYN) ||
	    eh.e_machine != EM_X86_64 || eh.e_version != EV_CURRENT ||
	    eh.e_ehsize != sizeof(Elf64_Ehdr) || eh.e_phentsize != sizeof(Elf64_Phdr) ||
	    eh.e_phnum == 0 || eh.e_phnum > ELF_PHDRS_MAX)
		return -ENOEXEC;
	table->offset = eh.e_phoff;
	table->len_bytes = (uint64_t)eh.e_phnum * sizeof(Elf64_Phdr);
	if (table->offset < sizeof(eh) || table->offset > file_bytes ||
	    table->len_bytes > file_bytes - table->offset)
		return -ENOEXEC;
	return 0;
}

static uint32_t prot_of(uint32_t p_flags)
{
	return ((p_flags & PF_R) ? ELF_READ : 0) | ((p_flags & PF_W) ? ELF_WRITE : 0) |
	       ((p_flags & PF_X) ? ELF_EXEC : 0);
}

static bool is_inside(uint64_t base, uint64_t len, uint64_t limit)
{
	return base <= limit && len <= limit - base;
}

static int add_load(struct elf_image *img, const Elf64_Phdr *ph, uint64_t file_bytes)
{
	const struct elf_segment *last;
	struct elf_segment *s;

	if (ph->p_memsz == 0)
		return ph->p_filesz == 0 ? 0 : -ENOEXEC;
	if (img->segment_count == ELF_SEGMENTS_MAX || ph->p_filesz > ph->p_memsz ||
	    !is_inside(ph->p_offset, ph->p_filesz, file_bytes) ||
	    !is_inside(ph->p_vaddr, ph->p_memsz, ELF_ADDR_MAX) ||
	    ph->p_vaddr % PAGE_BYTES != ph->p_offset % PAGE_BYTES ||
	    (ph->p_flags & (PF_W | PF_X)) == (PF_W | PF_X))
		return -ENOEXEC;
	if (img->segment_count > 0) {
		last = &img->segments[img->segment_count - 1];
		if (ph->p_vaddr < last->vaddr + last->mem_bytes)
			return -ENOEXEC;
	}
	/* Smaller than a page means nothing; what is no power of two is ignored, as Linux does. */
	if (ph->p_align > img->align && (ph->p_align & (ph->p_align - 1)) == 0)
		img->align = ph->p_align;
	s = &img->segments[img->segment_count++];
	s->vaddr = ph->p_vaddr;
	s->mem_bytes = ph->p_memsz;
	s->offset = ph->p_offset;
	s->file_bytes = ph->p_filesz;
	s->prot = prot_of(ph->p_flags);
	return 0;
}

static int add_interp(struct elf_image *img, const Elf64_Phdr *ph, uint64_t file_bytes)
{
	if (img->has_interp || ph->p_filesz < 2 || ph->p_filesz > ELF_INTERP_MAX ||
	    !is_inside(ph->p_offset, ph->p_filesz, file_bytes))
		return -ENOEXEC;
	img->has_interp = true;
	img->interp_offset = ph->p_offset;
	img->interp_bytes = ph->p_filesz;
	return 0;
}

static int add_phdr(struct elf_image *img, const Elf64_Phdr *ph, uint64_t file_bytes)
{
	switch (ph->p_type) {
	case PT_LOAD: return add_load(img, ph, file_bytes);
	case PT_INTERP: return add_interp(img, ph, file_bytes);
	case PT_GNU_STACK: img->want_exec_stack = (ph->p_flags & PF_X) != 0; return 0;
	default: return 0; /* notes, TLS, dynamic: the program's own business */
	}
}

/* Program headers in memory: in the segment that has their file range. */
static uint64_t find_phdr_vaddr(const struct elf_image *img, uint64_t offset, uint64_t len_bytes)
{
	for (unsigned i = 0; i < img->segment_count; i++) {
		const struct elf_segment *s = &img->segments[i];

		if (offset >= s->offset && len_bytes <= s->file_bytes &&
		    offset - s->offset <= s->file_bytes - len_bytes)
			return s->vaddr + (offset - s->offset);
	}
	return 0;
}

static bool is_entry_good(const struct elf_image *img)
{
	for (unsigned i = 0; i < img->segment_count; i++) {
		const struct elf_segment *s = &img->segments[i];

		if ((s->prot & ELF_EXEC) && img->entry >= s->vaddr &&
		    img->entry - s->vaddr < s->mem_bytes)
			return true;
	}
	return false;
}

int elf_parse_table(const void *head, const void *table, uint64_t file_bytes, struct elf_image *out)
{
	struct elf_image img = {.align = PAGE_BYTES};
	const struct elf_segment *last;
	struct elf_table where;
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	int r = elf_table(head, sizeof(eh), file_bytes, &where);

	if (r < 0)
		return r;
	memcpy(&eh, head, sizeof(eh));
	img.entry = eh.e_entry;
	img.is_dyn = eh.e_type == ET_DYN;
	img.phnum = eh.e_phnum;
	img.phentsize = eh.e_phentsize;
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		memcpy(&ph, (const uint8_t *)table + (size_t)i * sizeof(ph), sizeof(ph));
		r = add_phdr(&img, &ph, file_bytes);
		if (r < 0)
			return r;
	}
	if (img.segment_count == 0)
		return -ENOEXEC;
	last = &img.segments[img.segment_count - 1];
	img.low = img.segments[0].vaddr & ~(PAGE_BYTES - 1);
	img.high = (last->vaddr + last->mem_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	/* Linked at page 0 is only good for what can be moved; nothing starts outside its text. */
	if (!is_entry_good(&img) || (!img.is_dyn && img.low == 0) || (img.is_dyn && img.low != 0))
		return -ENOEXEC;
	img.phdr_vaddr = find_phdr_vaddr(&img, where.offset, where.len_bytes);
	*out = img;
	return 0;
}

int elf_parse(const void *head, size_t head_bytes, uint64_t file_bytes, struct elf_image *out)
{
	struct elf_table where;
	int r = elf_table(head, head_bytes, file_bytes, &where);

	if (r < 0)
		return r;
	if (!is_inside(where.offset, where.len_bytes, head_bytes))
		return -E2BIG;
	return elf_parse_table(head, (const uint8_t *)head + where.offset, file_bytes, out);
}

int elf_place(const struct elf_image *img, uint64_t base, uint64_t limit, uint64_t *bias)
{
	uint64_t at = 0;

	if (img->is_dyn) {
		if (img->align > ELF_ADDR_MAX || base > ELF_ADDR_MAX)
			return -ENOMEM;
		at = (base + img->align - 1) & ~(img->align - 1);
	}
	if (!is_inside(at, img->high, limit))
		return -ENOMEM;
	*bias = at;
	return 0;
}

bool elf_overlap(const struct elf_image *a, uint64_t a_bias, const struct elf_image *b,
                 uint64_t b_bias)
{
	return a->low + a_bias < b->high + b_bias && b->low + b_bias < a->high + a_bias;
}

void elf_segment_pages(const struct elf_segment *s, struct elf_pages *p)
{
	uint64_t skew = s->vaddr % PAGE_BYTES;

	p->vaddr = s->vaddr - skew;
	p->len_bytes = (skew + s->mem_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
	p->offset = s->offset - skew;
	p->file_bytes = s->file_bytes == 0 ? 0 : skew + s->file_bytes;
}
