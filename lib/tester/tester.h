/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Skeleton of components that test a protocol from its client's side (tests/guest). The test runs in a fiber,
 * so that it reads as straight-line code while the main loop stays responsive. It goes on outside the
 * library's callbacks.
 */
#ifndef LIB_TESTER_H
#define LIB_TESTER_H

#include "sys/half.h"
#include "sys/sys.h"

struct tester {
	const char *name; /* in messages */
	const struct client_half *half;
	int (*init)(void);                    /* 0 or -errno */
	void (*run)(void);                    /* the test; starts a little later */
	bool (*message)(const struct msg *m); /* before the half; true: it was ours; may be NULL */
	int (*status)(char *buf, size_t len); /* returns bytes */
};
void tester_main(const struct tester *t) __attribute__((noreturn));

/* In run(): until something arrives (true) or time is over (false). */
bool tester_wait(uint64_t timeout_ns);
void tester_event(void); /* something arrived; messages and doorbells count by themselves */
/* To the kernel log. */
void tester_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
