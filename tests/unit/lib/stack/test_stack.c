/* uses: lib/stack/ */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Stack expressions: trees, errors with columns, printing, names, argv. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "stack/stack.h"

static struct stack s;
static struct stack_error error;

static void expect_text(const char *in, const char *out)
{
	char text[STACK_TEXT_MAX];

	assert_int_equal(stack_parse(in, &s, &error), 0);
	assert_int_equal(stack_print(&s, text, sizeof(text)), strlen(out));
	assert_string_equal(text, out);
	/* The canonical text means the same tree. */
	assert_int_equal(stack_parse(text, &s, &error), 0);
	assert_int_equal(stack_print(&s, text, sizeof(text)), strlen(out));
	assert_string_equal(text, out);
}

static void prints_canonical_text(void **state)
{
	(void)state;
	expect_text("sata0", "sata0");
	expect_text(" guard( e1000_0 ,timeout = 200ms ) ", "guard(e1000_0, timeout=200ms)");
	expect_text("checksum(mirror(sata0,sata1),n=8,algo=crc32c)",
	            "checksum(mirror(sata0, sata1), n=8, algo=crc32c)");
	expect_text("mirror(checksum(a, n=1), x=1, checksum(b), y=\"p q\")",
	            "mirror(checksum(a, n=1), checksum(b), x=1, y=\"p q\")");
	expect_text("a(b(c(d, z=1)), e, f(g))", "a(b(c(d, z=1)), e, f(g))");
}

static void builds_the_tree(void **state)
{
	(void)state;
	assert_int_equal(stack_parse("checksum(mirror(sata0, sata1), n=8)", &s, &error), 0);
	assert_int_equal(s.node_count, 4);
	assert_int_equal(s.nodes[0].lowers, 1);
	assert_int_equal(stack_lower(&s, 0, 0), 1);
	assert_int_equal(stack_lower(&s, 1, 0), 2);
	assert_int_equal(stack_lower(&s, 1, 1), 3);
	assert_int_equal(stack_lower(&s, 1, 2), STACK_NONE);
	assert_false(s.nodes[3].is_filter);
	assert_int_equal(s.nodes[0].column, 1);
	assert_int_equal(s.nodes[3].column, 24);
	assert_int_equal(stack_arg(&s, 0, "n")->number, 8);
	assert_null(stack_arg(&s, 1, "n"));
}

static void values_have_units(void **state)
{
	static const struct {
		const char *text;
		enum stack_kind kind;
		uint64_t number;
	} cases[] = {
		{"8", STACK_NUMBER, 8},
		{"4K", STACK_SIZE, 4096},
		{"3M", STACK_SIZE, 3145728},
		{"2G", STACK_SIZE, 2147483648},
		{"50us", STACK_DURATION, 50},
		{"200ms", STACK_DURATION, 200000},
		{"5s", STACK_DURATION, 5000000},
		{"crc32c", STACK_WORD, 0},
		{"5x", STACK_WORD, 0},
		{"18446744073709551615", STACK_NUMBER, UINT64_MAX},
		{"18446744073709551616", STACK_WORD, 0},
		{"99999999999999999G", STACK_WORD, 0},
		{"\"8\"", STACK_WORD, 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "f(u, v=%s)", cases[i].text);
		assert_int_equal(stack_parse(text, &s, &error), 0);
		assert_int_equal(s.args[0].kind, cases[i].kind);
		assert_true(s.args[0].number == cases[i].number);
	}
}

static void errors_name_column_and_token(void **state)
{
	static const struct {
		const char *text;
		unsigned column;
		const char *message;
	} cases[] = {
		{"", 1, "expected a filter or unit name, found the end"},
		{"8", 1, "expected a filter or unit name, found '8'"},
		{"mirror(", 8, "expected a name, found the end"},
		{"mirror()", 8, "expected a name, found ')'"},
		{"mirror(a", 9, "expected ',' or ')', found the end"},
		{"mirror(a;b)", 9, "expected ',' or ')', found ';'"},
		{"mirror(a,)", 10, "expected a name, found ')'"},
		{"mirror(a))", 10, "expected the end, found ')'"},
		{"checksum(n=8)", 13, "'checksum' has nothing below it"},
		{"checksum(a, n=)", 15, "expected a value, found ')'"},
		{"checksum(a, n=8, n=9)", 18, "'n' is given twice"},
		{"f(a, lower=b)", 6, "'lower' is set by the system"},
		{"f(a, r=\"x", 10, "expected '\"', found the end"},
		{"n=8", 2, "expected the end, found '='"},
		{"a\x01", 2, "expected the end, found byte 0x01"},
		{"a b", 3, "expected the end, found 'b'"},
		{"abcdefghijklmnopqrstuvwxyz", 1, "name is longer than 23 characters"},
		{"a(b(c(d(e(f(g(h(i))))))))", 17, "nested deeper than 8"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(stack_parse(cases[i].text, &s, &error), -EINVAL);
		assert_string_equal(error.message, cases[i].message);
		assert_int_equal(error.column, cases[i].column);
	}
}

static void bounds_are_kept(void **state)
{
	char text[STACK_TEXT_MAX + 8];
	size_t used = (size_t)snprintf(text, sizeof(text), "m(a");

	(void)state;
	for (int i = 0; i < STACK_NODES_MAX - 2; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, ",b");
	snprintf(text + used, sizeof(text) - used, ")");
	assert_int_equal(stack_parse(text, &s, &error), 0);
	snprintf(text + used, sizeof(text) - used, ",c)");
	assert_int_equal(stack_parse(text, &s, &error), -EINVAL);
	assert_string_equal(error.message, "more than 32 names");

	used = (size_t)snprintf(text, sizeof(text), "m(a");
	for (int i = 0; i < STACK_ARGS_MAX; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, ",a%d=1", i);
	snprintf(text + used, sizeof(text) - used, ")");
	assert_int_equal(stack_parse(text, &s, &error), 0);
	snprintf(text + used, sizeof(text) - used, ",b=1)");
	assert_int_equal(stack_parse(text, &s, &error), -EINVAL);
	assert_string_equal(error.message, "more than 64 arguments");

	memset(text, ' ', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(stack_parse(text, &s, &error), -EINVAL);
	assert_int_equal(stack_parse("checksum(a, n=8)", &s, &error), 0);
	assert_int_equal(stack_print(&s, text, 16), -ENOSPC);
	assert_int_equal(stack_print(&s, text, 17), 16);
}

static void argv_follows_the_tree(void **state)
{
	static const char want_top[] = "checksum\0-label\0checksum.disk\0-unit\0disk\0-lower\0disk."
				       "1\0-n\0008\0-algo\0crc32c";
	static const char want_mirror[] =
		"mirror\0-label\0mirror.disk.1\0-unit\0disk.1\0-lower\0sata0\0-lower\0sata1";
	struct stack_argv out;

	(void)state;
	assert_int_equal(
		stack_parse("checksum(mirror(sata0, sata1), n=8, algo=crc32c)", &s, &error), 0);
	assert_int_equal(stack_argv(&s, 0, "disk", &out), 0);
	assert_int_equal(out.argc, 11);
	assert_int_equal(out.bytes, sizeof(want_top));
	assert_memory_equal(out.text, want_top, sizeof(want_top));
	assert_int_equal(stack_argv(&s, 1, "disk", &out), 0);
	assert_int_equal(out.argc, 9);
	assert_memory_equal(out.text, want_mirror, sizeof(want_mirror));
	assert_int_equal(stack_argv(&s, 2, "disk", &out), -EINVAL);
	assert_int_equal(stack_argv(&s, 0, "a-name-that-is-far-too-long", &out), -ENAMETOOLONG);
}

static void options_are_read_back(void **state)
{
	char *argv[] = {"checksum", "-lower", "a",        "-lower", "b",
	                "-n",       "8",      "-timeout", "5ms",    "-x"};
	struct stack_options o = {sizeof(argv) / sizeof(argv[0]), argv};
	uint64_t number = 0;

	(void)state;
	assert_string_equal(stack_option(&o, "lower", 0), "a");
	assert_string_equal(stack_option(&o, "lower", 1), "b");
	assert_null(stack_option(&o, "lower", 2));
	assert_null(stack_option(&o, "x", 0));
	assert_int_equal(stack_option_number(&o, "n", STACK_NUMBER, &number), 0);
	assert_int_equal(number, 8);
	assert_int_equal(stack_option_number(&o, "timeout", STACK_DURATION, &number), 0);
	assert_int_equal(number, 5000);
	assert_int_equal(stack_option_number(&o, "timeout", STACK_SIZE, &number), -EINVAL);
	assert_int_equal(stack_option_number(&o, "lower", STACK_WORD, &number), -EINVAL);
	assert_int_equal(stack_option_number(&o, "y", STACK_SIZE, &number), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prints_canonical_text),
		cmocka_unit_test(builds_the_tree),
		cmocka_unit_test(values_have_units),
		cmocka_unit_test(errors_name_column_and_token),
		cmocka_unit_test(bounds_are_kept),
		cmocka_unit_test(argv_follows_the_tree),
		cmocka_unit_test(options_are_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
