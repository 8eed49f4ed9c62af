/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of memory as applications see it: tables of {name, fn}, each row in a process of its own
 * that must exit with 0. The program also runs on Linux, where every row must pass, too, except for
 * those marked as ours (W^X, no writable shared mappings of files):
 *     gcc -std=gnu17 -D_GNU_SOURCE -pthread -I../../../lib -o memory *.c ../../../lib/{check/check,random/random}.c
 */
#ifndef TESTS_GUEST_MEMORY_H
#define TESTS_GUEST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "check/check.h"

#define PAGE 4096ul

struct test {
	const char *name;
	void (*fn)(void);
	bool is_ours; /* skipped on other systems */
};
#define TEST(fn)                                                                                   \
	{                                                                                          \
#fn, fn, false                                                                     \
	}
#define OURS(fn)                                                                                   \
	{                                                                                          \
#fn, fn, true                                                                      \
	}

extern const struct test fork_tests[], map_tests[], file_tests[], limit_tests[], thread_tests[],
	stress_tests[];

/* Accesses for status_of(): arg is the address. */
void do_read(void *arg);
void do_write(void *arg);
void do_call(void *arg);
/* Anonymous private memory. */
uint8_t *anon(size_t len, int prot);
uint64_t clock_ns(void);
void run_benchmark(void);

#endif
