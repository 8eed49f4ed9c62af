/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Geometry of a block session's region (blk.h): requests, completions, element table. It follows
 * from the slot count alone, so a server computes it from ATTACH and compares it with region_bytes.
 */
#ifndef LIB_RING_BLK_REGION_H
#define LIB_RING_BLK_REGION_H

#include "axolotl/blk.h"
#include "ring/ring.h"

#define BLK_ROW_BYTES (BLK_ELEMENTS_MAX * sizeof(struct blk_element))
_Static_assert(BLK_SLOTS_MAX <= RING_SLOTS_MAX, "a ring can have that many slots");
_Static_assert(PAGE_BYTES % BLK_ROW_BYTES == 0, "rows do not cross pages");

static inline size_t blk_region_bytes(uint32_t slots) /* 0: not a valid slot count */
{
	size_t table = (slots * BLK_ROW_BYTES + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);

	return ring_bytes(slots) == 0 || slots > BLK_SLOTS_MAX ? 0 : 2 * ring_bytes(slots) + table;
}

static inline struct ring *blk_region_requests(void *region)
{
	return region;
}

static inline struct ring *blk_region_completions(void *region, uint32_t slots)
{
	return (struct ring *)(void *)((uint8_t *)region + ring_bytes(slots));
}

/* Row of BLK_ELEMENTS_MAX elements of request slot number `slot`. */
static inline struct blk_element *blk_region_row(void *region, uint32_t slots, uint32_t slot)
{
	uint8_t *table = (uint8_t *)region + 2 * ring_bytes(slots);

	return (struct blk_element *)(void *)(table + slot * BLK_ROW_BYTES);
}

#endif
