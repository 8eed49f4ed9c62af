/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/vm/frame.c tests/unit/servers/vm/fixture.c */
/*
 * Frame allocator against a model: random allocations of all orders and frees in random order; no
 * frame is handed out twice, blocks are aligned, counts are exact, and in the end everything has
 * merged again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "servers/vm/frame.h"

#define COUNT      5000u
#define BLOCKS_MAX 600u

struct block {
	uint32_t first, count;
};

static struct frame table[COUNT];
static bool in_use[COUNT];
static struct block blocks[BLOCKS_MAX];

static int setup(void **state)
{
	(void)state;
	memset(table, 0, sizeof(table));
	memset(in_use, 0, sizeof(in_use));
	memset(blocks, 0, sizeof(blocks));
	srand(7);
	frame_init(table, COUNT, (uint8_t *)0x1000);
	frame_add_range(0, 700); /* frame 0 is left out */
	frame_add_range(801, COUNT - 801);
	return 0;
}

static bool is_ours(uint32_t n)
{
	return n >= 1 && n < COUNT && (n < 700 || n > 800);
}

static void take(const struct block *b)
{
	for (uint32_t n = b->first; n < b->first + b->count; n++) {
		assert_true(is_ours(n));
		assert_false(in_use[n]);
		assert_int_equal(frame_of(n)->refs, 1);
		in_use[n] = true;
	}
}

static void give(struct block *b)
{
	for (uint32_t n = b->first; n < b->first + b->count; n++)
		in_use[n] = false;
	frame_unref_run(b->first, b->count);
	*b = (struct block){0};
}

static void random_operations_match_model(void **state)
{
	uint32_t used = 0, total = frame_counts.total;

	(void)state;
	assert_int_equal(total, 699 + COUNT - 801);
	for (unsigned i = 0; i < 100000; i++) {
		struct block *b = &blocks[(unsigned)rand() % BLOCKS_MAX];

		if (b->count > 0) {
			used -= b->count;
			give(b);
		} else {
			b->count = 1 + (uint32_t)rand() % (rand() % 4 ? 3 : 100);
			b->first = frame_alloc_run(b->count, FRAME_ANON, 0);
			if (b->first == FRAME_NONE)
				*b = (struct block){0};
			take(b);
			used += b->count;
		}
		assert_int_equal(frame_counts.free, total - used);
		assert_int_equal(frame_counts.by_kind[FRAME_ANON], used);
	}
	for (unsigned i = 0; i < BLOCKS_MAX; i++)
		give(&blocks[i]);
	assert_int_equal(frame_counts.free, total);
	/* All merged: 1024 .. 5000 has one aligned block of 2048 frames. */
	assert_int_equal(frame_alloc(11, FRAME_DMA, 0), 2048);
	assert_int_equal(frame_alloc(11, FRAME_DMA, 0), FRAME_NONE);
}

static void blocks_are_aligned(void **state)
{
	(void)state;
	for (unsigned order = 0; order <= 10; order++) {
		uint32_t n = frame_alloc(order, FRAME_DMA, FRAME_BELOW_4G);

		assert_int_not_equal(n, FRAME_NONE);
		assert_int_equal(n % (1u << order), 0);
	}
}

static void reserve_is_for_the_urgent(void **state)
{
	uint32_t n = 0;

	(void)state;
	frame_set_reserve(100);
	while (frame_alloc(0, FRAME_ANON, 0) != FRAME_NONE)
		n++;
	assert_int_equal(n, frame_counts.total - 100);
	for (unsigned i = 0; i < 100; i++)
		assert_int_not_equal(frame_alloc(0, FRAME_TABLE, FRAME_URGENT), FRAME_NONE);
	assert_int_equal(frame_alloc(0, FRAME_TABLE, FRAME_URGENT), FRAME_NONE);
	frame_set_reserve(0);
}

static void references_keep_a_frame(void **state)
{
	uint32_t n = frame_alloc(0, FRAME_ANON, 0), before = frame_counts.free;

	(void)state;
	assert_false(frame_is_shared(n));
	frame_ref(n);
	assert_true(frame_is_shared(n));
	frame_unref(n);
	assert_int_equal(frame_counts.free, before);
	frame_unref(n);
	assert_int_equal(frame_counts.free, before + 1);
}

static void foreign_frames_are_left_alone(void **state)
{
	(void)state;
	frame_ref(750);
	frame_unref(750);
	frame_unref(750);
	assert_true(frame_is_shared(750));
	assert_int_equal(frame_of(750)->kind, FRAME_ABSENT);
}

static void sizes_out_of_range_are_refused(void **state)
{
	(void)state;
	assert_int_equal(frame_alloc(FRAME_ORDER_MAX + 1, FRAME_ANON, 0), FRAME_NONE);
	assert_int_equal(frame_alloc_run(0, FRAME_ANON, 0), FRAME_NONE);
	assert_int_equal(frame_alloc_run(UINT32_MAX, FRAME_ANON, 0), FRAME_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(random_operations_match_model, setup),
		cmocka_unit_test_setup(blocks_are_aligned, setup),
		cmocka_unit_test_setup(reserve_is_for_the_urgent, setup),
		cmocka_unit_test_setup(references_keep_a_frame, setup),
		cmocka_unit_test_setup(foreign_frames_are_left_alone, setup),
		cmocka_unit_test_setup(sizes_out_of_range_are_refused, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
