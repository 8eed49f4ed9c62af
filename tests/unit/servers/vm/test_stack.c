/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/vm/stack.c */
/* Initial stack: read back as a C library would; argument lists that do not fit are refused. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "servers/vm/stack.h"

#define TOP 0x7fffff000000ul

static uint8_t buf[8192] __attribute__((aligned(16)));

static void *at(uint64_t addr)
{
	return buf + sizeof(buf) - (TOP - addr);
}

static struct stack_image image_of(const char *args, uint32_t bytes, uint32_t argc)
{
	return (struct stack_image){.top = TOP,
	                            .args = args,
	                            .args_bytes = bytes,
	                            .argc = argc,
	                            .phdr = 0x400040,
	                            .entry = 0x401000,
	                            .vdso = 0x7ffff7ff1000,
	                            .phnum = 5,
	                            .phentsize = 56,
	                            .random = "0123456789abcde"};
}

static uint64_t aux(const uint64_t *v, uint64_t type)
{
	for (; v[0] != AT_NULL; v += 2)
		if (v[0] == type)
			return v[1];
	fail_msg("no entry %lu", type);
	return 0;
}

static void stack_reads_back(void **state)
{
	struct stack_image img = image_of("ahci\0-x\0", 9, 3);
	const uint64_t *w;
	uint64_t sp;

	(void)state;
	assert_int_equal(stack_build(&img, buf, sizeof(buf), &sp), 0);
	assert_int_equal(sp % 16, 0);
	w = at(sp);
	assert_int_equal(w[0], 3);
	assert_string_equal(at(w[1]), "ahci");
	assert_string_equal(at(w[2]), "-x");
	assert_string_equal(at(w[3]), "");
	assert_int_equal(w[4], 0);
	assert_int_equal(w[5], 0);
	assert_int_equal(aux(w + 6, AT_PAGESZ), 4096);
	assert_int_equal(aux(w + 6, AT_PHDR), 0x400040);
	assert_int_equal(aux(w + 6, AT_ENTRY), 0x401000);
	assert_int_equal(aux(w + 6, AT_SYSINFO_EHDR), 0x7ffff7ff1000);
	assert_string_equal(at(aux(w + 6, AT_RANDOM)), "0123456789abcde");
}

static void bad_arguments_are_refused(void **state)
{
	static const char many[STACK_ARGS_MAX + 1];
	struct stack_image img = image_of("a\0b", 4, 1);
	uint64_t sp;

	(void)state;
	assert_int_equal(stack_build(&img, buf, sizeof(buf), &sp), -EINVAL);
	img = image_of("a\0b", 4, 3);
	assert_int_equal(stack_build(&img, buf, sizeof(buf), &sp), -EINVAL);
	img = image_of("ab", 2, 1); /* no NUL at the end */
	assert_int_equal(stack_build(&img, buf, sizeof(buf), &sp), -EINVAL);
	img = image_of(many, sizeof(many), sizeof(many));
	assert_int_equal(stack_build(&img, buf, sizeof(buf), &sp), -E2BIG);
	img = image_of("", 1, 1);
	assert_int_equal(stack_build(&img, buf, 64, &sp), -E2BIG);
	img = image_of("", 0, 0);
	assert_int_equal(stack_build(&img, buf, sizeof(buf), &sp), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stack_reads_back),
		cmocka_unit_test(bad_arguments_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
