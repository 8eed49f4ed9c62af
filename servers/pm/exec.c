/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of an execve: vfs has loaded the new image and says so by PM_EXEC_COMMIT. From here on
 * nothing can fail but the kernel's EXEC, which ends the process.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include "pm.h"

static void reset_signals(struct thread *t)
{
	struct proc *p = t->proc;

	for (int s = 1; s <= SIG_COUNT; s++) {
		struct ksigaction *a = action_of(p, s);
		uint64_t handler = a->handler == KSIG_IGN ? KSIG_IGN : KSIG_DFL;
		*a = (struct ksigaction){.handler = handler};
	}
	memset(&t->alt, 0, sizeof(t->alt));
	if (t->has_saved_mask)
		t->mask = t->saved_mask;
	t->has_saved_mask = false;
}

static void set_ids(struct proc *p, const struct pm_exec *x)
{
	if (p->no_new_privs)
		return;
	if (x->flags & PM_EXEC_SETUID)
		p->cred.euid = p->cred.fsuid = x->uid;
	if (x->flags & PM_EXEC_SETGID)
		p->cred.egid = p->cred.fsgid = x->gid;
	p->cred.suid = p->cred.euid;
	p->cred.sgid = p->cred.egid;
	if (x->flags & (PM_EXEC_SETUID | PM_EXEC_SETGID)) {
		p->exit_signal = SIGCHLD;
		p->pdeath_signal = 0;
		p->is_dumpable = false;
	}
}

static void become_only_thread(struct thread *t)
{
	struct proc *p = t->proc;

	for (struct thread *o = p->threads; o; o = o->next) {
		if (o == t)
			continue;
		if (o->tid == p->pid)
			o->tid = t->tid;
		thread_exit(o);
	}
	t->tid = p->pid;
}

int32_t exec_commit(const struct pm_exec *x)
{
	struct thread *t = thread_by_ep(x->ep);
	struct kexec e = {.entry = x->entry, .stack = x->stack};
	struct proc *p;
	int r;

	if (!t || t->is_exiting || t->proc->is_system || t->proc->state != PROC_ALIVE)
		return -ESRCH;
	p = t->proc;
	become_only_thread(t);
	reset_signals(t);
	set_ids(p, x);
	ptimer_drop(p);
	p->has_execed = true;
	info_note_start(t, x->stack);
	memcpy(p->name, x->name, sizeof(p->name));
	p->name[sizeof(p->name) - 1] = '\0';
	memcpy(e.name, p->name, sizeof(e.name));
	t->clear_tid = t->robust_list = 0;
	t->in_call = false;
	t->block = BLOCK_NONE;
	t->hold = HOLD_NONE;
	vfs_forget(t);
	p->space = proc_new_space();
	r = k_exec(x->ep, &e);
	vfork_release(t);
	if (r < 0) {
		sys_log("exec of %s: %d", p->name, r);
		proc_exit(p, SIGKILL);
		return r;
	}
	signal_look(t);
	return 0;
}
