/* SPDX-License-Identifier: BSD-2-Clause */
/* See cache.h. */
#include "cache.h"

#include <stdlib.h>
#include <string.h>

static uint32_t hash_size(uint32_t slots)
{
	uint32_t n = 16;

	while (n < slots)
		n *= 2;
	return n;
}

size_t cache_table_bytes(uint32_t slots)
{
	return (size_t)slots * sizeof(struct slot) + (size_t)hash_size(slots) * sizeof(uint32_t);
}

uint32_t cache_slots(size_t memory_bytes, uint32_t block_size)
{
	return (uint32_t)(memory_bytes / block_size);
}

void cache_init(struct cache *c, void *memory, size_t memory_bytes, void *table)
{
	uint32_t block_size = c->block_size;

	memset(c, 0, sizeof(*c));
	c->block_size = block_size;
	c->memory = memory;
	c->slot_count = cache_slots(memory_bytes, block_size);
	c->slots = table;
	c->hash = (uint32_t *)(void *)(c->slots + c->slot_count);
	c->hash_mask = hash_size(c->slot_count) - 1;
}

static uint32_t *hash_head(struct cache *c, uint32_t block)
{
	return &c->hash[block & c->hash_mask];
}

static uint32_t index_of(const struct cache *c, const struct slot *s)
{
	return (uint32_t)(s - c->slots) + 1;
}

struct slot *cache_find(struct cache *c, uint32_t block)
{
	uint32_t i = *hash_head(c, block);

	while (i && c->slots[i - 1].block != block)
		i = c->slots[i - 1].hash_next;
	return i ? &c->slots[i - 1] : NULL;
}

static void unhash(struct cache *c, struct slot *s)
{
	uint32_t *link = hash_head(c, s->block);

	while (*link && *link != index_of(c, s))
		link = &c->slots[*link - 1].hash_next;
	if (*link)
		*link = s->hash_next;
}

static bool is_takeable(struct slot *s)
{
	if (s->pins || s->waiters || (s->flags & (SLOT_READING | SLOT_WRITING | SLOT_DIRTY)))
		return false;
	if (s->flags & SLOT_USED) {
		s->flags &= (uint16_t)~SLOT_USED;
		return false;
	}
	return true;
}

struct slot *cache_take(struct cache *c)
{
	for (uint32_t n = 0; n < 2 * c->slot_count; n++) {
		struct slot *s = &c->slots[c->hand];

		c->hand = c->hand + 1 < c->slot_count ? c->hand + 1 : 0;
		if (!is_takeable(s))
			continue;
		if (s->flags & SLOT_HASHED)
			c->evictions++;
		cache_drop(c, s);
		return s;
	}
	return NULL;
}

void cache_enter(struct cache *c, struct slot *s, uint32_t block)
{
	s->block = block;
	s->ino = 0;
	s->flags = SLOT_HASHED;
	s->hash_next = *hash_head(c, block);
	*hash_head(c, block) = index_of(c, s);
}

void cache_drop(struct cache *c, struct slot *s)
{
	cache_make_clean(c, s);
	if (s->flags & SLOT_HASHED)
		unhash(c, s);
	s->flags = 0;
}

void cache_make_dirty(struct cache *c, struct slot *s, uint8_t class)
{
	uint32_t *head;

	if ((s->flags & SLOT_DIRTY) && s->class <= class)
		return;
	cache_make_clean(c, s);
	head = &c->dirty_head[class];
	s->flags |= SLOT_DIRTY | SLOT_VALID;
	s->class = class;
	s->dirty_prev = 0;
	s->dirty_next = *head;
	if (*head)
		c->slots[*head - 1].dirty_prev = index_of(c, s);
	*head = index_of(c, s);
	c->dirty_count[class]++;
}

void cache_make_clean(struct cache *c, struct slot *s)
{
	if (!(s->flags & SLOT_DIRTY))
		return;
	if (s->dirty_prev)
		c->slots[s->dirty_prev - 1].dirty_next = s->dirty_next;
	else
		c->dirty_head[s->class] = s->dirty_next;
	if (s->dirty_next)
		c->slots[s->dirty_next - 1].dirty_prev = s->dirty_prev;
	c->dirty_count[s->class]--;
	s->flags &= (uint16_t)~SLOT_DIRTY;
}

static int by_block(const void *a, const void *b)
{
	const struct slot *const *left = a;
	const struct slot *const *right = b;

	return ((*left)->block > (*right)->block) - ((*left)->block < (*right)->block);
}

uint32_t cache_collect(struct cache *c, uint8_t class, uint32_t ino, struct slot **list,
                       uint32_t max)
{
	uint32_t count = 0;

	for (uint32_t i = c->dirty_head[class]; i && count < max; i = c->slots[i - 1].dirty_next) {
		struct slot *s = &c->slots[i - 1];

		if (cache_is_writable(s, class) && (ino == 0 || s->ino == ino))
			list[count++] = s;
	}
	qsort(list, count, sizeof(struct slot *), by_block);
	return count;
}
