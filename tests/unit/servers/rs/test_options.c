/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/rs/options.c servers/rs/args.c */
/* Boot options and argument vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "servers/rs/rs.h"

static struct options o;

static void parse(const char *text)
{
	memset(&o, 0, sizeof(o));
	options_add(&o, text, strlen(text));
}

static void words_lines_and_comments(void **state)
{
	(void)state;
	parse("# a comment with storage=x\nroot=ram0  console=tty\n\tstart=a,b # rest\nstart=c\n");
	assert_int_equal(o.count, 4);
	assert_string_equal(options_get(&o, "root"), "ram0");
	assert_string_equal(options_get(&o, "start"), "c");
	assert_string_equal(o.items[2].value, "a,b");
	assert_null(options_get(&o, "storage"));
	assert_int_equal(o.rejected, 0);
}

static void expressions_keep_their_blanks(void **state)
{
	(void)state;
	parse("storage=checksum(mirror(sata0, sata1), n=8) root=disk note=\"two words\"");
	assert_string_equal(options_get(&o, "storage"), "checksum(mirror(sata0, sata1), n=8)");
	assert_string_equal(options_get(&o, "root"), "disk");
	assert_string_equal(options_get(&o, "note"), "two words");
}

static void later_options_win(void **state)
{
	(void)state;
	parse("root=ram0");
	options_add(&o, "axolotl.elf root=disk", 21);
	assert_string_equal(options_get(&o, "root"), "disk");
	assert_int_equal(o.rejected, 1);
}

static void bad_words_are_counted(void **state)
{
	static char text[OPTION_VALUE_MAX + 8];

	(void)state;
	parse("=x quiet averyverylongkeyname=1 ok=1 open=(((");
	assert_int_equal(o.rejected, 3);
	assert_string_equal(options_get(&o, "ok"), "1");
	assert_string_equal(options_get(&o, "open"), "(((");
	memset(text, 'x', sizeof(text) - 1);
	text[1] = '=';
	parse(text);
	assert_int_equal(o.count, 0);
	assert_int_equal(o.rejected, 1);
}

static void text_ends_at_its_length_or_a_nul(void **state)
{
	(void)state;
	memset(&o, 0, sizeof(o));
	options_add(&o, "a=12\0b=3", 8);
	assert_int_equal(o.count, 1);
	memset(&o, 0, sizeof(o));
	options_add(&o, "a=123", 4);
	assert_string_equal(options_get(&o, "a"), "12");
}

static void table_of_options_is_bounded(void **state)
{
	(void)state;
	memset(&o, 0, sizeof(o));
	for (unsigned i = 0; i < OPTIONS_MAX + 5; i++)
		options_add(&o, "k=v", 3);
	assert_int_equal(o.count, OPTIONS_MAX);
	assert_int_equal(o.rejected, 5);
}

static void arguments_split_at_blanks_and_quotes(void **state)
{
	static struct args a;

	(void)state;
	memset(&a, 0, sizeof(a));
	assert_int_equal(args_add(&a, "ahci"), 0);
	assert_int_equal(args_split(&a, "  -v 'two words' \"\" x"), 0);
	assert_int_equal(a.count, 5);
	assert_string_equal(args_word(&a, 0), "ahci");
	assert_string_equal(args_word(&a, 2), "two words");
	assert_string_equal(args_word(&a, 3), "");
	assert_string_equal(args_word(&a, 4), "x");
	assert_null(args_word(&a, 5));
	assert_int_equal(a.bytes, 5 + 3 + 10 + 1 + 2);
	assert_int_equal(args_split(&a, "'open end"), 0);
	assert_string_equal(args_word(&a, 5), "open end");
}

static void arguments_are_bounded(void **state)
{
	static struct args a;
	static char word[ARGS_BYTES];

	(void)state;
	memset(&a, 0, sizeof(a));
	memset(word, 'x', ARGS_BYTES - 1);
	assert_int_equal(args_add(&a, word), 0);
	assert_int_equal(args_add(&a, ""), -E2BIG);
	memset(&a, 0, sizeof(a));
	for (unsigned i = 0; i < ARGS_MAX; i++)
		assert_int_equal(args_add(&a, "x"), 0);
	assert_int_equal(args_add(&a, "x"), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_lines_and_comments),
		cmocka_unit_test(expressions_keep_their_blanks),
		cmocka_unit_test(later_options_win),
		cmocka_unit_test(bad_words_are_counted),
		cmocka_unit_test(text_ends_at_its_length_or_a_nul),
		cmocka_unit_test(table_of_options_is_bounded),
		cmocka_unit_test(arguments_split_at_blanks_and_quotes),
		cmocka_unit_test(arguments_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
