/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to a held thread: its signals are acted upon one after the other, handlers' frames
 * are stacked on its stack, and it is released, unless its process is stopped, ends, or a page of
 * its stack must be read in first. A call that was interrupted is repeated or becomes EINTR with
 * the first handler.
 */
#include <errno.h>
#include <signal.h>
#include "axolotl/errno.h"
#include "pm.h"
#include "sigframe.h"

#define CORE_FLAG 0x80

bool signal_dequeue(struct thread *t, uint64_t among, struct sig_info *info)
{
	int signo = sig_next(t->pending.set & among);

	if (signo)
		return sig_take(&sig_pool, &t->pending, signo, info);
	signo = sig_next(t->proc->pending.set & among);
	return signo && sig_take(&sig_pool, &t->proc->pending, signo, info);
}

void signal_set_mask(struct thread *t, uint64_t mask)
{
	t->mask = sig_sanitize_mask(mask);
	if (signal_is_pending(t))
		signal_look(t);
}

static uint64_t return_mask(const struct thread *t)
{
	return t->has_saved_mask ? t->saved_mask : t->mask;
}

static int write_frame(struct thread *t, const struct sigframe_image *img)
{
	int r = copy_out_now(t, img->fx_addr, t->regs.fx, sizeof(t->regs.fx));

	if (r == 0)
		r = copy_out_now(t, img->addr, &img->frame, sizeof(img->frame));
	if (r != -ENOTREADY)
		return r < 0 ? -EFAULT : 0;
	r = copy_want_page(t, img->addr, img->fx_addr + sizeof(t->regs.fx) - img->addr, true);
	if (r < 0)
		return r;
	t->page_is_signal = true;
	return -ESUSPENDREP;
}

/* Let the handler run; 0, or -ESUSPENDREP. A stack that cannot take the frame ends in SIGSEGV. */
static int push_handler(struct thread *t, const struct sig_info *info)
{
	struct ksigaction *a = action_of(t->proc, info->signo);
	struct ksigaction act = *a;
	struct sigframe_req req = {
		.act = &act, .info = info, .mask = return_mask(t), .alt = &t->alt};
	struct sigframe_image img;
	int r;

	/* A wait with a relative time would begin anew again and again. */
	sigframe_restart(&t->regs, true,
	                 t->no_restart ? act.flags & ~(uint64_t)SA_RESTART : act.flags);
	t->no_restart = false;
	r = sigframe_build(&t->regs, &req, &img);
	if (r == 0)
		r = write_frame(t, &img);
	if (r == -ESUSPENDREP) {
		t->retry = *info;
		return r;
	}
	if (r < 0) {
		struct sig_info segv = {.signo = SIGSEGV, .code = SI_KERNEL};
		if (info->signo == SIGSEGV)
			a->handler = KSIG_DFL;
		signal_force(t, &segv);
		return 0;
	}
	sigframe_enter(&t->regs, &req, &img);
	t->has_saved_mask = false;
	t->mask |= sig_sanitize_mask(act.mask);
	if (!(act.flags & SA_NODEFER))
		t->mask |= SIG_BIT(info->signo);
	if (act.flags & SA_RESETHAND)
		a->handler = KSIG_DFL;
	return 0;
}

/* Default action; true: go on with the next signal. */
static bool act_by_default(struct thread *t, int signo)
{
	struct proc *p = t->proc;

	if (p->pid == PID_INIT)
		return true;
	switch (sig_default_of(signo)) {
	case SIGDEF_IGNORE:
	case SIGDEF_CONT: return true;
	case SIGDEF_STOP:
		if (signo != SIGSTOP && group_is_orphaned(p->pgid, NULL))
			return true;
		proc_stop(p, signo);
		return false;
	case SIGDEF_TERM: proc_exit(p, signo); return false;
	case SIGDEF_CORE: proc_exit(p, signo | CORE_FLAG); return false;
	}
	return false;
}

/* One signal; true: look for another. */
static bool act_on(struct thread *t, const struct sig_info *info)
{
	const struct ksigaction *a = action_of(t->proc, info->signo);

	if (a->handler == KSIG_IGN)
		return true;
	if (a->handler == KSIG_DFL)
		return act_by_default(t, info->signo);
	return push_handler(t, info) == 0;
}

static void release(struct thread *t)
{
	int r;

	/* No handler took the interrupted call: it is made again, a sleep until its old deadline.
	 */
	if (t->regs.orig_rax != ~0ull && (int64_t)t->regs.rax == -ERESTARTSYS)
		t->keep_wake = t->wake_ns != 0;
	sigframe_restart(&t->regs, false, 0);
	t->no_restart = false;
	if (t->has_saved_mask) {
		t->has_saved_mask = false;
		t->mask = t->saved_mask;
		if (signal_is_pending(t)) {
			signal_look(t);
			return;
		}
	}
	t->hold = HOLD_NONE;
	r = k_sigreturn(t->ep, &t->regs);
	if (r == -EDEADSRCDST || r == -ESRCH)
		return;
	if (r < 0)
		proc_exit(t->proc, SIGSEGV);
}

void deliver(struct thread *t)
{
	struct sig_info info = t->retry;
	bool has_more = true;

	if (t->page_is_signal)
		return;
	t->retry.signo = 0;
	while (has_more && t->proc->state == PROC_ALIVE && !t->is_exiting) {
		if (t->proc->is_stopped)
			return;
		if (!info.signo && !signal_dequeue(t, ~t->mask, &info)) {
			release(t);
			return;
		}
		has_more = act_on(t, &info);
		info.signo = 0;
	}
}
