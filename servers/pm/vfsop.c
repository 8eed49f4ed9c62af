/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of pm to vfs. Each goes by ASEND with an id and is answered by ASEND; the call that
 * caused it stays blocked meanwhile. Two requests about one process are never under way at once,
 * since ASENDs may overtake each other: the later one waits in its thread until vfs_flush() finds
 * the way free.
 */
#include <errno.h>
#include <sched.h>
#include "pm.h"

static uint32_t vfs_sequence;
static unsigned unsent; /* threads with a request or an interruption that is not sent yet */

static void put_fork(struct thread *t, struct msg *m)
{
	const struct thread *child = thread_by_ep(t->vop_target);
	struct vfs_fork f = {.id = t->vop_id, .parent = t->ep, .child = t->vop_target};

	if (child)
		f.child_pid = child->proc->pid;
	f.clone_flags = t->clone_flags & (CLONE_FILES | CLONE_FS);
	if (child == t)
		f.parent = EP_NONE; /* pid 1 */
	msg_put(m, VFS_FORK, &f);
}

static void put_exit(struct thread *t, struct msg *m)
{
	struct vfs_exit e = {.id = t->vop_id, .ep = t->ep};

	e.is_leader = t->proc->sid == t->proc->pid && t->proc->nthreads == 1;
	msg_put(m, VFS_EXIT, &e);
}

static void put_update(struct thread *t, struct msg *m)
{
	const struct thread *target = thread_by_ep(t->vop_target);
	const struct proc *p = target ? target->proc : t->proc;
	struct vfs_update u = {.id = t->vop_id,
	                       .ep = t->vop_target,
	                       .pid = p->pid,
	                       .pgid = p->pgid,
	                       .sid = p->sid,
	                       .uid = p->cred.uid,
	                       .euid = p->cred.fsuid,
	                       .gid = p->cred.gid,
	                       .egid = p->cred.fsgid,
	                       .ngroups = p->cred.ngroups,
	                       .is_new_session = p->sid == p->pid};

	msg_put(m, VFS_UPDATE, &u);
}

static bool send_op(struct thread *t)
{
	struct thread *target = thread_by_ep(t->vop_target);
	struct msg m;

	if (target && target->is_busy)
		return false;
	switch (t->vop) {
	case VOP_FORK: put_fork(t, &m); break;
	case VOP_EXIT: put_exit(t, &m); break;
	case VOP_UPDATE: put_update(t, &m); break;
	case VOP_NONE: return true;
	}
	if (sys_asend(EP_VFS, &m) < 0)
		return false;
	if (target)
		target->is_busy = true;
	t->vop_is_sent = true;
	return true;
}

static bool send_interrupt(struct thread *t)
{
	struct vfs_ep e = {.ep = t->ep};
	struct msg m;

	msg_put(&m, VFS_INTERRUPT, &e);
	if (sys_asend(EP_VFS, &m) < 0)
		return false;
	t->has_interrupt = false;
	return true;
}

void vfs_start(struct thread *t, enum vfs_op op, endpoint_t target)
{
	SYS_ASSERT(t->vop == VOP_NONE);
	vfs_sequence = (vfs_sequence + 1) & 0x3fffff;
	t->vop = op;
	t->vop_id = vfs_sequence << EP_SLOT_BITS | EP_SLOT(t->ep);
	t->vop_target = target;
	t->vop_is_sent = false;
	if (!send_op(t))
		unsent++;
}

void vfs_interrupt(struct thread *t)
{
	if (t->has_interrupt)
		return;
	t->has_interrupt = true;
	if (!send_interrupt(t))
		unsent++;
}

void vfs_forget(struct thread *t)
{
	if (t->has_interrupt)
		unsent--;
	t->has_interrupt = false;
}

void vfs_flush(void)
{
	if (unsent == 0)
		return;
	for (unsigned i = 0; i < NR_PROCS; i++) {
		struct thread *t = &table.threads[i];
		if (!t->is_used)
			continue;
		if (t->vop != VOP_NONE && !t->vop_is_sent && send_op(t))
			unsent--;
		if (t->has_interrupt && send_interrupt(t))
			unsent--;
	}
}

int64_t vfs_update(struct thread *t, struct proc *p, int64_t result)
{
	if (!p->threads)
		return result;
	t->vop_result = result;
	vfs_start(t, VOP_UPDATE, p == t->proc ? t->ep : p->threads->ep);
	return call_block(t, BLOCK_VFS);
}

void vfs_on_reply(const struct msg *m)
{
	struct thread *t, *target;
	struct vfs_rep rep;
	enum vfs_op op;

	msg_get(m, &rep);
	t = &table.threads[(rep.id & ((1u << EP_SLOT_BITS) - 1)) % NR_PROCS];
	if (!t->is_used || t->vop == VOP_NONE || !t->vop_is_sent || t->vop_id != rep.id)
		return;
	target = thread_by_ep(t->vop_target);
	if (target)
		target->is_busy = false;
	op = t->vop;
	t->vop = VOP_NONE;
	if (op == VOP_EXIT) {
		thread_gone(t);
		return;
	}
	if (op == VOP_FORK)
		fork_done(t, rep.result);
	else
		call_reply(t, rep.result < 0 ? rep.result : t->vop_result);
	if (t->is_exiting)
		vfs_start(t, VOP_EXIT, t->ep);
}
