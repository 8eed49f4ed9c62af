/* uses: lib/ring/ring.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Rings: order, bounds, doorbell, hostile peers, two threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sched.h>
#include <cmocka.h>
#include "ring/blk_region.h"

struct pair {
	struct ring *shared;
	struct ring_producer p;
	struct ring_consumer c;
};

static void pair_make(struct pair *pair, uint32_t slots)
{
	pair->shared = aligned_alloc(PAGE_BYTES, ring_bytes(slots));
	assert_non_null(pair->shared);
	memset(pair->shared, 0xa5, ring_bytes(slots));
	ring_init(pair->shared, slots, 7);
	assert_int_equal(ring_producer_attach(&pair->p, pair->shared, slots, 7), 0);
	assert_int_equal(ring_consumer_attach(&pair->c, pair->shared, slots, 7), 0);
}

static void put(struct pair *pair, uint64_t value)
{
	uint64_t words[8] = {value, ~value};

	assert_int_equal(ring_push(&pair->p, words), 0);
}

static void take(struct pair *pair, uint64_t value)
{
	uint64_t words[8];

	assert_int_equal(ring_pop(&pair->c, words), 0);
	assert_true(words[0] == value && words[1] == ~value);
}

static void ring_keeps_order_over_wrap(void **state)
{
	struct pair pair;
	uint64_t words[8];
	uint64_t in = 0, out = 0;

	(void)state;
	pair_make(&pair, 4);
	/* Start close to the wrap of the index. */
	pair.p.produced = pair.p.consumed = pair.c.produced = pair.c.consumed = 0xfffffffa;
	pair.shared->produced = pair.shared->consumed = 0xfffffffa;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 1 + round % 4; i++)
			put(&pair, in++);
		while (out < in)
			take(&pair, out++);
		assert_int_equal(ring_pop(&pair.c, words), -EAGAIN);
	}
	free(pair.shared);
}

static void ring_refuses_more_than_it_holds(void **state)
{
	struct pair pair;
	uint64_t words[8] = {0};

	(void)state;
	pair_make(&pair, 2);
	assert_int_equal(ring_free_slots(&pair.p), 2);
	put(&pair, 1);
	put(&pair, 2);
	assert_int_equal(ring_push(&pair.p, words), -EAGAIN);
	assert_int_equal(ring_waiting(&pair.c), 2);
	take(&pair, 1);
	assert_int_equal(ring_free_slots(&pair.p), 1);
	put(&pair, 3);
	take(&pair, 2);
	take(&pair, 3);
	free(pair.shared);
}

static void peek_keeps_the_slot_until_advance(void **state)
{
	struct pair pair;
	uint64_t words[8];
	uint32_t slot = 99;

	(void)state;
	pair_make(&pair, 2);
	ring_advance(&pair.c); /* nothing there: no effect */
	assert_int_equal(ring_next_slot(&pair.p), 0);
	put(&pair, 1);
	put(&pair, 2);
	assert_int_equal(ring_peek(&pair.c, words, &slot), 0);
	assert_int_equal(slot, 0);
	assert_int_equal(ring_push(&pair.p, words), -EAGAIN);
	ring_advance(&pair.c);
	assert_int_equal(ring_peek(&pair.c, words, &slot), 0);
	assert_int_equal(slot, 1);
	assert_int_equal(ring_next_slot(&pair.p), 0);
	assert_int_equal(ring_push(&pair.p, words), 0);
	free(pair.shared);
}

static void doorbell_only_for_a_sleeper(void **state)
{
	struct pair pair;

	(void)state;
	pair_make(&pair, 4);
	put(&pair, 1);
	assert_false(ring_producer_must_ring(&pair.p));
	assert_false(ring_consumer_may_sleep(&pair.c)); /* re-check finds the descriptor */
	assert_false(ring_producer_must_ring(&pair.p));
	take(&pair, 1);
	assert_true(ring_consumer_may_sleep(&pair.c));
	put(&pair, 2);
	put(&pair, 3);
	assert_true(ring_producer_must_ring(&pair.p));
	assert_false(ring_producer_must_ring(&pair.p)); /* once a sleep */
	put(&pair, 4);
	put(&pair, 5);
	assert_true(ring_producer_may_sleep(&pair.p));
	take(&pair, 2);
	assert_true(ring_consumer_must_ring(&pair.c));
	assert_false(ring_consumer_must_ring(&pair.c));
	assert_false(ring_producer_may_sleep(&pair.p));
	free(pair.shared);
}

static void consumer_detects_jumping_index(void **state)
{
	static const uint32_t bad[] = {8, 0xffffffff, 0x80000000, 0};
	struct pair pair;
	uint64_t words[8];

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pair_make(&pair, 4);
		put(&pair, 1);
		put(&pair, 2);
		assert_int_equal(ring_waiting(&pair.c), 2);
		pair.shared->produced = bad[i];
		assert_int_equal(ring_waiting(&pair.c), -EPROTOVIOL);
		assert_int_equal(pair.c.violated, RULE_R4);
		pair.shared->produced = 2;
		assert_int_equal(ring_pop(&pair.c, words), -EPROTOVIOL); /* stays broken */
		free(pair.shared);
	}
}

static void producer_detects_jumping_index(void **state)
{
	static const uint32_t bad[] = {3, 0xffffffff, 0x80000000, 0};
	struct pair pair;
	uint64_t words[8] = {0};

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		pair_make(&pair, 4);
		put(&pair, 1);
		put(&pair, 2);
		take(&pair, 1);
		assert_int_equal(ring_free_slots(&pair.p), 3);
		pair.shared->consumed = bad[i];
		assert_int_equal(ring_free_slots(&pair.p), -EPROTOVIOL);
		assert_int_equal(pair.p.violated, RULE_R4);
		assert_int_equal(ring_push(&pair.p, words), -EPROTOVIOL);
		free(pair.shared);
	}
}

static void attach_checks_the_header(void **state)
{
	struct pair pair;
	struct ring_consumer c;
	struct ring_producer p;

	(void)state;
	pair_make(&pair, 4);
	assert_int_equal(ring_consumer_attach(&c, pair.shared, 4, 8), -EPROTOVIOL);
	assert_int_equal(ring_producer_attach(&p, pair.shared, 8, 7), -EPROTOVIOL);
	assert_int_equal(ring_producer_attach(&p, pair.shared, 3, 7), -EINVAL);
	pair.shared->magic++;
	assert_int_equal(ring_consumer_attach(&c, pair.shared, 4, 7), -EPROTOVIOL);
	free(pair.shared);
}

static void region_parts_start_on_pages(void **state)
{
	(void)state;
	for (uint32_t slots = 1; slots <= BLK_SLOTS_MAX; slots *= 2) {
		uint8_t *region = aligned_alloc(PAGE_BYTES, blk_region_bytes(slots));
		uint8_t *end = region + blk_region_bytes(slots);

		assert_int_equal((uintptr_t)blk_region_completions(region, slots) % PAGE_BYTES, 0);
		assert_int_equal((uintptr_t)blk_region_row(region, slots, 0) % PAGE_BYTES, 0);
		assert_true((uint8_t *)(blk_region_row(region, slots, slots - 1) +
		                        BLK_ELEMENTS_MAX) <= end);
		free(region);
	}
	assert_int_equal(blk_region_bytes(0), 0);
	assert_int_equal(blk_region_bytes(12), 0);
	assert_int_equal(blk_region_bytes(2 * BLK_SLOTS_MAX), 0);
	assert_int_equal(ring_bytes(2 * RING_SLOTS_MAX), 0);
}

#define THREAD_ITEMS 200000

static void *consume(void *arg)
{
	struct pair *pair = arg;
	uint64_t words[8];

	for (uint64_t next = 0; next < THREAD_ITEMS;) {
		int r = ring_pop(&pair->c, words);

		if (r == -EAGAIN) {
			sched_yield();
			continue;
		}
		if (r != 0 || words[0] != next || words[1] != ~next)
			return (void *)1;
		next++;
	}
	return NULL;
}

static void threads_pass_everything_in_order(void **state)
{
	struct pair pair;
	pthread_t thread;
	void *result = (void *)1;

	(void)state;
	pair_make(&pair, 64);
	assert_int_equal(pthread_create(&thread, NULL, consume, &pair), 0);
	for (uint64_t i = 0; i < THREAD_ITEMS;) {
		uint64_t words[8] = {i, ~i};
		int r = ring_push(&pair.p, words);

		assert_true(r == 0 || r == -EAGAIN);
		if (r == 0)
			i++;
		else
			sched_yield();
	}
	pthread_join(thread, &result);
	assert_null(result);
	free(pair.shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring_keeps_order_over_wrap),
		cmocka_unit_test(ring_refuses_more_than_it_holds),
		cmocka_unit_test(peek_keeps_the_slot_until_advance),
		cmocka_unit_test(doorbell_only_for_a_sleeper),
		cmocka_unit_test(consumer_detects_jumping_index),
		cmocka_unit_test(producer_detects_jumping_index),
		cmocka_unit_test(attach_checks_the_header),
		cmocka_unit_test(region_parts_start_on_pages),
		cmocka_unit_test(threads_pass_everything_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
