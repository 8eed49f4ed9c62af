/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vDSO: clock functions that C libraries find through AT_SYSINFO_EHDR and call instead of
 * trapping. They read the time page (timepage.h), which every process sees at a fixed address.
 *
 * build.mk links this file as a shared object of its own; the copy that is compiled into vm as well
 * is unused and dropped by the linker. Nothing but inline functions may be called from here.
 * Reference: the symbols and the version LINUX_2.6 are those that musl and glibc look up on x86-64.
 */
#include <stddef.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include "axolotl/timepage.h"

#define NS_PER_SEC 1000000000ul

int __vdso_clock_gettime(clockid_t clock, struct timespec *ts);
int __vdso_gettimeofday(struct timeval *tv, void *tz);
time_t __vdso_time(time_t *out);
int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

static inline int trap_clock_gettime(clockid_t clock, struct timespec *ts)
{
	long r = SYS_clock_gettime;

	__asm__ volatile("syscall" : "+a"(r) : "D"((long)clock), "S"(ts) : "rcx", "r11", "memory");
	return (int)r;
}

int __vdso_clock_gettime(clockid_t clock, struct timespec *ts)
{
	uint64_t ns;

	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
		ns = time_page_read(true);
	else if (clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW ||
	         clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME)
		ns = time_page_read(false);
	else
		return trap_clock_gettime(clock, ts); /* CPU times, unknown clocks */
	ts->tv_sec = (time_t)(ns / NS_PER_SEC);
	ts->tv_nsec = (long)(ns % NS_PER_SEC);
	return 0;
}

int __vdso_gettimeofday(struct timeval *tv, void *tz)
{
	uint64_t ns = time_page_read(true);

	if (tv != NULL) {
		tv->tv_sec = (time_t)(ns / NS_PER_SEC);
		tv->tv_usec = (suseconds_t)(ns % NS_PER_SEC / 1000);
	}
	if (tz != NULL) { /* UTC: minutes west and kind of summer time are 0 */
		((int *)tz)[0] = 0;
		((int *)tz)[1] = 0;
	}
	return 0;
}

time_t __vdso_time(time_t *out)
{
	time_t now = (time_t)(time_page_read(true) / NS_PER_SEC);

	if (out != NULL)
		*out = now;
	return now;
}

int __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	(void)unused;
	if (cpu != NULL)
		*cpu = 0;
	if (node != NULL)
		*node = 0;
	return 0;
}
