/* uses: filters/block/checksum/staging.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Staging allocator: runs never overlap, everything comes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "filters/block/checksum/staging.h"

#define PAGES 64

static void runs_never_overlap(void **state)
{
	static struct staging s;
	int owner[PAGES] = {0}, first[8];
	uint32_t length[8] = {0};

	(void)state;
	srand(2);
	staging_init(&s, PAGES);
	for (int step = 0; step < 20000; step++) {
		int k = rand() % 8;

		if (length[k] > 0) {
			for (uint32_t i = 0; i < length[k]; i++) {
				assert_int_equal(owner[first[k] + (int)i], k + 1);
				owner[first[k] + (int)i] = 0;
			}
			staging_free(&s, first[k]);
			length[k] = 0;
			continue;
		}
		length[k] = 1 + (uint32_t)rand() % 20;
		first[k] = staging_alloc(&s, length[k]);
		if (first[k] < 0)
			length[k] = 0;
		for (uint32_t i = 0; i < length[k]; i++) {
			assert_in_range(first[k] + (int)i, 0, PAGES - 1);
			assert_int_equal(owner[first[k] + (int)i], 0);
			owner[first[k] + (int)i] = k + 1;
		}
	}
	for (int k = 0; k < 8; k++) {
		if (length[k] > 0)
			staging_free(&s, first[k]);
	}
	assert_int_equal(staging_alloc(&s, PAGES), 0);
}

static void what_does_not_fit_is_refused(void **state)
{
	static struct staging s;

	(void)state;
	staging_init(&s, PAGES);
	assert_int_equal(staging_alloc(&s, 0), -1);
	assert_int_equal(staging_alloc(&s, PAGES + 1), -1);
	assert_int_equal(staging_alloc(&s, 40), 0);
	assert_int_equal(staging_alloc(&s, 25), -1);
	assert_int_equal(staging_alloc(&s, 24), 40);
	assert_int_equal(staging_alloc(&s, 1), -1);
	staging_free(&s, 0);
	assert_int_equal(staging_alloc(&s, 40), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_never_overlap),
		cmocka_unit_test(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
