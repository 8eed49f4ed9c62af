/* SPDX-License-Identifier: BSD-2-Clause */
/* Sorted array of regions; see region.h. The array lives in a block of frames that doubles. */
#include <errno.h>
#include <string.h>
#include "region.h"

#define ORDER_MAX 7u /* 512 KiB: 13107 regions */

static uint32_t capacity(const struct regions *rs)
{
	if (rs->frame == FRAME_NONE)
		return 0;
	return (uint32_t)((PAGE_BYTES << rs->order) / sizeof(struct region));
}

struct region *regions_at(const struct regions *rs, uint32_t i)
{
	VM_ASSERT(i < capacity(rs));
	return (struct region *)frame_ptr(rs->frame) + i;
}

uint32_t regions_search(const struct regions *rs, uint64_t addr)
{
	uint32_t low = 0, high = rs->count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (regions_at(rs, mid)->end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

struct region *regions_find(const struct regions *rs, uint64_t addr)
{
	uint32_t i = regions_search(rs, addr);

	if (i == rs->count || regions_at(rs, i)->start > addr)
		return NULL;
	return regions_at(rs, i);
}

bool regions_is_free(const struct regions *rs, uint64_t start, uint64_t end)
{
	uint32_t i = regions_search(rs, start);

	return i == rs->count || regions_at(rs, i)->start >= end;
}

bool regions_is_covered(const struct regions *rs, uint64_t start, uint64_t end)
{
	uint32_t i = regions_search(rs, start);

	while (start < end) {
		if (i == rs->count || regions_at(rs, i)->start > start)
			return false;
		start = regions_at(rs, i)->end;
		i++;
	}
	return true;
}

uint64_t regions_gap(const struct regions *rs, uint64_t len, uint64_t low, uint64_t high)
{
	uint64_t top = high;
	uint32_t i;

	if (len == 0 || len > high - low)
		return 0;
	i = regions_search(rs, high - 1);
	if (i < rs->count && regions_at(rs, i)->start < high)
		top = regions_at(rs, i)->start;
	/* Going down: [end of region i - 1, top) is free. */
	for (;; i--) {
		uint64_t bottom = i == 0 ? low : regions_at(rs, i - 1)->end;

		if (top < low + len)
			return 0;
		if (bottom < low)
			bottom = low;
		if (top >= bottom && top - bottom >= len)
			return top - len;
		if (i == 0)
			return 0;
		top = regions_at(rs, i - 1)->start;
	}
}

int regions_reserve(struct regions *rs, uint32_t more)
{
	uint32_t order = rs->frame == FRAME_NONE ? 0 : rs->order;
	uint32_t block;

	if (rs->count + more <= capacity(rs))
		return 0;
	while ((PAGE_BYTES << order) / sizeof(struct region) < rs->count + more)
		order++;
	if (order > ORDER_MAX)
		return -ENOMEM;
	block = frame_alloc(order, FRAME_META, FRAME_URGENT);
	if (block == FRAME_NONE)
		return -ENOMEM;
	if (rs->frame != FRAME_NONE) {
		memcpy(frame_ptr(block), frame_ptr(rs->frame), rs->count * sizeof(struct region));
		frame_unref_run(rs->frame, 1u << rs->order);
	}
	rs->frame = block;
	rs->order = order;
	return 0;
}

static bool has_offset(const struct region *r)
{
	return r->kind == REGION_FILE || r->kind == REGION_SHM || r->kind == REGION_PHYS;
}

/* b follows a directly and continues it. Mappings that are given back as a whole are never merged.
 */
static bool can_merge(const struct region *a, const struct region *b)
{
	if (a->end != b->start || a->kind != b->kind || a->prot != b->prot ||
	    a->max_prot != b->max_prot || a->flags != b->flags || a->object != b->object ||
	    a->file_end != b->file_end || a->kind == REGION_DMA || a->kind == REGION_SAFEMAP)
		return false;
	return !has_offset(a) || a->offset + (a->end - a->start) == b->offset;
}

void regions_remove(struct regions *rs, uint32_t i)
{
	VM_ASSERT(i < rs->count);
	memmove(regions_at(rs, i), regions_at(rs, i) + 1,
	        (rs->count - i - 1) * sizeof(struct region));
	rs->count--;
}

static void insert_at(struct regions *rs, uint32_t i, const struct region *r)
{
	VM_ASSERT(rs->count < capacity(rs) && i <= rs->count);
	memmove(regions_at(rs, i) + 1, regions_at(rs, i), (rs->count - i) * sizeof(struct region));
	*regions_at(rs, i) = *r;
	rs->count++;
}

void regions_merge(struct regions *rs, uint64_t start, uint64_t end)
{
	uint32_t i = regions_search(rs, start);

	if (i > 0)
		i--;
	while (i + 1 < rs->count && regions_at(rs, i)->start <= end) {
		struct region *a = regions_at(rs, i);

		if (can_merge(a, a + 1)) {
			a->end = a[1].end;
			regions_remove(rs, i + 1);
		} else {
			i++;
		}
	}
}

void regions_insert(struct regions *rs, const struct region *r)
{
	uint32_t i = regions_search(rs, r->start);

	VM_ASSERT(r->start < r->end && regions_is_free(rs, r->start, r->end));
	insert_at(rs, i, r);
	regions_merge(rs, r->start, r->end);
}

uint32_t regions_split(struct regions *rs, uint64_t addr)
{
	uint32_t i = regions_search(rs, addr);
	struct region upper;
	struct region *r;

	if (i == rs->count || regions_at(rs, i)->start >= addr)
		return i;
	r = regions_at(rs, i);
	upper = *r;
	upper.start = addr;
	if (has_offset(r))
		upper.offset += addr - r->start;
	r->end = addr;
	insert_at(rs, i + 1, &upper);
	return i + 1;
}

void regions_destroy(struct regions *rs)
{
	if (rs->frame != FRAME_NONE)
		frame_unref_run(rs->frame, 1u << rs->order);
	*rs = (struct regions){0};
}
