/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling: a loop starves nobody, a stopped process does not run, time is accounted. */
#include "ktest.h"

static volatile uint64_t counter, counter2;

static void loop(long arg)
{
	volatile uint64_t *c = arg ? &counter2 : &counter;

	for (;;)
		(*c)++;
}

static void sleep_ms(uint64_t ms)
{
	struct msg m;

	CHECK(k_setalarm(clock_read() + ms * 1000000) == 0);
	CHECK(receive(EP_CLOCK, &m) == IPC_NOTIFY);
}

static void loops_share_the_cpu(void)
{
	child_start(loop, 0, 0);
	child_start(loop, 1, 0);
	counter = counter2 = 0;
	sleep_ms(150);
	CHECK(counter > 1000 && counter2 > 1000);
}

static void stopped_does_not_run(void)
{
	endpoint_t c = child_start(loop, 0, 0);
	uint64_t before;

	sleep_ms(10);
	CHECK(k_sched(SCHED_STOP, c, 0, 0) == 0);
	before = counter;
	sleep_ms(10);
	CHECK(counter == before);
	CHECK(k_sched(SCHED_CONT, c, 0, 0) == 0);
	sleep_ms(30);
	CHECK(counter > before);
}

/* A loop at a high priority sinks below a process that starts lower. */
static void a_loop_sinks(void)
{
	endpoint_t hog = child_start(loop, 0, 0), meek;

	CHECK(k_sched(SCHED_SET, hog, 3, 1000) == 0);
	meek = child_start(loop, 1, 0);
	CHECK(k_sched(SCHED_SET, meek, 6, 1000) == 0);
	counter2 = 0;
	sleep_ms(100);
	CHECK(counter2 > 1000);
}

static unsigned priority_of(endpoint_t ep)
{
	static struct kproc_info all[NR_PROCS];
	int count = k_getinfo(KINFO_PROCS, all, sizeof(all), 0);

	for (int i = 0; i < count; i++)
		if (all[i].ep == ep)
			return all[i].priority;
	CHECK(!"it lives");
	return 0;
}

/* What has sunk is back where it began at once; the test stands above it. */
static void a_boost_lifts_all(void)
{
	endpoint_t hog = child_start(loop, 0, 0);
	unsigned sunk = 5;

	CHECK(k_sched(SCHED_SET, hog, 5, 1000) == 0);
	for (unsigned i = 0; i < 200 && sunk == 5; i++) {
		sleep_ms(5);
		sunk = priority_of(hog);
	}
	CHECK(sunk > 5);
	CHECK(k_sched(SCHED_BOOST, hog, 0, 0) == 0);
	CHECK(priority_of(hog) == 5);
	CHECK(k_sched(SCHED_BOOST, EP_NONE, 0, 0) == -ESRCH);
}

static void time_is_accounted(void)
{
	endpoint_t c = child_start(loop, 0, 0);
	struct ktimes t;

	sleep_ms(50);
	CHECK(k_times(c, &t) == 0);
	CHECK(t.user_ns > 20000000 && t.user_ns < 2000000000);
}

static void fpu_state_is_kept(void);

static volatile unsigned fpu_done;
static void fpu_sum(long seed)
{
	double x = (double)seed, expect = x;

	for (int i = 0; i < 2000000; i++)
		x += 1.0;
	expect += 2000000.0;
	CHECK(x == expect);
	fpu_done++;
}

static void fpu_state_is_kept(void)
{
	fpu_done = 0;
	for (long i = 0; i < 4; i++)
		child_start(fpu_sum, i * 1000, 0);
	for (unsigned i = 0; i < 500 && fpu_done < 4; i++)
		sleep_ms(10);
	CHECK(fpu_done == 4);
}

const struct ktest sched_tests[] = {
	{"loops_share_the_cpu", loops_share_the_cpu},
	{"stopped_does_not_run", stopped_does_not_run},
	{"a_loop_sinks", a_loop_sinks},
	{"a_boost_lifts_all", a_boost_lifts_all},
	{"time_is_accounted", time_is_accounted},
	{"fpu_state_is_kept", fpu_state_is_kept},
	{NULL, NULL},
};
