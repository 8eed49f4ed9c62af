/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel tests. The program takes the place of vm in a boot archive of its own, so nothing but the
 * kernel runs below it. A test starts child processes that share its address space (each with a
 * stack of its own), sets their privileges and looks at what the kernel answers. One line a test on
 * the console.
 */
#ifndef TESTS_KTEST_H
#define TESTS_KTEST_H

#include <errno.h>
#include "sys/sys.h"

#define CHILDREN_MAX 24
#define FIRST_PRIV   PRIV_ID_DYNAMIC

typedef void (*child_fn_t)(long arg);

struct ktest {
	const char *name;
	void (*fn)(void);
};
extern const struct ktest ipc_tests[], copy_tests[], sched_tests[], deny_tests[];

void check_at(bool ok, const char *file, int line, const char *what);
#define CHECK(cond) check_at((cond), __FILE__, __LINE__, #cond)

/* A running child with every IPC primitive, no kernel calls but those in `kcalls`. */
endpoint_t child_start(child_fn_t fn, long arg, uint64_t kcalls);
void child_end(endpoint_t ep);
uint32_t child_priv(endpoint_t ep);              /* its privilege id */
void child_park(void) __attribute__((noreturn)); /* waits for ever */
/* Receives; page faults of children are answered: there is no such page. */
int receive(endpoint_t from, struct msg *m);
/* Lets children run until one of them has made *p another value than `before`. */
void wait_for_change(const volatile uint32_t *p, uint32_t before);
uint64_t clock_read(void);
uint64_t violations_of(uint32_t id, enum violation kind);
void child_main(child_fn_t fn, long arg) __attribute__((noreturn));
void child_entry(void);

#endif
