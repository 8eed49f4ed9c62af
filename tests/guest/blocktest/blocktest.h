/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to blocktest: what the parts share.
 *
 *   main.c    start, main loop, results          raw.c      a session by hand, without lib/blockdev
 *   control.c, data.c, abuse.c  tables of cases  stress.c   load, deaths, throughput by
 * lib/blockdev
 */
#ifndef BLOCKTEST_H
#define BLOCKTEST_H

#include "axolotl/blk.h"
#include "ring/ring.h"
#include "sys/sys.h"
#include "tester/tester.h"

struct case_row {
	const char *name;
	const char *(*fn)(void); /* NULL: passed; else why not */
};
#define SKIPPED "" /* not applicable to this unit */

extern const struct case_row control_cases[], data_cases[], abuse_cases[];
extern const unsigned control_case_count, data_case_count, abuse_case_count;

#define CHECK(cond)                                                                                \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return #cond;                                                              \
	} while (0)

struct test_unit {
	char name[LABEL_MAX];
	char label[LABEL_MAX];
	uint32_t unit;
	bool may_write; /* scratch: its contents may be destroyed */
};
extern struct test_unit test_unit;

/* main.c */
/* Waits until the label has an endpoint other than `old`. */
endpoint_t wait_server(endpoint_t old, uint64_t timeout_ns);

/* raw.c: an answer to raw_control() */
bool raw_message(const struct msg *m);

/* stress.c */
void stress_run(const char *mode);

#endif
