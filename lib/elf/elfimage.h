/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF64 programs: what a loader must know, checked. Used by vm (system processes) and by vfs
 * (execve). Pure: it looks only at the bytes that it is given.
 *
 * elf_parse() wants the beginning of the file, which must hold the file header and the program
 * headers; ELF_HEAD_BYTES is enough for every usual program. When the program headers lie further
 * on, elf_table() says where, and elf_parse_table() takes them from a buffer of their own.
 *
 * Afterwards: segments ascend and do not overlap, addresses and file ranges do not wrap, lie below
 * ELF_ADDR_MAX and inside the file, address and file offset are congruent modulo the page, and no
 * segment is writable and executable at once. An interpreter's path lies inside the file and is not
 * empty; whether it ends with a NUL and names anything is for who reads it. Two segments may share a page (as linkers do it);
 * the later one then decides that page, as if mapped over the earlier.
 *
 * References: System V ABI, chapters 4 and 5 (generic), AMD64 supplement.
 */
#ifndef LIB_ELF_ELFIMAGE_H
#define LIB_ELF_ELFIMAGE_H

#include "axolotl/types.h"

#define ELF_HEAD_BYTES   4096u
#define ELF_PHDRS_MAX    64u
#define ELF_SEGMENTS_MAX 16u
#define ELF_INTERP_MAX   4096u /* longest PT_INTERP path with its NUL */
#define ELF_ADDR_MAX     0x7ffffffff000ul

#define ELF_READ  1u /* the same bits as VMP_READ, VMP_WRITE, VMP_EXEC */
#define ELF_WRITE 2u
#define ELF_EXEC  4u

struct elf_segment {
	uint64_t vaddr; /* as in the file: not page aligned; add the load bias of an ET_DYN */
	uint64_t mem_bytes;
	uint64_t offset;
	uint64_t file_bytes; /* <= mem_bytes; the rest is zero */
	uint32_t prot;       /* ELF_* */
};

struct elf_image {
	uint64_t entry;
	bool is_dyn; /* may be loaded anywhere: low is in the first page */
	bool has_interp;
	bool want_exec_stack;
	uint16_t phnum, phentsize;
	uint64_t phdr_vaddr; /* where a segment has the program headers (AT_PHDR), or 0 */
	uint64_t interp_offset, interp_bytes;
	uint64_t low, high; /* pages that segments touch: [low, high), page aligned */
	uint64_t align;     /* largest p_align of a segment: at least a page, a power of two */
	unsigned segment_count;
	struct elf_segment segments[ELF_SEGMENTS_MAX];
};

struct elf_table {
	uint64_t offset;
	uint64_t len_bytes;
};

/* -ENOEXEC: not a program for this machine, or malformed. */
int elf_table(const void *head, size_t head_bytes, uint64_t file_bytes,
              struct elf_table *table) MUST_CHECK;
/* table: the program headers; head as in elf_table(). */
int elf_parse_table(const void *head, const void *table, uint64_t file_bytes,
                    struct elf_image *out) MUST_CHECK;
/* -E2BIG: good so far, but the program headers are not within head: use elf_table(). */
int elf_parse(const void *head, size_t head_bytes, uint64_t file_bytes,
              struct elf_image *out) MUST_CHECK;

/* Where the image goes: bias, to be added to all its addresses. An ET_DYN gets the first place at or
 * above base that has its alignment, an ET_EXEC bias 0. -ENOMEM: it would reach limit. */
int elf_place(const struct elf_image *img, uint64_t base, uint64_t limit,
              uint64_t *bias) MUST_CHECK;
/* Do the pages of two placed images meet? */
bool elf_overlap(const struct elf_image *a, uint64_t a_bias, const struct elf_image *b,
                 uint64_t b_bias);

/* The segment as whole pages: first page, bytes of pages, file offset of the first page, and how
 * many bytes from the first page on come from the file. */
struct elf_pages {
	uint64_t vaddr;
	uint64_t len_bytes;
	uint64_t offset;
	uint64_t file_bytes;
};
void elf_segment_pages(const struct elf_segment *s, struct elf_pages *p);

#endif
