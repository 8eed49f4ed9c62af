/* SPDX-License-Identifier: BSD-2-Clause */
/* The event log (event.h) and the counters of policy violations (priv.h). */
#include "proc.h"

static struct event events[EVENT_LOG_SLOTS];
static uint64_t last_seq;
uint64_t violations[NR_PRIVS][VIOL_KINDS];

void event_add(struct event *e)
{
	e->t_ns = clock_now();
	e->seq = ++last_seq;
	events[e->seq % EVENT_LOG_SLOTS] = *e;
}

void event_log(enum event_kind kind, const struct proc *p, uint64_t a, uint64_t b)
{
	struct event e = {.kind = (uint16_t)kind, .ep = EP_KERNEL, .args = {a, b}};

	if (p) {
		e.ep = p->ep;
		if (p->priv && p->priv->id != PRIV_ID_USER)
			memcpy(e.label, p->priv->label, LABEL_MAX);
		else
			memcpy(e.label, p->name, sizeof(p->name));
	}
	event_add(&e);
}

uint64_t event_last(void)
{
	return last_seq;
}

const struct event *event_get(uint64_t seq)
{
	const struct event *e = &events[seq % EVENT_LOG_SLOTS];

	return seq != 0 && e->seq == seq ? e : NULL;
}

/* Logged at every power of two, so that a process cannot flood the log. */
void violation(struct proc *p, enum violation kind, uint64_t detail)
{
	uint64_t n = ++violations[p->priv->id][kind];

	if ((n & (n - 1)) == 0)
		event_log(EV_VIOLATION, p, kind, detail);
}
