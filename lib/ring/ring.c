/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings: see ring.h. Free-running 32-bit indices; a valid peer index lies between its last valid
 * value and the bound that our own index gives, in modular arithmetic; anything else is R4.
 */
#include "ring/ring.h"

#define SLOT_WORDS (RING_SLOT_BYTES / 8)

static volatile uint64_t *slot_words(struct ring *shared, uint32_t number)
{
	uint8_t *slots = (uint8_t *)shared + sizeof(struct ring);

	return (volatile uint64_t *)(void *)(slots + (size_t)number * RING_SLOT_BYTES);
}

static bool slots_valid(uint32_t slots)
{
	return slots != 0 && slots <= RING_SLOTS_MAX && (slots & (slots - 1)) == 0;
}

size_t ring_bytes(uint32_t slots)
{
	size_t bytes = sizeof(struct ring) + (size_t)slots * RING_SLOT_BYTES;

	return slots_valid(slots) ? (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1) : 0;
}

void ring_init(struct ring *shared, uint32_t slots, uint32_t generation)
{
	memset(shared, 0, sizeof(*shared));
	shared->magic = RING_MAGIC;
	shared->generation = generation;
	shared->slots = slots;
	shared->slot_bytes = RING_SLOT_BYTES;
}

/* Each field is read once. */
static int check_header(struct ring *shared, uint32_t slots, uint32_t generation)
{
	if (!slots_valid(slots))
		return -EINVAL;
	if (__atomic_load_n(&shared->magic, __ATOMIC_RELAXED) != RING_MAGIC ||
	    __atomic_load_n(&shared->generation, __ATOMIC_RELAXED) != generation ||
	    __atomic_load_n(&shared->slots, __ATOMIC_RELAXED) != slots ||
	    __atomic_load_n(&shared->slot_bytes, __ATOMIC_RELAXED) != RING_SLOT_BYTES)
		return -EPROTOVIOL;
	return 0;
}

int ring_producer_attach(struct ring_producer *p, struct ring *shared, uint32_t slots,
                         uint32_t generation)
{
	int r = check_header(shared, slots, generation);

	if (r != 0)
		return r;
	*p = (struct ring_producer){.shared = shared, .slots = slots};
	return 0;
}

int ring_consumer_attach(struct ring_consumer *c, struct ring *shared, uint32_t slots,
                         uint32_t generation)
{
	int r = check_header(shared, slots, generation);

	if (r != 0)
		return r;
	*c = (struct ring_consumer){.shared = shared, .slots = slots};
	return 0;
}

/* ---- producer ---- */

int ring_free_slots(struct ring_producer *p)
{
	uint32_t consumed = __atomic_load_n(&p->shared->consumed, __ATOMIC_ACQUIRE);

	if (p->violated != RULE_NONE)
		return -EPROTOVIOL;
	/* Taken since the last look: not more than was there to take. */
	if (consumed - p->consumed > p->produced - p->consumed) {
		p->violated = RULE_R4;
		return -EPROTOVIOL;
	}
	p->consumed = consumed;
	return (int)(p->slots - (p->produced - p->consumed));
}

uint32_t ring_next_slot(const struct ring_producer *p)
{
	return p->produced & (p->slots - 1);
}

int ring_push(struct ring_producer *p, const void *descriptor)
{
	uint64_t words[SLOT_WORDS];
	volatile uint64_t *slot = slot_words(p->shared, ring_next_slot(p));
	int room = (int)(p->slots - (p->produced - p->consumed));

	if (room == 0 || p->violated != RULE_NONE)
		room = ring_free_slots(p);
	if (room < 0)
		return room;
	if (room == 0)
		return -EAGAIN;
	memcpy(words, descriptor, sizeof(words));
	for (unsigned i = 0; i < SLOT_WORDS; i++)
		slot[i] = words[i];
	p->produced++;
	__atomic_store_n(&p->shared->produced, p->produced, __ATOMIC_RELEASE);
	return 0;
}

/* The barrier orders our index before the look at the peer's flag; its twin is in set_flag(). */
static bool take_flag(uint32_t *flag)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(flag, __ATOMIC_RELAXED) == 0)
		return false;
	__atomic_store_n(flag, 0, __ATOMIC_RELAXED);
	return true;
}

static void set_flag(uint32_t *flag)
{
	__atomic_store_n(flag, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool ring_producer_must_ring(struct ring_producer *p)
{
	return take_flag(&p->shared->consumer_sleeps);
}

bool ring_producer_may_sleep(struct ring_producer *p)
{
	set_flag(&p->shared->producer_sleeps);
	if (ring_free_slots(p) == 0)
		return true;
	__atomic_store_n(&p->shared->producer_sleeps, 0, __ATOMIC_RELAXED);
	return false;
}

/* ---- consumer ---- */

int ring_waiting(struct ring_consumer *c)
{
	uint32_t produced = __atomic_load_n(&c->shared->produced, __ATOMIC_ACQUIRE);

	if (c->violated != RULE_NONE)
		return -EPROTOVIOL;
	/* Neither more than fits, nor fewer than were there before. */
	if (produced - c->consumed > c->slots ||
	    produced - c->consumed < c->produced - c->consumed) {
		c->violated = RULE_R4;
		return -EPROTOVIOL;
	}
	c->produced = produced;
	return (int)(produced - c->consumed);
}

int ring_peek(struct ring_consumer *c, void *descriptor, uint32_t *slot)
{
	uint32_t number = c->consumed & (c->slots - 1);
	volatile uint64_t *shared = slot_words(c->shared, number);
	uint64_t words[SLOT_WORDS];
	int waiting = (int)(c->produced - c->consumed);

	if (waiting == 0 || c->violated != RULE_NONE)
		waiting = ring_waiting(c);
	if (waiting < 0)
		return waiting;
	if (waiting == 0)
		return -EAGAIN;
	for (unsigned i = 0; i < SLOT_WORDS; i++)
		words[i] = shared[i];
	memcpy(descriptor, words, sizeof(words));
	if (slot != NULL)
		*slot = number;
	return 0;
}

void ring_copy_row(void *to, const void *row, size_t bytes)
{
	const volatile uint64_t *from = row;
	uint64_t *words = to;

	for (size_t i = 0; i < bytes / sizeof(*words); i++)
		words[i] = from[i];
}

void ring_advance(struct ring_consumer *c)
{
	if (c->produced == c->consumed)
		return; /* nothing was peeked */
	c->consumed++;
	__atomic_store_n(&c->shared->consumed, c->consumed, __ATOMIC_RELEASE);
}

int ring_pop(struct ring_consumer *c, void *descriptor)
{
	int r = ring_peek(c, descriptor, NULL);

	if (r == 0)
		ring_advance(c);
	return r;
}

bool ring_consumer_must_ring(struct ring_consumer *c)
{
	return take_flag(&c->shared->producer_sleeps);
}

bool ring_consumer_may_sleep(struct ring_consumer *c)
{
	set_flag(&c->shared->consumer_sleeps);
	if (ring_waiting(c) == 0)
		return true;
	__atomic_store_n(&c->shared->consumer_sleeps, 0, __ATOMIC_RELAXED);
	return false;
}
