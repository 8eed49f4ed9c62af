/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MUST(cond): aborts and says where, for fuzzers and for tests whose checks run in fibers or threads, which cmocka's
 * assertions would leave by a jump. The condition is evaluated once.
 */
#ifndef TESTS_SUPPORT_MUST_H
#define TESTS_SUPPORT_MUST_H

#include <stdio.h>
#include <stdlib.h>

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
