/* SPDX-License-Identifier: BSD-2-Clause */
/* FORK, EXEC, CLEAR, KILL, SETTLS, EXIT. */
#include "proc.h"

static bool may_manage(const struct proc *p)
{
	return p->priv->flags & PRIV_MANAGER;
}

/* The child has its parent's registers, IPC state and privileges, and none of its resources. */
static void inherit(struct proc *child, struct proc *parent)
{
	fpu_save(parent);
	child->regs = parent->regs;
	memcpy(child->fx, parent->fx, sizeof(child->fx));
	child->fs_base = parent->fs_base;
	child->gs_base = parent->gs_base;
	memcpy(child->name, parent->name, sizeof(child->name));
	child->priv = parent->priv;
	child->priority = child->base_priority = parent->base_priority;
	child->quantum_us = parent->quantum_us;
	child->getfrom = parent->getfrom;
	child->flags = parent->flags & (PF_REPLY | PF_LINUX);
	child->orig_rax = parent->orig_rax;
	child->rts = KRTS_NOSPACE | (parent->rts & KRTS_RECEIVING);
}

long do_fork(struct proc *caller, const uint64_t *args)
{
	struct kfork f;
	struct proc *parent = NULL, *child;
	int r = copy_arg_in(caller, &f, args[0], sizeof(f));

	if (r != 0)
		return r;
	if (!may_manage(caller) || (f.flags & ~(KFORK_FRESH | KFORK_THREAD)))
		return -EPERM;
	if (!(f.flags & KFORK_FRESH)) {
		parent = proc_of(f.parent);
		if (!parent || (parent->rts & (KRTS_DEAD | KRTS_SENDING)))
			return -ESRCH;
	}
	child = proc_alloc();
	if (!child)
		return -EAGAIN;
	if (parent)
		inherit(child, parent);
	if (f.stack)
		child->regs.rsp = f.stack;
	if (f.tls)
		child->fs_base = f.tls;
	if (f.flags & KFORK_THREAD && parent && !(parent->rts & KRTS_NOSPACE)) {
		child->space = parent->space;
		spaces[child->space].holders++;
		proc_unset(child, KRTS_NOSPACE);
	}
	return child->ep;
}

long do_exec(struct proc *caller, const uint64_t *args)
{
	struct proc *p = proc_of((endpoint_t)args[0]);
	struct kexec e;
	int r = copy_arg_in(caller, &e, args[1], sizeof(e));

	if (r != 0)
		return r;
	if (!may_manage(caller) || !p || (p->rts & KRTS_DEAD))
		return -ESRCH;
	if (e.entry >= USER_TOP || e.stack >= USER_TOP)
		return -EINVAL;
	fpu_forget(p);
	fpu_reset(p->fx);
	memset(&p->regs, 0, sizeof(p->regs));
	p->regs.rip = e.entry;
	p->regs.rsp = e.stack;
	p->regs.cs = SEL_USER_CS;
	p->regs.ss = SEL_USER_SS;
	p->regs.rflags = FLAGS_SET;
	p->regs.vector = VEC_REPLACED;
	p->fs_base = p->gs_base = 0;
	p->orig_rax = ~0ul;
	memcpy(p->name, e.name, sizeof(p->name));
	p->name[sizeof(p->name) - 1] = 0;
	ipc_cancel(p);
	proc_unset(p, KRTS_NOEXEC | KRTS_HELD);
	return 0;
}

long do_clear(struct proc *caller, const uint64_t *args)
{
	struct proc *p = proc_of((endpoint_t)args[0]);

	if (!may_manage(caller) || !p)
		return -ESRCH;
	if (p == caller || (p->priv->flags & PRIV_FIXED))
		return -EPERM;
	proc_clear(p);
	return 0;
}

long do_kill(struct proc *caller, const uint64_t *args)
{
	struct proc *p = proc_of((endpoint_t)args[0]);

	if (!may_manage(caller) || !p)
		return -ESRCH;
	if (p == caller || (p->priv->flags & PRIV_FIXED))
		return -EPERM;
	if (p->priv->flags & PRIV_SYSTEM)
		event_log(EV_KILL, p, args[1], (uint64_t)(uint32_t)caller->ep);
	proc_kill(p, (int)args[1], 0);
	return 0;
}

long do_settls(struct proc *caller, const uint64_t *args)
{
	struct proc *p = proc_of_call(caller, (endpoint_t)args[0]);

	if (!p || (p != caller && !may_manage(caller)))
		return -ESRCH;
	if (args[2] >= USER_TOP || args[1] > 1)
		return -EINVAL;
	if (args[1] == 0)
		p->fs_base = args[2];
	else
		p->gs_base = args[2];
	return 0;
}

long do_exit(struct proc *caller, const uint64_t *args)
{
	proc_kill(caller, 0, (int)args[0]);
	return -K_NORESULT;
}
