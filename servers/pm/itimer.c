/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alarm, setitimer, getitimer. ITIMER_VIRTUAL and ITIMER_PROF count CPU time: their deadline is the
 * earliest moment at which that much CPU time can have been used; when it comes and less was used,
 * it is moved by what is missing. So nothing ticks.
 */
#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include "pm.h"

#define NS_PER_S        1000000000ull
#define NS_PER_US       1000ull
#define SECONDS_MAX     4000000000ull
#define CPU_MIN_WAIT_NS 1000000ull /* do not look more often than each ms */

struct itimer {
	struct timer *timer;
	uint64_t *interval_ns;
	uint64_t *goal_ns; /* NULL: real time */
	int signo;
};

static struct itimer itimer_of(struct proc *p, int which)
{
	switch (which) {
	case ITIMER_VIRTUAL:
		return (struct itimer){&p->virtual, &p->virtual_interval_ns, &p->virtual_goal_ns,
		                       SIGVTALRM};
	case ITIMER_PROF:
		return (struct itimer){&p->prof, &p->prof_interval_ns, &p->prof_goal_ns, SIGPROF};
	default: return (struct itimer){&p->real, &p->real_interval_ns, NULL, SIGALRM};
	}
}

static uint64_t used_ns(const struct proc *p, int which)
{
	struct cpu_time c = proc_cpu_time(p);

	return which == ITIMER_VIRTUAL ? c.user_ns : c.user_ns + c.system_ns;
}

static uint64_t remaining_ns(struct proc *p, int which)
{
	struct itimer i = itimer_of(p, which);
	uint64_t now = i.goal_ns ? used_ns(p, which) : now_ns();
	uint64_t end = i.goal_ns ? *i.goal_ns : i.timer->t_ns;

	if (!timer_is_set(i.timer))
		return 0;
	return end > now ? end - now : NS_PER_US;
}

static void start(struct proc *p, int which, uint64_t value_ns)
{
	struct itimer i = itimer_of(p, which);

	if (value_ns == 0) {
		timer_disarm(i.timer);
		return;
	}
	if (i.goal_ns)
		*i.goal_ns = used_ns(p, which) + value_ns;
	timer_arm(i.timer, now_ns() + value_ns);
}

static struct proc *owner_of(struct timer *tm)
{
	switch (tm->kind) {
	case TIMER_VIRTUAL: return (struct proc *)((char *)tm - offsetof(struct proc, virtual));
	case TIMER_PROF: return (struct proc *)((char *)tm - offsetof(struct proc, prof));
	case TIMER_REAL:
	case TIMER_SLEEP:
	case TIMER_POSIX:
	case TIMER_INIT: break;
	}
	return (struct proc *)((char *)tm - offsetof(struct proc, real));
}

static int which_of(const struct timer *tm)
{
	return tm->kind == TIMER_VIRTUAL ? ITIMER_VIRTUAL
	       : tm->kind == TIMER_PROF  ? ITIMER_PROF
	                                 : ITIMER_REAL;
}

void itimer_expired(struct timer *tm, uint64_t now)
{
	struct proc *p = owner_of(tm);
	int which = which_of(tm);
	struct itimer i = itimer_of(p, which);
	struct sig_info info = {.signo = i.signo, .code = SI_KERNEL};

	if (i.goal_ns) {
		uint64_t used = used_ns(p, which);
		if (used < *i.goal_ns) {
			uint64_t wait = *i.goal_ns - used;
			timer_arm(tm, now + (wait > CPU_MIN_WAIT_NS ? wait : CPU_MIN_WAIT_NS));
			return;
		}
	}
	if (*i.interval_ns) {
		/* Expirations that were missed are one, and the rhythm is kept. */
		uint64_t missed = i.goal_ns ? 0 : (now - tm->t_ns) / *i.interval_ns;
		uint64_t next = tm->t_ns + (missed + 1) * *i.interval_ns;
		if (i.goal_ns)
			start(p, which, *i.interval_ns);
		else
			timer_arm(tm, timer_next_period(&timers, next, now));
	}
	if (signal_post(p, NULL, &info) < 0)
		sys_log("timer signal of %d is lost", p->pid);
}

void itimer_drop(struct proc *p)
{
	timer_disarm(&p->real);
	timer_disarm(&p->virtual);
	timer_disarm(&p->prof);
}

int64_t call_alarm(struct thread *t, const uint64_t *args)
{
	uint64_t seconds = (uint32_t)args[0];
	uint64_t left = remaining_ns(t->proc, ITIMER_REAL);

	t->proc->real_interval_ns = 0;
	t->proc->real.is_periodic = false;
	start(t->proc, ITIMER_REAL, seconds * NS_PER_S);
	if (left > 0 && left < NS_PER_S)
		return 1; /* 0 would say that no alarm was set */
	return (int64_t)((left + NS_PER_S / 2) / NS_PER_S);
}

static struct ktimeval to_timeval(uint64_t ns)
{
	return (struct ktimeval){(int64_t)(ns / NS_PER_S), (int64_t)(ns % NS_PER_S / NS_PER_US)};
}

static int from_timeval(const struct ktimeval *tv, uint64_t *ns)
{
	if (tv->sec < 0 || tv->usec < 0 || tv->usec >= 1000000)
		return -EINVAL;
	*ns = (uint64_t)tv->sec >= SECONDS_MAX
	              ? SECONDS_MAX * NS_PER_S
	              : (uint64_t)tv->sec * NS_PER_S + (uint64_t)tv->usec * NS_PER_US;
	return 0;
}

static int put_current(struct thread *t, int which, uint64_t addr)
{
	struct itimer i = itimer_of(t->proc, which);
	struct kitimerval v = {to_timeval(*i.interval_ns),
	                       to_timeval(remaining_ns(t->proc, which))};

	return copy_out(t, addr, &v, sizeof(v));
}

int64_t call_getitimer(struct thread *t, const uint64_t *args)
{
	if (args[0] > ITIMER_PROF)
		return -EINVAL;
	return put_current(t, (int)args[0], args[1]);
}

int64_t call_setitimer(struct thread *t, const uint64_t *args)
{
	struct kitimerval v = {0};
	uint64_t interval = 0, value = 0;
	int which = (int)args[0], r = 0;

	if (args[0] > ITIMER_PROF)
		return -EINVAL;
	if (args[1])
		r = copy_in(t, &v, args[1], sizeof(v));
	if (r == 0)
		r = from_timeval(&v.interval, &interval);
	if (r == 0)
		r = from_timeval(&v.value, &value);
	if (r == 0 && args[2])
		r = put_current(t, which, args[2]);
	if (r < 0)
		return r;
	*itimer_of(t->proc, which).interval_ns = interval;
	itimer_of(t->proc, which).timer->is_periodic = interval != 0;
	start(t->proc, which, value);
	return 0;
}
