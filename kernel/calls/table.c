/* SPDX-License-Identifier: BSD-2-Clause */
/* Dispatch of kernel calls: the policy bit first, then the handler (kcall.def). */
#include "proc.h"

static const kcall_fn_t handlers[KC_COUNT] = {
#define KCALL(number, name, handler) [number] = handler,
#include "axolotl/kcall.def"
#undef KCALL
};

/* EXIT needs no permission: it reaches nobody else. */
static bool is_allowed(const struct proc *p, unsigned number)
{
	return (p->priv->kcall_mask >> number & 1) || number == KC_EXIT;
}

long kcall_trap(struct proc *p, unsigned number)
{
	const struct regs *r = &p->regs;
	uint64_t args[6] = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9};

	if (!is_allowed(p, number)) {
		violation(p, VIOL_KCALL_DENIED, number);
		return -ECALLDENIED;
	}
	return handlers[number](p, args);
}
