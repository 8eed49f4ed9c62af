/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block cache's bookkeeping: pure, never waits. cio.c does the reading and writing.
 *
 *              cache_take + cache_enter                 read done
 *   free ------------------------------> READING ---------------------> VALID <---+
 *    ^                     \--(no read wanted)--------------------------^ | ^     | written
 *    |   cache_take (not used, or at its second turn)                     | |     |
 *    +--------------------------------------------------------------------+ DIRTY -> WRITING
 *
 * Slots are taken in the order of their memory, so blocks that are read together mostly lie
 * together and one element of a request covers many. A block that was read ahead counts as used
 * only when it is asked for a second time: a long sequential read does not push out what is in use.
 *
 * Invariants: a slot with READING, WRITING, DIRTY or pins is never taken; each dirty slot is in the
 * list of its class.
 */
#ifndef MFS_CACHE_H
#define MFS_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/mfs.h"

enum { CACHE_CLASSES = MFS_DATA + 1 };

enum slot_flags {
	SLOT_HASHED = 1, /* `block` means something */
	SLOT_VALID = 2,  /* the content is right */
	SLOT_READING = 4,
	SLOT_WRITING = 8,
	SLOT_DIRTY = 16,
	SLOT_USED = 32,    /* spared by the next turn of the clock */
	SLOT_AHEAD = 64,   /* was read ahead, nobody asked for it yet */
	SLOT_DOOMED = 128, /* forgotten while it was read or written: goes when that is over */
	SLOT_CHANGING =
		256, /* pinned by somebody who changes it: file data is not written meanwhile */
};

struct waiter; /* wait.h */

struct slot {
	uint32_t block;
	uint32_t ino;       /* file that MFS_DATA belongs to; 0: not known */
	uint32_t hash_next; /* indexes are + 1; 0 ends a list */
	uint32_t dirty_prev;
	uint32_t dirty_next;
	uint32_t io_next; /* next slot of the same request */
	uint16_t flags;
	uint16_t pins;
	uint8_t class;
	struct waiter *waiters;
};

struct cache {
	uint8_t *memory;
	uint32_t block_size;
	uint32_t slot_count;
	uint32_t hand;
	struct slot *slots;
	uint32_t *hash;
	uint32_t hash_mask;
	uint32_t dirty_head[CACHE_CLASSES];
	uint32_t dirty_count[CACHE_CLASSES];
	uint64_t hits, misses, evictions;
};

/* Bytes of bookkeeping for so many slots. */
size_t cache_table_bytes(uint32_t slots);
/* `memory` holds the blocks, `table` is zeroed, aligned to 16. */
void cache_init(struct cache *c, void *memory, size_t memory_bytes, void *table);
/* How many slots fit; the power of two below is not needed. */
uint32_t cache_slots(size_t memory_bytes, uint32_t block_size);
struct slot *cache_find(struct cache *c, uint32_t block);
/* A slot that may be used anew, no longer hashed; NULL: all are busy or dirty. */
struct slot *cache_take(struct cache *c);
void cache_enter(struct cache *c, struct slot *s, uint32_t block);
/* The content matters no more; must not be busy. */
void cache_drop(struct cache *c, struct slot *s);
void cache_make_dirty(struct cache *c, struct slot *s, uint8_t class);
void cache_make_clean(struct cache *c, struct slot *s);
/* Dirty slots of a class, of one inode (0: all), at most `max`, sorted by block. Returns how many.
 */
uint32_t cache_collect(struct cache *c, uint8_t class, uint32_t ino, struct slot **list,
                       uint32_t max);

static inline uint8_t *cache_data(const struct cache *c, const struct slot *s)
{
	return c->memory + (size_t)(s - c->slots) * c->block_size;
}

static inline bool slot_is_busy(const struct slot *s)
{
	return s->flags & (SLOT_READING | SLOT_WRITING);
}

/* May a write of this class start now? */
static inline bool cache_is_writable(const struct slot *s, uint8_t class)
{
	if (!(s->flags & SLOT_DIRTY) || (s->flags & SLOT_WRITING) || s->class != class)
		return false;
	return class != MFS_DATA || !(s->flags & SLOT_CHANGING);
}

static inline uint32_t cache_dirty_metadata(const struct cache *c)
{
	return c->dirty_count[MFS_BITMAP] + c->dirty_count[MFS_FRESH] + c->dirty_count[MFS_NODE] +
	       c->dirty_count[MFS_DIR];
}

#endif
