/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kill and its kin: whom a signal goes to and who may send it. System processes take only SIGKILL
 * and SIGTERM (they die, and rs recovers them), SIGSTOP and SIGCONT (they hang, which is what
 * experiments want); the trusted base takes none.
 */
#include <errno.h>
#include <signal.h>
#include "pm.h"

static bool may_signal(const struct proc *from, const struct proc *to, int signo)
{
	if (signo == SIGCONT && from->sid == to->sid)
		return true;
	return cred_may_signal(&from->cred, &to->cred);
}

static struct sig_info info_from(const struct proc *from, int signo, int code)
{
	return (struct sig_info){
		.signo = signo, .code = code, .pid = from->pid, .uid = from->cred.uid};
}

static int send_one(struct thread *by, struct proc *to, struct thread *only,
                    const struct sig_info *info)
{
	if (!may_signal(by->proc, to, info->signo))
		return -EPERM;
	if (to->is_fixed)
		return -EPERM;
	if (info->signo == 0)
		return 0;
	if (to->is_system) {
		sysproc_signal(to, info->signo, by->ep);
		return 0;
	}
	return signal_post(to, only, info);
}

/* pid 0: own group, -1: all but init and the sender, < -1: a group. The list may lose members while
 * it is walked only by proc_reap of zombies, never of live processes. */
static bool is_member(const struct proc *p, const struct proc *by, int32_t pid)
{
	if (p->is_system || p->state == PROC_FREE)
		return false;
	if (pid == -1)
		return p->pid != PID_INIT && p != by;
	return p->pgid == (pid == 0 ? by->pgid : -pid);
}

static int send_many(struct thread *by, int32_t pid, const struct sig_info *info)
{
	int result = -ESRCH;
	bool has_self = false;
	struct proc *next;

	for (struct proc *p = table.first; p; p = next) {
		int r;
		next = p->next;
		if (!is_member(p, by->proc, pid))
			continue;
		if (p == by->proc) {
			has_self = true;
			continue;
		}
		r = send_one(by, p, NULL, info);
		if (r == 0 || result == -ESRCH)
			result = r;
	}
	if (has_self) /* last: it may be our end */
		result = send_one(by, by->proc, NULL, info) == 0 ? 0 : result;
	return result;
}

static int64_t send_to(struct thread *t, int32_t pid, const struct sig_info *info)
{
	struct proc *p;

	if (info->signo < 0 || info->signo > SIG_COUNT)
		return -EINVAL;
	if (pid <= 0)
		return pid == INT32_MIN ? -ESRCH : send_many(t, pid, info);
	p = proc_by_pid(pid);
	if (!p) {
		const struct thread *o = thread_by_tid(pid);
		p = o ? o->proc : NULL;
	}
	if (!p)
		return -ESRCH;
	return send_one(t, p, NULL, info);
}

int64_t call_kill(struct thread *t, const uint64_t *args)
{
	struct sig_info info = info_from(t->proc, (int32_t)args[1], SI_USER);

	return send_to(t, (int32_t)args[0], &info);
}

static int64_t send_thread(struct thread *t, int32_t tgid, int32_t tid, const struct sig_info *info)
{
	struct thread *o;

	if (tid <= 0 || info->signo < 0 || info->signo > SIG_COUNT)
		return -EINVAL;
	o = thread_by_tid(tid);
	if (!o || (tgid > 0 && o->proc->pid != tgid))
		return -ESRCH;
	return send_one(t, o->proc, o, info);
}

int64_t call_tkill(struct thread *t, const uint64_t *args)
{
	struct sig_info info = info_from(t->proc, (int32_t)args[1], SI_TKILL);

	return send_thread(t, 0, (int32_t)args[0], &info);
}

int64_t call_tgkill(struct thread *t, const uint64_t *args)
{
	struct sig_info info = info_from(t->proc, (int32_t)args[2], SI_TKILL);

	if ((int32_t)args[0] <= 0)
		return -EINVAL;
	return send_thread(t, (int32_t)args[0], (int32_t)args[1], &info);
}

/* A siginfo of the caller's own making: never one that looks like the kernel's. */
static int read_info(struct thread *t, uint64_t addr, int signo, struct sig_info *info)
{
	struct ksiginfo k;
	int r = copy_in(t, &k, addr, sizeof(k));

	if (r < 0)
		return r;
	if (k.code >= 0 || k.code == SI_TKILL)
		return -EPERM;
	*info = (struct sig_info){.signo = signo,
	                          .code = k.code,
	                          .pid = k.u.from.pid,
	                          .uid = k.u.from.uid,
	                          .value = k.u.from.u.value};
	return 0;
}

int64_t call_rt_sigqueueinfo(struct thread *t, const uint64_t *args)
{
	struct sig_info info;
	int r = read_info(t, args[2], (int32_t)args[1], &info);

	if (r < 0)
		return r;
	return (int32_t)args[0] <= 0 ? -ESRCH : send_to(t, (int32_t)args[0], &info);
}

int64_t call_rt_tgsigqueueinfo(struct thread *t, const uint64_t *args)
{
	struct sig_info info;
	int r = read_info(t, args[3], (int32_t)args[2], &info);

	if (r < 0)
		return r;
	return send_thread(t, (int32_t)args[0], (int32_t)args[1], &info);
}

void group_hangup(int32_t pgid)
{
	static const int signals[] = {SIGHUP, SIGCONT};
	struct proc *next;

	if (!group_is_orphaned(pgid, NULL) || !group_has_stopped(pgid))
		return;
	for (struct proc *p = table.first; p; p = next) {
		next = p->next;
		for (int i = 0; p->pgid == pgid && !p->is_system && i < 2; i++) {
			struct sig_info info = {.signo = signals[i], .code = SI_KERNEL};
			if (signal_post(p, NULL, &info) < 0)
				sys_log("hangup of %d is lost", p->pid);
		}
	}
}

/* ---- on behalf of vfs: terminals and broken pipes ---- */

/* POSIX 11.1.4: reading and writing of a background process group. */
static int check_background(const struct thread *t, int signo)
{
	bool is_ignored = action_of(t->proc, signo)->handler == KSIG_IGN;

	if (is_ignored || (t->mask & SIG_BIT(signo)) || group_is_orphaned(t->proc->pgid, NULL))
		return -EIO;
	return 0;
}

int kill_pm_signal(const struct pm_signal *s)
{
	struct thread *cause = thread_by_ep(s->cause);
	struct sig_info info = {.signo = s->signo, .code = SI_KERNEL};
	int result = -ESRCH;
	struct proc *next;

	if (!sig_is_valid(s->signo) || s->pid == 0 || s->pid == -1)
		return -EINVAL;
	if (cause && (s->signo == SIGTTIN || s->signo == SIGTTOU)) {
		int r = check_background(cause, s->signo);
		if (r < 0)
			return r;
	}
	if (cause && s->pid > 0 && cause->proc->pid == s->pid)
		return cause->proc->is_system ? 0 : signal_post(cause->proc, cause, &info);
	for (struct proc *p = table.first; p; p = next) {
		next = p->next;
		if (p->is_system || (s->pid > 0 ? p->pid != s->pid : p->pgid != -s->pid))
			continue;
		result = signal_post(p, NULL, &info);
	}
	return result;
}
