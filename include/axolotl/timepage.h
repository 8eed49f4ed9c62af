/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time page: one kernel page that every process sees read-only at TIME_PAGE_VA, so that the
 * clock costs no trap. Monotonic time in ns = (tsc - tsc_base) * mult >> shift. `seq` is odd while the
 * kernel writes (seqlock). The vDSO (VDSO_VA, one or more pages) reads it too.
 */
#ifndef AXOLOTL_TIMEPAGE_H
#define AXOLOTL_TIMEPAGE_H

#include <stdbool.h>
#include <stdint.h>

#define TIME_PAGE_VA 0x7ffff7ff0000ul
#define VDSO_VA      0x7ffff7ff1000ul

struct time_page {
	uint32_t seq;
	uint32_t shift;
	uint64_t mult;
	uint64_t tsc_base;
	uint64_t wall_base_ns; /* UTC at monotonic 0, ns since the epoch */
	uint64_t tsc_hz;
};

static inline uint64_t time_read_tsc(void)
{
	uint32_t lo, hi;
	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (uint64_t)hi << 32 | lo;
}

static inline uint64_t time_scale(uint64_t cycles, uint64_t mult, uint32_t shift)
{
	return (uint64_t)(((unsigned __int128)cycles * mult) >> shift);
}

/* Of a process: ns, monotonic or (want_wall) UTC. */
static inline uint64_t time_page_read(bool want_wall)
{
	const volatile struct time_page *p = (const volatile struct time_page *)TIME_PAGE_VA;
	uint32_t seq;
	uint64_t ns;

	do {
		seq = p->seq;
		__asm__ volatile("" ::: "memory");
		ns = time_scale(time_read_tsc() - p->tsc_base, p->mult, p->shift);
		if (want_wall)
			ns += p->wall_base_ns;
		__asm__ volatile("" ::: "memory");
	} while ((seq & 1) || seq != p->seq);
	return ns;
}

#endif
