/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults go to vm. A process is suspended (KRTS_FAULT) in one of three situations, and goes on
 * accordingly when vm answers (VMCTL_CLEAR_FAULT):
 *
 *   FAULT_USER     its own access                 the instruction runs again
 *   FAULT_CALL     a copy of its kernel call      the trap runs again from the start
 *   FAULT_DELIVER  a message on its way to it     the delivery is tried again
 */
#include "proc.h"

int fault_ask(struct proc *caller, struct proc *target, const struct kmsg_fault *f)
{
	if (caller->ep == EP_VM || target->ep == EP_VM)
		return -EFAULT; /* all memory of vm is always present */
	caller->fault = *f;
	return -K_FAULT;
}

void fault_suspend(struct proc *p, enum fault_kind kind)
{
	p->fault_kind = kind;
	proc_set(p, KRTS_FAULT);
	proc_kmsg(p, EP_VM, KMSG_FAULT, &p->fault, sizeof(p->fault));
}

static void fault_signal(struct proc *p, int signo)
{
	struct kmsg_exception x = {.vector = 14,
	                           .signo = signo,
	                           .addr = p->fault.addr,
	                           .rip = p->regs.rip,
	                           .error_code = p->fault.flags};

	proc_exception(p, &x);
}

void fault_clear(struct proc *p, int result)
{
	enum fault_kind kind = p->fault_kind;

	if (!(p->rts & KRTS_FAULT))
		return;
	p->fault_kind = FAULT_NONE;
	if (kind == FAULT_USER && result != 0)
		fault_signal(p, result > 0 ? result : SIGSEGV);
	if (kind == FAULT_CALL && result == 0)
		p->regs.rip -= 2; /* `syscall` is two bytes, and rax is still the number */
	if (kind == FAULT_CALL && result != 0)
		p->regs.rax = (uint64_t)(result > 0 ? -EFAULT : result);
	if (kind == FAULT_DELIVER && result != 0) {
		p->flags &= ~PF_DELIVER;
		p->regs.rax = (uint64_t)(result > 0 ? -EFAULT : result);
	}
	proc_unset(p, KRTS_FAULT);
}
