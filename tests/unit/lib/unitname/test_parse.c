/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/unitname/parse.c */
/* Values of "blk." and "net." entries, patterns of keys. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "unitname/unitname.h"

static void names_are_checked(void **state)
{
	char label[LABEL_MAX];
	uint32_t unit;

	(void)state;
	assert_true(unitname_parse("ahci:3", 16, label, &unit));
	assert_string_equal(label, "ahci");
	assert_int_equal(unit, 3);
	assert_true(unitname_parse("a:b:0", 16, label, &unit));
	assert_string_equal(label, "a:b");
	assert_false(unitname_parse("", 16, label, &unit));
	assert_false(unitname_parse(":1", 16, label, &unit));
	assert_false(unitname_parse("ahci", 16, label, &unit));
	assert_false(unitname_parse("ahci:", 16, label, &unit));
	assert_false(unitname_parse("ahci:x", 16, label, &unit));
	assert_false(unitname_parse("ahci:1x", 16, label, &unit));
	assert_false(unitname_parse("ahci:16", 16, label, &unit));
	assert_false(unitname_parse("ahci:99999999999999999999", 16, label, &unit));
	assert_false(unitname_parse("a-label-that-is-far-too-long:1", 16, label, &unit));
}

static void patterns_match_literally(void **state)
{
	char pattern[UNITNAME_PATTERN_MAX];

	(void)state;
	assert_int_equal(unitname_pattern("net.e1000_0", pattern), 0);
	assert_string_equal(pattern, "net\\.e1000_0");
	assert_int_equal(unitname_pattern("a+(b)", pattern), 0);
	assert_string_equal(pattern, "a\\+\\(b\\)");
	assert_int_equal(unitname_pattern("..........................", pattern), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(patterns_match_literally),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
