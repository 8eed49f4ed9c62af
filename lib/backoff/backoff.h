/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When to restart a component that crashed (rs; thesis 4.2): at once the first time, then later and
 * later while it keeps crashing soon after its start.
 *
 *   delay of crash k in a row: 0, first, 2 first, 4 first, ... most
 *
 * Each calm period that an incarnation was up takes one crash off the count, so a component that is
 * killed now and then, even ten times a second, is always restarted at once, and one that dies in
 * its start-up soon costs next to nothing. There is no limit to the number of restarts.
 */
#ifndef LIB_BACKOFF_H
#define LIB_BACKOFF_H

#include "axolotl/types.h"

struct backoff_config {
	uint64_t first_ns;
	uint64_t most_ns;
	uint64_t calm_ns;
};

/* 10 ms, 2 s, 10 ms. Zero fields of *config are replaced by these. */
void backoff_defaults(struct backoff_config *config);

struct backoff {
	unsigned crashes; /* in a row; 0: calm */
};

/* It crashed after so much time up (0: it never became ready). Returns the delay before its restart
 * in ns. */
uint64_t backoff_crash(struct backoff *b, const struct backoff_config *config, uint64_t uptime_ns);

#endif
