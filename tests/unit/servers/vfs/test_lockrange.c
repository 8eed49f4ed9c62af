/* uses: servers/vfs/lockrange.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Range locks, also against a model of one owner and type a byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>
#include "servers/vfs/lockrange.h"

static int owners[3];
static struct lock *list;

static struct lock make(unsigned owner, enum lock_type type, uint64_t first, uint64_t last)
{
	return (struct lock){.owner = &owners[owner],
	                     .type = type,
	                     .first = first,
	                     .last = last,
	                     .pid = (int32_t)owner};
}

static int teardown(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3; i++)
		(void)lock_clear_owner(&list, &owners[i]);
	assert_null(list);
	return 0;
}

static void writers_exclude_others_readers_share(void **state)
{
	struct lock r0 = make(0, LOCK_READ, 0, 99), r1 = make(1, LOCK_READ, 50, 60);
	struct lock w1 = make(1, LOCK_WRITE, 99, LOCK_EOF), w0 = make(0, LOCK_WRITE, 10, 20);

	(void)state;
	assert_int_equal(lock_set(&list, &r0), 0);
	assert_null(lock_conflict(list, &r1));
	assert_int_equal(lock_set(&list, &r1), 0);
	assert_non_null(lock_conflict(list, &w1));
	assert_int_equal(lock_conflict(list, &w1)->pid, 0);
	assert_null(lock_conflict(list, &w0));
}

static void unlock_in_the_middle_splits(void **state)
{
	struct lock w = make(0, LOCK_WRITE, 0, LOCK_EOF), hole = make(0, LOCK_READ, 100, 199);
	struct lock in = make(1, LOCK_WRITE, 100, 199), low = make(1, LOCK_READ, 99, 99);
	struct lock high = make(1, LOCK_READ, 200, 200);

	(void)state;
	assert_int_equal(lock_set(&list, &w), 0);
	assert_int_equal(lock_clear(&list, &hole), 0);
	assert_null(lock_conflict(list, &in));
	assert_non_null(lock_conflict(list, &low));
	assert_non_null(lock_conflict(list, &high));
}

static void flock_and_fcntl_do_not_meet(void **state)
{
	struct lock a = make(0, LOCK_WRITE, 0, LOCK_EOF), b = make(1, LOCK_WRITE, 0, LOCK_EOF);

	(void)state;
	a.kind = LOCK_WHOLE;
	assert_int_equal(lock_set(&list, &a), 0);
	assert_null(lock_conflict(list, &b));
	b.kind = LOCK_WHOLE;
	assert_non_null(lock_conflict(list, &b));
}

#define BYTES 64

static void random_locks_agree_with_a_model(void **state)
{
	int model[2][BYTES]; /* 0 none, 1 read, 2 write; of owners 0 and 1 */

	(void)state;
	srand(42);
	memset(model, 0, sizeof(model));
	for (int step = 0; step < 20000; step++) {
		unsigned owner = (unsigned)rand() % 2;
		uint64_t a = (uint64_t)rand() % BYTES, z = a + (uint64_t)rand() % (BYTES - a);
		int what = rand() % 3;
		struct lock l = make(owner, what == 2 ? LOCK_WRITE : LOCK_READ, a, z);
		int conflict = 0;

		for (uint64_t i = a; what && i <= z; i++)
			conflict |= model[1 - owner][i] == 2 || (what == 2 && model[1 - owner][i]);
		if (what)
			assert_int_equal(lock_conflict(list, &l) != NULL, conflict);
		if (conflict)
			continue;
		if (what)
			assert_int_equal(lock_set(&list, &l), 0);
		else
			assert_int_equal(lock_clear(&list, &l), 0);
		for (uint64_t i = a; i <= z; i++)
			model[owner][i] = what;
	}
	for (const struct lock *l = list; l; l = l->next) {
		for (uint64_t i = l->first; i <= l->last; i++) {
			unsigned owner = l->owner == &owners[0] ? 0 : 1;

			assert_int_equal(model[owner][i], l->type == LOCK_WRITE ? 2 : 1);
			model[owner][i] = 0;
		}
	}
	for (unsigned i = 0; i < BYTES; i++)
		assert_int_equal(model[0][i] + model[1][i], 0);
}

static void a_full_pool_is_enolck_and_changes_nothing(void **state)
{
	unsigned n = 0;

	(void)state;
	for (;; n++) {
		struct lock l = make(0, LOCK_READ, 2ull * n, 2ull * n);

		if (lock_set(&list, &l) != 0)
			break;
	}
	assert_true(n > LOCKS_MAX - 4);
	assert_true(lock_clear_owner(&list, &owners[0]));
	assert_false(lock_clear_owner(&list, &owners[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(writers_exclude_others_readers_share, teardown),
		cmocka_unit_test_teardown(unlock_in_the_middle_splits, teardown),
		cmocka_unit_test_teardown(flock_and_fcntl_do_not_meet, teardown),
		cmocka_unit_test_teardown(random_locks_agree_with_a_model, teardown),
		cmocka_unit_test_teardown(a_full_pool_is_enolck_and_changes_nothing, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
