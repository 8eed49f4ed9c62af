/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scheduler: a multilevel feedback queue. The first process of the best non-empty queue runs. Who
 * uses up a whole quantum goes one level down (to the tail), so a looping driver ends up below
 * everybody; every BOOST_NS all go back to their base. Who blocks keeps the rest of its quantum.
 *
 * dispatch() is where every trap ends: it picks, finishes pending deliveries, arms the timer, and
 * leaves to user mode or waits for an interrupt.
 */
#include "proc.h"

#define BOOST_NS (500 * 1000000ul)

static struct proc *heads[SCHED_PRIORITIES], *tails[SCHED_PRIORITIES];
static uint32_t nonempty; /* bit: priority */
static unsigned runnable;
static uint64_t boost_due;
static uint64_t last_ns;     /* of the accounting */
static struct proc *charged; /* who had the CPU since then; NULL: idle */
static bool is_charged_system;
uint64_t count_switches, idle_ns;

static void push(struct proc *p, bool at_head)
{
	unsigned q = p->priority;

	p->run_next = at_head ? heads[q] : NULL;
	if (!heads[q] || !tails[q]) /* both, or none */
		heads[q] = tails[q] = p;
	else if (at_head)
		heads[q] = p;
	else
		tails[q] = tails[q]->run_next = p;
	nonempty |= 1u << q;
	p->is_queued_run = true;
	runnable++;
}

static void take(struct proc *p)
{
	unsigned q = p->priority;
	struct proc *before = NULL;

	for (struct proc *at = heads[q]; at != p; at = at->run_next)
		before = at;
	if (before)
		before->run_next = p->run_next;
	else
		heads[q] = p->run_next;
	if (tails[q] == p)
		tails[q] = before;
	if (!heads[q])
		nonempty &= ~(1u << q);
	p->is_queued_run = false;
	runnable--;
}

/* A process with time left goes to the head: it was interrupted by its own wait only. */
void sched_ready(struct proc *p)
{
	if (p->quantum_left_ns == 0)
		p->quantum_left_ns = p->quantum_us * 1000ul;
	push(p, p == this_cpu()->current);
}

void sched_unready(struct proc *p)
{
	if (p->is_queued_run)
		take(p);
}

unsigned sched_runnable(void)
{
	return runnable;
}

uint64_t sched_boost_due(void)
{
	return boost_due;
}

void sched_boost(void)
{
	boost_due = 0;
	for (unsigned i = 1; i < NR_PROCS; i++) {
		struct proc *p = &procs[i];
		bool was_queued = p->is_queued_run;

		if ((p->rts & KRTS_FREE) || p->priority == p->base_priority)
			continue;
		if (was_queued)
			take(p);
		p->priority = p->base_priority;
		if (was_queued)
			push(p, false);
	}
}

static void quantum_used(struct proc *p)
{
	bool was_queued = p->is_queued_run;

	if (was_queued)
		take(p);
	if (p->priority < SCHED_PRIORITIES - 1)
		p->priority++;
	if (!boost_due)
		boost_due = last_ns + BOOST_NS;
	p->quantum_left_ns = p->quantum_us * 1000ul;
	if (was_queued)
		push(p, false);
}

void sched_account(void)
{
	uint64_t now = clock_now(), spent = now - last_ns;
	struct proc *p = charged;

	last_ns = now;
	if (!p) {
		idle_ns += spent;
		return;
	}
	if (is_charged_system)
		p->system_ns += spent;
	else
		p->user_ns += spent;
	p->quantum_left_ns = p->quantum_left_ns > spent ? p->quantum_left_ns - spent : 0;
	if (p->quantum_left_ns == 0 && !(p->rts & KRTS_FREE))
		quantum_used(p);
}

void sched_enter(struct proc *p)
{
	sched_account();
	charged = p;
	is_charged_system = true;
}

static void leave_to(struct proc *p)
{
	bool is_alone = runnable == 1;

	sched_account();
	charged = p;
	is_charged_system = false;
	clock_arm(is_alone ? 0 : last_ns + p->quantum_left_ns);
	cpu_set_current(p);
	trap_return(&p->regs);
}

void dispatch(void)
{
	for (;;) {
		struct proc *p;

		if (!nonempty) {
			sched_account();
			charged = NULL;
			if (clock_idle())
				continue;
			clock_arm(0);
			cpu_idle();
			continue;
		}
		p = heads[__builtin_ctz(nonempty)];
		if ((p->flags & PF_DELIVER) && ipc_finish_delivery(p) != 0) {
			fault_suspend(p, FAULT_DELIVER);
			continue;
		}
		leave_to(p);
	}
}
