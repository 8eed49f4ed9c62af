/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fork, vfork, clone.
 *
 *   call -> check -> vm makes the child (VM_FORK) -> vfs copies its files (VFS_FORK, ASEND) -> both
 * go on
 *
 * The child is a copy of its parent in the kernel, so it waits for pm's answer to the same call: 0.
 * A parent that dies meanwhile does not hold up the child; a child that dies meanwhile is closed
 * after vfs has answered (vfsop.c).
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include "pm.h"

#define CLONE_SIGNAL_MASK 0xffu
#define CLONE_NEW_SPACES                                                                           \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)
#define CLONE_PIDFD_FLAG 0x1000u

struct clone_args {
	uint64_t flags, stack, parent_tid, child_tid, tls;
};

static int check_flags(const struct proc *p, uint64_t flags)
{
	bool is_thread = flags & CLONE_THREAD;

	if (flags & CLONE_NEW_SPACES)
		return -EPERM;
	if (flags & CLONE_PIDFD_FLAG)
		return -EINVAL;
	/* Shared handlers without a shared process are not offered. */
	if ((flags & CLONE_PARENT) && p->pid == PID_INIT)
		return -EINVAL;
	if (is_thread != ((flags & CLONE_SIGHAND) != 0) || (is_thread && !(flags & CLONE_VM)))
		return -EINVAL;
	return 0;
}

static int check_limit(const struct proc *p)
{
	uint64_t count = 0;

	if (table.thread_count >= NR_PROCS - RESERVED || table.count >= PROCS_MAX - RESERVED)
		return -EAGAIN;
	if (p->cred.uid == 0)
		return 0;
	for (const struct proc *q = table.first; q; q = q->next)
		if (!q->is_system && q->cred.uid == p->cred.uid)
			count += q->nthreads;
	return count >= p->rlimits[RLIMIT_NPROC].cur ? -EAGAIN : 0;
}

static struct proc *make_proc(struct proc *p, uint64_t flags)
{
	int32_t pid = pid_alloc();
	struct proc *c = pid > 0 ? proc_alloc(pid) : NULL;

	if (!c)
		return NULL;
	c->pgid = p->pgid;
	c->sid = p->sid;
	c->cred = p->cred;
	c->nice = p->nice;
	c->policy = p->policy;
	c->realtime_priority = p->realtime_priority;
	c->ioprio = p->ioprio;
	c->personality = p->personality;
	c->no_new_privs = p->no_new_privs;
	c->is_dumpable = p->is_dumpable;
	c->arg_start = p->arg_start;
	c->arg_end = p->arg_end;
	c->env_start = p->env_start;
	c->env_end = p->env_end;
	/* A sibling of the caller cannot send its parent what the caller itself could not. */
	c->exit_signal = (flags & CLONE_PARENT) ? p->exit_signal : flags & CLONE_SIGNAL_MASK;
	c->start_ns = now_ns();
	memcpy(c->name, p->name, sizeof(c->name));
	memcpy(c->actions, p->actions, SIG_COUNT * sizeof(c->actions[0]));
	memcpy(c->rlimits, p->rlimits, sizeof(c->rlimits));
	proc_adopt((flags & CLONE_PARENT) && p->parent ? p->parent : p, c);
	return c;
}

static endpoint_t make_space(struct thread *t, const struct clone_args *a)
{
	struct vm_fork f = {.parent = t->ep,
	                    .flags = (a->flags & CLONE_VM) ? KFORK_THREAD : 0,
	                    .stack = a->stack,
	                    .tls = (a->flags & CLONE_SETTLS) ? a->tls : 0};
	struct vm_rep rep;
	int r = sys_call(EP_VM, VM_FORK, &f, &rep);

	return r < 0 ? r : rep.result;
}

static void inherit(struct thread *c, const struct thread *t, const struct clone_args *a)
{
	c->mask = t->has_saved_mask ? t->saved_mask : t->mask;
	if (!(a->flags & CLONE_VM) || (a->flags & CLONE_VFORK))
		c->alt = t->alt;
	if (a->flags & CLONE_CHILD_CLEARTID)
		c->clear_tid = a->child_tid;
	c->call = t->call;
	c->call.source = c->ep;
	c->in_call = true;
	c->is_starting = true;
	c->block = BLOCK_VFS;
}

/* The pages that are written when the child exists must be there before. */
static int probe_tids(struct thread *t, const struct clone_args *a)
{
	int r = 0;

	if (a->flags & CLONE_PARENT_SETTID)
		r = copy_probe(t, a->parent_tid, sizeof(int32_t));
	if (r == 0 && (a->flags & CLONE_CHILD_SETTID))
		r = copy_probe(t, a->child_tid, sizeof(int32_t));
	return r;
}

static int64_t clone_thread(struct thread *t, const struct clone_args *a)
{
	bool is_thread = a->flags & CLONE_THREAD;
	struct proc *p = t->proc;
	struct thread *c;
	endpoint_t ep;
	int r = check_flags(p, a->flags);

	if (r == 0)
		r = check_limit(p);
	if (r == 0)
		r = probe_tids(t, a);
	if (r < 0)
		return r;
	if (!is_thread)
		p = make_proc(p, a->flags);
	r = is_thread ? pid_alloc() : p ? p->pid : -EAGAIN;
	if (r < 0)
		return r;
	ep = make_space(t, a);
	if (ep < 0) {
		if (!is_thread)
			proc_free(p);
		return ep;
	}
	c = thread_alloc(ep, p, r);
	SYS_ASSERT(c);
	inherit(c, t, a);
	if (!is_thread)
		p->space = (a->flags & CLONE_VM) ? t->proc->space : proc_new_space();
	t->clone_flags = a->flags;
	c->child_tid = a->child_tid;
	c->parent_tid = a->parent_tid;
	vfs_start(t, VOP_FORK, ep);
	return call_block(t, BLOCK_VFS);
}

int64_t call_fork(struct thread *t, const uint64_t *args)
{
	struct clone_args a = {.flags = SIGCHLD};

	(void)args;
	return clone_thread(t, &a);
}

int64_t call_vfork(struct thread *t, const uint64_t *args)
{
	struct clone_args a = {.flags = SIGCHLD | CLONE_VM | CLONE_VFORK};

	(void)args;
	return clone_thread(t, &a);
}

int64_t call_clone(struct thread *t, const uint64_t *args)
{
	struct clone_args a = {.flags = args[0],
	                       .stack = args[1],
	                       .parent_tid = args[2],
	                       .child_tid = args[3],
	                       .tls = args[4]};

	return clone_thread(t, &a);
}

/* The child cannot be: vm and the kernel forget it, the parent learns why. */
static void undo(struct thread *t, struct thread *c, int result)
{
	struct proc *p = c->proc;
	struct vm_ep e = {.ep = c->ep};
	struct vm_rep rep;

	if (k_clear(c->ep) < 0 || sys_call(EP_VM, VM_EXIT, &e, &rep) < 0)
		sys_log("fork of %d could not be undone", p->pid);
	thread_free(c);
	if (p != t->proc)
		proc_free(p);
	call_reply(t, result);
}

static void start_child(struct thread *t, struct thread *c)
{
	int32_t tid = c->tid;
	int r = 0;

	c->is_starting = false;
	if (t->clone_flags & CLONE_PARENT_SETTID)
		r = copy_out_now(t, c->parent_tid, &tid, sizeof(tid));
	if (r == 0 && (t->clone_flags & CLONE_CHILD_SETTID))
		r = copy_out_now(c, c->child_tid, &tid, sizeof(tid));
	if (r < 0)
		sys_log("tid of %d was not stored: %d", tid, r);
	if (!c->is_exiting)
		call_reply(c, 0);
	signal_look(c);
}

void fork_done(struct thread *t, int result)
{
	struct thread *c = thread_by_ep(t->vop_target);

	if (!c) /* cannot be: a child ends only after vfs has answered */
		return;
	if (c == t) {
		init_forked(t, result);
		return;
	}
	if (result < 0 && !c->is_exiting) {
		undo(t, c, result);
		return;
	}
	start_child(t, c);
	if ((t->clone_flags & CLONE_VFORK) && !t->is_exiting) {
		t->block = BLOCK_VFORK;
		t->vfork_child = c;
		c->vfork_parent = t;
	} else {
		call_reply(t, c->tid);
	}
}

void vfork_release(struct thread *child)
{
	struct thread *t = child->vfork_parent;

	child->vfork_parent = NULL;
	if (!t)
		return;
	t->vfork_child = NULL;
	if (t->is_used && t->in_call && t->block == BLOCK_VFORK)
		call_reply(t, child->tid);
}
