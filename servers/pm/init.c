/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pid 1. When vfs says that the root is mounted (PM_BOOTED), pm makes a fresh process without
 * memory, tells vfs about it (VFS_FORK without a parent), and has vfs execute /sbin/init in it
 * (VFS_SPAWN). All applications descend from it and share its privileges: Linux calls to pm, vm,
 * vfs and rs, no native IPC, no kernel calls. Should init die, it is started again and keeps its
 * children.
 */
#include <errno.h>
#include <string.h>
#include "pm.h"

#define PRIORITY_USER 7
#define QUANTUM_US    20000
#define CALM_NS       1000000000ull /* an init that does not live longer waits before its next life */

static struct timer again = {.kind = TIMER_INIT};

static int set_privileges(endpoint_t ep)
{
	static const enum priv_id servers[] = {PRIV_ID_PM, PRIV_ID_VM, PRIV_ID_VFS, PRIV_ID_RS};
	struct priv v = {.id = PRIV_ID_USER, .flags = PRIV_LINUX, .label = "user"};
	uint32_t id = PRIV_ID_USER;
	int r = k_privctl(PRIVCTL_ASSIGN, ep, &id);

	if (r == 0)
		return 0; /* rs has set them, as its policies say */
	for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
		v.send_mask[servers[i] / 64] |= 1ull << servers[i] % 64;
	r = k_privctl(PRIVCTL_UPDATE, EP_NONE, &v);
	return r < 0 ? r : k_privctl(PRIVCTL_ASSIGN, ep, &id);
}

static int launch(struct proc *p)
{
	struct kfork f = {.parent = EP_NONE, .flags = KFORK_FRESH};
	endpoint_t ep = k_fork(&f);
	struct thread *t;
	int r;

	if (ep < 0)
		return ep;
	r = set_privileges(ep);
	if (r == 0)
		r = k_sched(SCHED_SET, ep, PRIORITY_USER, QUANTUM_US);
	t = r == 0 ? thread_alloc(ep, p, PID_INIT) : NULL;
	if (!t) {
		sys_log("init has no process: %d", r);
		return k_clear(ep) < 0 || r == 0 ? -EAGAIN : r;
	}
	p->cred = (struct cred){0};
	t->is_starting = true;
	t->clone_flags = 0;
	vfs_start(t, VOP_FORK, ep);
	return 0;
}

void init_start(void)
{
	struct proc *p;
	int r;

	if (proc_by_pid(PID_INIT))
		return;
	p = proc_alloc(PID_INIT);
	SYS_ASSERT(p);
	p->start_ns = now_ns();
	p->is_dumpable = true;
	strncpy(p->name, "init", sizeof(p->name) - 1);
	limits_init(p->rlimits);
	r = launch(p);
	if (r < 0)
		sys_log("init cannot be made: %d", r);
}

/* This try has failed; its end leads to the next one. */
static void give_up(int result)
{
	struct proc *p = proc_by_pid(PID_INIT);

	sys_log("/sbin/init cannot be executed: %d", result);
	if (p)
		proc_exit(p, 127 << 8);
}

void init_forked(struct thread *t, int result)
{
	struct vfs_ep e = {.id = t->vop_id, .ep = t->ep};
	struct msg m;

	t->is_starting = false;
	msg_put(&m, VFS_SPAWN, &e);
	if (result == 0)
		result = sys_asend(EP_VFS, &m);
	if (result < 0)
		give_up(result);
}

void init_on_spawn(const struct msg *m)
{
	struct vfs_rep rep;

	msg_get(m, &rep);
	if (rep.result < 0)
		give_up(rep.result);
}

void init_died(struct proc *p)
{
	sys_log("init has died (status %x) and is started again", (unsigned)p->exit_status);
	p->state = PROC_ALIVE; /* without threads, which is as good as dead to all others */
	timer_arm(&again, now_ns() - p->start_ns < CALM_NS ? now_ns() + CALM_NS : now_ns());
}

void init_again(void)
{
	struct proc *p = proc_by_pid(PID_INIT);
	int r;

	SYS_ASSERT(p && !p->threads);
	memset(p->actions, 0, SIG_COUNT * sizeof(p->actions[0]));
	p->start_ns = now_ns();
	r = launch(p);
	if (r < 0) {
		sys_log("init cannot be made: %d", r);
		timer_arm(&again, now_ns() + CALM_NS);
	}
}
