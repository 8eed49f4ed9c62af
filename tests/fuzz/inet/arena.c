/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The send area's allocator (servers/inet/arena.h) for fuzzing: what was not allocated is poisoned, so that
 * the sanitizer sees a read or write past the end of a pbuf, or of one that was freed.
 */
#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "servers/inet/arena.h"

/* Sizes are powers of two, the first BEHIND bytes after an object always poisoned. */
#define CLASSES 18u
#define SMALL   6u
#define BEHIND  16u

struct area {
	uint8_t *base;
	size_t len_bytes;
	int number;
};
struct object {
	struct object *next;
	uint8_t *at;
	size_t len_bytes;
};

static struct area send, receive;
static size_t fresh;
static struct object *free_objects[CLASSES];
static struct object *used; /* in no order: there are few */
static struct arena_stats stats;

void arena_init(void *memory, size_t len_bytes, int number)
{
	send = (struct area){memory, len_bytes, number};
	stats = (struct arena_stats){.blocks = (uint32_t)(len_bytes / ARENA_BLOCK_BYTES)};
	ASAN_POISON_MEMORY_REGION(memory, len_bytes);
}

void arena_set_receive(void *memory, size_t len_bytes, int number)
{
	receive = (struct area){memory, len_bytes, number};
}

static unsigned class_of(size_t len_bytes)
{
	unsigned c = 0;

	while (c < CLASSES && ((size_t)1 << (c + SMALL)) < len_bytes + BEHIND)
		c++;
	return c;
}

/* A never used piece of the area; the bookkeeping is outside of it. */
static struct object *make(unsigned c)
{
	size_t room = (size_t)1 << (c + SMALL);
	struct object *o;

	if (room > send.len_bytes - fresh)
		return NULL;
	o = malloc(sizeof(*o));
	if (o == NULL)
		abort();
	o->at = send.base + fresh;
	fresh += room;
	return o;
}

void *arena_alloc(size_t len_bytes)
{
	unsigned c = class_of(len_bytes);
	struct object *o = c < CLASSES ? free_objects[c] : NULL;

	if (o != NULL)
		free_objects[c] = o->next;
	else if (c < CLASSES)
		o = make(c);
	if (o == NULL) {
		stats.refused++;
		return NULL;
	}
	o->len_bytes = len_bytes;
	o->next = used;
	used = o;
	stats.allocations++;
	stats.blocks_used++;
	ASAN_UNPOISON_MEMORY_REGION(o->at, len_bytes);
	return o->at;
}

void *arena_calloc(size_t count, size_t len_bytes)
{
	void *p = NULL;

	/* rxpool's slots are larger than any class, and for ever. */
	if (class_of(count * len_bytes) == CLASSES && count * len_bytes < send.len_bytes - fresh) {
		p = send.base + fresh;
		fresh += (count * len_bytes + BEHIND + 7) & ~(size_t)7;
		ASAN_UNPOISON_MEMORY_REGION(p, count * len_bytes);
	} else {
		p = arena_alloc(count * len_bytes);
	}
	if (p != NULL)
		memset(p, 0, count * len_bytes);
	return p;
}

void arena_free(void *ptr)
{
	struct object **link = &used, *o;

	if (ptr == NULL)
		return;
	while (*link != NULL && (*link)->at != ptr)
		link = &(*link)->next;
	o = *link;
	if (o == NULL)
		abort(); /* not allocated, or freed twice */
	*link = o->next;
	ASAN_POISON_MEMORY_REGION(o->at, o->len_bytes);
	o->next = free_objects[class_of(o->len_bytes)];
	free_objects[class_of(o->len_bytes)] = o;
	stats.blocks_used--;
}

static bool is_in(const struct area *a, const uint8_t *p, size_t len_bytes)
{
	return p >= a->base && p < a->base + a->len_bytes &&
	       len_bytes <= (size_t)(a->base + a->len_bytes - p);
}

bool arena_element(const void *ptr, size_t len_bytes, struct net_element *e)
{
	const struct area *a = is_in(&send, ptr, len_bytes) ? &send : &receive;

	if (!is_in(a, ptr, len_bytes))
		return false;
	*e = (struct net_element){.offset = (uint64_t)((const uint8_t *)ptr - a->base),
	                          .len_bytes = (uint32_t)len_bytes,
	                          .arena = (uint16_t)a->number};
	return true;
}

/* blocks_used: objects, here. */
void arena_get_stats(struct arena_stats *s)
{
	*s = stats;
}
