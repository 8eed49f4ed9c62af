/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The six primitives (ipc.h; thesis Fig. 2.2). A message is read from its sender when the sender
 * traps
 * (`out`), handed over when the receiver is ready (`in`), and written to the receiver's memory when
 * that next runs, so each address space is touched on behalf of its own process only.
 *
 * Order of what a RECEIVE takes: interrupts, alarm, then in turn notifications of processes and
 * messages (a peer that rings all the time must not starve those), and of messages in turn the two
 * kinds: asynchronous ones (completions, so that work in progress can end) and blocked senders
 * with kernel messages, first come first served. A SENDREC takes only the reply it waits for.
 */
#include "proc.h"

static bool test_bit(const uint64_t *map, unsigned i)
{
	return map[i / 64] >> (i % 64) & 1;
}

bool ipc_may_send(const struct proc *from, const struct proc *to)
{
	return test_bit(from->priv->send_mask, to->priv->id);
}

/* ---- sender queues ---- */

void ipc_enqueue(struct proc *p, struct proc *at)
{
	p->queue_next = NULL;
	p->queued_at = at;
	p->flags |= PF_QUEUED;
	if (at->queue_head)
		at->queue_tail->queue_next = p;
	else
		at->queue_head = p;
	at->queue_tail = p;
}

void ipc_dequeue(struct proc *p)
{
	struct proc *at = p->queued_at, *before = NULL;

	if (!(p->flags & PF_QUEUED))
		return;
	for (struct proc *x = at->queue_head; x != p; x = x->queue_next)
		before = x;
	if (before)
		before->queue_next = p->queue_next;
	else
		at->queue_head = p->queue_next;
	if (at->queue_tail == p)
		at->queue_tail = before;
	p->queued_at = NULL;
	p->flags &= ~(PF_QUEUED | PF_KMSG);
}

/* ---- delivery ---- */

/* Ready for an ordinary message of `source`: it sent all of its own and does not wait for a reply. */
static bool will_receive_from(const struct proc *p, endpoint_t source)
{
	return (p->rts & (KRTS_RECEIVING | KRTS_SENDING | KRTS_DEAD)) == KRTS_RECEIVING &&
	       !(p->flags & PF_REPLY) && (p->getfrom == EP_ANY || p->getfrom == source);
}

bool ipc_will_receive(const struct proc *p, const struct proc *from)
{
	return will_receive_from(p, from->ep);
}

static bool waits_for_reply_of(const struct proc *p, const struct proc *from)
{
	return (p->rts & (KRTS_RECEIVING | KRTS_SENDING | KRTS_DEAD)) == KRTS_RECEIVING &&
	       (p->flags & PF_REPLY) && p->getfrom == from->ep;
}

void ipc_deliver(struct proc *to, const struct msg *m, endpoint_t source, unsigned primitive)
{
	to->in = *m;
	to->in.source = source;
	to->flags |= PF_DELIVER;
	to->flags &= ~PF_REPLY;
	to->getfrom = EP_NONE;
	to->regs.rax = primitive;
	proc_unset(to, KRTS_RECEIVING);
}

/* The result of a redirected Linux call; -ERESTARTSYS without a signal runs the call again. */
static void finish_linux(struct proc *p, const struct msg *m)
{
	struct linux_rep rep;

	msg_get(m, &rep);
	p->flags &= ~(PF_LINUX | PF_REPLY);
	p->getfrom = EP_NONE;
	p->regs.rax = (uint64_t)rep.result;
	if (p->flags & PF_HOLD) {
		p->flags &= ~PF_HOLD;
		p->rts |= KRTS_HELD;
		proc_unset(p, KRTS_RECEIVING);
		proc_kmsg(p, EP_PM, KMSG_SIGREADY, &rep, sizeof(rep));
		return;
	}
	if (rep.result == -ERESTARTSYS) {
		p->regs.rax = p->orig_rax;
		p->regs.rip -= 2;
	}
	proc_unset(p, KRTS_RECEIVING);
}

static void deliver_reply(struct proc *to, const struct msg *m, endpoint_t source)
{
	if (to->flags & PF_LINUX)
		finish_linux(to, m);
	else
		ipc_deliver(to, m, source, IPC_SEND);
}

/* Hands m to `to` now if it waits for just this. */
static bool hand_over(struct proc *from, struct proc *to, const struct msg *m, unsigned primitive)
{
	if ((m->type & MSG_REPLY) && primitive != IPC_SENDREC && waits_for_reply_of(to, from)) {
		deliver_reply(to, m, from->ep);
		return true;
	}
	if (!ipc_will_receive(to, from))
		return false;
	ipc_deliver(to, m, from->ep, primitive);
	return true;
}

int ipc_finish_delivery(struct proc *p)
{
	int r = copy_arg_out(p, p->in_va, &p->in, sizeof(p->in));

	if (r == -K_FAULT)
		return r;
	p->flags &= ~PF_DELIVER;
	if (r != 0)
		p->regs.rax = (uint64_t)r;
	return 0;
}

/* ---- notifications ---- */

static void deliver_notify(struct proc *to, endpoint_t source, uint64_t hooks)
{
	struct notify_body body = {.t_ns = clock_now(), .irq_hooks = hooks};
	struct msg m;

	msg_put(&m, MSG_NOTIFY, &body);
	ipc_deliver(to, &m, source, IPC_NOTIFY);
}

int ipc_notify_from(struct proc *from, struct proc *to)
{
	unsigned slot = proc_slot(from);

	if (ipc_will_receive(to, from))
		deliver_notify(to, from->ep, 0);
	else
		to->notify_from[slot / 64] |= 1ul << slot % 64;
	return 0;
}

void ipc_notify_clock(struct proc *to)
{
	if (will_receive_from(to, EP_CLOCK))
		deliver_notify(to, EP_CLOCK, 0);
	else
		to->flags |= PF_CLOCK;
}

void ipc_notify_irq(struct proc *to, unsigned hook)
{
	to->irq_pending |= 1ul << hook;
	if (will_receive_from(to, EP_HARDWARE)) {
		uint64_t hooks = to->irq_pending;

		to->irq_pending = 0;
		deliver_notify(to, EP_HARDWARE, hooks);
	}
}

static bool take_event(struct proc *p)
{
	if (p->irq_pending && will_receive_from(p, EP_HARDWARE)) {
		ipc_notify_irq(p, (unsigned)__builtin_ctzl(p->irq_pending));
		return true;
	}
	if ((p->flags & PF_CLOCK) && will_receive_from(p, EP_CLOCK)) {
		p->flags &= ~PF_CLOCK;
		deliver_notify(p, EP_CLOCK, 0);
		return true;
	}
	return false;
}

/* In turn, from behind the last one: who rings all the time does not drown the others. */
static bool take_doorbell(struct proc *p)
{
	for (unsigned n = 0; n <= BITMAP_WORDS; n++) {
		unsigned w = (p->next_doorbell / 64 + n) % BITMAP_WORDS;
		uint64_t bits = p->notify_from[w] & (n == 0 ? ~0ul << p->next_doorbell % 64 : ~0ul);

		for (; bits; bits &= bits - 1) {
			unsigned slot = w * 64 + (unsigned)__builtin_ctzl(bits);

			if (!ipc_will_receive(p, &procs[slot]))
				continue;
			p->notify_from[w] &= ~(1ul << slot % 64);
			p->next_doorbell = (slot + 1) % (BITMAP_WORDS * 64);
			deliver_notify(p, procs[slot].ep, 0);
			return true;
		}
	}
	return false;
}

/* ---- blocking ---- */

static endpoint_t waits_for(const struct proc *p)
{
	if (p->rts & KRTS_SENDING)
		return p->sendto;
	if ((p->rts & KRTS_RECEIVING) && (p->flags & PF_REPLY))
		return p->getfrom;
	return EP_NONE;
}

/* Would p, waiting for `to`, close a cycle? Each process waits for at most one: a bounded walk. */
static bool is_deadlock(const struct proc *p, const struct proc *to)
{
	for (unsigned n = 0; to && n < NR_PROCS; n++) {
		if (to == p)
			return true;
		to = proc_of(waits_for(to));
	}
	return false;
}

static long block_sending(struct proc *p, struct proc *to)
{
	p->sendto = to->ep;
	ipc_enqueue(p, to);
	proc_set(p, KRTS_SENDING);
	return -K_NORESULT;
}

static int check_target(struct proc *p, endpoint_t dst, struct proc **to)
{
	*to = proc_of(dst);
	if (!*to) {
		if (dst < 0 || EP_SLOT(dst) >= NR_PROCS)
			violation(p, VIOL_IPC_ENDPOINT, (uint32_t)dst);
		return -EDEADSRCDST;
	}
	if (!ipc_may_send(p, *to)) {
		violation(p, VIOL_IPC_TARGET, (*to)->priv->id);
		return -ECALLDENIED;
	}
	return (*to)->rts & KRTS_DEAD ? -EDEADSRCDST : 0;
}

static long do_send(struct proc *p, endpoint_t dst, uint64_t va, unsigned primitive)
{
	struct proc *to;
	int r = check_target(p, dst, &to);

	if (r == 0)
		r = copy_arg_in(p, &p->out, va, sizeof(p->out));
	if (r != 0)
		return r;
	if (p->out.type & MSG_KERNEL)
		return -EINVAL;
	p->out.source = p->ep;
	p->in_va = va;
	p->ipc_count++;
	if (primitive != IPC_SENDREC && hand_over(p, to, &p->out, primitive))
		return 0;
	if (primitive == IPC_NBSEND)
		return -ENOTREADY;
	if (is_deadlock(p, to))
		return -ELOCKED;
	p->out_primitive = (uint8_t)primitive;
	if (primitive == IPC_SEND)
		return block_sending(p, to);
	p->flags |= PF_REPLY;
	p->getfrom = to->ep;
	proc_set(p, KRTS_RECEIVING);
	if (hand_over(p, to, &p->out, primitive))
		return -K_NORESULT;
	return block_sending(p, to);
}

static bool take_sender(struct proc *p)
{
	for (struct proc *s = p->queue_head; s; s = s->queue_next) {
		bool is_kernel = s->flags & PF_KMSG;

		if (!ipc_will_receive(p, s))
			continue;
		ipc_dequeue(s);
		ipc_deliver(p, &s->out, s->ep, is_kernel ? IPC_SEND : s->out_primitive);
		if (!is_kernel) {
			s->sendto = EP_NONE;
			if (!(s->flags & PF_REPLY))
				s->regs.rax = 0;
			proc_unset(s, KRTS_SENDING);
		}
		return true;
	}
	return false;
}

static bool take_async(struct proc *p)
{
	if (p->getfrom != EP_ANY)
		return asend_receive(p, p->getfrom);
	for (unsigned w = 0; w < BITMAP_WORDS; w++)
		for (uint64_t bits = p->asend_from[w]; bits; bits &= bits - 1)
			if (asend_receive(p, procs[w * 64 + (unsigned)__builtin_ctzl(bits)].ep))
				return true;
	return false;
}

/* Neither a flood of requests nor one of asynchronous messages may starve the other. */
static bool take_message(struct proc *p)
{
	bool senders_first = p->flags & PF_SENDERS;

	p->flags &= ~PF_SENDERS;
	if (senders_first && take_sender(p))
		return true;
	if (take_async(p)) {
		p->flags |= PF_SENDERS;
		return true;
	}
	return !senders_first && take_sender(p);
}

static void take_something(struct proc *p)
{
	bool messages_first = p->flags & PF_RANG;

	p->flags &= ~PF_RANG;
	if (take_event(p) || (messages_first && take_message(p)))
		return;
	if (take_doorbell(p))
		p->flags |= PF_RANG;
	else if (!messages_first)
		take_message(p);
}

static long do_receive(struct proc *p, endpoint_t src, uint64_t va)
{
	struct proc *from = proc_of(src);

	if (src >= 0 && (!from || (from->rts & KRTS_DEAD)))
		return -EDEADSRCDST;
	if (src < 0 && src != EP_ANY && src != EP_HARDWARE && src != EP_CLOCK)
		return -EINVAL;
	p->in_va = va;
	p->getfrom = src;
	p->flags &= ~PF_REPLY;
	proc_set(p, KRTS_RECEIVING);
	take_something(p);
	return -K_NORESULT;
}

static long do_notify(struct proc *p, endpoint_t dst)
{
	struct proc *to;
	int r = check_target(p, dst, &to);

	return r != 0 ? r : ipc_notify_from(p, to);
}

static int may_use(struct proc *p, unsigned primitive)
{
	if (primitive < IPC_PRIMITIVES && p->priv->ipc_mask >> primitive & 1)
		return 0;
	violation(p, VIOL_IPC_PRIMITIVE, primitive);
	return -ECALLDENIED;
}

long ipc_trap(struct proc *p, unsigned primitive)
{
	struct regs *r = &p->regs;
	endpoint_t peer = (endpoint_t)r->rdi;
	long e = may_use(p, primitive);

	if (e == 0 && primitive == IPC_RECEIVE && r->r10) {
		e = may_use(p, IPC_ASEND);
		if (e == 0)
			e = asend_trap(p, r->rdx, r->r10);
	}
	if (e != 0)
		return e;
	switch ((enum ipc_primitive)primitive) {
	case IPC_SEND:
	case IPC_SENDREC:
	case IPC_NBSEND: return do_send(p, peer, r->rsi, primitive);
	case IPC_RECEIVE: return do_receive(p, peer, r->rsi);
	case IPC_ASEND: return asend_trap(p, r->rdi, r->rsi);
	case IPC_NOTIFY: return do_notify(p, peer);
	case IPC_PRIMITIVES: break;
	}
	return -ENOSYS;
}

/* A Linux call as SENDREC to the server that answers it; checks of the route are linux.c's. */
void ipc_linux(struct proc *p, endpoint_t server, unsigned number)
{
	struct proc *to = proc_of(server);
	struct regs *r = &p->regs;
	struct linux_call call = {.args = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9}};

	msg_put(&p->out, MSG_LINUX | number, &call);
	p->out.source = p->ep;
	p->out_primitive = IPC_SENDREC;
	p->ipc_count++;
	p->flags |= PF_LINUX | PF_REPLY;
	p->getfrom = server;
	proc_set(p, KRTS_RECEIVING);
	if (!hand_over(p, to, &p->out, IPC_SENDREC))
		block_sending(p, to);
}

/* ---- ends ---- */

void ipc_cancel(struct proc *p)
{
	ipc_dequeue(p);
	p->sendto = p->getfrom = EP_NONE;
	p->flags &= ~(PF_REPLY | PF_LINUX | PF_DELIVER | PF_HOLD | PF_CLOCK);
	proc_unset(p, KRTS_SENDING | KRTS_RECEIVING);
}

static void fail(struct proc *p)
{
	bool is_held = p->flags & PF_HOLD, is_linux = p->flags & PF_LINUX;

	ipc_dequeue(p);
	p->sendto = p->getfrom = EP_NONE;
	p->flags &= ~(PF_REPLY | PF_LINUX | PF_HOLD);
	p->regs.rax = (uint64_t)(is_linux ? -EINTR : -EDEADSRCDST);
	if (is_held) {
		p->rts |= KRTS_HELD;
		proc_kmsg(p, EP_PM, KMSG_SIGREADY, NULL, 0);
	}
	proc_unset(p, KRTS_SENDING | KRTS_RECEIVING);
}

void ipc_wake_partners(struct proc *p)
{
	for (unsigned i = 1; i < NR_PROCS; i++) {
		struct proc *q = &procs[i];

		if (q == p || (q->rts & (KRTS_FREE | KRTS_DEAD)))
			continue;
		if (((q->rts & KRTS_SENDING) && q->sendto == p->ep) ||
		    ((q->rts & KRTS_RECEIVING) && q->getfrom == p->ep))
			fail(q);
	}
	p->asend_count = 0;
}
