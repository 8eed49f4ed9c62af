/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Signals: posting them, choosing a thread, holding it, stopping and continuing processes.
 *
 * hold:  NONE --k_sigsend: 0--------------------------> HELD --deliver: k_sigreturn--> NONE
 *        NONE --k_sigsend: EINPROGRESS--> ASKED --KMSG_SIGREADY--> HELD
 *
 * A thread that is asked while it sits in a call gets that call interrupted (by vfs, or here if the
 * call is ours); the call ends with -ERESTARTSYS or with what it has done so far, and then the
 * thread is held. A stopped process is one whose threads are all asked or held until SIGCONT. A
 * signal that ends the process needs no thread to cooperate: proc_exit takes all of them down.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include "pm.h"

#define CORE_FLAG 0x80

struct sig_pool sig_pool;

static struct thread *queue[NR_PROCS]; /* threads to look at; each at most once */
static unsigned queue_head, queue_count;

void signal_look(struct thread *t)
{
	if (t->is_queued || t->is_exiting)
		return;
	t->is_queued = true;
	queue[(queue_head + queue_count++) % NR_PROCS] = t;
}

bool signal_is_pending(const struct thread *t)
{
	return ((t->pending.set | t->proc->pending.set) & ~t->mask) != 0;
}

/* End a call of t that pm itself keeps waiting. */
static void interrupt_own(struct thread *t)
{
	switch (t->block) {
	case BLOCK_SLEEP: sleep_interrupted(t); __attribute__((fallthrough));
	case BLOCK_FUTEX: t->no_restart = t->wake_ns != 0; __attribute__((fallthrough));
	case BLOCK_WAIT:
	case BLOCK_PAUSE:
		call_unblock(t);
		call_reply(t, -ERESTARTSYS);
		break;
	case BLOCK_SIGWAIT:
		call_unblock(t);
		call_reply(t, -EINTR);
		break;
	case BLOCK_NONE:
	case BLOCK_VFORK:
	case BLOCK_VFS:
	case BLOCK_PAGE: break; /* they end soon, or by the child */
	}
}

static void look(struct thread *t)
{
	endpoint_t on = EP_NONE;
	int r;

	if (t->proc->state != PROC_ALIVE || t->proc->is_system)
		return;
	if (t->hold == HOLD_HELD) {
		deliver(t);
		return;
	}
	if (t->hold == HOLD_NONE) {
		if (!t->proc->is_stopped && !signal_is_pending(t))
			return;
		r = k_sigsend(t->ep, &t->regs, &on);
		if (r == 0) {
			t->hold = HOLD_HELD;
			deliver(t);
			return;
		}
		if (r != -EINPROGRESS)
			return;
		t->hold = HOLD_ASKED;
		if (on == EP_VFS)
			vfs_interrupt(t);
	}
	if (t->in_call)
		interrupt_own(t);
}

void signal_drain(void)
{
	while (queue_count > 0) {
		struct thread *t = queue[queue_head];
		queue_head = (queue_head + 1) % NR_PROCS;
		queue_count--;
		t->is_queued = false;
		if (t->is_used && !t->is_exiting)
			look(t);
	}
}

void signal_ready(struct thread *t)
{
	endpoint_t on;
	int r;

	if (t->hold == HOLD_HELD)
		return;
	r = k_sigsend(t->ep, &t->regs, &on);
	if (r == 0) {
		t->hold = HOLD_HELD;
		deliver(t);
	} else if (r != -EINPROGRESS) {
		t->hold = HOLD_NONE;
	}
}

/* ---- posting ---- */

static bool wants(const struct thread *t, int signo)
{
	if (t->is_exiting)
		return false;
	if (t->block == BLOCK_SIGWAIT && (t->wait_set & SIG_BIT(signo)))
		return true;
	return !(t->mask & SIG_BIT(signo));
}

static struct thread *choose(struct proc *p, struct thread *only, int signo)
{
	if (only)
		return wants(only, signo) ? only : NULL;
	for (struct thread *t = p->threads; t; t = t->next)
		if (wants(t, signo))
			return t;
	return NULL;
}

/* Is the signal blocked wherever it could go? Then it stays pending even if it is ignored now. */
static bool is_blocked(const struct proc *p, const struct thread *only, int signo)
{
	uint64_t bit = SIG_BIT(signo);

	if (only)
		return only->mask & bit;
	for (const struct thread *t = p->threads; t; t = t->next)
		if (!(t->mask & bit))
			return false;
	return true;
}

static void discard_everywhere(struct proc *p, uint64_t set)
{
	sig_discard(&sig_pool, &p->pending, set);
	for (struct thread *t = p->threads; t; t = t->next)
		sig_discard(&sig_pool, &t->pending, set);
}

/* STOP and CONT cancel each other when they are sent, whatever becomes of them. */
static void cancel_opposite(struct proc *p, int signo)
{
	if (signo == SIGCONT) {
		discard_everywhere(p, sig_stop_set());
		proc_continue(p);
	} else if (sig_stop_set() & SIG_BIT(signo)) {
		discard_everywhere(p, SIG_BIT(SIGCONT));
	}
}

static bool is_fatal(struct proc *p, int signo)
{
	enum sig_default d = sig_default_of(signo);

	if (action_of(p, signo)->handler != KSIG_DFL || p->pid == PID_INIT)
		return false;
	return d == SIGDEF_TERM || d == SIGDEF_CORE;
}

static int32_t death_status(int signo)
{
	return signo | (sig_default_of(signo) == SIGDEF_CORE ? CORE_FLAG : 0);
}

int signal_post(struct proc *p, struct thread *only, const struct sig_info *info)
{
	int signo = info->signo;
	struct thread *t;
	int r;

	if (p->state != PROC_ALIVE || !p->threads)
		return 0;
	if (signo == SIGKILL) {
		if (p->pid != PID_INIT)
			proc_exit(p, SIGKILL);
		return 0;
	}
	cancel_opposite(p, signo);
	t = choose(p, only, signo);
	if (!is_blocked(p, only, signo)) {
		if (sig_is_ignored(action_of(p, signo), signo) && !(t && t->block == BLOCK_SIGWAIT))
			return 0;
		if (is_fatal(p, signo) && !p->is_stopped && t && t->block != BLOCK_SIGWAIT) {
			proc_exit(p, death_status(signo));
			return 0;
		}
	}
	r = sig_enqueue(&sig_pool, only ? &only->pending : &p->pending, info);
	if (r < 0 || !t)
		return r;
	p->nsignals++;
	if (t->block == BLOCK_SIGWAIT && (t->wait_set & SIG_BIT(signo)))
		call_run(t);
	else
		signal_look(t);
	return 0;
}

void signal_force(struct thread *t, const struct sig_info *info)
{
	struct ksigaction *a = action_of(t->proc, info->signo);

	if ((t->mask & SIG_BIT(info->signo)) || a->handler == KSIG_IGN) {
		a->handler = KSIG_DFL;
		t->mask &= ~SIG_BIT(info->signo);
	}
	if (a->handler == KSIG_DFL) {
		proc_exit(t->proc, death_status(info->signo));
		return;
	}
	if (sig_enqueue(&sig_pool, &t->pending, info) < 0)
		proc_exit(t->proc, death_status(info->signo));
	signal_look(t);
}

/* ---- faults ---- */

static int fault_code(const struct kmsg_exception *x)
{
	switch (x->vector) {
	case 0: return FPE_INTDIV;
	case 1: return TRAP_TRACE;
	case 3: return TRAP_BRKPT;
	case 6: return ILL_ILLOPN;
	case 14:
		if (x->signo == SIGBUS)
			return BUS_ADRERR;
		return x->error_code & KFAULT_PRESENT ? SEGV_ACCERR : SEGV_MAPERR;
	case 16:
	case 19: return FPE_FLTINV;
	case 17: return BUS_ADRALN;
	default: return SI_KERNEL;
	}
}

void signal_fault(struct thread *t, const struct kmsg_exception *x)
{
	struct sig_info info = {.signo = sig_is_valid(x->signo) ? x->signo : SIGSEGV,
	                        .code = fault_code(x),
	                        .value = x->vector == 14 ? x->addr : x->rip};
	endpoint_t on;

	if (k_sigsend(t->ep, &t->regs, &on) < 0) {
		proc_exit(t->proc, death_status(info.signo));
		return;
	}
	t->hold = HOLD_HELD;
	signal_force(t, &info);
}

/* ---- stop and continue ---- */

void proc_stop(struct proc *p, int signo)
{
	if (p->state != PROC_ALIVE || p->is_stopped)
		return;
	p->is_stopped = true;
	p->stop_signo = (uint8_t)signo;
	p->has_stop_report = true;
	p->has_cont_report = false;
	for (struct thread *t = p->threads; t; t = t->next)
		signal_look(t);
	proc_notify_parent(p, CLD_STOPPED, signo);
}

void proc_continue(struct proc *p)
{
	if (!p->is_stopped)
		return;
	p->is_stopped = false;
	p->has_stop_report = false;
	p->has_cont_report = true;
	for (struct thread *t = p->threads; t; t = t->next)
		signal_look(t);
	proc_notify_parent(p, CLD_CONTINUED, SIGCONT);
}
