/* SPDX-License-Identifier: BSD-2-Clause */
/* See ready.h. The entries of one wait come from a common pool; a wait that finds it empty looks
 * again every few milliseconds instead. */
#include <time.h>
#include "ready.h"

#define ENTRIES_MAX  8192u
#define POLL_STEP_NS 5000000ull

static struct waitq_entry entries[ENTRIES_MAX];
static struct waitq_entry *free_list;
static unsigned never_used;

static struct waitq_entry *alloc_entry(void)
{
	struct waitq_entry *e = free_list;

	if (e)
		free_list = e->next;
	else if (never_used < ENTRIES_MAX)
		e = &entries[never_used++];
	return e;
}

/* The entries of one wait. */
struct chain {
	struct waitq_entry *first;
	bool is_partial; /* the pool had not enough */
};
static struct waitq_entry *links[ENTRIES_MAX]; /* by index of an entry: the next of its chain */

static void enter(struct call *c, const struct ready_set *s, struct chain *ch)
{
	ch->first = NULL;
	ch->is_partial = false;
	for (unsigned i = 0; i < s->count; i++) {
		struct file *f = s->file(s, i);
		struct waitq_entry *e;

		if (!f || (!f->wq && !f->ops->poll))
			continue;
		e = f->wq ? alloc_entry() : NULL; /* no queue: a set of other files (epoll) */
		if (!e) {
			ch->is_partial = true;
			return;
		}
		waitq_add(f->wq, e, c);
		links[e - entries] = ch->first;
		ch->first = e;
	}
}

static void leave(struct chain *ch)
{
	while (ch->first) {
		struct waitq_entry *e = ch->first;

		ch->first = links[e - entries];
		waitq_del(e);
		e->next = free_list;
		free_list = e;
	}
}

static int wait_once(struct call *c, const struct chain *ch, uint64_t deadline_ns)
{
	uint64_t limit = deadline_ns;
	int r;

	if (ch->is_partial) {
		limit = deadline_after(POLL_STEP_NS);
		if (deadline_ns && deadline_ns < limit)
			limit = deadline_ns;
	}
	r = call_wait(c, true, limit);
	if (r == -ETIMEDOUT && (!deadline_ns || limit < deadline_ns))
		r = 0;
	return r;
}

int ready_wait(struct call *c, const struct ready_set *s, uint64_t deadline_ns)
{
	struct chain ch;
	int n;

	if (deadline_ns == DEADLINE_NOW)
		return s->scan(c, s);
	enter(c, s, &ch);
	for (;;) {
		c->has_event = false;
		n = s->scan(c, s);
		if (n != 0)
			break;
		/* scan() may have waited for a driver: something may have happened meanwhile. */
		if (c->has_event)
			continue;
		if (deadline_ns && now_ns() >= deadline_ns)
			break;
		n = wait_once(c, &ch, deadline_ns);
		if (n == -EINTR)
			break;
	}
	leave(&ch);
	return n;
}

static int set_mask(const struct call *c, uint32_t op, uint64_t mask)
{
	struct pm_sigmask req = {.ep = c->ep, .op = op, .mask = mask};
	struct pm_rep rep;
	int r = sys_call(EP_PM, PM_SIGMASK, &req, &rep);

	return r ? r : rep.result;
}

int ready_mask_begin(struct call *c, uint64_t umask, uint64_t bytes)
{
	uint64_t mask;
	int r;

	if (!umask)
		return 0;
	if (bytes != sizeof(mask))
		return -EINVAL;
	if (user_read(c, &mask, umask, sizeof(mask)) != 0)
		return -EFAULT;
	r = set_mask(c, PM_SIGMASK_SET, mask);
	return r > 0 ? -EINTR : r;
}

int64_t ready_mask_end(struct call *c, uint64_t umask, int64_t result)
{
	/* An interrupted call keeps the mask: pm restores it when the handler is through. */
	if (umask && result != -EINTR && set_mask(c, PM_SIGMASK_RESTORE, 0) < 0)
		sys_log("vfs: a signal mask is not restored");
	return result;
}

uint64_t deadline_from_ms(int ms)
{
	if (ms < 0)
		return 0;
	return ms == 0 ? DEADLINE_NOW : deadline_after((uint64_t)ms * 1000000u);
}

int deadline_from_timespec(struct call *c, uint64_t uts, uint64_t *deadline_ns)
{
	struct timespec ts;

	*deadline_ns = 0;
	if (!uts)
		return 0;
	if (user_read(c, &ts, uts, sizeof(ts)) != 0)
		return -EFAULT;
	if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= 1000000000)
		return -EINVAL;
	if (ts.tv_sec == 0 && ts.tv_nsec == 0)
		*deadline_ns = DEADLINE_NOW;
	else if ((uint64_t)ts.tv_sec > INT64_MAX / 1000000000u - 1)
		*deadline_ns = UINT64_MAX;
	else
		*deadline_ns =
			deadline_after((uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec);
	return 0;
}
