/* SPDX-License-Identifier: BSD-2-Clause */
/* eventfd: a counter that can be waited for. timerfd: a counter of expirations. */
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include "timerfd.h"

#define COUNTERS_MAX 256u
#define COUNTER_TOP  (UINT64_MAX - 1)

struct counter {
	bool in_use;
	bool is_semaphore;
	bool is_realtime; /* timerfd */
	uint64_t value;   /* of an eventfd; unread expirations of a timerfd */
	uint64_t next_ns; /* timerfd: monotonic time of the next expiration, 0: not armed */
	uint64_t period_ns;
	struct waitq wq;
};

static struct counter counters[COUNTERS_MAX];

static struct counter *alloc_counter(void)
{
	for (unsigned i = 0; i < COUNTERS_MAX; i++) {
		if (counters[i].in_use)
			continue;
		counters[i] = (struct counter){.in_use = true};
		return &counters[i];
	}
	return NULL;
}

static void counter_release(struct file *f)
{
	struct counter *k = f->obj;

	k->in_use = false;
}

/* Waits until the counter is not 0 and takes its value (or one of it). */
static int64_t counter_read(struct call *c, struct file *f, struct io *io)
{
	struct counter *k = f->obj;
	uint64_t value;
	int r;

	if (io->len < sizeof(value))
		return -EINVAL;
	while (k->value == 0) {
		if (io->flags & O_NONBLOCK)
			return -EAGAIN;
		r = waitq_sleep(c, &k->wq, true);
		if (r)
			return r;
	}
	value = k->is_semaphore ? 1 : k->value;
	k->value -= value;
	waitq_wake(&k->wq);
	r = io_put(c, io, &value, sizeof(value));
	return r ? r : (int64_t)sizeof(value);
}

static int64_t event_write(struct call *c, struct file *f, struct io *io)
{
	struct counter *k = f->obj;
	uint64_t value;
	int r;

	if (io->len < sizeof(value))
		return -EINVAL;
	r = io_get(c, io, &value, sizeof(value));
	if (r)
		return r;
	if (value == UINT64_MAX)
		return -EINVAL;
	while (value > COUNTER_TOP - k->value) {
		if (io->flags & O_NONBLOCK)
			return -EAGAIN;
		r = waitq_sleep(c, &k->wq, true);
		if (r)
			return r;
	}
	k->value += value;
	waitq_wake(&k->wq);
	return sizeof(value);
}

static unsigned event_poll(struct call *c, struct file *f, unsigned wanted)
{
	const struct counter *k = f->obj;
	unsigned events = 0;

	(void)c;
	if (k->value > 0)
		events |= POLLIN | POLLRDNORM;
	if (k->value < COUNTER_TOP)
		events |= POLLOUT | POLLWRNORM;
	return events & wanted;
}

static unsigned timer_poll(struct call *c, struct file *f, unsigned wanted)
{
	return event_poll(c, f, wanted & ~(unsigned)(POLLOUT | POLLWRNORM));
}

static const struct file_ops event_ops = {
	.read = counter_read,
	.write = event_write,
	.poll = event_poll,
	.release = counter_release,
};
static const struct file_ops timer_ops = {
	.read = counter_read,
	.poll = timer_poll,
	.release = counter_release,
};

static int64_t new_file(struct call *c, const struct file_ops *ops, uint32_t flags,
                        struct counter **out)
{
	struct counter *k = alloc_counter();
	struct file *f = k ? file_new(ops, O_RDWR | (flags & O_NONBLOCK)) : NULL;

	if (!f) {
		if (k)
			k->in_use = false;
		return -ENFILE;
	}
	f->obj = k;
	f->wq = &k->wq;
	*out = k;
	return file_install(c, f, flags & O_CLOEXEC);
}

static int64_t make_eventfd(struct call *c, uint32_t flags)
{
	struct counter *k;
	int64_t fd;

	if (flags & ~(uint32_t)(EFD_SEMAPHORE | EFD_CLOEXEC | EFD_NONBLOCK))
		return -EINVAL;
	fd = new_file(c, &event_ops, flags, &k);
	if (fd < 0)
		return fd;
	k->value = (uint32_t)c->args[0];
	k->is_semaphore = flags & EFD_SEMAPHORE;
	return fd;
}

int64_t sys_eventfd(struct call *c)
{
	return make_eventfd(c, 0);
}

int64_t sys_eventfd2(struct call *c)
{
	return make_eventfd(c, (uint32_t)c->args[1]);
}

/* ---- timerfd ---- */

int64_t sys_timerfd_create(struct call *c)
{
	struct counter *k;
	int64_t fd;

	if (c->args[0] != CLOCK_REALTIME && c->args[0] != CLOCK_MONOTONIC &&
	    c->args[0] != CLOCK_BOOTTIME)
		return -EINVAL;
	if (c->args[1] & ~(uint64_t)(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	fd = new_file(c, &timer_ops, (uint32_t)c->args[1], &k);
	if (fd >= 0)
		k->is_realtime = c->args[0] == CLOCK_REALTIME;
	return fd;
}

uint64_t timerfd_expire(uint64_t now)
{
	uint64_t next = 0;

	for (unsigned i = 0; i < COUNTERS_MAX; i++) {
		struct counter *k = &counters[i];

		if (!k->in_use || !k->next_ns)
			continue;
		if (k->next_ns <= now) {
			uint64_t times = k->period_ns ? (now - k->next_ns) / k->period_ns + 1 : 1;

			k->value += times;
			k->next_ns = k->period_ns ? k->next_ns + times * k->period_ns : 0;
			waitq_wake(&k->wq);
		}
		if (k->in_use && k->next_ns)
			next = !next || k->next_ns < next ? k->next_ns : next;
	}
	return next;
}

static bool is_valid(const struct timespec *ts)
{
	return ts->tv_sec >= 0 && ts->tv_sec < INT32_MAX && ts->tv_nsec >= 0 &&
	       ts->tv_nsec < 1000000000;
}

static uint64_t to_ns(const struct timespec *ts)
{
	return (uint64_t)ts->tv_sec * 1000000000u + (uint64_t)ts->tv_nsec;
}

static void remaining(const struct counter *k, struct itimerspec *its)
{
	uint64_t now = now_ns(), left = k->next_ns > now ? k->next_ns - now : 0;

	its->it_interval.tv_sec = (time_t)(k->period_ns / 1000000000u);
	its->it_interval.tv_nsec = (long)(k->period_ns % 1000000000u);
	its->it_value.tv_sec = (time_t)(left / 1000000000u);
	its->it_value.tv_nsec = (long)(left % 1000000000u);
}

static void arm(struct counter *k, const struct itimerspec *its, bool is_absolute)
{
	uint64_t ns = to_ns(&its->it_value), now = now_ns();

	k->value = 0;
	k->period_ns = to_ns(&its->it_interval);
	k->next_ns = 0;
	if (!ns)
		return;
	if (!is_absolute) {
		k->next_ns = now + ns;
	} else {
		uint64_t offset = k->is_realtime ? wall_ns() - now : 0;

		k->next_ns = ns > offset ? ns - offset : 1;
	}
	alarm_at(k->next_ns);
}

static int64_t timer_call(struct call *c, struct counter *k)
{
	bool is_set = c->nr == TIMERFD_SETTIME_NR;
	uint64_t uold = is_set ? c->args[3] : c->args[1];
	struct itimerspec its, old;

	if (is_set) {
		if (user_read(c, &its, c->args[2], sizeof(its)) != 0)
			return -EFAULT;
		if (!is_valid(&its.it_value) || !is_valid(&its.it_interval))
			return -EINVAL;
	}
	remaining(k, &old);
	if (is_set)
		arm(k, &its, c->args[1] & TFD_TIMER_ABSTIME);
	return uold && user_write(c, uold, &old, sizeof(old)) ? -EFAULT : 0;
}

static int64_t on_timer(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);
	int64_t r;

	if (!f)
		return -EBADF;
	r = f->ops == &timer_ops ? timer_call(c, f->obj) : -EINVAL;
	file_unref(f);
	return r;
}

int64_t sys_timerfd_settime(struct call *c)
{
	return on_timer(c);
}

int64_t sys_timerfd_gettime(struct call *c)
{
	return on_timer(c);
}
