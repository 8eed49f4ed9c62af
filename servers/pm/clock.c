/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clocks, sleeping, and the one kernel alarm that all deadlines of pm share. Times inside pm are
 * monotonic nanoseconds; an absolute sleep on CLOCK_REALTIME is converted when it starts.
 */
#include <errno.h>
#include <time.h>
#include "axolotl/timepage.h"
#include "pm.h"

#define NS_PER_S         1000000000ull
#define NS_PER_US        1000ull
#define SECONDS_MAX      4000000000ull /* 126 years: what is later counts as for ever */
#define FOREVER_NS       (SECONDS_MAX * NS_PER_S)
#define CPU_CLOCK_THREAD 4u /* in a negative clock id */
#define CPU_CLOCK_KIND   3u
#define CPU_CLOCK_OWN    (-8) /* ~0 << 3: of the caller */

static uint64_t alarm_ns; /* what the kernel's alarm is set to, 0: off */

void timer_arm(struct timer *t, uint64_t t_ns)
{
	bool is_set = timer_set(&timers, t, t_ns ? t_ns : 1);

	SYS_ASSERT(is_set);
}

void timer_disarm(struct timer *t)
{
	timer_cancel(&timers, t);
}

void timer_program(void)
{
	uint64_t first = timer_first(&timers);

	if (first == alarm_ns)
		return;
	if (k_setalarm(first) < 0)
		sys_log("alarm refused");
	else
		alarm_ns = first;
}

void sleep_expired(struct thread *t)
{
	switch (t->block) {
	case BLOCK_SLEEP: call_reply(t, 0); break;
	case BLOCK_SIGWAIT:
		t->wait_set = 0;
		call_reply(t, -EAGAIN);
		break;
	case BLOCK_FUTEX: futex_expired(t); break;
	case BLOCK_NONE:
	case BLOCK_WAIT:
	case BLOCK_PAUSE:
	case BLOCK_VFORK:
	case BLOCK_VFS:
	case BLOCK_PAGE: break;
	}
}

void timer_alarm(uint64_t now)
{
	struct timer *tm;

	alarm_ns = 0;
	random_stir(time_read_tsc());
	if (now_ns() > now)
		now = now_ns();
	while ((tm = timer_pop(&timers, now)) != NULL) {
		switch (tm->kind) {
		case TIMER_SLEEP:
			sleep_expired(
				(struct thread *)((char *)tm - offsetof(struct thread, sleep)));
			break;
		case TIMER_REAL:
		case TIMER_VIRTUAL:
		case TIMER_PROF: itimer_expired(tm, now); break;
		case TIMER_POSIX: ptimer_expired(tm, now); break;
		case TIMER_INIT: init_again(); break;
		}
	}
}

struct ktimespec timespec_of(uint64_t ns)
{
	return (struct ktimespec){(int64_t)(ns / NS_PER_S), (int64_t)(ns % NS_PER_S)};
}

int timespec_read(struct thread *t, uint64_t addr, uint64_t *ns)
{
	struct ktimespec ts;
	int r = copy_in(t, &ts, addr, sizeof(ts));

	if (r < 0)
		return r;
	if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= (int64_t)NS_PER_S)
		return -EINVAL;
	*ns = (uint64_t)ts.sec >= SECONDS_MAX ? FOREVER_NS
	                                      : (uint64_t)ts.sec * NS_PER_S + (uint64_t)ts.nsec;
	return 0;
}

/* clock_getcpuclockid: ~pid << 3 | kind, kind 0..2 of a process, 4..6 of a thread. */
static int cpu_clock(const struct thread *t, int32_t id, uint64_t *ns)
{
	int32_t pid = (int32_t)(~(uint32_t)id >> 3); /* the sign is gone: id < 0 */
	struct cpu_time c;

	if (((uint32_t)id & CPU_CLOCK_KIND) == CPU_CLOCK_KIND)
		return -EINVAL;
	if ((uint32_t)id & CPU_CLOCK_THREAD) {
		const struct thread *o = pid ? thread_by_tid(pid) : t;
		if (!o || o->proc != t->proc)
			return -EINVAL;
		c = thread_cpu_time(o);
	} else {
		const struct proc *p = pid ? proc_by_pid(pid) : t->proc;
		if (!p)
			return -EINVAL;
		c = proc_cpu_time(p);
	}
	*ns = c.user_ns + c.system_ns;
	return 0;
}

static int clock_read(const struct thread *t, int32_t id, uint64_t *ns)
{
	if (id < 0)
		return cpu_clock(t, id, ns);
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI: *ns = wall_ns(); return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM: *ns = now_ns(); return 0;
	case CLOCK_PROCESS_CPUTIME_ID: return cpu_clock(t, CPU_CLOCK_OWN | 2, ns);
	case CLOCK_THREAD_CPUTIME_ID: return cpu_clock(t, CPU_CLOCK_OWN | 6, ns);
	default: return -EINVAL;
	}
}

int64_t call_clock_gettime(struct thread *t, const uint64_t *args)
{
	struct ktimespec ts;
	uint64_t ns;
	int r = clock_read(t, (int32_t)args[0], &ns);

	if (r < 0)
		return r;
	ts = timespec_of(ns);
	return copy_out(t, args[1], &ts, sizeof(ts));
}

int64_t call_clock_getres(struct thread *t, const uint64_t *args)
{
	struct ktimespec ts = {0, 1};
	uint64_t ns;
	int r = clock_read(t, (int32_t)args[0], &ns);

	if (r < 0)
		return r;
	return args[1] ? copy_out(t, args[1], &ts, sizeof(ts)) : 0;
}

int64_t call_gettimeofday(struct thread *t, const uint64_t *args)
{
	uint64_t ns = wall_ns();
	struct ktimeval tv = {(int64_t)(ns / NS_PER_S), (int64_t)(ns % NS_PER_S / NS_PER_US)};
	const int32_t zone[2] = {0, 0};
	int r = args[0] ? copy_out(t, args[0], &tv, sizeof(tv)) : 0;

	if (r == 0 && args[1])
		r = copy_out(t, args[1], zone, sizeof(zone));
	return r;
}

int64_t call_time(struct thread *t, const uint64_t *args)
{
	int64_t now = (int64_t)(wall_ns() / NS_PER_S);
	int r = args[0] ? copy_out(t, args[0], &now, sizeof(now)) : 0;

	return r < 0 ? r : now;
}

static int set_wall(const struct thread *t, uint64_t ns)
{
	int r;

	if (t->proc->cred.euid != 0)
		return -EPERM;
	r = k_sysctl(SYSCTL_SETTIME, &ns, sizeof(ns));
	return r < 0 ? -EINVAL : 0;
}

int64_t call_settimeofday(struct thread *t, const uint64_t *args)
{
	struct ktimeval tv;
	int r;

	if (!args[0])
		return t->proc->cred.euid == 0 ? 0 : -EPERM;
	r = copy_in(t, &tv, args[0], sizeof(tv));
	if (r < 0)
		return r;
	if (tv.sec < 0 || (uint64_t)tv.sec > SECONDS_MAX || tv.usec < 0 || tv.usec >= 1000000)
		return -EINVAL;
	return set_wall(t, (uint64_t)tv.sec * NS_PER_S + (uint64_t)tv.usec * NS_PER_US);
}

int64_t call_clock_settime(struct thread *t, const uint64_t *args)
{
	uint64_t ns;
	int r = timespec_read(t, args[1], &ns);

	if (r < 0)
		return r;
	return (int32_t)args[0] == CLOCK_REALTIME ? set_wall(t, ns) : -EINVAL;
}

int64_t call_adjtimex(struct thread *t, const uint64_t *args)
{
	(void)t;
	(void)args;
	return -EPERM; /* the clock is the TSC, it is not disciplined */
}

int64_t call_clock_adjtime(struct thread *t, const uint64_t *args)
{
	return call_adjtimex(t, args + 1);
}

/* The rest of a sleep that a handler interrupts; written now, as nobody knows yet whether one will.
 */
static void put_rest(struct thread *t, uint64_t addr, uint64_t deadline)
{
	uint64_t now = now_ns();
	struct ktimespec ts = timespec_of(deadline > now ? deadline - now : 0);

	if (addr && copy_out_now(t, addr, &ts, sizeof(ts)) < 0)
		sys_log("rest of a sleep of %d is lost", t->tid);
}

static int64_t sleep_until(struct thread *t, uint64_t deadline, uint64_t rest_addr)
{
	if (!t->wake_ns)
		t->wake_ns = deadline;
	if (now_ns() >= t->wake_ns)
		return 0;
	t->rest_addr = rest_addr;
	timer_arm(&t->sleep, t->wake_ns);
	return call_block(t, BLOCK_SLEEP);
}

void sleep_interrupted(struct thread *t)
{
	put_rest(t, t->rest_addr, t->wake_ns);
}

int64_t call_nanosleep(struct thread *t, const uint64_t *args)
{
	uint64_t ns;
	int r = timespec_read(t, args[0], &ns);

	if (r == 0 && args[1])
		r = copy_probe(t, args[1], sizeof(struct ktimespec));
	if (r < 0)
		return r;
	return sleep_until(t, now_ns() + ns, args[1]);
}

int64_t call_clock_nanosleep(struct thread *t, const uint64_t *args)
{
	bool is_absolute = args[1] & TIMER_ABSTIME;
	int32_t id = (int32_t)args[0];
	uint64_t ns, clock, now = now_ns();
	int r = timespec_read(t, args[2], &ns);

	if (r == 0 && !is_absolute && args[3])
		r = copy_probe(t, args[3], sizeof(struct ktimespec));
	if (r < 0)
		return r;
	if (id < 0 || id == CLOCK_THREAD_CPUTIME_ID || id == CLOCK_PROCESS_CPUTIME_ID)
		return id == CLOCK_THREAD_CPUTIME_ID ? -EINVAL : -EOPNOTSUPP;
	r = clock_read(t, id, &clock);
	if (r < 0)
		return r;
	if (!is_absolute)
		return sleep_until(t, now + ns, args[3]);
	return ns <= clock ? 0 : sleep_until(t, now + (ns - clock), 0);
}
