/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Elements as physically contiguous pieces, and frames copied out of their elements. Pure.
 */
#include <string.h>

#include "netdev/host.h"

bool nserver_segment(const struct nserver_session *s, const struct nserver_element *e,
                     uint32_t from, uint32_t max_bytes, struct nserver_segment *seg)
{
	uint32_t left = from < e->len_bytes ? e->len_bytes - from : 0;
	struct arena_piece p;

	if (left == 0 || max_bytes == 0)
		return false;
	p = arena_piece(&s->arenas.slots[e->arena].map, e->offset + from,
	                left < max_bytes ? left : max_bytes);
	*seg = (struct nserver_segment){.bus = p.bus, .len_bytes = p.len_bytes};
	return true;
}

uint32_t nserver_tx_copy(const struct nserver_tx *t, uint32_t from, void *out, uint32_t len_bytes)
{
	uint8_t *to = out;
	uint32_t copied = 0, start = 0; /* of the element, in the frame */

	for (unsigned i = 0; i < t->element_count && copied < len_bytes; i++) {
		const struct nserver_element *e = &t->elements[i];
		uint32_t at = from + copied, end = start + e->len_bytes, n;

		if (at < end && e->ptr != NULL) {
			n = end - at < len_bytes - copied ? end - at : len_bytes - copied;
			memcpy(to + copied, (const uint8_t *)e->ptr + (at - start), n);
			copied += n;
		}
		start = end;
	}
	return copied;
}
