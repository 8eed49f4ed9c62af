/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vfs knows of processes: identity (told by pm), descriptors, directories. `slots` finds the entry
 * of a live process; entries whose process is gone stay until their call has ended. pm tells of the
 * ends of applications only; that of a system process is noticed when its slot is used again.
 * A process that vfs meets for the first time (a system process) is looked up at pm.
 *
 * The end of a process that is inside a call waits until the call has ended: the call is
 * interrupted, and a file server's answer is waited for, because it may still write into the
 * process's memory.
 */
#include <string.h>
#include <sys/wait.h>
#include <sched.h>
#include "lock.h"
#include "tty.h"
#include "vfs.h"

#define PROCS_MAX (NR_PROCS + 96u)

static struct proc procs[PROCS_MAX];
static struct proc *slots[NR_PROCS];
static struct fdtab fdtabs[PROCS_MAX];
static struct fsctx fsctxs[PROCS_MAX];

void proc_init(void)
{
	for (unsigned i = 0; i < PROCS_MAX; i++)
		procs[i].ep = EP_NONE;
}

struct proc *proc_find(endpoint_t ep)
{
	struct proc *p;

	if (ep < 0 || EP_SLOT(ep) >= NR_PROCS)
		return NULL;
	p = slots[EP_SLOT(ep)];
	return p && p->ep == ep ? p : NULL;
}

static struct fdtab *new_fdtab(void)
{
	for (unsigned i = 0; i < PROCS_MAX; i++) {
		if (fdtabs[i].refs)
			continue;
		fdtab_init(&fdtabs[i]);
		fdtabs[i].refs = 1;
		return &fdtabs[i];
	}
	sys_panic("vfs: no descriptor table"); /* there is one for each process */
}

static struct fsctx *new_fsctx(void)
{
	for (unsigned i = 0; i < PROCS_MAX; i++) {
		if (fsctxs[i].refs)
			continue;
		fsctxs[i] = (struct fsctx){.refs = 1, .umask = 022};
		return &fsctxs[i];
	}
	sys_panic("vfs: no directory context");
}

static void set_dirs(struct fsctx *fs, struct vnode *cwd, struct vnode *root)
{
	if (cwd)
		vnode_ref(cwd);
	if (root)
		vnode_ref(root);
	fs->cwd = cwd;
	fs->root = root;
}

static void put_fsctx(struct fsctx *fs)
{
	if (--fs->refs > 0)
		return;
	vnode_unref(fs->cwd);
	vnode_unref(fs->root);
}

static void put_fdtab(struct proc *p)
{
	struct fdtab *t = p->fds;

	if (t->refs > 1) {
		t->refs--;
		return;
	}
	while (t->top > 0)
		(void)file_close(p, (int)t->top - 1);
	t->refs = 0;
}

static void release(struct proc *p)
{
	put_fdtab(p);
	put_fsctx(p->fs);
	if (slots[EP_SLOT(p->ep)] == p)
		slots[EP_SLOT(p->ep)] = NULL;
	p->ep = EP_NONE;
}

/* Its slot has a new process: it has ended, and nobody waits for us. */
static void abandon(struct proc *p)
{
	if (!p->call) {
		release(p);
		return;
	}
	p->is_abandoned = true;
	call_interrupt(p->call);
}

/* An entry for ep, whose slot is free now. */
static struct proc *claim(endpoint_t ep)
{
	if (slots[EP_SLOT(ep)])
		abandon(slots[EP_SLOT(ep)]);
	for (unsigned i = 0; i < PROCS_MAX; i++) {
		struct proc *p = &procs[i];

		if (p->ep != EP_NONE)
			continue;
		memset(p, 0, sizeof(*p));
		p->ep = ep;
		slots[EP_SLOT(ep)] = p;
		return p;
	}
	sys_panic("vfs: too many calls of dead processes");
}

void proc_set_root(struct vnode *root)
{
	for (unsigned i = 0; i < PROCS_MAX; i++)
		if (procs[i].ep != EP_NONE && !procs[i].fs->root)
			set_dirs(procs[i].fs, root, root);
}

struct proc *proc_obtain(endpoint_t ep)
{
	struct proc *p = proc_find(ep);
	struct pm_ep req = {.ep = ep};
	struct pm_proc_rep rep;

	if (p)
		return p;
	if (ep < 0 || EP_SLOT(ep) >= NR_PROCS)
		return NULL;
	if (sys_call(EP_PM, PM_GETPROC, &req, &rep) != 0 || rep.result < 0)
		return NULL;
	p = claim(ep);
	p->pid = rep.pid;
	p->pgid = rep.pgid;
	p->sid = rep.sid;
	p->uid = rep.uid;
	p->euid = rep.euid;
	p->gid = rep.gid;
	p->egid = rep.egid;
	p->fds = new_fdtab();
	p->fs = new_fsctx();
	set_dirs(p->fs, root_vnode, root_vnode);
	return p;
}

/* ---- what pm tells ---- */

static void copy_fds(const struct fdtab *from, struct fdtab *to)
{
	for (unsigned fd = 0; fd < from->top; fd++) {
		struct file *f = from->files[fd];

		if (!f)
			continue;
		file_ref(f);
		fdtab_set(to, fd, f, fdtab_cloexec(from, fd));
	}
}

void proc_fork(const struct msg *m)
{
	struct vfs_fork req;
	struct proc *parent, *p;

	msg_get(m, &req);
	if (EP_SLOT(req.child) >= NR_PROCS || req.child < 0)
		return;
	parent = req.parent >= 0 ? proc_obtain(req.parent) : NULL;
	p = claim(req.child);
	p->pid = p->pgid = p->sid = req.child_pid;
	if (!parent) {
		p->fds = new_fdtab();
		p->fs = new_fsctx();
		set_dirs(p->fs, root_vnode, root_vnode);
		return;
	}
	p->pgid = parent->pgid;
	p->sid = parent->sid;
	p->uid = parent->uid;
	p->euid = parent->euid;
	p->gid = parent->gid;
	p->egid = parent->egid;
	p->ngroups = parent->ngroups;
	memcpy(p->groups, parent->groups, sizeof(p->groups));
	memcpy(p->exe, parent->exe, sizeof(p->exe));
	p->fds = parent->fds;
	p->fs = parent->fs;
	if (req.clone_flags & CLONE_FILES) {
		p->fds->refs++;
	} else {
		p->fds = new_fdtab();
		copy_fds(parent->fds, p->fds);
	}
	if (req.clone_flags & CLONE_FS) {
		p->fs->refs++;
	} else {
		p->fs = new_fsctx();
		p->fs->umask = parent->fs->umask;
		set_dirs(p->fs, parent->fs->cwd, parent->fs->root);
	}
}

static void finish_exit(struct proc *p, const struct msg *m, enum ipc_primitive how)
{
	struct vfs_exit req;
	struct vfs_rep rep = {0};

	msg_get(m, &req);
	rep.id = req.id;
	if (p) {
		if (req.is_leader)
			tty_session_ended(p->sid);
		release(p);
	}
	sys_reply(m, how, &rep);
}

void proc_exit(const struct msg *m, enum ipc_primitive how)
{
	struct vfs_exit req;
	struct proc *p;

	msg_get(m, &req);
	p = proc_find(req.ep);
	if (p && p->call) {
		p->is_exiting = true;
		p->exit_req = *m;
		call_interrupt(p->call);
		return;
	}
	finish_exit(p, m, how);
}

void proc_call_ended(struct proc *p)
{
	if (p->ep == EP_NONE || p->call)
		return;
	if (p->is_abandoned)
		release(p);
	else if (p->is_exiting)
		finish_exit(p, &p->exit_req, IPC_ASEND);
}

static void fetch_groups(struct proc *p)
{
	struct pm_groups req = {.ep = p->ep};
	struct pm_groups_rep rep;

	for (p->ngroups = 0; p->ngroups < GROUPS_MAX; req.first = p->ngroups) {
		if (sys_call(EP_PM, PM_GETGROUPS, &req, &rep) != 0 || rep.result <= 0)
			return;
		for (int i = 0; i < rep.result && i < PM_GROUPS_PER_REP && p->ngroups < GROUPS_MAX;
		     i++)
			p->groups[p->ngroups++] = rep.gids[i];
	}
}

static void update_ids(struct proc *p, const struct vfs_update *u)
{
	p->pid = u->pid;
	p->pgid = u->pgid;
	p->sid = u->sid;
	p->uid = u->uid;
	p->euid = u->euid;
	p->gid = u->gid;
	p->egid = u->egid;
	p->ngroups = 0;
	if (u->ngroups)
		fetch_groups(p);
}

void proc_update(const struct msg *m, enum ipc_primitive how)
{
	struct vfs_update u;
	struct vfs_rep rep = {0};
	struct proc *p;

	msg_get(m, &u);
	rep.id = u.id;
	p = proc_find(u.ep);
	if (!p)
		rep.result = -ESRCH;
	else
		update_ids(p, &u);
	/* The other threads, too. */
	for (unsigned i = 0; p && i < PROCS_MAX; i++)
		if (procs[i].ep != EP_NONE && &procs[i] != p && procs[i].pid == u.pid)
			update_ids(&procs[i], &u);
	sys_reply(m, how, &rep);
}

int proc_unshare_fds(struct proc *p)
{
	struct fdtab *shared = p->fds;

	if (shared->refs == 1)
		return 0;
	p->fds = new_fdtab();
	copy_fds(shared, p->fds);
	shared->refs--;
	return 0;
}

int proc_signal(int32_t pid, int signo, endpoint_t cause)
{
	struct pm_signal req = {.pid = pid, .signo = signo, .cause = cause};
	struct pm_rep rep;
	int r = sys_call(EP_PM, PM_SIGNAL, &req, &rep);

	return r ? r : rep.result;
}

/* ---- permissions ---- */

bool proc_in_group(const struct proc *p, uint32_t gid)
{
	if (p->egid == gid)
		return true;
	for (unsigned i = 0; i < p->ngroups; i++)
		if (p->groups[i] == gid)
			return true;
	return false;
}

int vnode_access_as(struct call *c, struct vnode *v, const struct cred *cr, int want)
{
	uint32_t mode, bits;
	int r = vnode_attr(c, v);

	if (r)
		return r;
	mode = v->attr.mode;
	if (cr->uid == 0)
		return (want & X_OK) && !S_ISDIR(mode) && !(mode & 0111) ? -EACCES : 0;
	if (cr->uid == v->attr.uid)
		bits = mode >> 6;
	else if (cr->gid == v->attr.gid || proc_in_group(cr->proc, v->attr.gid))
		bits = mode >> 3;
	else
		bits = mode;
	return (unsigned)want & ~bits & 7 ? -EACCES : 0;
}

int vnode_access(struct call *c, struct vnode *v, int want)
{
	struct cred cr = {.proc = c->proc};

	if (!c->proc)
		return 0; /* vfs itself */
	cr.uid = c->proc->euid;
	cr.gid = c->proc->egid;
	return vnode_access_as(c, v, &cr, want);
}
