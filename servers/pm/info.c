/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What other servers ask about processes: PM_GETPROC, PM_GETGROUPS, PM_INFO_PROCS (for /proc).
 */
#include <errno.h>
#include <string.h>
#include "pm.h"

#define INFO_CHUNK 16

void info_getproc(endpoint_t ep, struct pm_proc_rep *rep)
{
	const struct thread *t = thread_by_ep(ep);
	const struct proc *p;

	memset(rep, 0, sizeof(*rep));
	if (!t) {
		rep->result = -ESRCH;
		return;
	}
	p = t->proc;
	*rep = (struct pm_proc_rep){.pid = p->pid,
	                            .ppid = p->parent ? p->parent->pid : 0,
	                            .pgid = p->pgid,
	                            .sid = p->sid,
	                            .uid = p->cred.uid,
	                            .euid = p->cred.fsuid,
	                            .gid = p->cred.gid,
	                            .egid = p->cred.fsgid,
	                            .is_system = p->is_system};
}

void info_getgroups(const struct pm_groups *g, struct pm_groups_rep *rep)
{
	const struct thread *t = thread_by_ep(g->ep);
	const struct cred *c;

	memset(rep, 0, sizeof(*rep));
	if (!t) {
		rep->result = -ESRCH;
		return;
	}
	c = &t->proc->cred;
	for (uint32_t i = g->first; i < c->ngroups && rep->result < PM_GROUPS_PER_REP; i++)
		rep->gids[rep->result++] = c->groups[i];
}

static char state_of(const struct proc *p, const struct kproc_info *kernel)
{
	if (p->state == PROC_ZOMBIE)
		return 'Z';
	if (p->is_stopped)
		return 'T';
	for (const struct thread *t = p->threads; t; t = t->next)
		if (kernel[EP_SLOT(t->ep)].rts == 0)
			return 'R';
	return 'S';
}

static void fill_signals(const struct proc *p, struct pm_procinfo *i)
{
	i->sig_pending = p->pending.set;
	if (p->threads) {
		i->sig_pending |= p->threads->pending.set;
		i->sig_blocked = p->threads->mask;
	}
	for (int s = 1; s <= SIG_COUNT; s++) {
		uint64_t handler = p->actions[s - 1].handler;
		if (handler == KSIG_IGN)
			i->sig_ignored |= SIG_BIT(s);
		else if (handler != KSIG_DFL)
			i->sig_caught |= SIG_BIT(s);
	}
}

static void fill(const struct proc *p, const struct kproc_info *kernel, struct pm_procinfo *i)
{
	struct cpu_time c = proc_cpu_time(p);

	*i = (struct pm_procinfo){.ep = p->threads ? p->threads->ep : EP_NONE,
	                          .pid = p->pid,
	                          .ppid = p->parent ? p->parent->pid : 0,
	                          .pgid = p->pgid,
	                          .sid = p->sid,
	                          .tgid = p->pid,
	                          .uid = p->cred.uid,
	                          .euid = p->cred.euid,
	                          .gid = p->cred.gid,
	                          .egid = p->cred.egid,
	                          .state = state_of(p, kernel),
	                          .is_system = p->is_system,
	                          .nice = (uint8_t)p->nice,
	                          .threads = (uint8_t)(p->nthreads > 255 ? 255 : p->nthreads),
	                          .start_ns = p->start_ns,
	                          .user_ns = c.user_ns,
	                          .system_ns = c.system_ns,
	                          .child_user_ns = p->children_time.user_ns,
	                          .child_system_ns = p->children_time.system_ns};
	memcpy(i->name, p->name, sizeof(i->name));
	fill_signals(p, i);
}

/* rts of each slot; a slot that the kernel does not list counts as not runnable. */
static int read_kernel(struct kproc_info *by_slot)
{
	static struct kproc_info list[NR_PROCS];
	int count = k_getinfo(KINFO_PROCS, list, sizeof(list), 0);

	if (count < 0)
		return count;
	for (unsigned i = 0; i < NR_PROCS; i++)
		by_slot[i] = (struct kproc_info){.rts = KRTS_FREE};
	for (int i = 0; i < count && i < NR_PROCS; i++)
		if (list[i].ep >= 0 && EP_SLOT(list[i].ep) < NR_PROCS)
			by_slot[EP_SLOT(list[i].ep)] = list[i];
	return 0;
}

int32_t info_procs(endpoint_t who, const struct pm_info *req)
{
	static struct kproc_info kernel[NR_PROCS];
	struct pm_procinfo chunk[INFO_CHUNK];
	uint64_t offset = 0;
	unsigned n = 0;
	int32_t count = 0;
	int r = read_kernel(kernel);

	for (const struct proc *p = table.first; p && r == 0; p = p->next) {
		if (offset + (n + 1) * sizeof(chunk[0]) > req->len_bytes)
			break;
		fill(p, kernel, &chunk[n++]);
		count++;
		if (n < INFO_CHUNK)
			continue;
		r = k_safecopy_to(who, req->grant, offset, chunk, sizeof(chunk));
		offset += sizeof(chunk);
		n = 0;
	}
	if (r == 0 && n > 0)
		r = k_safecopy_to(who, req->grant, offset, chunk, n * sizeof(chunk[0]));
	return r < 0 ? r : count;
}
