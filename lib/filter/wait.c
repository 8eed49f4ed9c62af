/* SPDX-License-Identifier: BSD-2-Clause */
/* What fibers of a filter wait for. See filter.h. */
#include "filter/filter.h"

/* ---- gates ---- */

static void io_done(struct bdev_io *io)
{
	struct filter_gate *g = io->cookie;

	g->pending--;
	if (g->pending == 0 && g->waiter != NULL)
		fiber_wake(g->waiter, 0);
}

void filter_submit(struct filter_gate *g, struct bdev *b, struct bdev_io *io)
{
	int r;

	io->done = io_done;
	io->cookie = g;
	r = bdev_submit(b, io);
	if (r == 0)
		g->pending++;
	else
		io->status = r;
}

void filter_wait(struct filter_gate *g)
{
	while (g->pending > 0) {
		g->waiter = fiber_self();
		(void)fiber_wait();
		g->waiter = NULL;
	}
}

/* ---- sleeping: a few sleepers share a table, since timers must not live on stacks ---- */

#define SLEEPERS_MAX 16

static struct sleeper {
	struct filter_timer timer; /* first: wake_sleeper() finds the sleeper by it */
	struct fiber *fiber;
} sleepers[SLEEPERS_MAX];

static void wake_sleeper(struct filter_timer *t)
{
	struct sleeper *s = (struct sleeper *)(void *)t;
	struct fiber *f = s->fiber;

	s->fiber = NULL;
	fiber_wake(f, 0);
}

void filter_sleep(uint64_t ns)
{
	for (unsigned i = 0; i < SLEEPERS_MAX; i++) {
		struct sleeper *s = &sleepers[i];

		if (s->fiber != NULL)
			continue;
		s->fiber = fiber_self();
		s->timer.fn = wake_sleeper;
		filter_timer_set(&s->timer, now_ns() + ns);
		(void)fiber_wait();
		return;
	}
	sys_panic("more than %d fibers sleep", SLEEPERS_MAX);
}
