/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heap of deadlines (see timers.h). Invariant: slot[i] is not later than its children, and
 * slot[i]->at == i + 1.
 */
#include <stddef.h>
#include "timers.h"

static void place(struct timer_heap *h, uint32_t i, struct timer *t)
{
	h->slot[i] = t;
	t->at = i + 1;
}

static void move_up(struct timer_heap *h, uint32_t i, struct timer *t)
{
	while (i > 0) {
		uint32_t parent = (i - 1) / 2;
		if (h->slot[parent]->t_ns <= t->t_ns)
			break;
		place(h, i, h->slot[parent]);
		i = parent;
	}
	place(h, i, t);
}

static void move_down(struct timer_heap *h, uint32_t i, struct timer *t)
{
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= h->count)
			break;
		if (child + 1 < h->count && h->slot[child + 1]->t_ns < h->slot[child]->t_ns)
			child++;
		if (h->slot[child]->t_ns >= t->t_ns)
			break;
		place(h, i, h->slot[child]);
		i = child;
	}
	place(h, i, t);
}

void timer_cancel(struct timer_heap *h, struct timer *t)
{
	uint32_t i;
	struct timer *last;

	if (!t->at)
		return;
	i = t->at - 1;
	t->at = 0;
	h->periodic -= t->is_counted;
	t->is_counted = false;
	last = h->slot[--h->count];
	if (last == t)
		return;
	if (i > 0 && h->slot[(i - 1) / 2]->t_ns > last->t_ns)
		move_up(h, i, last);
	else
		move_down(h, i, last);
}

bool timer_set(struct timer_heap *h, struct timer *t, uint64_t t_ns)
{
	timer_cancel(h, t);
	if (h->count == TIMERS_MAX)
		return false;
	t->t_ns = t_ns;
	t->is_counted = t->is_periodic;
	h->periodic += t->is_counted;
	move_up(h, h->count++, t);
	return true;
}

uint64_t timer_next_period(const struct timer_heap *h, uint64_t want_ns, uint64_t now_ns)
{
	uint64_t earliest = now_ns + TIMER_GAP_NS * (h->periodic + 1);

	return want_ns > earliest ? want_ns : earliest;
}

uint64_t timer_first(const struct timer_heap *h)
{
	return h->count ? h->slot[0]->t_ns : 0;
}

struct timer *timer_pop(struct timer_heap *h, uint64_t now_ns)
{
	struct timer *t;

	if (!h->count || h->slot[0]->t_ns > now_ns)
		return NULL;
	t = h->slot[0];
	timer_cancel(h, t);
	return t;
}
