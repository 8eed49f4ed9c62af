/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buddy allocator. Free blocks of 2^order frames are naturally aligned, their first frame carries
 * the order and the list links, all others FRAME_INNER. Blocks are split on the way down and merged
 * with their buddy when they are freed, so two free buddies of one order never stay apart.
 */
#include "frame.h"

#define FRAME_INNER 0xffu
#define ZONES       2u
#define ZONE_LOW    0u
#define ZONE_HIGH   1u
#define FRAMES_4G   (1u << 20)

struct frame *frame_table;
uint32_t frame_table_count;
uint8_t *frame_ram;
static uint32_t heads[ZONES][FRAME_ORDER_MAX + 1];
struct frame_counts frame_counts;

static unsigned zone_of(uint32_t n)
{
	return n < FRAMES_4G ? ZONE_LOW : ZONE_HIGH;
}

void frame_init(struct frame *table, uint32_t count, uint8_t *ram)
{
	frame_table = table;
	frame_table_count = count;
	frame_ram = ram;
	frame_counts = (struct frame_counts){0};
	for (unsigned z = 0; z < ZONES; z++)
		for (unsigned o = 0; o <= FRAME_ORDER_MAX; o++)
			heads[z][o] = FRAME_NONE;
}

static void push_block(uint32_t n, unsigned order)
{
	uint32_t *head = &heads[zone_of(n)][order];
	struct frame *f = &frame_table[n];

	f->kind = FRAME_FREE;
	f->order = (uint8_t)order;
	f->prev = FRAME_NONE;
	f->next = *head;
	if (*head != FRAME_NONE)
		frame_table[*head].prev = n;
	*head = n;
}

static void unlink_block(uint32_t n)
{
	struct frame *f = &frame_table[n];

	if (f->prev != FRAME_NONE)
		frame_table[f->prev].next = f->next;
	else
		heads[zone_of(n)][f->order] = f->next;
	if (f->next != FRAME_NONE)
		frame_table[f->next].prev = f->prev;
	f->order = FRAME_INNER;
}

/* Frees one block and merges as far as possible. */
static void free_block(uint32_t n, unsigned order)
{
	uint32_t buddy;

	frame_counts.free += 1u << order;
	while (order < FRAME_ORDER_MAX) {
		buddy = n ^ (1u << order);
		if (buddy >= frame_table_count || frame_table[buddy].kind != FRAME_FREE ||
		    frame_table[buddy].order != order)
			break;
		unlink_block(buddy);
		frame_table[n].kind = FRAME_FREE;
		frame_table[n].order = FRAME_INNER;
		n = n < buddy ? n : buddy;
		order++;
	}
	push_block(n, order);
}

void frame_add_range(uint32_t first, uint32_t count)
{
	uint32_t n = first == FRAME_NONE ? 1 : first, end = first + count;

	VM_ASSERT(first <= frame_table_count && count <= frame_table_count - first);
	for (uint32_t i = n; i < end; i++) {
		VM_ASSERT(frame_table[i].kind == FRAME_ABSENT);
		frame_table[i] = (struct frame){.kind = FRAME_FREE, .order = FRAME_INNER};
		frame_counts.total++;
	}
	while (n < end) { /* in the largest aligned blocks */
		unsigned order = 0;

		while (order < FRAME_ORDER_MAX && n % (2u << order) == 0 &&
		       n + (2u << order) <= end)
			order++;
		free_block(n, order);
		n += 1u << order;
	}
}

void frame_set_reserve(uint32_t reserve)
{
	frame_counts.reserve = reserve;
}

/* Takes a free block of at least `order` from a zone and splits it; FRAME_NONE if there is none. */
static uint32_t take_block(unsigned zone, unsigned order)
{
	unsigned o = order;
	uint32_t n;

	while (o <= FRAME_ORDER_MAX && heads[zone][o] == FRAME_NONE)
		o++;
	if (o > FRAME_ORDER_MAX)
		return FRAME_NONE;
	n = heads[zone][o];
	unlink_block(n);
	while (o > order) {
		o--;
		push_block(n + (1u << o), o);
	}
	frame_counts.free -= 1u << order;
	return n;
}

uint32_t frame_alloc(unsigned order, enum frame_kind kind, unsigned flags)
{
	uint32_t n = FRAME_NONE;

	VM_ASSERT(kind != FRAME_ABSENT && kind != FRAME_FREE);
	if (order > FRAME_ORDER_MAX ||
	    (!(flags & FRAME_URGENT) && frame_counts.free < frame_counts.reserve + (1u << order)))
		return FRAME_NONE;
	if (!(flags & FRAME_BELOW_4G))
		n = take_block(ZONE_HIGH, order);
	if (n == FRAME_NONE)
		n = take_block(ZONE_LOW, order);
	if (n == FRAME_NONE)
		return FRAME_NONE;
	for (uint32_t i = n; i < n + (1u << order); i++)
		frame_table[i] = (struct frame){.kind = (uint8_t)kind, .refs = 1};
	frame_counts.by_kind[kind] += 1u << order;
	return n;
}

uint32_t frame_alloc_run(uint32_t count, enum frame_kind kind, unsigned flags)
{
	unsigned order = 0;
	uint32_t n;

	while (order < FRAME_ORDER_MAX && (1u << order) < count)
		order++;
	if (count == 0 || (1u << order) < count)
		return FRAME_NONE;
	n = frame_alloc(order, kind, flags);
	if (n != FRAME_NONE)
		frame_unref_run(n + count, (1u << order) - count);
	return n;
}

void frame_free(uint32_t n)
{
	struct frame *f = &frame_table[n];

	VM_ASSERT(f->kind != FRAME_FREE && f->kind != FRAME_ABSENT && f->refs == 0);
	frame_counts.by_kind[f->kind]--;
	f->kind = FRAME_FREE;
	f->order = FRAME_INNER;
	free_block(n, 0);
}

void frame_unref_run(uint32_t first, uint32_t count)
{
	for (uint32_t n = first; n < first + count; n++)
		frame_unref(n);
}
