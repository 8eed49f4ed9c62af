/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls: one fiber for each request, and everything by which it waits.
 *
 *     free --call_start--> running <--call_wake / call_wait--> waiting
 *       ^--------- run() has returned ---------|
 *
 * A call waits for one thing: an asynchronous reply (await_*), a wait queue, time, or several
 * queues (poll). Wakers only say "look again"; the waiter checks its condition itself. There are
 * more calls than processes, so a request of an application always finds one; what vm asks for
 * beyond that waits in main.c.
 */
#include <string.h>
#include "vfs.h"

#define ID_INDEX_BITS 10
_Static_assert(CALLS_MAX <= 1 << ID_INDEX_BITS, "a call's index fits into request ids");
#define SEND_RETRY_NS 500000ull
#define UNTAKEN_MAX   64u /* messages to one server */

static struct call calls[CALLS_MAX];
static uint8_t fiber_memory[CALLS_MAX * (FIBER_STACK_BYTES + 256ul)] __attribute__((aligned(4096)));
static uint32_t next_sequence = 1;
static uint64_t armed_ns; /* the alarm that is set, or 0 */
static unsigned search_hint;

static void fiber_broken(const char *why)
{
	sys_panic("fiber: %s", why);
}

void call_init(void)
{
	SYS_ASSERT(fiber_pool_bytes(CALLS_MAX) <= sizeof(fiber_memory));
	fiber_pool_init(fiber_memory, CALLS_MAX, fiber_broken);
}

static struct call *alloc_call(void)
{
	for (unsigned n = 0; n < CALLS_MAX; n++) {
		unsigned i = (search_hint + n) % CALLS_MAX;

		if (!calls[i].in_use) {
			search_hint = i; /* low ones are used again: their stacks are in memory */
			return &calls[i];
		}
	}
	return NULL;
}

static void call_main(void *arg)
{
	struct call *c = arg;
	struct proc *p = c->proc;

	c->fiber = fiber_self();
	c->run(c);
	if (p && p->call == c)
		p->call = NULL;
	c->in_use = false;
	if ((unsigned)(c - calls) < search_hint)
		search_hint = (unsigned)(c - calls);
	if (p)
		proc_call_ended(p);
}

bool call_start(const struct msg *m, enum ipc_primitive how, struct proc *p,
                void (*run)(struct call *c))
{
	struct call *c = alloc_call();

	if (!c)
		return false;
	c->in_use = true;
	c->no_reply = c->is_waiting = c->is_woken = c->can_interrupt = false;
	c->is_interrupted = c->has_event = c->is_marked = c->is_late = false;
	c->deadline_ns = 0;
	c->proc = p;
	c->ep = m->source;
	c->req = *m;
	c->how = how;
	c->run = run;
	c->aw.from = EP_NONE;
	c->aw.id = 0;
	if (p)
		p->call = c;
	SYS_ASSERT(fiber_start(call_main, c));
	return true;
}

void call_reply(struct call *c, int64_t result)
{
	struct linux_rep rep = {.result = result};

	sys_reply(&c->req, c->how, &rep);
}

/* ---- waiting ---- */

int call_wait(struct call *c, bool can_interrupt, uint64_t deadline_ns)
{
	if (can_interrupt && c->is_interrupted)
		return -EINTR;
	c->can_interrupt = can_interrupt;
	c->deadline_ns = deadline_ns;
	c->is_late = false;
	c->is_woken = false;
	c->is_waiting = true;
	if (deadline_ns)
		alarm_at(deadline_ns);
	(void)fiber_wait();
	c->is_waiting = false;
	c->can_interrupt = false;
	c->deadline_ns = 0;
	if (can_interrupt && c->is_interrupted)
		return -EINTR;
	return c->is_late ? -ETIMEDOUT : 0;
}

void call_wake(struct call *c)
{
	if (!c->is_waiting || c->is_woken)
		return;
	c->is_woken = true;
	fiber_wake(c->fiber, 0);
}

void call_interrupt(struct call *c)
{
	c->is_interrupted = true;
	if (c->can_interrupt)
		call_wake(c);
}

void alarm_at(uint64_t t_ns)
{
	if (armed_ns && armed_ns <= t_ns)
		return;
	armed_ns = t_ns;
	if (k_setalarm(t_ns) != 0)
		sys_log("vfs: no alarm");
}

uint64_t call_expire(uint64_t now)
{
	uint64_t next = 0;

	armed_ns = 0;
	for (unsigned i = 0; i < CALLS_MAX; i++) {
		struct call *c = &calls[i];

		if (!c->in_use || !c->is_waiting || !c->deadline_ns)
			continue;
		if (c->deadline_ns <= now) {
			c->is_late = true;
			call_wake(c);
		}
		/* It may have gone on and wait for the next time. */
		if (c->in_use && c->is_waiting && c->deadline_ns > now)
			next = !next || c->deadline_ns < next ? c->deadline_ns : next;
	}
	return next;
}

uint64_t deadline_after(uint64_t ns)
{
	uint64_t now = now_ns();

	return ns > UINT64_MAX - now ? UINT64_MAX : now + ns;
}

/* ---- wait queues ---- */

void waitq_add(struct waitq *q, struct waitq_entry *e, struct call *c)
{
	e->call = c;
	e->queue = q;
	e->prev = NULL;
	e->next = q->head;
	if (q->head)
		q->head->prev = e;
	q->head = e;
}

void waitq_del(struct waitq_entry *e)
{
	if (e->prev)
		e->prev->next = e->next;
	else
		e->queue->head = e->next;
	if (e->next)
		e->next->prev = e->prev;
}

void waitq_wake(struct waitq *q)
{
	struct waitq_entry *e;

	q->wakes++;
	/* A woken call may run at once and change the queue: mark all, then wake one after the
	 * other, each time from the head. */
	for (e = q->head; e; e = e->next)
		e->call->has_event = e->call->is_marked = true;
	for (e = q->head; e;) {
		struct call *c = e->call;

		e = e->next;
		if (!c->is_marked)
			continue;
		c->is_marked = false;
		call_wake(c);
		e = q->head;
	}
}

int waitq_sleep(struct call *c, struct waitq *q, bool can_interrupt)
{
	struct waitq_entry e;
	int r;

	c->has_event = false;
	waitq_add(q, &e, c);
	r = call_wait(c, can_interrupt, 0);
	waitq_del(&e);
	return r;
}

/* ---- asynchronous requests ---- */

uint32_t await_prepare(struct call *c, endpoint_t from, uint32_t type)
{
	uint32_t index = (uint32_t)(c - calls);

	c->aw.id = next_sequence << ID_INDEX_BITS | index;
	next_sequence = (next_sequence + 1) & ((1u << (31 - ID_INDEX_BITS)) - 1);
	if (next_sequence == 0)
		next_sequence = 1;
	c->aw.from = from;
	c->aw.type = type | MSG_REPLY;
	c->aw.is_done = c->aw.is_dead = false;
	return c->aw.id;
}

int await_send(struct call *c, const struct msg *m)
{
	int r = -EAGAIN;

	/* A server that takes no messages must not use up the table for the others. */
	while (!c->aw.is_dead) {
		if (sys_asend_pending(c->aw.from) < UNTAKEN_MAX)
			r = sys_asend(c->aw.from, m);
		if (r != -EAGAIN)
			return r;
		(void)call_wait(c, false, deadline_after(SEND_RETRY_NS));
	}
	return -EIO;
}

int await_reply(struct call *c, bool can_interrupt)
{
	while (!c->aw.is_done && !c->aw.is_dead) {
		int r = call_wait(c, can_interrupt, 0);

		if (r)
			return r;
	}
	c->aw.id = 0;
	c->aw.from = EP_NONE;
	return c->aw.is_dead && !c->aw.is_done ? -EIO : 0;
}

int await_answer(struct call *c, const struct msg *m)
{
	int r = await_send(c, m);

	return r ? r : await_reply(c, false);
}

int await_reply_or_cancel(struct call *c, const struct msg *cancel)
{
	int r = await_reply(c, true);

	if (r != -EINTR)
		return r;
	(void)await_send(c, cancel);
	/* Until it comes the server may still use what it was granted; it is prompt now. */
	return await_reply(c, false) ? -EINTR : 0;
}

void await_deliver(const struct msg *m, uint32_t id)
{
	uint32_t index = id & ((1u << ID_INDEX_BITS) - 1);
	struct call *c;

	if (index >= CALLS_MAX)
		return;
	c = &calls[index];
	/* A late or invented reply matches no pending request and changes nothing. */
	if (!c->in_use || !id || c->aw.id != id || c->aw.from != m->source ||
	    c->aw.type != m->type || c->aw.is_done)
		return;
	c->aw.rep = *m;
	c->aw.is_done = true;
	call_wake(c);
}

void await_dead(endpoint_t ep)
{
	sys_asend_cancel(ep);
	for (unsigned i = 0; i < CALLS_MAX; i++) {
		struct call *c = &calls[i];

		if (!c->in_use || c->aw.from != ep || !c->aw.id)
			continue;
		c->aw.is_dead = true;
		call_wake(c);
	}
}
