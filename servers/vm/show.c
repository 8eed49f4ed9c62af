/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entering pages into the hardware tables, in as few kernel calls as possible: runs of the same
 * protection as lists of frames; contiguous memory in one piece, so that it can have large pages.
 */
#include "vm.h"

#define LIST_MAX 256u

static uint32_t entry_prot(const struct region *r, uint32_t entry)
{
	uint32_t prot = r->prot;

	if (entry & PE_COW)
		prot &= ~VMP_WRITE;
	return prot;
}

static int show_phys(struct space *s, const struct region *r)
{
	struct hw_run run = {.va = r->start,
	                     .pages = PAGE_OF(r->end - r->start),
	                     .pa = r->offset,
	                     .prot = r->prot | ((r->flags & RF_UC) ? VMP_UC : 0)};

	return hw_map(s, &run);
}

/* Physically contiguous memory in one piece, so that it can have large pages. */
static int show_dma(struct space *s, const struct region *r)
{
	uint64_t page = PAGE_OF(r->start);
	uint32_t first = pagemap_get(&s->pages, page);
	struct hw_run run = {.va = r->start,
	                     .pages = PAGE_OF(r->end - r->start),
	                     .pa = frame_pa(first & PE_FRAME),
	                     .prot = r->prot};

	VM_ASSERT(first != 0);
	return hw_map(s, &run);
}

static bool is_contiguous(struct space *s, const struct region *r)
{
	uint64_t page = PAGE_OF(r->start), end = PAGE_OF(r->end);
	uint32_t expected = pagemap_get(&s->pages, page);
	struct pagemap_span span;

	if (expected == 0 || (expected & PE_COW))
		return false;
	for (; pagemap_span(&s->pages, page, end, &span); page += span.count) {
		if (span.first != page)
			return false;
		for (uint32_t i = 0; i < span.count; i++)
			if (span.entries[i] != expected++)
				return false;
	}
	return page == end;
}

/* Shows entries [i, ...) of the span as long as they exist and have the same protection; returns
 * how many, or an error. */
static int show_run(struct space *s, const struct region *r, const struct pagemap_span *span,
                    uint32_t i)
{
	static uint64_t list[LIST_MAX];
	const uint32_t *e = span->entries + i;
	uint32_t left = span->count - i, n = 0;
	struct hw_run run = {.va = ADDR_OF(span->first + i), .list = list};
	int err;

	run.prot = entry_prot(r, e[0]);
	while (n < left && n < LIST_MAX && e[n] != 0 && entry_prot(r, e[n]) == run.prot) {
		list[n] = frame_pa(e[n] & PE_FRAME);
		n++;
	}
	run.pages = n;
	err = hw_map(s, &run);
	return err < 0 ? err : (int)n;
}

int space_show(struct space *s, const struct region *r, uint64_t first, uint64_t end)
{
	struct pagemap_span span;

	if (r->kind == REGION_PHYS)
		return show_phys(s, r);
	if (r->kind == REGION_DMA || (r->kind == REGION_SAFEMAP && is_contiguous(s, r)))
		return show_dma(s, r);
	while (r->prot != 0 && pagemap_span(&s->pages, first, end, &span)) {
		uint32_t i = 0;

		while (i < span.count) {
			int n = span.entries[i] == 0 ? 1 : show_run(s, r, &span, i);

			if (n < 0)
				return n;
			i += (uint32_t)n;
		}
		first = span.first + span.count;
	}
	return 0;
}
