/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Identity calls: pids, groups and sessions, user and group ids. A change is answered after vfs has
 * confirmed it (VFS_UPDATE), so that the next call of the process to vfs already sees it.
 */
#include <errno.h>
#include <string.h>
#include "pm.h"

int64_t call_getpid(struct thread *t, const uint64_t *args)
{
	(void)args;
	return t->proc->pid;
}

int64_t call_gettid(struct thread *t, const uint64_t *args)
{
	(void)args;
	return t->tid;
}

int64_t call_getppid(struct thread *t, const uint64_t *args)
{
	(void)args;
	return t->proc->parent ? t->proc->parent->pid : 0;
}

int64_t call_set_tid_address(struct thread *t, const uint64_t *args)
{
	t->clear_tid = args[0];
	return t->tid;
}

/* ---- groups and sessions ---- */

int64_t call_setpgid(struct thread *t, const uint64_t *args)
{
	int32_t pid = (int32_t)args[0], pgid = (int32_t)args[1];
	struct proc *p = pid ? proc_by_pid(pid) : t->proc;
	int r;

	if (!p)
		return -ESRCH;
	if (!pgid)
		pgid = p->pid;
	r = group_check_move(t->proc, p, pgid);
	if (r < 0)
		return r;
	if (p->pgid == pgid)
		return 0;
	p->pgid = pgid;
	return vfs_update(t, p, 0);
}

int64_t call_getpgid(struct thread *t, const uint64_t *args)
{
	const struct proc *p = proc_for_id(t, (int32_t)args[0]);

	return p ? p->pgid : -ESRCH;
}

int64_t call_getpgrp(struct thread *t, const uint64_t *args)
{
	(void)args;
	return t->proc->pgid;
}

int64_t call_setsid(struct thread *t, const uint64_t *args)
{
	struct proc *p = t->proc;
	int r = group_check_setsid(p);

	(void)args;
	if (r < 0)
		return r;
	p->sid = p->pgid = p->pid;
	return vfs_update(t, p, p->pid);
}

int64_t call_getsid(struct thread *t, const uint64_t *args)
{
	const struct proc *p = proc_for_id(t, (int32_t)args[0]);

	return p ? p->sid : -ESRCH;
}

/* ---- user and group ids ---- */

int64_t call_getuid(struct thread *t, const uint64_t *args)
{
	(void)args;
	return t->proc->cred.uid;
}

int64_t call_geteuid(struct thread *t, const uint64_t *args)
{
	(void)args;
	return t->proc->cred.euid;
}

int64_t call_getgid(struct thread *t, const uint64_t *args)
{
	(void)args;
	return t->proc->cred.gid;
}

int64_t call_getegid(struct thread *t, const uint64_t *args)
{
	(void)args;
	return t->proc->cred.egid;
}

static int put_three(struct thread *t, const uint64_t *args, const uint32_t *ids)
{
	int r = copy_out(t, args[0], &ids[0], sizeof(ids[0]));

	if (r == 0)
		r = copy_out(t, args[1], &ids[1], sizeof(ids[1]));
	if (r == 0)
		r = copy_out(t, args[2], &ids[2], sizeof(ids[2]));
	return r;
}

int64_t call_getresuid(struct thread *t, const uint64_t *args)
{
	const struct cred *c = &t->proc->cred;

	return put_three(t, args, (const uint32_t[]){c->uid, c->euid, c->suid});
}

int64_t call_getresgid(struct thread *t, const uint64_t *args)
{
	const struct cred *c = &t->proc->cred;

	return put_three(t, args, (const uint32_t[]){c->gid, c->egid, c->sgid});
}

static int64_t changed(struct thread *t, int result)
{
	if (result < 0)
		return result;
	t->proc->is_dumpable = false;
	return vfs_update(t, t->proc, 0);
}

int64_t call_setuid(struct thread *t, const uint64_t *args)
{
	return changed(t, cred_setuid(&t->proc->cred, (uint32_t)args[0]));
}

int64_t call_setgid(struct thread *t, const uint64_t *args)
{
	return changed(t, cred_setgid(&t->proc->cred, (uint32_t)args[0]));
}

int64_t call_setreuid(struct thread *t, const uint64_t *args)
{
	return changed(t, cred_setreuid(&t->proc->cred, (uint32_t)args[0], (uint32_t)args[1]));
}

int64_t call_setregid(struct thread *t, const uint64_t *args)
{
	return changed(t, cred_setregid(&t->proc->cred, (uint32_t)args[0], (uint32_t)args[1]));
}

int64_t call_setresuid(struct thread *t, const uint64_t *args)
{
	return changed(t, cred_setresuid(&t->proc->cred, (uint32_t)args[0], (uint32_t)args[1],
	                                 (uint32_t)args[2]));
}

int64_t call_setresgid(struct thread *t, const uint64_t *args)
{
	return changed(t, cred_setresgid(&t->proc->cred, (uint32_t)args[0], (uint32_t)args[1],
	                                 (uint32_t)args[2]));
}

/* setfsuid and setfsgid return the old id, whether or not they could change it. */
static int64_t set_fs_id(struct thread *t, uint32_t *fs, const uint32_t *allowed, uint32_t id)
{
	uint32_t old = *fs;

	if (id == old || id == ID_KEEP)
		return old;
	if (t->proc->cred.euid != 0 && id != allowed[0] && id != allowed[1] && id != allowed[2])
		return old;
	*fs = id;
	return vfs_update(t, t->proc, old);
}

int64_t call_setfsuid(struct thread *t, const uint64_t *args)
{
	struct cred *c = &t->proc->cred;

	return set_fs_id(t, &c->fsuid, (const uint32_t[]){c->uid, c->euid, c->suid},
	                 (uint32_t)args[0]);
}

int64_t call_setfsgid(struct thread *t, const uint64_t *args)
{
	struct cred *c = &t->proc->cred;

	return set_fs_id(t, &c->fsgid, (const uint32_t[]){c->gid, c->egid, c->sgid},
	                 (uint32_t)args[0]);
}

int64_t call_getgroups(struct thread *t, const uint64_t *args)
{
	const struct cred *c = &t->proc->cred;
	int32_t room = (int32_t)args[0];
	int r;

	if (room < 0 || (room > 0 && (uint32_t)room < c->ngroups))
		return -EINVAL;
	if (room == 0)
		return c->ngroups;
	r = copy_out(t, args[1], c->groups, c->ngroups * sizeof(c->groups[0]));
	return r < 0 ? r : (int64_t)c->ngroups;
}

int64_t call_setgroups(struct thread *t, const uint64_t *args)
{
	uint32_t groups[GROUPS_MAX], count = (uint32_t)args[0];
	struct cred *c = &t->proc->cred;
	int r;

	if (c->euid != 0)
		return -EPERM;
	if (count > GROUPS_MAX)
		return -EINVAL;
	r = copy_in(t, groups, args[1], count * sizeof(groups[0]));
	if (r < 0)
		return r;
	memcpy(c->groups, groups, count * sizeof(groups[0]));
	c->ngroups = count;
	return vfs_update(t, t->proc, 0);
}

/* ---- capabilities: root has all of them, nobody else has any ---- */

#define CAP_VERSION_1 0x19980330u
#define CAP_VERSION_2 0x20071026u
#define CAP_VERSION_3 0x20080522u
#define CAP_ALL       0x1ffffffffffull

struct cap_header {
	uint32_t version;
	int32_t pid;
};
struct cap_data {
	uint32_t effective, permitted, inheritable;
};

/* How many cap_data follow; an unknown version is answered with ours. */
static int cap_count(struct thread *t, uint64_t addr, struct cap_header *h)
{
	int r = copy_in(t, h, addr, sizeof(*h));

	if (r < 0)
		return r;
	if (h->version == CAP_VERSION_1)
		return 1;
	if (h->version == CAP_VERSION_2 || h->version == CAP_VERSION_3)
		return 2;
	h->version = CAP_VERSION_3;
	r = copy_out(t, addr, h, sizeof(*h));
	return r < 0 ? r : -EINVAL;
}

int64_t call_capget(struct thread *t, const uint64_t *args)
{
	struct cap_data d[2] = {{0}, {0}};
	struct cap_header h;
	const struct proc *p;
	int count = cap_count(t, args[0], &h);

	if (count < 0)
		return count == -EINVAL && !args[1] ? 0 : count;
	if (h.pid < 0)
		return -EINVAL;
	p = proc_for_id(t, h.pid);
	if (!p)
		return -ESRCH;
	for (int i = 0; i < count && p->cred.euid == 0; i++)
		d[i].effective = d[i].permitted = (uint32_t)(CAP_ALL >> (32 * i));
	return args[1] ? copy_out(t, args[1], d, (size_t)count * sizeof(d[0])) : 0;
}

int64_t call_capset(struct thread *t, const uint64_t *args)
{
	struct cap_data d[2];
	struct cap_header h;
	int count = cap_count(t, args[0], &h), r;

	if (count < 0)
		return count;
	r = copy_in(t, d, args[1], (size_t)count * sizeof(d[0]));
	if (r < 0)
		return r;
	/* Root cannot give single capabilities up: there is nothing finer than root here. */
	for (int i = 0; i < count; i++) {
		uint32_t all = t->proc->cred.euid == 0 ? (uint32_t)(CAP_ALL >> (32 * i)) : 0;
		if ((d[i].effective & ~all) || (d[i].permitted & ~all) || d[i].permitted != all)
			return -EPERM;
	}
	return 0;
}
