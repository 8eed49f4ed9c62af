/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks of test programs whose rows run in processes of their own, in the guest and on Linux: what is not true ends the
 * process with status 1, after a line on its standard output. libc only; nothing is owned.
 */
#ifndef LIB_CHECK_H
#define LIB_CHECK_H

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fail(__FILE__, __LINE__, #cond);                                           \
	} while (0)
void fail(const char *file, int line, const char *what) __attribute__((noreturn));

/* Runs fn(arg) in a child, which then exits with 0. How the child ended: EXITED(n), or the number of the signal. */
int status_of(void (*fn)(void *arg), void *arg);
#define EXITED(n) ((n) << 8)

#endif
