/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process table: slots, endpoints with generations, life and death. A dead process keeps its
 * slot until pm has told everybody and calls CLEAR; its endpoint is refused from the moment of
 * death on.
 */
#include "proc.h"

struct proc procs[NR_PROCS];
struct space spaces[NR_SPACES];
struct priv privs[NR_PRIVS];

void proc_init(void)
{
	for (unsigned i = 0; i < NR_PROCS; i++) {
		procs[i].ep = EP_MAKE(0, i);
		procs[i].rts = KRTS_FREE;
		procs[i].priv = &privs[PRIV_ID_NONE];
	}
	for (unsigned i = 0; i < NR_PRIVS; i++)
		privs[i].id = i;
	memcpy(privs[PRIV_ID_NONE].label, "none", 5);
}

struct proc *proc_of(endpoint_t ep)
{
	struct proc *p;

	if (ep <= 0 || EP_SLOT(ep) >= NR_PROCS)
		return NULL;
	p = &procs[EP_SLOT(ep)];
	return p->ep == ep && !(p->rts & KRTS_FREE) ? p : NULL;
}

struct proc *proc_of_call(struct proc *caller, endpoint_t ep)
{
	return ep == EP_SELF ? caller : proc_of(ep);
}

/* Slots are taken in turn, so that an endpoint is not soon seen again. Slot 0 stays free. */
struct proc *proc_alloc(void)
{
	static unsigned next = 1;

	for (unsigned tries = 0; tries < NR_PROCS; tries++, next++) {
		struct proc *p = &procs[next % NR_PROCS];
		endpoint_t ep = p->ep;

		if (next % NR_PROCS == 0 || !(p->rts & KRTS_FREE))
			continue;
		next++;
		memset(p, 0, sizeof(*p));
		p->ep = ep;
		p->rts = KRTS_NOSPACE | KRTS_NOEXEC;
		p->priv = &privs[PRIV_ID_NONE];
		p->priority = p->base_priority = SCHED_PRIORITIES - 1;
		p->quantum_us = 50000;
		p->orig_rax = ~0ul;
		p->sendto = p->getfrom = EP_NONE;
		p->regs.cs = SEL_USER_CS;
		p->regs.ss = SEL_USER_SS;
		p->regs.rflags = FLAGS_SET;
		p->regs.vector = VEC_REPLACED;
		fpu_reset(p->fx);
		return p;
	}
	return NULL;
}

void proc_set(struct proc *p, uint32_t rts)
{
	if (p->rts == 0)
		sched_unready(p);
	p->rts |= rts;
}

void proc_unset(struct proc *p, uint32_t rts)
{
	if (p->rts == 0)
		return;
	p->rts &= ~rts;
	if (p->rts == 0)
		sched_ready(p);
}

/* Queues a kernel message about p, as if p had sent it. One that is still queued is replaced. */
void proc_kmsg(struct proc *p, endpoint_t to, enum kernel_msg type, const void *body, size_t len)
{
	struct proc *receiver = proc_of(to);

	if (!receiver || (receiver->rts & KRTS_DEAD))
		panic("%s: nobody to tell (kernel message %d)", p->name, type);
	ipc_dequeue(p);
	msg_put_bytes(&p->out, MSG_KERNEL | type, body, len);
	if (ipc_will_receive(receiver, p)) {
		ipc_deliver(receiver, &p->out, p->ep, IPC_SEND);
		return;
	}
	p->flags |= PF_KMSG;
	ipc_enqueue(p, receiver);
}

void proc_kill(struct proc *p, int signo, int status)
{
	struct kmsg_killed k = {.signo = signo, .status = status};

	if (p->rts & KRTS_DEAD)
		return;
	if (p->priv->flags & PRIV_FIXED)
		panic("%s, part of the trusted base, has died (signal %d, status %d)", p->name,
		      signo, status);
	if (p->priv->flags & PRIV_SYSTEM)
		event_log(EV_DEATH, p, (uint64_t)signo, (uint64_t)(uint32_t)status);
	proc_set(p, KRTS_DEAD);
	ipc_cancel(p);
	clock_cancel_alarm(p);
	irq_release_all(p);
	ipc_wake_partners(p);
	p->rts &= ~(KRTS_FAULT | KRTS_HELD);
	p->fault_kind = FAULT_NONE;
	proc_kmsg(p, EP_PM, KMSG_KILLED, &k, sizeof(k));
}

/* Frees the slot; whoever still waits for p is woken with -EDEADSRCDST. */
void proc_clear(struct proc *p)
{
	unsigned slot = proc_slot(p);

	proc_set(p, KRTS_DEAD);
	ipc_cancel(p);
	ipc_wake_partners(p);
	clock_cancel_alarm(p);
	irq_release_all(p);
	fpu_forget(p);
	for (unsigned i = 0; i < NR_PROCS; i++) {
		procs[i].notify_from[slot / 64] &= ~(1ul << slot % 64);
		procs[i].asend_from[slot / 64] &= ~(1ul << slot % 64);
	}
	if (!(p->rts & KRTS_NOSPACE))
		spaces[p->space].holders--;
	p->rts = KRTS_FREE;
	p->ep = EP_MAKE(EP_GEN(p->ep) + 1, slot);
	if (this_cpu()->current == p)
		this_cpu()->current = NULL;
}

/* An exception ends a part of the trusted base; everybody else is held and reported to pm. */
void proc_exception(struct proc *p, const struct kmsg_exception *x)
{
	if (p->priv->flags & PRIV_FIXED)
		panic("%s: exception %u, address %p", p->name, x->vector, (void *)x->addr);
	if (p->priv->flags & PRIV_SYSTEM) {
		violation(p, VIOL_EXCEPTION, x->rip);
		event_log(EV_EXCEPTION, p, x->vector, x->rip);
	}
	proc_set(p, KRTS_HELD);
	proc_kmsg(p, EP_PM, KMSG_EXCEPTION, x, sizeof(*x));
}
