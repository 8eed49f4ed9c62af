/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The send area's allocator (arena.h).
 *
 *   block:  FREE --class needed--> SLAB of a class (in the class's list while it has free objects)
 *             ^---last object freed, and the class has another block---/
 *           FREE --large--> LARGE head, then LARGE_TAIL ... --free--> FREE
 */
#include <stdint.h>
#include <string.h>

#include "arena.h"

void sys_panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* 1632: a full TCP segment with its pbuf and all headers; ten of them fill a block. */
static const uint16_t class_bytes[] = {64, 128, 256, 512, 1024, 1632, 2720, 4096, 8192};
#define CLASSES  (sizeof(class_bytes) / sizeof(class_bytes[0]))
#define NO_BLOCK UINT16_MAX
_Static_assert(ARENA_BLOCKS_MAX < NO_BLOCK, "block numbers fit");

enum block_kind { BLOCK_FREE, BLOCK_SLAB, BLOCK_LARGE, BLOCK_LARGE_TAIL };
struct block {
	uint8_t kind; /* enum block_kind */
	uint8_t class;
	uint16_t used;  /* SLAB: objects; LARGE: blocks of the run */
	uint16_t fresh; /* SLAB: objects from here on were never used and are in no list */
	uint16_t next, prev;
	void *free; /* SLAB: list of free objects, linked through their first word */
};
struct area {
	uint8_t *base;
	size_t len_bytes;
	int number;
};

static struct area send, receive;
static struct block blocks[ARENA_BLOCKS_MAX];
static uint32_t block_count, blocks_free;
static uint32_t large_cursor; /* where the search for free blocks begins */
static uint16_t partial[CLASSES];
static struct arena_stats stats;

void arena_init(void *memory, size_t len_bytes, int number)
{
	if (len_bytes / ARENA_BLOCK_BYTES > ARENA_BLOCKS_MAX || len_bytes % ARENA_BLOCK_BYTES != 0)
		sys_panic("arena: %zu bytes are not a number of blocks", len_bytes);
	memset(blocks, 0, sizeof(blocks));
	memset(&stats, 0, sizeof(stats));
	send = (struct area){memory, len_bytes, number};
	block_count = blocks_free = (uint32_t)(len_bytes / ARENA_BLOCK_BYTES);
	large_cursor = 0;
	for (unsigned i = 0; i < CLASSES; i++)
		partial[i] = NO_BLOCK;
}

void arena_set_receive(void *memory, size_t len_bytes, int number)
{
	receive = (struct area){memory, len_bytes, number};
}

static void note_used(void)
{
	uint32_t used = block_count - blocks_free;

	if (used > stats.blocks_used_max)
		stats.blocks_used_max = used;
}

/* First of `count` free blocks in a row, or NO_BLOCK. */
static uint16_t take_blocks(uint32_t count, bool may_use_reserve)
{
	uint32_t run = 0;

	if (blocks_free < count + (may_use_reserve ? 0 : ARENA_RESERVED_BLOCKS))
		return NO_BLOCK;
	for (uint32_t seen = 0; seen < block_count + count; seen++) {
		uint32_t i = (large_cursor + seen) % block_count;

		if (i == 0)
			run = 0; /* runs do not wrap */
		run = blocks[i].kind == BLOCK_FREE ? run + 1 : 0;
		if (run == count) {
			large_cursor = (i + 1) % block_count;
			blocks_free -= count;
			note_used();
			return (uint16_t)(i + 1 - count);
		}
	}
	return NO_BLOCK;
}

static void list_add(uint16_t i)
{
	struct block *b = &blocks[i];
	uint16_t *head = &partial[b->class];

	b->prev = NO_BLOCK;
	b->next = *head;
	if (*head != NO_BLOCK)
		blocks[*head].prev = i;
	*head = i;
}

static void list_remove(uint16_t i)
{
	struct block *b = &blocks[i];

	if (b->prev != NO_BLOCK)
		blocks[b->prev].next = b->next;
	else
		partial[b->class] = b->next;
	if (b->next != NO_BLOCK)
		blocks[b->next].prev = b->prev;
}

static uint8_t *block_memory(uint16_t i)
{
	return send.base + (size_t)i * ARENA_BLOCK_BYTES;
}

static uint16_t objects_in_block(unsigned class)
{
	return (uint16_t)(ARENA_BLOCK_BYTES / class_bytes[class]);
}

static uint16_t new_slab(unsigned class)
{
	uint16_t i = take_blocks(1, class_bytes[class] <= ARENA_SMALL_BYTES);

	if (i == NO_BLOCK)
		return NO_BLOCK;
	blocks[i] = (struct block){.kind = BLOCK_SLAB, .class = (uint8_t) class};
	list_add(i);
	return i;
}

static void *alloc_object(unsigned class)
{
	uint16_t i = partial[class] != NO_BLOCK ? partial[class] : new_slab(class);
	struct block *b;
	void *object;

	if (i == NO_BLOCK)
		return NULL;
	b = &blocks[i];
	object = b->free;
	if (object != NULL)
		memcpy(&b->free, object, sizeof(void *));
	else
		object = block_memory(i) + (size_t)b->fresh++ * class_bytes[class];
	b->used++;
	if (b->free == NULL && b->fresh == objects_in_block(class))
		list_remove(i);
	return object;
}

static void *alloc_large(size_t len_bytes)
{
	uint32_t count = (uint32_t)((len_bytes + ARENA_BLOCK_BYTES - 1) / ARENA_BLOCK_BYTES);
	uint16_t first = count <= block_count ? take_blocks(count, false) : NO_BLOCK;

	if (first == NO_BLOCK)
		return NULL;
	blocks[first] = (struct block){.kind = BLOCK_LARGE, .used = (uint16_t)count};
	for (uint32_t i = 1; i < count; i++)
		blocks[first + i].kind = BLOCK_LARGE_TAIL;
	return block_memory(first);
}

void *arena_alloc(size_t len_bytes)
{
	unsigned class = 0;
	void *p;

	while (class < CLASSES && class_bytes[class] < len_bytes)
		class ++;
	if (len_bytes > send.len_bytes || send.base == NULL) /* not there yet: memory.h */
		p = NULL;
	else
		p = class < CLASSES ? alloc_object(class) : alloc_large(len_bytes);
	if (p != NULL)
		stats.allocations++;
	else
		stats.refused++;
	return p;
}

void *arena_calloc(size_t count, size_t len_bytes)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(count, len_bytes, &total))
		return NULL;
	p = arena_alloc(total);
	if (p != NULL)
		memset(p, 0, total);
	return p;
}

static void free_object(uint16_t i, void *ptr)
{
	struct block *b = &blocks[i];
	bool was_full = b->free == NULL && b->fresh == objects_in_block(b->class);

	memcpy(ptr, &b->free, sizeof(void *));
	b->free = ptr;
	b->used--;
	if (was_full)
		list_add(i);
	/* One empty block a class is kept, or a ping-pong of one object would take and return it each time. */
	if (b->used == 0 && (b->next != NO_BLOCK || b->prev != NO_BLOCK)) {
		list_remove(i);
		b->kind = BLOCK_FREE;
		blocks_free++;
	}
}

static void free_large(uint16_t first)
{
	uint32_t count = blocks[first].used;

	for (uint32_t i = 0; i < count; i++)
		blocks[first + i].kind = BLOCK_FREE;
	blocks_free += count;
}

void arena_free(void *ptr)
{
	size_t offset = (size_t)((uintptr_t)ptr - (uintptr_t)send.base);
	uint16_t i = (uint16_t)(offset / ARENA_BLOCK_BYTES);
	const struct block *b;

	if (ptr == NULL)
		return;
	if (offset >= send.len_bytes)
		sys_panic("arena: %p is not ours", ptr);
	b = &blocks[i];
	offset %= ARENA_BLOCK_BYTES;
	if (b->kind == BLOCK_SLAB && offset % class_bytes[b->class] == 0 && b->used > 0)
		free_object(i, ptr);
	else if (b->kind == BLOCK_LARGE && offset == 0)
		free_large(i);
	else
		sys_panic("arena: %p was not allocated", ptr);
}

static bool in_area(const struct area *a, const void *ptr, size_t len_bytes, struct net_element *e)
{
	uintptr_t at = (uintptr_t)ptr, base = (uintptr_t)a->base;

	if (at < base || len_bytes > a->len_bytes || at - base > a->len_bytes - len_bytes)
		return false;
	*e = (struct net_element){.offset = at - base,
	                          .len_bytes = (uint32_t)len_bytes,
	                          .arena = (uint16_t)a->number};
	return true;
}

bool arena_element(const void *ptr, size_t len_bytes, struct net_element *e)
{
	return in_area(&send, ptr, len_bytes, e) || in_area(&receive, ptr, len_bytes, e);
}

void arena_get_stats(struct arena_stats *s)
{
	*s = stats;
	s->blocks = block_count;
	s->blocks_used = block_count - blocks_free;
}
