/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying an address space on fork: regions are copied, private pages are lent to the child and
 * become copy on write on both sides; shared pages are found again through their objects. What a
 * system process has mapped by VM_ALLOC_DMA, VM_MAP_PHYS or VM_SAFEMAP is not inherited.
 *
 * The child gets read-only entries for all private pages at once, because a fault costs as much as
 * fifty entries. If memory runs out on the way the child is given up; the parent then has some
 * pages marked copy on write that it does not share, and takes them back at its next write.
 */
#include <errno.h>
#include "vm.h"

static bool is_inherited(const struct region *r)
{
	return r->kind != REGION_DMA && r->kind != REGION_SAFEMAP &&
	       (r->kind != REGION_PHYS || (r->flags & RF_SPECIAL));
}

static bool is_private(const struct region *r)
{
	return (r->kind == REGION_ANON || r->kind == REGION_FILE) && !(r->flags & RF_SHARED);
}

/* Lends the pages of one leaf; *last is behind the last page that the parent could write. */
static int lend_span(struct space *child, const struct pagemap_span *span, uint64_t *first,
                     uint64_t *last)
{
	uint32_t *to = pagemap_make(&child->pages, span->first);
	int32_t count = 0;

	if (to == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < span->count; i++) {
		uint32_t entry = span->entries[i];

		if (entry == 0)
			continue;
		frame_ref(entry & PE_FRAME);
		to[i] = entry | PE_COW;
		count++;
		if (entry & PE_COW)
			continue;
		span->entries[i] = entry | PE_COW;
		*last = span->first + i + 1;
		if (*first == UINT64_MAX)
			*first = span->first + i;
	}
	pagemap_adjust(&child->pages, span->first, count);
	return 0;
}

static int lend_pages(struct space *parent, struct space *child, const struct region *r)
{
	uint64_t page = PAGE_OF(r->start), first = UINT64_MAX, last = 0;
	struct pagemap_span span;
	int err = 0;

	while (err == 0 && pagemap_span(&parent->pages, page, PAGE_OF(r->end), &span)) {
		err = lend_span(child, &span, &first, &last);
		page = span.first + span.count;
	}
	if (first != UINT64_MAX && (r->prot & VMP_WRITE))
		hw_protect(parent, ADDR_OF(first), last - first, r->prot & ~VMP_WRITE);
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
