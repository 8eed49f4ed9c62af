/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Redirection of Linux system calls (architecture D2): a table, set by pm, names the server that
 * answers each number; the call becomes a SENDREC. That is all the kernel knows about POSIX.
 * Numbers that nobody answers are counted by number, so that missing calls can be seen.
 */
#include "proc.h"

#define LINUX_CALLS        1024
#define NR_SET_TID_ADDRESS 218

static endpoint_t routes[LINUX_CALLS]; /* 0: ENOSYS */
static struct kabi_count unknown[LINUX_CALLS];

int linux_set_routes(const struct klinux_route *r, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (r[i].first > r[i].last || r[i].last >= LINUX_CALLS ||
		    (r[i].server != EP_NONE && !proc_of(r[i].server)))
			return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		for (unsigned n = r[i].first; n <= r[i].last; n++)
			routes[n] = r[i].server == EP_NONE ? 0 : r[i].server;
	return 0;
}

static void count_unknown(const struct proc *p, unsigned number)
{
	unknown[number].number = number;
	unknown[number].count++;
	memcpy(unknown[number].last_name, p->name, sizeof(p->name));
}

int linux_list_unknown(struct kabi_count *out, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LINUX_CALLS && n < max; i++)
		if (unknown[i].count)
			out[n++] = unknown[i];
	return (int)n;
}

/* Every C library makes this one call when it starts, also in processes that may not talk to pm. */
static void refuse(struct proc *p, uint64_t number)
{
	if (number != NR_SET_TID_ADDRESS)
		violation(p, VIOL_LINUX, number);
}

void linux_call(struct proc *p, uint64_t number)
{
	struct proc *server = number < LINUX_CALLS ? proc_of(routes[number]) : NULL;

	p->orig_rax = number;
	p->regs.rax = (uint64_t)-ENOSYS;
	if (!(p->priv->flags & PRIV_LINUX)) {
		refuse(p, number);
		return;
	}
	if (!server) {
		if (number < LINUX_CALLS)
			count_unknown(p, (unsigned)number);
		return;
	}
	if (!ipc_may_send(p, server)) {
		refuse(p, number);
		return;
	}
	ipc_linux(p, server->ep, (unsigned)number);
}
