/* uses: servers/vfs/execargs.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings, scripts and stacks of execve. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>
#include "servers/vfs/execargs.h"

static struct exec_args a;
static struct exec_stack s;
static uint64_t vector[256];

/* What the program would read at an address of its stack. */
static const char *at_address(uint64_t addr)
{
	uint32_t len = a.end - a.start;

	if (addr >= s.tail_at && addr < s.tail_at + s.tail_len)
		return (const char *)s.tail + (addr - s.tail_at);
	assert_true(addr >= s.text_at && addr < s.text_at + len);
	return (const char *)a.text + a.start + (addr - s.text_at);
}

static int setup(void **state)
{
	(void)state;
	exec_args_reset(&a);
	memset(&s, 0, sizeof(s));
	s.top = 0x7fffff000000ull;
	s.execfn = "/bin/prog";
	return 0;
}

static void stack_has_the_layout_of_the_abi(void **state)
{
	uint64_t *v = vector;

	(void)state;
	assert_int_equal(exec_args_add(&a, "prog", false), 0);
	assert_int_equal(exec_args_add(&a, "", false), 0);
	assert_int_equal(exec_args_add(&a, "A=1", true), 0);
	s.aux[0] = (struct exec_aux){AUX_PAGESZ, 4096};
	s.aux_count = 1;
	assert_int_equal(exec_stack_build(&a, &s, vector, 256), 0);
	assert_int_equal(s.sp % 16, 0);
	assert_true(s.sp + s.words * 8 <= s.text_at);
	assert_true(s.text_at + (a.end - a.start) == s.tail_at);
	assert_true(s.tail_at + s.tail_len == s.top);
	assert_int_equal(*v++, 2);
	assert_string_equal(at_address(*v++), "prog");
	assert_string_equal(at_address(*v++), "");
	assert_int_equal(*v++, 0);
	assert_string_equal(at_address(*v++), "A=1");
	assert_int_equal(*v++, 0);
	assert_int_equal(*v++, AUX_PAGESZ);
	assert_int_equal(*v++, 4096);
	assert_int_equal(*v++, AUX_EXECFN);
	assert_string_equal(at_address(*v++), "/bin/prog");
	assert_int_equal(*v++, AUX_PLATFORM);
	assert_string_equal(at_address(*v++), "x86_64");
	assert_int_equal(*v++, AUX_RANDOM);
	(void)at_address(*v++);
	assert_int_equal(*v++, AUX_NULL);
	assert_int_equal(*v++, 0);
	assert_int_equal(v - vector, s.words);
}

static void empty_environment_and_arguments(void **state)
{
	(void)state;
	assert_int_equal(exec_stack_build(&a, &s, vector, 256), 0);
	assert_int_equal(vector[0], 0);
	assert_int_equal(vector[1], 0);
	assert_int_equal(vector[2], 0);
}

static void script_arguments_go_in_front(void **state)
{
	(void)state;
	assert_int_equal(exec_args_add(&a, "script", false), 0);
	assert_int_equal(exec_args_add(&a, "x", false), 0);
	assert_int_equal(exec_args_add(&a, "E=2", true), 0);
	exec_args_pop(&a);
	assert_int_equal(exec_args_push(&a, "/tmp/script"), 0);
	assert_int_equal(exec_args_push(&a, "-e"), 0);
	assert_int_equal(exec_args_push(&a, "/bin/sh"), 0);
	assert_int_equal(exec_stack_build(&a, &s, vector, 256), 0);
	assert_int_equal(vector[0], 4);
	assert_string_equal(at_address(vector[1]), "/bin/sh");
	assert_string_equal(at_address(vector[2]), "-e");
	assert_string_equal(at_address(vector[3]), "/tmp/script");
	assert_string_equal(at_address(vector[4]), "x");
	assert_int_equal(vector[5], 0);
	assert_string_equal(at_address(vector[6]), "E=2");
}

static void too_much_is_e2big(void **state)
{
	static char big[EXEC_STRING_MAX];
	int r = 0;
	unsigned n = 0;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	while (!r && n < 100) {
		r = exec_args_add(&a, big, false);
		n++;
	}
	assert_int_equal(r, -E2BIG);
	assert_int_equal(n, EXEC_TEXT_MAX / EXEC_STRING_MAX + 1);
	exec_args_reset(&a);
	for (n = 0, r = 0; !r && n <= EXEC_STRINGS_MAX; n++)
		r = exec_args_add(&a, "", true);
	assert_int_equal(r, -E2BIG);
	exec_args_reset(&a);
	for (n = 0; n < 300; n++)
		assert_int_equal(exec_args_add(&a, "", true), 0);
	assert_int_equal(exec_stack_build(&a, &s, vector, 256), -E2BIG);
}

static int shebang(const char *text, const char **interp, const char **arg)
{
	static char line[2 * EXEC_LINE_MAX];
	size_t len = strlen(text);

	memcpy(line, text, len + 1);
	return exec_shebang(line, len + 1, interp, arg);
}

static void first_lines_of_scripts(void **state)
{
	const char *interp, *arg;

	(void)state;
	assert_int_equal(shebang("#!/bin/sh\necho", &interp, &arg), 0);
	assert_string_equal(interp, "/bin/sh");
	assert_string_equal(arg, "");
	assert_int_equal(shebang("#! \t/bin/env -S a b \t\n", &interp, &arg), 0);
	assert_string_equal(interp, "/bin/env");
	assert_string_equal(arg, "-S a b");
	assert_int_equal(shebang("#!/bin/sh", &interp, &arg), 0);
	assert_string_equal(interp, "/bin/sh");
	assert_int_equal(shebang("#!\n", &interp, &arg), -ENOEXEC);
	assert_int_equal(shebang("#!   \n", &interp, &arg), -ENOEXEC);
	assert_int_equal(shebang("#", &interp, &arg), -ENOEXEC);
	assert_int_equal(shebang("echo", &interp, &arg), -ENOEXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(stack_has_the_layout_of_the_abi, setup),
		cmocka_unit_test_setup(empty_environment_and_arguments, setup),
		cmocka_unit_test_setup(script_arguments_go_in_front, setup),
		cmocka_unit_test_setup(too_much_is_e2big, setup),
		cmocka_unit_test_setup(first_lines_of_scripts, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
