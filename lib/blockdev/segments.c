/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests as physically contiguous pieces. For each page of an arena the length of the run that
 * starts there is known from the start, so a walk takes one step a run and not one a page. Pure.
 */
#include "blockdev/host.h"

void arena_runs(const uint64_t *bus, uint16_t *run, size_t pages)
{
	for (size_t i = pages; i-- > 0;) {
		bool goes_on = i + 1 < pages && bus[i] + PAGE_BYTES == bus[i + 1];

		run[i] = 1;
		if (goes_on)
			run[i] = run[i + 1] < UINT16_MAX ? (uint16_t)(run[i + 1] + 1) : UINT16_MAX;
	}
}

/* The contiguous bytes at an offset of an arena, at most `limit`. */
static struct bserver_segment piece(const struct bserver_arena *a, uint64_t offset, uint32_t limit)
{
	uint64_t page = offset >> PAGE_SHIFT, in_page = offset & (PAGE_BYTES - 1);
	uint64_t len = a->run[page] * PAGE_BYTES - in_page;

	return (struct bserver_segment){.bus = a->bus[page] + in_page,
	                                .len_bytes = len < limit ? (uint32_t)len : limit};
}

bool bserver_segment(const struct bserver_request *r, struct bserver_cursor *c, uint32_t max_bytes,
                     struct bserver_segment *seg)
{
	*seg = (struct bserver_segment){.bus = 0};
	while (c->element < r->element_count && seg->len_bytes < max_bytes) {
		const struct bserver_element *e = &r->elements[c->element];
		uint32_t left = e->len_bytes - c->offset, room = max_bytes - seg->len_bytes;
		struct bserver_segment p = piece(&r->session->arenas[e->arena],
		                                 e->offset + c->offset, left < room ? left : room);

		if (seg->len_bytes > 0 && seg->bus + seg->len_bytes != p.bus)
			break;
		if (seg->len_bytes == 0)
			seg->bus = p.bus;
		seg->len_bytes += p.len_bytes;
		c->offset += p.len_bytes;
		if (c->offset == e->len_bytes) {
			c->element++;
			c->offset = 0;
		}
	}
	return seg->len_bytes > 0;
}
