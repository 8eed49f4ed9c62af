/* uses: filters/block/checksum/locks.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Range locks: sharing, exclusion, fairness; a random history never holds two that conflict. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "filters/block/checksum/locks.h"

static struct range_lock make(uint64_t first, uint64_t last, bool is_exclusive)
{
	return (struct range_lock){.first = first, .last = last, .is_exclusive = is_exclusive};
}

static void readers_share_writers_do_not(void **state)
{
	struct range_locks all = {0};
	struct range_lock a = make(0, 9, false), b = make(5, 20, false), c = make(9, 9, true);
	struct range_lock d = make(30, 31, true);

	(void)state;
	assert_true(range_lock(&all, &a));
	assert_true(range_lock(&all, &b));
	assert_false(range_lock(&all, &c));
	assert_true(range_lock(&all, &d));
	range_unlock(&all, &a);
	assert_null(range_granted(&all));
	range_unlock(&all, &b);
	assert_ptr_equal(range_granted(&all), &c);
	assert_null(range_granted(&all));
}

static void nobody_overtakes_a_waiting_writer(void **state)
{
	struct range_locks all = {0};
	struct range_lock a = make(0, 9, false), b = make(5, 5, true), c = make(5, 6, false);
	struct range_lock d = make(6, 6, false);

	(void)state;
	assert_true(range_lock(&all, &a));
	assert_false(range_lock(&all, &b));
	assert_false(range_lock(&all, &c));
	assert_true(range_lock(&all, &d));
	range_unlock(&all, &a);
	assert_ptr_equal(range_granted(&all), &b);
	range_unlock(&all, &b);
	assert_ptr_equal(range_granted(&all), &c);
}

#define LOCKS 20

static void check_held(const struct range_lock *locks, const bool *is_in)
{
	for (int i = 0; i < LOCKS; i++) {
		for (int k = 0; k < i; k++) {
			const struct range_lock *a = &locks[i], *b = &locks[k];

			if (is_in[i] && is_in[k] && a->is_held && b->is_held &&
			    a->first <= b->last && b->first <= a->last)
				assert_false(a->is_exclusive || b->is_exclusive);
		}
	}
}

static void random_history_keeps_exclusion(void **state)
{
	struct range_locks all = {0};
	struct range_lock locks[LOCKS];
	bool is_in[LOCKS] = {false};

	(void)state;
	srand(4);
	for (int step = 0; step < 50000; step++) {
		int i = rand() % LOCKS;

		if (!is_in[i]) {
			uint64_t first = (uint64_t)rand() % 30;

			locks[i] = make(first, first + (uint64_t)rand() % 5, rand() % 2 == 0);
			(void)range_lock(&all, &locks[i]);
			is_in[i] = true;
		} else if (locks[i].is_held) {
			range_unlock(&all, &locks[i]);
			is_in[i] = false;
			while (range_granted(&all) != NULL)
				;
		}
		check_held(locks, is_in);
	}
	for (int round = 0; round < LOCKS; round++) { /* and all get through in the end */
		for (int i = 0; i < LOCKS; i++) {
			if (!is_in[i] || !locks[i].is_held)
				continue;
			range_unlock(&all, &locks[i]);
			is_in[i] = false;
			while (range_granted(&all) != NULL)
				;
		}
	}
	assert_null(all.head);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readers_share_writers_do_not),
		cmocka_unit_test(nobody_overtakes_a_waiting_writer),
		cmocka_unit_test(random_history_keeps_exclusion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
