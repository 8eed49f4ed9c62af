/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/vm/frame.c servers/vm/pagemap.c tests/unit/servers/vm/fixture.c */
/*
 * Page map against a model (a plain array for a sparse set of indices): random set, replace, clear,
 * walk; all frames of the map come back.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fixture.h"
#include "servers/vm/pagemap.h"

#define FRAMES 4096u
#define KEYS   3000u

static uint32_t model[KEYS];

/* Clusters of 100 pages, spread over the whole user half. */
static uint64_t index_of(unsigned key)
{
	return (uint64_t)(key / 100) * 0x2345678ul + key % 100 * 7;
}

static int setup(void **state)
{
	(void)state;
	memset(model, 0, sizeof(model));
	srand(11);
	frames_fresh(FRAMES);
	return 0;
}

static void check_walk(struct pagemap *pm)
{
	uint64_t index = 0, used = 0;
	uint32_t entry;

	for (unsigned key = 0; key < KEYS; key++) {
		if (model[key] == 0)
			continue;
		used++;
		assert_true(pagemap_next(pm, &index, UINT64_MAX, &entry));
		assert_int_equal(index, index_of(key));
		assert_int_equal(entry, model[key]);
		index++;
	}
	assert_false(pagemap_next(pm, &index, UINT64_MAX, &entry));
	assert_int_equal(pm->used, used);
}

static void random_operations_match_model(void **state)
{
	struct pagemap pm = {0};

	(void)state;
	for (unsigned i = 0; i < 60000; i++) {
		unsigned key = (unsigned)rand() % KEYS;

		if (rand() % 2) {
			model[key] = 1 + (uint32_t)rand() % 0xffffff;
			assert_int_equal(pagemap_set(&pm, index_of(key), model[key]), 0);
		} else if (i % 20000 > 10000 || rand() % 2) {
			model[key] = 0;
			pagemap_clear(&pm, index_of(key));
		}
		key = (unsigned)rand() % KEYS;
		assert_int_equal(pagemap_get(&pm, index_of(key)), model[key]);
		if (i % 5000 == 0)
			check_walk(&pm);
	}
	check_walk(&pm);
	pagemap_destroy(&pm);
	assert_int_equal(frame_counts.free, frame_counts.total);
}

static void empty_leaves_are_freed(void **state)
{
	struct pagemap pm = {0};
	uint32_t with_dir;

	(void)state;
	assert_int_equal(pagemap_set(&pm, 5, 1), 0);
	with_dir = frame_counts.free;
	assert_int_equal(pagemap_set(&pm, 1ul << 30, 2), 0);
	pagemap_clear(&pm, 1ul << 30);
	pagemap_clear(&pm, 1ul << 30);
	assert_int_equal(frame_counts.free, with_dir);
	pagemap_clear(&pm, 5);
	assert_int_equal(frame_counts.free, with_dir + 1);
	pagemap_destroy(&pm);
}

static void spans_are_clipped(void **state)
{
	struct pagemap pm = {0};
	struct pagemap_span span;

	(void)state;
	assert_false(pagemap_span(&pm, 0, UINT64_MAX, &span));
	assert_int_equal(pagemap_set(&pm, PAGEMAP_LEAF + 3, 9), 0);
	assert_true(pagemap_span(&pm, 0, UINT64_MAX, &span));
	assert_int_equal(span.first, PAGEMAP_LEAF);
	assert_int_equal(span.count, PAGEMAP_LEAF);
	assert_true(pagemap_span(&pm, PAGEMAP_LEAF + 3, PAGEMAP_LEAF + 5, &span));
	assert_int_equal(span.count, 2);
	assert_int_equal(span.entries[0], 9);
	assert_false(pagemap_span(&pm, 0, PAGEMAP_LEAF, &span));
	assert_false(pagemap_span(&pm, 2 * PAGEMAP_LEAF, UINT64_MAX, &span));
	pagemap_destroy(&pm);
}

static void no_memory_is_an_error(void **state)
{
	struct pagemap pm = {0};

	(void)state;
	while (frame_alloc(0, FRAME_ANON, FRAME_URGENT) != FRAME_NONE)
		continue;
	assert_int_equal(pagemap_set(&pm, 1, 1), -ENOMEM);
	assert_int_equal(pagemap_get(&pm, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(random_operations_match_model, setup),
		cmocka_unit_test_setup(empty_leaves_are_freed, setup),
		cmocka_unit_test_setup(spans_are_clipped, setup),
		cmocka_unit_test_setup(no_memory_is_an_error, setup),
	};

	return cmocka_run_group_tests(tests, frames_group_setup, frames_group_teardown);
}
