/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resource limits (prlimit64, getrlimit, setrlimit), and who may look at or change another process.
 * pm enforces NPROC and NICE; the other limits are kept for those who ask.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include "pm.h"

void limits_init(struct krlimit *limits)
{
	for (int i = 0; i < KRLIM_COUNT; i++)
		limits[i] = (struct krlimit){KRLIM_INFINITY, KRLIM_INFINITY};
	limits[RLIMIT_STACK].cur = VM_STACK_BYTES;
	limits[RLIMIT_CORE].cur = 0;
	limits[RLIMIT_NPROC] = (struct krlimit){NR_PROCS / 2, NR_PROCS / 2};
	limits[RLIMIT_NOFILE] = (struct krlimit){1024, 4096};
	limits[RLIMIT_MEMLOCK] = (struct krlimit){8ull << 20, 8ull << 20};
	limits[RLIMIT_SIGPENDING] = (struct krlimit){SIG_POOL / 2, SIG_POOL / 2};
	limits[RLIMIT_MSGQUEUE] = (struct krlimit){819200, 819200};
	limits[RLIMIT_NICE] = (struct krlimit){0, 0};
	limits[RLIMIT_RTPRIO] = (struct krlimit){0, 0};
}

struct proc *proc_for_id(struct thread *t, int32_t pid)
{
	return pid ? proc_by_pid(pid) : t->proc;
}

bool proc_may_change(const struct proc *caller, const struct proc *p)
{
	const struct cred *c = &caller->cred;

	if (c->euid == 0 || caller == p)
		return true;
	return !p->is_system && (c->euid == p->cred.uid || c->euid == p->cred.euid);
}

static int check_new(const struct thread *t, const struct krlimit *old, const struct krlimit *new)
{
	if (new->cur > new->max)
		return -EINVAL;
	if (new->max > old->max && t->proc->cred.euid != 0)
		return -EPERM;
	return 0;
}

int64_t call_prlimit64(struct thread *t, const uint64_t *args)
{
	struct proc *p = proc_for_id(t, (int32_t)args[0]);
	struct krlimit *limit, new = {0, 0};
	int r = 0;

	if (args[1] >= KRLIM_COUNT)
		return -EINVAL;
	if (!p || p->is_system)
		return -ESRCH;
	if (!proc_may_change(t->proc, p))
		return -EPERM;
	limit = &p->rlimits[args[1]];
	if (args[2]) {
		r = copy_in(t, &new, args[2], sizeof(new));
		if (r == 0)
			r = check_new(t, limit, &new);
	}
	if (r == 0 && args[3])
		r = copy_out(t, args[3], limit, sizeof(*limit));
	if (r == 0 && args[2])
		*limit = new;
	return r;
}

int64_t call_getrlimit(struct thread *t, const uint64_t *args)
{
	return call_prlimit64(t, (const uint64_t[]){0, args[0], 0, args[1]});
}

int64_t call_setrlimit(struct thread *t, const uint64_t *args)
{
	if (!args[1])
		return -EFAULT;
	return call_prlimit64(t, (const uint64_t[]){0, args[0], args[1], 0});
}
