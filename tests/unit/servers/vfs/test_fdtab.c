/* uses: servers/vfs/fdtab.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptor tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>
#include "servers/vfs/fdtab.h"

static struct fdtab t;
static int file_a, file_b;

static void lowest_free_descriptor_is_taken(void **state)
{
	(void)state;
	fdtab_init(&t);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(fdtab_find_free(&t, 0), i);
		fdtab_set(&t, (unsigned)i, &file_a, false);
	}
	assert_ptr_equal(fdtab_clear(&t, 2), &file_a);
	assert_int_equal(fdtab_find_free(&t, 0), 2);
	assert_int_equal(fdtab_find_free(&t, 3), 5);
	assert_int_equal(t.top, 5);
}

static void full_table_is_emfile(void **state)
{
	(void)state;
	fdtab_init(&t);
	for (unsigned i = 0; i < FDS_MAX; i++)
		fdtab_set(&t, i, &file_a, false);
	assert_int_equal(fdtab_find_free(&t, 0), -EMFILE);
	assert_ptr_equal(fdtab_clear(&t, 100), &file_a);
	assert_int_equal(fdtab_find_free(&t, 0), 100);
	assert_int_equal(fdtab_find_free(&t, 101), -EMFILE);
}

static void bad_descriptors_are_refused(void **state)
{
	(void)state;
	fdtab_init(&t);
	assert_null(fdtab_get(&t, -1));
	assert_null(fdtab_get(&t, FDS_MAX));
	assert_null(fdtab_get(&t, 3));
	assert_null(fdtab_clear(&t, 3));
}

static void cloexec_belongs_to_the_descriptor(void **state)
{
	(void)state;
	fdtab_init(&t);
	fdtab_set(&t, 70, &file_a, true);
	fdtab_set(&t, 71, &file_b, false);
	assert_true(fdtab_cloexec(&t, 70));
	assert_false(fdtab_cloexec(&t, 71));
	assert_ptr_equal(fdtab_clear(&t, 70), &file_a);
	fdtab_set(&t, 70, &file_b, false);
	assert_false(fdtab_cloexec(&t, 70));
	assert_ptr_equal(fdtab_clear(&t, 71), &file_b);
	assert_ptr_equal(fdtab_clear(&t, 70), &file_b);
	assert_int_equal(t.top, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowest_free_descriptor_is_taken),
		cmocka_unit_test(full_table_is_emfile),
		cmocka_unit_test(bad_descriptors_are_refused),
		cmocka_unit_test(cloexec_belongs_to_the_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
