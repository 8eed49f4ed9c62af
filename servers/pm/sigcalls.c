/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rt_sig* calls, sigaltstack and pause. Results are copied out before anything changes, because
 * a call whose memory must first be read in runs again from the start.
 */
#include <errno.h>
#include <signal.h>
#include "pm.h"
#include "sigframe.h"

int64_t call_rt_sigaction(struct thread *t, const uint64_t *args)
{
	int64_t signo = (int32_t)args[0];
	struct ksigaction *a, new;
	int r;

	if (args[3] != KSIG_SET_BYTES || !sig_is_valid(signo))
		return -EINVAL;
	if (args[1] && (signo == SIGKILL || signo == SIGSTOP))
		return -EINVAL;
	a = action_of(t->proc, (int)signo);
	if (args[1]) {
		r = copy_in(t, &new, args[1], sizeof(new));
		if (r < 0)
			return r;
	}
	if (args[2]) {
		r = copy_out(t, args[2], a, sizeof(*a));
		if (r < 0)
			return r;
	}
	if (!args[1])
		return 0;
	*a = new;
	a->mask = sig_sanitize_mask(a->mask);
	if (sig_is_ignored(a, (int)signo)) {
		sig_discard(&sig_pool, &t->proc->pending, SIG_BIT(signo));
		for (struct thread *o = t->proc->threads; o; o = o->next)
			sig_discard(&sig_pool, &o->pending, SIG_BIT(signo));
	}
	return 0;
}

int64_t call_rt_sigprocmask(struct thread *t, const uint64_t *args)
{
	uint64_t set = 0, mask = t->mask;
	int r;

	if (args[3] != KSIG_SET_BYTES)
		return -EINVAL;
	if (args[1]) {
		r = copy_in(t, &set, args[1], sizeof(set));
		if (r < 0)
			return r;
		switch ((int)args[0]) {
		case SIG_BLOCK: mask |= set; break;
		case SIG_UNBLOCK: mask &= ~set; break;
		case SIG_SETMASK: mask = set; break;
		default: return -EINVAL;
		}
	}
	if (args[2]) {
		r = copy_out(t, args[2], &t->mask, sizeof(t->mask));
		if (r < 0)
			return r;
	}
	signal_set_mask(t, mask);
	return 0;
}

int64_t call_rt_sigpending(struct thread *t, const uint64_t *args)
{
	uint64_t set = (t->pending.set | t->proc->pending.set) & t->mask;

	if (args[1] > KSIG_SET_BYTES)
		return -EINVAL;
	return copy_out(t, args[0], &set, args[1]);
}

/* Replace the mask until the call is over; a handler that runs returns to the old one. */
static void set_call_mask(struct thread *t, uint64_t mask)
{
	if (!t->has_saved_mask)
		t->saved_mask = t->mask;
	t->has_saved_mask = true;
	signal_set_mask(t, mask);
}

int64_t call_rt_sigsuspend(struct thread *t, const uint64_t *args)
{
	uint64_t mask;
	int r;

	if (args[1] != KSIG_SET_BYTES)
		return -EINVAL;
	r = copy_in(t, &mask, args[0], sizeof(mask));
	if (r < 0)
		return r;
	set_call_mask(t, mask);
	return call_block(t, BLOCK_PAUSE);
}

int32_t signal_pm_mask(const struct pm_sigmask *g)
{
	struct thread *t = thread_by_ep(g->ep);

	if (!t || t->is_exiting || t->proc->is_system)
		return -ESRCH;
	if (g->op == PM_SIGMASK_SET) {
		set_call_mask(t, g->mask);
		return signal_is_pending(t) || t->hold == HOLD_ASKED;
	}
	if (g->op != PM_SIGMASK_RESTORE)
		return -EINVAL;
	/* Once a signal is on its way the mask is deliver's. */
	if (t->has_saved_mask && t->hold == HOLD_NONE) {
		t->has_saved_mask = false;
		signal_set_mask(t, t->saved_mask);
	}
	return 0;
}

int64_t call_pause(struct thread *t, const uint64_t *args)
{
	(void)args;
	return call_block(t, BLOCK_PAUSE);
}

int64_t call_rt_sigtimedwait(struct thread *t, const uint64_t *args)
{
	struct ksiginfo out;
	struct sig_info info;
	uint64_t set, timeout = ~0ull, among;
	int signo, r;

	if (args[3] != KSIG_SET_BYTES)
		return -EINVAL;
	r = copy_in(t, &set, args[0], sizeof(set));
	if (r == 0 && args[2])
		r = timespec_read(t, args[2], &timeout);
	if (r == 0 && args[1])
		r = copy_probe(t, args[1], 16);
	if (r < 0)
		return r;
	set = sig_sanitize_mask(set);
	among = (t->pending.set | t->proc->pending.set) & set;
	if (among) {
		if (!signal_dequeue(t, set, &info))
			return -EAGAIN;
		signo = info.signo;
		sig_expand(&info, &out);
		if (args[1] && copy_out_now(t, args[1], &out, sizeof(out)) < 0)
			return -EFAULT;
		timer_disarm(&t->sleep);
		return signo;
	}
	if (timeout == 0)
		return -EAGAIN;
	t->wait_set = set;
	if (timeout != ~0ull && !timer_is_set(&t->sleep))
		timer_arm(&t->sleep, now_ns() + timeout);
	return call_block(t, BLOCK_SIGWAIT);
}

int64_t call_sigaltstack(struct thread *t, const uint64_t *args)
{
	struct kstack old = t->alt, new;
	struct kregs regs;
	struct ktrace tr = {.buf = &regs, .len_bytes = sizeof(regs)};
	bool is_on;
	int r = k_trace(TRACE_GETREGS, t->ep, &tr);

	if (r < 0)
		return -EPERM;
	is_on = sigframe_on_alt(&t->alt, regs.rsp);
	if (args[0]) {
		r = copy_in(t, &new, args[0], sizeof(new));
		if (r < 0)
			return r;
		if (is_on)
			return -EPERM;
		if (new.flags & ~(KSS_DISABLE | KSS_ONSTACK))
			return -EINVAL;
		if (!(new.flags &KSS_DISABLE) && new.size < KMINSIGSTKSZ)
			return -ENOMEM;
	}
	if (args[1]) {
		old.flags = !old.size ? KSS_DISABLE : is_on ? KSS_ONSTACK : 0;
		r = copy_out(t, args[1], &old, sizeof(old));
		if (r < 0)
			return r;
	}
	if (args[0]) {
		if (new.flags & KSS_DISABLE)
			new = (struct kstack){0};
		new.flags = 0;
		new.pad = 0;
		t->alt = new;
	}
	return 0;
}

static int read_frame(struct thread *t, struct ksigframe *frame)
{
	struct kregs *regs = &t->regs;
	struct ktrace tr = {.buf = regs, .len_bytes = sizeof(*regs)};
	int r = k_trace(TRACE_GETREGS, t->ep, &tr);

	if (r < 0)
		return -EFAULT;
	r = copy_in(t, frame, regs->rsp - sizeof(frame->pretcode), sizeof(*frame));
	if (r == 0 && frame->uc.mc.fpstate)
		r = copy_in(t, regs->fx, frame->uc.mc.fpstate, sizeof(regs->fx));
	if (r < 0)
		return r;
	return sigframe_leave(regs, frame);
}

int64_t call_rt_sigreturn(struct thread *t, const uint64_t *args)
{
	struct sig_info segv = {.signo = SIGSEGV, .code = SI_KERNEL};
	struct ksigframe frame;
	int r = read_frame(t, &frame);

	(void)args;
	if (r == -ESUSPENDREP)
		return r;
	/* From here on the call is over: the registers are those of the frame, and t counts as
	 * held. */
	t->in_call = false;
	t->hold = HOLD_HELD;
	if (r < 0) {
		signal_force(t, &segv);
		return -ESUSPENDREP;
	}
	t->alt.sp = frame.uc.stack.sp;
	t->alt.size = frame.uc.stack.size >= KMINSIGSTKSZ ? frame.uc.stack.size : 0;
	t->mask = sig_sanitize_mask(frame.uc.sigmask);
	signal_look(t);
	return -ESUSPENDREP;
}
