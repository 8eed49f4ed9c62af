/* SPDX-License-Identifier: BSD-2-Clause */
/* Panics of what is tested: see panic.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "sys/sys.h"
#include "tests/unit/support/panic.h"

static bool is_expected;
static jmp_buf after;

void sys_panic(const char *fmt, ...)
{
	char text[200];
	va_list args;

	if (is_expected)
		longjmp(after, 1);
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fail_msg("panic: %s", text);
	abort(); /* fail_msg() does not return, but is not declared so */
}

void expect_panic(void (*act)(uint64_t arg), uint64_t arg)
{
	is_expected = true;
	if (setjmp(after) == 0) {
		act(arg);
		is_expected = false;
		fail_msg("no panic");
	}
	is_expected = false;
}
