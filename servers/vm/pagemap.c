/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page map. Leaves are found by binary search, but mostly by the hint: faults and walks stay close.
 * The number of used entries of a leaf is kept in its frame's `next` (META frames are in no list).
 */
#include <errno.h>
#include <string.h>
#include "pagemap.h"

#define DIR_ORDER_MAX 6u

struct leaf_ref {
	uint32_t key;
	uint32_t frame;
};
#define REFS_PER_FRAME (PAGE_BYTES / sizeof(struct leaf_ref))

static struct leaf_ref *dir_of(const struct pagemap *pm)
{
	return frame_ptr(pm->dir);
}

/* Position of the first leaf with a key >= key. */
static uint32_t dir_search(const struct pagemap *pm, uint32_t key)
{
	const struct leaf_ref *dir;
	uint32_t low = 0, high = pm->leaf_count;

	if (pm->dir == FRAME_NONE)
		return 0;
	dir = dir_of(pm);
	if (pm->hint < pm->leaf_count && dir[pm->hint].key == key)
		return pm->hint;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (dir[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool has_key(const struct pagemap *pm, uint32_t pos, uint32_t key)
{
	return pos < pm->leaf_count && dir_of(pm)[pos].key == key;
}

static uint32_t *leaf_at(const struct pagemap *pm, uint32_t pos)
{
	return frame_ptr(dir_of(pm)[pos].frame);
}

uint32_t pagemap_get(struct pagemap *pm, uint64_t index)
{
	uint32_t key = (uint32_t)(index / PAGEMAP_LEAF);
	uint32_t pos = dir_search(pm, key);

	if (!has_key(pm, pos, key))
		return 0;
	pm->hint = pos;
	return leaf_at(pm, pos)[index % PAGEMAP_LEAF];
}

/* Room for one more leaf in the directory. */
static int dir_grow(struct pagemap *pm)
{
	uint32_t order = pm->dir == FRAME_NONE ? 0 : pm->dir_order + 1;
	uint32_t dir;

	if (pm->dir != FRAME_NONE && pm->leaf_count < REFS_PER_FRAME << pm->dir_order)
		return 0;
	if (order > DIR_ORDER_MAX)
		return -ENOMEM;
	dir = frame_alloc(order, FRAME_META, FRAME_URGENT);
	if (dir == FRAME_NONE)
		return -ENOMEM;
	if (pm->dir != FRAME_NONE) {
		memcpy(frame_ptr(dir), dir_of(pm), pm->leaf_count * sizeof(struct leaf_ref));
		frame_unref_run(pm->dir, 1u << pm->dir_order);
	}
	pm->dir = dir;
	pm->dir_order = order;
	return 0;
}

static int leaf_add(struct pagemap *pm, uint32_t pos, uint32_t key)
{
	struct leaf_ref *dir;
	uint32_t leaf;
	int r = dir_grow(pm);

	if (r < 0)
		return r;
	leaf = frame_alloc(0, FRAME_META, FRAME_URGENT);
	if (leaf == FRAME_NONE)
		return -ENOMEM;
	memset(frame_ptr(leaf), 0, PAGE_BYTES);
	dir = dir_of(pm);
	memmove(&dir[pos + 1], &dir[pos], (pm->leaf_count - pos) * sizeof(*dir));
	dir[pos] = (struct leaf_ref){key, leaf};
	pm->leaf_count++;
	return 0;
}

static void leaf_remove(struct pagemap *pm, uint32_t pos)
{
	struct leaf_ref *dir = dir_of(pm);

	frame_unref(dir[pos].frame);
	pm->leaf_count--;
	memmove(&dir[pos], &dir[pos + 1], (pm->leaf_count - pos) * sizeof(*dir));
}

bool pagemap_span(struct pagemap *pm, uint64_t index, uint64_t end, struct pagemap_span *span)
{
	uint32_t pos = dir_search(pm, (uint32_t)(index / PAGEMAP_LEAF));
	uint64_t base, stop;

	if (index >= end || pos >= pm->leaf_count)
		return false;
	base = (uint64_t)dir_of(pm)[pos].key * PAGEMAP_LEAF;
	stop = base + PAGEMAP_LEAF < end ? base + PAGEMAP_LEAF : end;
	if (index < base)
		index = base;
	if (index >= stop)
		return false;
	pm->hint = pos;
	*span = (struct pagemap_span){leaf_at(pm, pos) + (index - base), index,
	                              (uint32_t)(stop - index)};
	return true;
}

uint32_t *pagemap_make(struct pagemap *pm, uint64_t index)
{
	uint32_t key = (uint32_t)(index / PAGEMAP_LEAF);
	uint32_t pos = dir_search(pm, key);

	VM_ASSERT(index / PAGEMAP_LEAF <= UINT32_MAX);
	if (!has_key(pm, pos, key) && leaf_add(pm, pos, key) < 0)
		return NULL;
	pm->hint = pos;
	return leaf_at(pm, pos) + index % PAGEMAP_LEAF;
}

void pagemap_adjust(struct pagemap *pm, uint64_t index, int32_t change)
{
	uint32_t key = (uint32_t)(index / PAGEMAP_LEAF);
	uint32_t pos = dir_search(pm, key);
	struct frame *f;

	VM_ASSERT(has_key(pm, pos, key));
	f = frame_of(dir_of(pm)[pos].frame);
	f->next = (uint32_t)((int64_t)f->next + change);
	pm->used = (uint64_t)((int64_t)pm->used + change);
	VM_ASSERT(f->next <= PAGEMAP_LEAF);
	if (f->next == 0)
		leaf_remove(pm, pos);
}

int pagemap_set(struct pagemap *pm, uint64_t index, uint32_t entry)
{
	uint32_t *slot;

	if (entry == 0) {
		pagemap_clear(pm, index);
		return 0;
	}
	slot = pagemap_make(pm, index);
	if (slot == NULL)
		return -ENOMEM;
	if (*slot == 0)
		pagemap_adjust(pm, index, 1);
	*slot = entry;
	return 0;
}

void pagemap_clear(struct pagemap *pm, uint64_t index)
{
	uint32_t key = (uint32_t)(index / PAGEMAP_LEAF);
	uint32_t pos = dir_search(pm, key);
	uint32_t *slot;

	if (!has_key(pm, pos, key))
		return;
	slot = &leaf_at(pm, pos)[index % PAGEMAP_LEAF];
	if (*slot == 0)
		return;
	*slot = 0;
	pagemap_adjust(pm, index, -1);
}

bool pagemap_next(struct pagemap *pm, uint64_t *index, uint64_t end, uint32_t *entry)
{
	struct pagemap_span span;

	while (pm->used > 0 && pagemap_span(pm, *index, end, &span)) {
		for (uint32_t i = 0; i < span.count; i++) {
			if (span.entries[i] == 0)
				continue;
			*index = span.first + i;
			*entry = span.entries[i];
			return true;
		}
		*index = span.first + span.count;
	}
	return false;
}

void pagemap_destroy(struct pagemap *pm)
{
	if (pm->dir != FRAME_NONE) {
		for (uint32_t pos = 0; pos < pm->leaf_count; pos++)
			frame_unref(dir_of(pm)[pos].frame);
		frame_unref_run(pm->dir, 1u << pm->dir_order);
	}
	*pm = (struct pagemap){0};
}
