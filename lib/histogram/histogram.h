/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms of latency and size in powers of two. Pure. */
#ifndef LIB_HISTOGRAM_H
#define LIB_HISTOGRAM_H

#include "axolotl/types.h"

#define HISTOGRAM_BUCKETS 24 /* bucket i: below 2^i; the last one: all above */

struct histogram {
	uint64_t count, sum, most;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t value);
/* Upper bound of the bucket that holds the value at a share (in percent), 0 if empty. */
uint64_t histogram_percentile(const struct histogram *h, unsigned percent);
/* "name count=N mean=M p50=.. p99=.. max=.. |i:n i:n ..." and a newline; returns bytes. */
int histogram_print(const struct histogram *h, const char *name, char *buf, size_t len);

#endif
