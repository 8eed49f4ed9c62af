/* SPDX-License-Identifier: BSD-2-Clause */
/* SIGSEND, SIGRETURN, TRACE: a process is held while pm, a debugger or a fault injector changes it.
 */
#include "proc.h"

static void get_regs(struct proc *p, struct kregs *k)
{
	const struct regs *r = &p->regs;

	fpu_save(p);
	*k = (struct kregs){r->r15,     r->r14,     r->r13,      r->r12, r->rbp,    r->rbx,
	                    r->r11,     r->r10,     r->r9,       r->r8,  r->rax,    r->rcx,
	                    r->rdx,     r->rsi,     r->rdi,      r->rip, r->rflags, r->rsp,
	                    p->fs_base, p->gs_base, p->orig_rax, {0}};
	memcpy(k->fx, p->fx, sizeof(k->fx));
}

/* Whatever pm asks for, user mode stays user mode: segments fixed, flags masked, addresses
 * canonical. */
static int set_regs(struct proc *p, const struct kregs *k)
{
	uint32_t mxcsr;

	memcpy(&mxcsr, k->fx + 24, sizeof(mxcsr));
	if (k->rip >= USER_TOP || k->fs_base >= USER_TOP || k->gs_base >= USER_TOP || mxcsr >> 16)
		return -EINVAL;
	p->regs = (struct regs){
		k->r15,       k->r14,     k->r13, k->r12,      k->rbp,
		k->rbx,       k->r11,     k->r10, k->r9,       k->r8,
		k->rax,       k->rcx,     k->rdx, k->rsi,      k->rdi,
		VEC_REPLACED, 0,          k->rip, SEL_USER_CS, (k->rflags & FLAGS_USER) | FLAGS_SET,
		k->rsp,       SEL_USER_SS};
	p->fs_base = k->fs_base;
	p->gs_base = k->gs_base;
	p->orig_rax = k->orig_rax;
	fpu_forget(p);
	memcpy(p->fx, k->fx, sizeof(p->fx));
	return 0;
}

static struct proc *target(struct proc *caller, uint64_t ep)
{
	struct proc *p = proc_of((endpoint_t)ep);

	return p && (caller->priv->flags & PRIV_MANAGER) && !(p->rts & KRTS_DEAD) &&
	                       !(p->priv->flags & PRIV_FIXED)
	               ? p
	               : NULL;
}

/* A call that its server has not even taken has not happened: it is made again after the signal,
 * whatever SA_RESTART says. A call in progress must end first. */
static bool leave_linux_call(struct proc *p)
{
	if (!(p->flags & PF_LINUX))
		return true;
	if (!(p->rts & KRTS_SENDING))
		return false;
	proc_set(p, KRTS_HELD);
	ipc_cancel(p);
	p->regs.rax = p->orig_rax;
	p->regs.rip -= 2;
	p->orig_rax = ~0ul;
	return true;
}

long do_sigsend(struct proc *caller, const uint64_t *args)
{
	struct proc *p = target(caller, args[0]);
	struct kregs k;
	endpoint_t server;
	int r;

	if (!p)
		return -ESRCH;
	if (!leave_linux_call(p)) {
		server = p->getfrom;
		r = copy_arg_out(caller, args[2], &server, sizeof(server));
		if (r == 0)
			p->flags |= PF_HOLD;
		return r != 0 ? r : -EINPROGRESS;
	}
	proc_set(p, KRTS_HELD);
	get_regs(p, &k);
	return copy_arg_out(caller, args[1], &k, sizeof(k));
}

long do_sigreturn(struct proc *caller, const uint64_t *args)
{
	struct proc *p = target(caller, args[0]);
	struct kregs k;
	int r;

	if (!p)
		return -ESRCH;
	r = copy_arg_in(caller, &k, args[1], sizeof(k));
	if (r == 0)
		r = set_regs(p, &k);
	if (r != 0)
		return r;
	proc_set(p, KRTS_HELD);
	if (p->flags & PF_LINUX)
		ipc_cancel(p);
	/* What it had to tell the caller is out of date (an exception happens again); it must not be
	 * in a queue when it sends next. */
	if (p->queued_at == caller)
		ipc_dequeue(p);
	proc_unset(p, KRTS_HELD);
	return 0;
}

/* Text may be written although it is read-only: that is what breakpoints and injected faults need.
 */
static int trace_copy(struct proc *caller, struct proc *p, const struct ktrace *t, bool is_write)
{
	uint64_t addr = t->addr, local = (uint64_t)t->buf, left = t->len_bytes;

	if (!user_range_ok(addr, left))
		return -EFAULT;
	while (left) {
		uint64_t n = PAGE_BYTES - (addr & (PAGE_BYTES - 1));
		uint8_t *there = user_page(p, addr, false);
		int r;

		n = n < left ? n : left;
		if (!there)
			return -EFAULT;
		r = is_write ? copy_arg_in(caller, there, local, n)
		             : copy_arg_out(caller, local, there, n);
		if (r != 0)
			return r;
		addr += n;
		local += n;
		left -= n;
	}
	return 0;
}

long do_trace(struct proc *caller, const uint64_t *args)
{
	struct proc *p = target(caller, args[1]);
	struct ktrace t;
	struct kregs k;
	int r;

	if (!p)
		return -ESRCH;
	r = copy_arg_in(caller, &t, args[2], sizeof(t));
	if (r != 0)
		return r;
	switch ((enum trace_op)args[0]) {
	case TRACE_GETREGS:
		get_regs(p, &k);
		return copy_arg_out(caller, (uint64_t)t.buf, &k, sizeof(k));
	case TRACE_SETREGS:
		r = copy_arg_in(caller, &k, (uint64_t)t.buf, sizeof(k));
		return r != 0 ? r : set_regs(p, &k);
	case TRACE_READ: return trace_copy(caller, p, &t, false);
	case TRACE_WRITE: return trace_copy(caller, p, &t, true);
	}
	return -EINVAL;
}
