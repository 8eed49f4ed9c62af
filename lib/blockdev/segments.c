/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests as physically contiguous pieces, across elements (lib/arena walks one arena). Pure.
 */
#include "blockdev/host.h"

bool bserver_segment(const struct bserver_request *r, struct bserver_cursor *c, uint32_t max_bytes,
                     struct bserver_segment *seg)
{
	*seg = (struct bserver_segment){.bus = 0};
	while (c->element < r->element_count && seg->len_bytes < max_bytes) {
		const struct bserver_element *e = &r->elements[c->element];
		uint32_t left = e->len_bytes - c->offset, room = max_bytes - seg->len_bytes;
		struct arena_piece p =
			arena_piece(&r->session->arenas.slots[e->arena].map, e->offset + c->offset,
		                    left < room ? left : room);

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
