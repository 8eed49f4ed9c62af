/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conformance tests of the Linux calls about processes, signals, time and sessions: rows {name,
 * fn}, each run in a process of its own. The same program runs on Linux, which is the reference:
 *     gcc -std=gnu17 -D_GNU_SOURCE -pthread -I../../../lib -o abi *.c ../../../lib/random/random.c && ./abi
 * and in the guest: /tests/abi [-l] [-f|-F SEED ROUNDS] [name...]. Exit status 0: all rows passed.
 */
#ifndef ABI_H
#define ABI_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct row {
	const char *name;
	void (*fn)(void);
};

/* Ends the test's process when `ok` is false. */
void check_at(bool ok, const char *file, int line, const char *what);
#define CHECK(cond) check_at((cond), __FILE__, __LINE__, #cond)
#define CHECK_ERR(call, err)                                                                       \
	do {                                                                                       \
		errno = 0;                                                                         \
		CHECK((call) == -1);                                                               \
		CHECK(errno == (err));                                                             \
	} while (0)

/* Wait for a child and return its status. */
int wait_for(pid_t pid);
#define CHECK_EXIT(pid, code)                                                                      \
	do {                                                                                       \
		int status_ = wait_for(pid);                                                       \
		CHECK(WIFEXITED(status_));                                                         \
		CHECK(WEXITSTATUS(status_) == (code));                                             \
	} while (0)
void catch_signal(int signo, void (*fn)(int), int flags);
uint64_t now_us(void);
void sleep_us(unsigned us);
/* Sleeps until /proc/PID/stat, or a wait, would show it asleep: long enough for a call to block. */
void let_block(void);

/* abi -f, -F: fuzz.c */
int fuzz(uint64_t seed, unsigned rounds, bool has_all);

extern const struct row rows_process[], rows_signal[], rows_time[], rows_session[], rows_thread[];
extern const struct row rows_wait[], rows_fault[], rows_stack[], rows_pty[], rows_ptyjob[];

#endif
