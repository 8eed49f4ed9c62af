/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that drivers see. Two areas, each an arena of lib/netdev:
 *
 *   send area     lwIP's heap: pbufs with headers and data. Drivers may read it, never write it, so
 *                 pbuf structs and allocator links in it are safe.
 *   receive area  RX buffers only (rxpool.c). Drivers write it whenever they like: nothing in it is
 *                 interpreted, what lwIP reads as a header was copied out first.
 *
 * The heap is a slab allocator over blocks of 16 KiB: an object's size class is its block's, so free
 * needs no header and neighbours never merge; what is larger than 8 KiB takes whole blocks. Allocations of
 * SMALL_BYTES and less (ACKs, ARP) may use the last RESERVED_BLOCKS, data may not: a full arena still
 * acknowledges, and so becomes empty again. Bookkeeping is in private memory. Pure.
 */
#ifndef INET_ARENA_H
#define INET_ARENA_H

#include "axolotl/types.h"
#include "axolotl/net.h"

#define ARENA_BLOCK_BYTES     16384u
#define ARENA_BLOCKS_MAX      2048u
#define ARENA_SMALL_BYTES     512u
#define ARENA_RESERVED_BLOCKS 8u

/* Memory is page aligned and zeroed, len a multiple of ARENA_BLOCK_BYTES; `number` is netdev's. */
void arena_init(void *memory, size_t len_bytes, int number);
/* 8-byte aligned; NULL when there is no room. */
void *arena_alloc(size_t len_bytes);
void *arena_calloc(size_t count, size_t len_bytes);
void arena_free(void *ptr); /* NULL is allowed */

/* The receive area, for elements only: a received frame may be sent on (ICMP echo). */
void arena_set_receive(void *memory, size_t len_bytes, int number);
/* Where a driver finds these bytes; false: not in an arena, or not wholly. */
bool arena_element(const void *ptr, size_t len_bytes, struct net_element *e);

struct arena_stats {
	uint32_t blocks, blocks_used, blocks_used_max;
	uint64_t allocations, refused;
};
void arena_get_stats(struct arena_stats *s);

#endif
