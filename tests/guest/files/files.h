/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tests of the file ABI as applications see it: tables of {name, fn}, each row in a process and an empty
 * directory of its own, which must exit with 0. The program also runs on Linux (as root), where every
 * row must pass, too: it is the reference.
 *     gcc -std=gnu17 -D_GNU_SOURCE -pthread -I../../../lib -o files *.c ../../../lib/check/check.c
 */
#ifndef TESTS_GUEST_FILES_H
#define TESTS_GUEST_FILES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "check/check.h"

struct test {
	const char *name;
	void (*fn)(void);
};
/* clang-format off */
#define TEST(fn) {#fn, fn}
/* clang-format on */

extern const struct test open_tests[], name_tests[], walk_tests[], attr_tests[], io_tests[],
	dir_tests[], fd_tests[], pipe_tests[], fifo_tests[], poll_tests[], event_tests[],
	lock_tests[], exec_tests[], device_tests[], bad_tests[], local_name_tests[],
	local_misuse_tests[], local_stream_tests[], datagram_tests[], company_tests[],
	local_wait_tests[];
extern const struct test inet_tests[]; /* only when asked for by name */

/* A call that must fail with that errno. */
#define FAILS(call, err) CHECK((errno = 0, (call) == -1) && errno == (err))

/* Runs fn in a child with the ids of an ordinary user; fails if it fails. */
void as_user(void (*fn)(void *arg), void *arg);
/* A file with these contents; contents of a file as a string. */
void put_file(const char *path, const char *text);
const char *get_file(const char *path);
void msleep(int ms);
uint64_t clock_ms(void);
extern char self_path[];

#endif
