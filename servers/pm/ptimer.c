/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timer_create and its kin, out of one fixed pool. Real clocks only; a timer on a CPU clock is
 * refused. A signal that is still pending when the timer expires again counts as an overrun.
 */
#include <errno.h>
#include <signal.h>
#include <time.h>
#include "pm.h"

#define PTIMERS_MAX      256
#define PTIMERS_OF_PROC  32
#define NOTIFY_THREAD_ID 4

struct ptimer {
	bool is_used;
	int32_t id, clock;
	struct proc *proc;
	struct timer timer;
	uint64_t interval_ns, due_ns; /* due: when it should expire, were it not held back */
	struct ksigevent event;
	uint32_t overrun;
};

static struct ptimer ptimers[PTIMERS_MAX];

static struct ptimer *find(const struct proc *p, int32_t id)
{
	if (id < 0 || id >= PTIMERS_MAX || !ptimers[id].is_used || ptimers[id].proc != p)
		return NULL;
	return &ptimers[id];
}

static struct ptimer *find_free(const struct proc *p)
{
	struct ptimer *found = NULL;
	unsigned own = 0;

	for (int i = 0; i < PTIMERS_MAX; i++) {
		if (!ptimers[i].is_used && !found) {
			found = &ptimers[i];
			found->id = i;
		}
		own += ptimers[i].is_used && ptimers[i].proc == p;
	}
	return own < PTIMERS_OF_PROC ? found : NULL;
}

static int check_event(const struct thread *t, const struct ksigevent *e)
{
	if (e->notify == SIGEV_NONE)
		return 0;
	if (e->notify != SIGEV_SIGNAL && e->notify != (SIGEV_SIGNAL | NOTIFY_THREAD_ID) &&
	    e->notify != NOTIFY_THREAD_ID)
		return -EINVAL;
	if (e->notify & NOTIFY_THREAD_ID) {
		const struct thread *o = thread_by_tid(e->tid);
		if (!o || o->proc != t->proc)
			return -EINVAL;
	}
	return sig_is_valid(e->signo) ? 0 : -EINVAL;
}

int64_t call_timer_create(struct thread *t, const uint64_t *args)
{
	struct ksigevent e = {.signo = SIGALRM, .notify = SIGEV_SIGNAL};
	int32_t clock = (int32_t)args[0];
	struct ptimer *pt = find_free(t->proc);
	int r = 0;

	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
		return -EINVAL;
	if (args[1])
		r = copy_in(t, &e, args[1], sizeof(e));
	if (r == 0)
		r = check_event(t, &e);
	if (r < 0)
		return r;
	if (!pt)
		return -EAGAIN;
	if (!args[1])
		e.value = (uint64_t)pt->id;
	r = copy_out(t, args[2], &pt->id, sizeof(pt->id));
	if (r < 0)
		return r;
	pt->is_used = true;
	pt->clock = clock;
	pt->proc = t->proc;
	pt->event = e;
	pt->interval_ns = 0;
	pt->overrun = 0;
	pt->timer = (struct timer){.kind = TIMER_POSIX};
	return 0;
}

static int put_current(struct thread *t, const struct ptimer *pt, uint64_t addr)
{
	uint64_t now = now_ns();
	uint64_t left = !timer_is_set(&pt->timer) ? 0
	                : pt->timer.t_ns > now    ? pt->timer.t_ns - now
	                                          : 1;
	struct kitimerspec v = {timespec_of(pt->interval_ns), timespec_of(left)};

	return copy_out(t, addr, &v, sizeof(v));
}

int64_t call_timer_gettime(struct thread *t, const uint64_t *args)
{
	struct ptimer *pt = find(t->proc, (int32_t)args[0]);

	return pt ? put_current(t, pt, args[1]) : -EINVAL;
}

int64_t call_timer_settime(struct thread *t, const uint64_t *args)
{
	struct ptimer *pt = find(t->proc, (int32_t)args[0]);
	uint64_t interval = 0, value = 0, now = now_ns();
	int r;

	if (!pt || !args[2])
		return -EINVAL;
	r = timespec_read(t, args[2], &interval);
	if (r == 0)
		r = timespec_read(t, args[2] + sizeof(struct ktimespec), &value);
	if (r == 0 && args[3])
		r = put_current(t, pt, args[3]);
	if (r < 0)
		return r;
	pt->interval_ns = interval;
	pt->overrun = 0;
	if (value == 0) {
		timer_disarm(&pt->timer);
		return 0;
	}
	if (args[1] & TIMER_ABSTIME) {
		uint64_t clock = pt->clock == CLOCK_REALTIME ? wall_ns() : now;
		value = value > clock ? value - clock : 0;
	}
	pt->due_ns = now + value;
	pt->timer.is_periodic = interval != 0;
	timer_arm(&pt->timer, pt->due_ns);
	return 0;
}

int64_t call_timer_getoverrun(struct thread *t, const uint64_t *args)
{
	const struct ptimer *pt = find(t->proc, (int32_t)args[0]);

	return pt ? (int64_t)pt->overrun : -EINVAL;
}

int64_t call_timer_delete(struct thread *t, const uint64_t *args)
{
	struct ptimer *pt = find(t->proc, (int32_t)args[0]);

	if (!pt)
		return -EINVAL;
	timer_disarm(&pt->timer);
	pt->is_used = false;
	return 0;
}

void ptimer_expired(struct timer *tm, uint64_t now)
{
	struct ptimer *pt = (struct ptimer *)((char *)tm - offsetof(struct ptimer, timer));
	struct thread *only = NULL;
	uint64_t missed = 0;
	struct sig_info info;

	if (pt->interval_ns) {
		missed = (now - pt->due_ns) / pt->interval_ns;
		pt->due_ns += (missed + 1) * pt->interval_ns;
		timer_arm(tm, timer_next_period(&timers, pt->due_ns, now));
	}
	if (pt->event.notify == SIGEV_NONE)
		return;
	if (pt->event.notify & NOTIFY_THREAD_ID)
		only = thread_by_tid(pt->event.tid);
	if ((only ? only->pending.set : pt->proc->pending.set) & SIG_BIT(pt->event.signo))
		pt->overrun += (uint32_t)missed + 1;
	else
		pt->overrun = (uint32_t)missed;
	info = (struct sig_info){.signo = pt->event.signo,
	                         .code = SI_TIMER,
	                         .pid = pt->id,
	                         .uid = pt->overrun,
	                         .value = pt->event.value};
	if (signal_post(pt->proc, only, &info) < 0)
		pt->overrun++;
}

void ptimer_drop(struct proc *p)
{
	for (int i = 0; i < PTIMERS_MAX; i++) {
		if (!ptimers[i].is_used || ptimers[i].proc != p)
			continue;
		timer_disarm(&ptimers[i].timer);
		ptimers[i].is_used = false;
	}
}
