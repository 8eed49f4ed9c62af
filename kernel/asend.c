/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Asynchronous messages. The table stays in its sender's memory; the kernel keeps only where it is
 * and, for each receiver, who may have something for it. A slot is written back (AMF_DONE, status)
 * when its message was handed over or its receiver is gone. Messages to one receiver are delivered
 * in the order of their cookies, which the sender counts up.
 */
#include "proc.h"

struct slot_head {
	uint32_t flags;
	endpoint_t dst;
	int32_t status;
	uint32_t reserved;
	uint64_t cookie;
};
_Static_assert(sizeof(struct slot_head) == offsetof(struct asend_slot, m), "asend slot layout");
_Static_assert(sizeof(struct asend_slot) == 88, "asend slot size");

/* A table that is not there any more (its pages were present when it was registered) is void. */
static bool peek(struct proc *s, unsigned i, void *to, size_t offset, size_t len)
{
	struct uref at = {s, s->asend_va + i * sizeof(struct asend_slot) + offset};

	return copy_in(s, to, at, len) == 0;
}

static bool poke(struct proc *s, unsigned i, const void *from, size_t len)
{
	struct uref at = {s, s->asend_va + i * sizeof(struct asend_slot)};

	return copy_out(s, at, from, len) == 0;
}

static void finish_slot(struct proc *s, unsigned i, struct slot_head *h, int status)
{
	h->flags |= AMF_DONE;
	h->status = status;
	if (!poke(s, i, h, sizeof(*h)))
		s->asend_count = 0;
}

static bool is_pending(const struct slot_head *h)
{
	return (h->flags & (AMF_VALID | AMF_DONE)) == AMF_VALID;
}

/* Oldest pending slot of s for `dst`, or -1. */
static int oldest_for(struct proc *s, endpoint_t dst, struct slot_head *out)
{
	int best = -1;

	for (unsigned i = 0; i < s->asend_count; i++) {
		struct slot_head h;

		if (!peek(s, i, &h, 0, sizeof(h)))
			return -1;
		if (!is_pending(&h) || h.dst != dst || (best >= 0 && h.cookie >= out->cookie))
			continue;
		best = (int)i;
		*out = h;
	}
	return best;
}

bool asend_receive(struct proc *p, endpoint_t from)
{
	struct proc *s = proc_of(from);
	struct slot_head h;
	struct msg m;
	int i;

	if (!s || !ipc_will_receive(p, s) ||
	    !(p->asend_from[proc_slot(s) / 64] >> proc_slot(s) % 64 & 1))
		return false;
	i = oldest_for(s, p->ep, &h);
	if (i < 0 || !peek(s, (unsigned)i, &m, offsetof(struct asend_slot, m), sizeof(m))) {
		p->asend_from[proc_slot(s) / 64] &= ~(1ul << proc_slot(s) % 64);
		return false;
	}
	finish_slot(s, (unsigned)i, &h, 0);
	s->ipc_count++;
	ipc_deliver(p, &m, s->ep, IPC_ASEND);
	return true;
}

static int check_slot(struct proc *s, unsigned i, const struct slot_head *h, struct proc **to)
{
	uint32_t type;

	*to = proc_of(h->dst);
	if (!*to || ((*to)->rts & KRTS_DEAD))
		return -EDEADSRCDST;
	if (!ipc_may_send(s, *to)) {
		violation(s, VIOL_IPC_TARGET, (*to)->priv->id);
		return -ECALLDENIED;
	}
	if (!peek(s, i, &type, offsetof(struct asend_slot, m.type), sizeof(type)) ||
	    (type & MSG_KERNEL))
		return -EINVAL;
	return 0;
}

/* All pages of the table must be there and writable now, so that deliveries need no fault. */
static int touch_table(struct proc *p, uint64_t va, uint64_t len)
{
	for (uint64_t at = va & ~(PAGE_BYTES - 1); at < va + len; at += PAGE_BYTES) {
		struct kmsg_fault f = {.target = p->ep,
		                       .flags = KFAULT_COPY | KFAULT_WRITE,
		                       .addr = at,
		                       .len_bytes = va + len - at,
		                       .rip = p->regs.rip};

		if (!user_page(p, at, true))
			return fault_ask(p, p, &f);
	}
	return 0;
}

long asend_trap(struct proc *p, uint64_t table, uint64_t count)
{
	int r;

	if (count > ASEND_MAX || !user_range_ok(table, count * sizeof(struct asend_slot)))
		return -EINVAL;
	r = touch_table(p, table, count * sizeof(struct asend_slot));
	if (r != 0)
		return r;
	p->asend_va = table;
	p->asend_count = (uint32_t)count;
	for (unsigned i = 0; i < p->asend_count; i++) {
		struct slot_head h;
		struct proc *to;

		if (!peek(p, i, &h, 0, sizeof(h)))
			return -EFAULT;
		if (!is_pending(&h))
			continue;
		r = check_slot(p, i, &h, &to);
		if (r != 0) {
			finish_slot(p, i, &h, r);
			continue;
		}
		to->asend_from[proc_slot(p) / 64] |= 1ul << proc_slot(p) % 64;
		asend_receive(to, p->ep);
	}
	return 0;
}
