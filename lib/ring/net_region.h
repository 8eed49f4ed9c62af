/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Geometry of a network session's region (net.h): four rings, then the element table. It follows from
 * the slot count alone, so a server computes it from ATTACH and compares it with region_bytes.
 */
#ifndef LIB_RING_NET_REGION_H
#define LIB_RING_NET_REGION_H

#include "axolotl/net.h"
#include "ring/ring.h"

enum net_ring { NET_RING_TX, NET_RING_TX_DONE, NET_RING_RX, NET_RING_RX_DONE, NET_RINGS };

#define NET_ROW_BYTES (NET_ELEMENTS_MAX * sizeof(struct net_element))
_Static_assert(NET_SLOTS_MAX <= RING_SLOTS_MAX, "a ring can have that many slots");
_Static_assert(PAGE_BYTES % NET_ROW_BYTES == 0, "rows do not cross pages");
_Static_assert(RING_SLOT_BYTES == sizeof(struct net_tx), "descriptors fill a slot");

static inline size_t net_region_bytes(uint32_t slots) /* 0: not a valid slot count */
{
	size_t table = (slots * NET_ROW_BYTES + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);

	if (ring_bytes(slots) == 0 || slots > NET_SLOTS_MAX)
		return 0;
	return NET_RINGS * ring_bytes(slots) + table;
}

static inline struct ring *net_region_ring(void *region, uint32_t slots, enum net_ring which)
{
	return (struct ring *)(void *)((uint8_t *)region + (unsigned)which * ring_bytes(slots));
}

/* Row of NET_ELEMENTS_MAX elements of tx frame slot number `slot`. */
static inline struct net_element *net_region_row(void *region, uint32_t slots, uint32_t slot)
{
	uint8_t *table = (uint8_t *)region + NET_RINGS * ring_bytes(slots);

	return (struct net_element *)(void *)(table + slot * NET_ROW_BYTES);
}

#endif
