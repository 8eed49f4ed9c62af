/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames with memory behind them, and what vm does when an assertion fails: see fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fixture.h"
#include "servers/vm/frame.h"

static struct frame table[FRAMES_MAX];
static uint8_t *ram;

void vm_fail(const char *file, int line, const char *what)
{
	print_error("%s:%d: %s\n", file, line, what);
	abort();
}

int frames_group_setup(void **state)
{
	(void)state;
	ram = aligned_alloc(PAGE_BYTES, FRAMES_MAX * PAGE_BYTES);
	return ram == NULL;
}

int frames_group_teardown(void **state)
{
	(void)state;
	free(ram);
	return 0;
}

void frames_fresh(unsigned count)
{
	memset(table, 0, sizeof(table));
	frame_init(table, count, ram);
	frame_add_range(1, count - 1);
}
