/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Regions: what an address range of a space means. A space has a sorted array of regions that do
 * not overlap; neighbours that mean the same are merged. Pure.
 *
 * Who wants to change the array first reserves room (regions_reserve), which may fail; all changes
 * after that cannot. A change splits at most two regions and inserts one, so 3 is always enough.
 */
#ifndef VM_REGION_H
#define VM_REGION_H

#include "frame.h"

enum region_kind {
	REGION_ANON,   /* private, zero on demand */
	REGION_FILE,   /* an object with pages of a file or image; private (copy on write) or shared
			*/
	REGION_SHM,    /* an object with shared memory, zero on demand */
	REGION_DMA,    /* contiguous memory of VM_ALLOC_DMA; all present */
	REGION_PHYS,   /* device memory, boot archive, time page: offset is the physical address */
	REGION_SAFEMAP /* memory of another process; object = grantor, offset = grant */
};

#define RF_SHARED  0x01u /* writes reach the object */
#define RF_BSS     0x02u /* FILE: what lies behind file_end is zero memory, not an error */
#define RF_STACK   0x04u
#define RF_HEAP    0x08u /* brk */
#define RF_NOCOUNT 0x10u /* not counted as committed (MAP_NORESERVE, stacks) */
#define RF_SPECIAL 0x20u /* time page and vDSO: every space has them */
#define RF_SYSV    0x40u /* attached by shmat */
#define RF_UC      0x80u /* PHYS: uncached */

struct region {
	uint64_t start, end; /* [start, end), page aligned */
	uint64_t offset;     /* in the object, of start, page aligned; see region_kind */
	uint64_t file_end;   /* FILE: object offset behind the last byte of the file's part */
	uint32_t object;     /* object number, 0: none; SAFEMAP: endpoint of the grantor */
	uint8_t prot;        /* VMP_* */
	uint8_t max_prot;    /* mprotect cannot go beyond */
	uint8_t kind;        /* enum region_kind */
	uint8_t flags;       /* RF_* */
};
_Static_assert(sizeof(struct region) == 40, "region size");

struct regions {
	uint32_t frame; /* array, FRAME_NONE: empty */
	uint32_t order;
	uint32_t count;
};

struct region *regions_at(const struct regions *rs, uint32_t i);
/* First region that ends behind addr: contains it, or lies above it, or index == count. */
uint32_t regions_search(const struct regions *rs, uint64_t addr);
struct region *regions_find(const struct regions *rs, uint64_t addr); /* NULL: none contains addr */
bool regions_is_free(const struct regions *rs, uint64_t start, uint64_t end);
/* Whether [start, end) is covered without a hole. */
bool regions_is_covered(const struct regions *rs, uint64_t start, uint64_t end);
/* Highest free range of len bytes within [low, high); 0: none. */
uint64_t regions_gap(const struct regions *rs, uint64_t len, uint64_t low, uint64_t high);

int regions_reserve(struct regions *rs, uint32_t more) MUST_CHECK;
/* Inserts r, which overlaps nothing; merges it with neighbours. */
void regions_insert(struct regions *rs, const struct region *r);
void regions_remove(struct regions *rs, uint32_t i);
/* Makes addr a border between regions; index of the first region at or above it. */
uint32_t regions_split(struct regions *rs, uint64_t addr);
/* Merges what has become equal between start and end, borders included. */
void regions_merge(struct regions *rs, uint64_t start, uint64_t end);
void regions_destroy(struct regions *rs);

#endif
