/* uses: lib/dstable/pattern.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Patterns of subscriptions, compared with the C library's regular expressions. */
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "axolotl/errno.h"
#include "dstable/pattern.h"

static const char *const strings[] = {
	"",
	"a",
	"b",
	"ab",
	"aab",
	"abb",
	"abab",
	"blk.sata0",
	"blk.disk",
	"chr.tty",
	"ahci",
	"ahci0",
	"e1000_0",
	"mirror.disk.1",
	"a]b",
	"a-b",
	"a.b",
	"c",
	"ac",
	"abc",
	"xyz",
	"net.e1000",
	"a|b",
	"(a)",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

static void agrees_with_the_c_library(void **state)
{
	static const char *const patterns[] = {
		"a",       "ab",         "a|b",      "a*",
		"a+b",     "a?b",        "(ab)*",    "(a|b)+",
		".*",      "blk\\..*",   "blk[.].*", "[a-c]*",
		"[^a]",    "[^a-b]*",    "a.b",      "(ahci|e1000_)[0-9]*",
		"a(b|c)?", "((a))",      "(a*)(b*)", "(blk|chr)\\..+",
		"[]a]b",   "a[-]b",      "a|ab|abc", "(a|ab)(c|bcd)?",
		"(a+)+b",  "(a*b|b*a)*",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct pattern p;
		char anchored[128];
		regex_t regex;

		snprintf(anchored, sizeof(anchored), "^(%s)$", patterns[i]);
		assert_int_equal(regcomp(&regex, anchored, REG_EXTENDED | REG_NOSUB), 0);
		assert_int_equal(pattern_compile(&p, patterns[i]), 0);
		for (unsigned k = 0; k < sizeof(strings) / sizeof(strings[0]); k++) {
			bool want = regexec(&regex, strings[k], 0, NULL, 0) == 0;

			if (pattern_match(&p, strings[k]) != want)
				fail_msg("/%s/ and '%s'", patterns[i], strings[k]);
		}
		regfree(&regex);
	}
}

static void empty_parts_match_nothing_more(void **state)
{
	struct pattern p;

	(void)state;
	assert_int_equal(pattern_compile(&p, ""), 0);
	assert_true(pattern_match(&p, ""));
	assert_false(pattern_match(&p, "a"));
	assert_int_equal(pattern_compile(&p, "a|"), 0);
	assert_true(pattern_match(&p, "") && pattern_match(&p, "a"));
	assert_int_equal(pattern_compile(&p, "()a"), 0);
	assert_true(pattern_match(&p, "a"));
	assert_false(pattern_match(&p, "aa"));
}

static const char long_pattern[] = "123456789012345678901234567890123456789012345678";

static void malformed_patterns_are_refused(void **state)
{
	static const char *const bad[] = {"(",  ")",  "*", "a|*", "(a",
	                                  "a)", "[a", "[", "\\",  long_pattern};
	struct pattern p;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pattern_compile(&p, bad[i]), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_c_library),
		cmocka_unit_test(empty_parts_match_nothing_more),
		cmocka_unit_test(malformed_patterns_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
