/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page map: a sparse array from page index to a 32-bit entry (frame number and flags), used for the
 * pages of an address space (by virtual page) and of an object (by page of the file). Pure.
 *
 *   dir: sorted array of {key = index / PAGEMAP_LEAF, leaf frame}    leaf: PAGEMAP_LEAF entries
 *
 * Leaves and the directory live in frames of their own (FRAME_META) that the map allocates; a leaf
 * whose last entry is cleared is freed. The map holds no references to the frames that entries
 * name: that is the caller's business.
 */
#ifndef VM_PAGEMAP_H
#define VM_PAGEMAP_H

#include "frame.h"

#define PAGEMAP_LEAF 1024u /* entries: one frame of 32-bit words covers 4 MiB */

#define PE_FRAME 0x0fffffffu
#define PE_COW   0x80000000u /* spaces: shared on loan, copy before the first write */

struct pagemap {
	uint32_t dir;        /* first frame of the directory, FRAME_NONE: empty map */
	uint32_t dir_order;  /* it has 2^dir_order frames */
	uint32_t leaf_count; /* used entries of the directory */
	uint32_t hint;       /* position of the last hit */
	uint64_t used;       /* entries that are not 0 */
};

uint32_t pagemap_get(struct pagemap *pm, uint64_t index); /* 0: none */
/* entry 0 clears and cannot fail; otherwise 0 or -ENOMEM. Replacing an entry cannot fail. */
int pagemap_set(struct pagemap *pm, uint64_t index, uint32_t entry) MUST_CHECK;
void pagemap_clear(struct pagemap *pm, uint64_t index);
/* First used entry at or after *index and before end; false if there is none. */
bool pagemap_next(struct pagemap *pm, uint64_t *index, uint64_t end, uint32_t *entry);

/* Raw access for loops over many pages: the part of one leaf that lies in [index, end). */
struct pagemap_span {
	uint32_t *entries; /* of first, first + 1, ... */
	uint64_t first;
	uint32_t count;
};
/* The next existing part at or after index; false at the end. */
bool pagemap_span(struct pagemap *pm, uint64_t index, uint64_t end, struct pagemap_span *span);
/* The leaf of index, made if absent, from index on; NULL: no memory. Follow with pagemap_adjust().
 */
uint32_t *pagemap_make(struct pagemap *pm, uint64_t index);
/* After raw changes in the leaf of index: so many more (or fewer) entries are used. */
void pagemap_adjust(struct pagemap *pm, uint64_t index, int32_t change);

/* Frees the map's own frames; all entries are forgotten. */
void pagemap_destroy(struct pagemap *pm);

#endif
