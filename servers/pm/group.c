/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Process groups and sessions: existence, orphans, the rules of setpgid and setsid. Pure.
 * References: POSIX.1-2017 3.264 (orphaned process group), setpgid(), setsid().
 */
#include <errno.h>
#include "proc.h"

static bool is_live(const struct proc *p)
{
	return p->state == PROC_ALIVE || p->state == PROC_EXITING;
}

bool group_exists(int32_t pgid, int32_t sid)
{
	for (const struct proc *p = table.first; p; p = p->next)
		if (p->pgid == pgid && p->sid == sid)
			return true;
	return false;
}

bool group_is_orphaned(int32_t pgid, const struct proc *but)
{
	for (const struct proc *p = table.first; p; p = p->next) {
		if (p->pgid != pgid || p == but || !is_live(p) || !p->parent)
			continue;
		if (p->parent->pid == PID_INIT)
			continue;
		if (p->parent->pgid != pgid && p->parent->sid == p->sid)
			return false;
	}
	return true;
}

bool group_has_stopped(int32_t pgid)
{
	for (const struct proc *p = table.first; p; p = p->next)
		if (p->pgid == pgid && is_live(p) && p->is_stopped)
			return true;
	return false;
}

int group_check_move(const struct proc *caller, const struct proc *p, int32_t pgid)
{
	if (pgid < 0)
		return -EINVAL;
	if (p != caller && p->parent != caller)
		return -ESRCH;
	if (p != caller && p->sid != caller->sid)
		return -EPERM;
	if (p != caller && p->has_execed)
		return -EACCES;
	if (p->sid == p->pid)
		return -EPERM;
	if (pgid != p->pid && !group_exists(pgid, caller->sid))
		return -EPERM;
	return 0;
}

int group_check_setsid(const struct proc *p)
{
	if (p->pgid == p->pid)
		return -EPERM;
	for (const struct proc *q = table.first; q; q = q->next)
		if (q->pgid == p->pid)
			return -EPERM;
	return 0;
}
