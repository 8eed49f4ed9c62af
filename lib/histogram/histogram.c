/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms: see histogram.h. */
#include "histogram/histogram.h"
#include <stdio.h>

static unsigned bucket_of(uint64_t value)
{
	unsigned i = value == 0 ? 0 : 64u - (unsigned)__builtin_clzll(value);

	return i < HISTOGRAM_BUCKETS ? i : HISTOGRAM_BUCKETS - 1;
}

void histogram_add(struct histogram *h, uint64_t value)
{
	h->count++;
	h->sum += value;
	h->most = value > h->most ? value : h->most;
	h->bucket[bucket_of(value)]++;
}

uint64_t histogram_percentile(const struct histogram *h, unsigned percent)
{
	uint64_t wanted = (h->count * percent + 99) / 100;
	uint64_t seen = 0;

	for (unsigned i = 0; h->count > 0 && i < HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= wanted)
			return 1ull << i;
	}
	return 0;
}

int histogram_print(const struct histogram *h, const char *name, char *buf, size_t len)
{
	size_t used = (size_t)snprintf(
		buf, len, "%s count=%llu mean=%llu p50=%llu p99=%llu max=%llu |", name,
		(unsigned long long)h->count,
		(unsigned long long)(h->count == 0 ? 0 : h->sum / h->count),
		(unsigned long long)histogram_percentile(h, 50),
		(unsigned long long)histogram_percentile(h, 99), (unsigned long long)h->most);

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS && used < len; i++) {
		if (h->bucket[i] != 0)
			used += (size_t)snprintf(buf + used, len - used, "%u:%llu ", i,
			                         (unsigned long long)h->bucket[i]);
	}
	if (used < len)
		used += (size_t)snprintf(buf + used, len - used, "\n");
	return (int)(used < len ? used : len);
}
