/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical frames: a buddy allocator with a reference count for each frame. Pure: it is given the
 * table and the address at which RAM can be touched, so it is tested on the host.
 *
 * Frame number = physical address / PAGE_BYTES. Frame 0 is never handed out: 0 means "none". Frames
 * that are not vm's (kernel, boot archive, holes) are FRAME_ABSENT; referencing them is a no-op, so
 * that pages of the boot archive can be mapped like any other.
 *
 * Two zones: below 4 GiB (for DMA of 32-bit devices) and above, which is used up first. The last
 * `reserve` frames are only for those who ask with FRAME_URGENT: what recovery needs.
 */
#ifndef VM_FRAME_H
#define VM_FRAME_H

#include "axolotl/types.h"

#define FRAME_NONE      0u
#define FRAME_ORDER_MAX 16u /* largest block: 256 MiB */

enum frame_kind {
	FRAME_ABSENT, /* not ours */
	FRAME_FREE,
	FRAME_ANON,  /* private or shared memory of processes */
	FRAME_CACHE, /* a page of a file or image */
	FRAME_DMA,   /* VM_ALLOC_DMA */
	FRAME_TABLE, /* given to the kernel for page tables */
	FRAME_META,  /* our own: page maps, region arrays */
	FRAME_KINDS
};

struct frame {
	uint32_t next, prev; /* FREE: list; TABLE: next of the same space; META: see pagemap.c */
	uint32_t refs;
	uint8_t kind;  /* enum frame_kind */
	uint8_t order; /* FREE: of the block that starts here, or FRAME_INNER */
	uint16_t reserved;
};
_Static_assert(sizeof(struct frame) == 16, "frame size");

#define FRAME_BELOW_4G 1u
#define FRAME_URGENT   2u

struct frame_counts {
	uint32_t total, free, reserve;
	uint32_t by_kind[FRAME_KINDS]; /* in use; FREE and ABSENT stay 0 */
};
extern struct frame_counts frame_counts;

/* table: `count` entries, zero. ram: where physical address 0 would be in our own space. */
void frame_init(struct frame *table, uint32_t count, uint8_t *ram);
void frame_add_range(uint32_t first, uint32_t count);
void frame_set_reserve(uint32_t reserve);

/* A block of 2^order frames, naturally aligned, each with one reference; contents are undefined. */
uint32_t frame_alloc(unsigned order, enum frame_kind kind, unsigned flags) MUST_CHECK;
/* `count` contiguous frames, aligned as a block of that size. */
uint32_t frame_alloc_run(uint32_t count, enum frame_kind kind, unsigned flags) MUST_CHECK;
void frame_free(uint32_t n); /* the last reference is gone; for frame_unref() only */
void frame_unref_run(uint32_t first, uint32_t count);

static inline uint64_t frame_pa(uint32_t n)
{
	return (uint64_t)n << PAGE_SHIFT;
}

/* A broken invariant of our own: does not return. */
void vm_fail(const char *file, int line, const char *what) __attribute__((noreturn));
#define VM_ASSERT(cond)                                                                            \
	do {                                                                                       \
		if (!(cond))                                                                       \
			vm_fail(__FILE__, __LINE__, #cond);                                        \
	} while (0)

/* Set by frame_init(). The rest is inline because fork and exit do it for every page. */
extern struct frame *frame_table;
extern uint32_t frame_table_count;
extern uint8_t *frame_ram;

static inline struct frame *frame_of(uint32_t n)
{
	VM_ASSERT(n < frame_table_count);
	return &frame_table[n];
}

/* Contents; for frames that are mapped in our space (RAM that is ours, the boot archive). */
static inline void *frame_ptr(uint32_t n)
{
	VM_ASSERT(n != FRAME_NONE && n < frame_table_count);
	return frame_ram + frame_pa(n);
}

static inline void frame_ref(uint32_t n)
{
	struct frame *f = frame_of(n);

	if (f->kind == FRAME_ABSENT)
		return;
	VM_ASSERT(f->refs > 0 && f->refs < UINT32_MAX);
	f->refs++;
}

/* The last reference frees it. */
static inline void frame_unref(uint32_t n)
{
	struct frame *f = frame_of(n);

	if (f->kind == FRAME_ABSENT)
		return;
	VM_ASSERT(f->refs > 0);
	if (--f->refs == 0)
		frame_free(n);
}

/* More than one reference, or not ours. */
static inline bool frame_is_shared(uint32_t n)
{
	const struct frame *f = frame_of(n);

	return f->kind == FRAME_ABSENT || f->refs > 1;
}

#endif
