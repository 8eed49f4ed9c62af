/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying an address space on fork: regions are copied, private pages are lent to the child and
 * become copy on write on both sides; shared pages are found again through their objects. What a
 * system process has mapped by VM_ALLOC_DMA, VM_MAP_PHYS or VM_SAFEMAP is not inherited.
 *
 * The child gets entries for all private pages at once, because a fault costs as much as fifty entries.
 * A page that the parent owns when it forks has been written since the last fork, and will be again:
 * where a region has only a few of those (a shell's stack, data, heap) they are copied at once, and
 * neither side ever faults on them. When they become too many, all are lent, and it begins anew.
 *
 * If memory runs out on the way the child is given up; the parent then has some
 * pages marked copy on write that it does not share, and takes them back at its next write.
 */
#include <errno.h>
#include "vm.h"

#define COPIES_MAX 16u

static bool is_inherited(const struct region *r)
{
	return r->kind != REGION_DMA && r->kind != REGION_SAFEMAP &&
	       (r->kind != REGION_PHYS || (r->flags & RF_SPECIAL));
}

static bool is_private(const struct region *r)
{
	return (r->kind == REGION_ANON || r->kind == REGION_FILE) && !(r->flags & RF_SHARED);
}

/* What one region's pages need on their way to the child. */
struct lending {
	struct space *child;
	bool want_copies;       /* of pages that the parent owns */
	uint64_t first, behind; /* pages that have to lose write access in the parent */
};

/* The child's entry for a page of the parent; 0: no memory. */
static uint32_t lend_entry(struct lending *l, uint32_t *entry, uint64_t page)
{
	uint32_t copy;

	if (!(*entry & PE_COW) && l->want_copies) {
		copy = memory_dirty_page(FRAME_ANON, 0);
		if (copy != FRAME_NONE)
			memory_copy(frame_ptr(copy), frame_ptr(*entry & PE_FRAME));
		return copy;
	}
	if (!(*entry & PE_COW)) {
		*entry |= PE_COW;
		l->first = page < l->first ? page : l->first;
		l->behind = page + 1;
	}
	frame_ref(*entry & PE_FRAME);
	return *entry;
}

static int lend_span(struct lending *l, const struct pagemap_span *span)
{
	uint32_t *to = pagemap_make(&l->child->pages, span->first);
	int32_t count = 0;
	int err = 0;

	if (to == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < span->count && err == 0; i++) {
		if (span->entries[i] == 0)
			continue;
		to[i] = lend_entry(l, &span->entries[i], span->first + i);
		if (to[i] == 0)
			err = -ENOMEM;
		else
			count++;
	}
	pagemap_adjust(&l->child->pages, span->first, count);
	return err;
}

/* Pages of r that the parent has to itself and may write. */
static uint64_t count_owned(struct space *s, const struct region *r)
{
	uint64_t page = PAGE_OF(r->start), count = 0;
	struct pagemap_span span;

	for (; pagemap_span(&s->pages, page, PAGE_OF(r->end), &span);
	     page = span.first + span.count)
		for (uint32_t i = 0; i < span.count; i++)
			count += span.entries[i] != 0 && !(span.entries[i] & PE_COW);
	return count;
}

static int lend_pages(struct space *parent, struct space *child, const struct region *r)
{
	struct lending l = {.child = child, .first = UINT64_MAX};
	uint64_t page = PAGE_OF(r->start);
	struct pagemap_span span;
	int err = 0;

	l.want_copies = (r->prot & VMP_WRITE) && count_owned(parent, r) <= COPIES_MAX;
	while (err == 0 && pagemap_span(&parent->pages, page, PAGE_OF(r->end), &span)) {
		err = lend_span(&l, &span);
		page = span.first + span.count;
	}
	if (l.behind != 0 && (r->prot & VMP_WRITE))
		hw_protect(parent, ADDR_OF(l.first), l.behind - l.first, r->prot & ~VMP_WRITE);
	return err;
}

static int copy_region(struct space *parent, struct space *child, const struct region *r)
{
	int err = space_prepare(child, r);

	if (err < 0)
		return err;
	space_add_region(child, r);
	if (!is_private(r))
		return 0;
	err = lend_pages(parent, child, r);
	return err < 0 ? err : space_show(child, r, PAGE_OF(r->start), PAGE_OF(r->end));
}

int space_fork(struct space *parent, struct space *child)
{
	for (uint32_t i = 0; i < parent->regions.count; i++) {
		struct region r = *regions_at(&parent->regions, i);
		int err;

		if (!is_inherited(&r) || (r.flags & RF_SPECIAL))
			continue; /* space_create() has made the special ones */
		err = copy_region(parent, child, &r);
		if (err < 0)
			return err;
	}
	child->brk_start = parent->brk_start;
	child->brk_end = parent->brk_end;
	return 0;
}
