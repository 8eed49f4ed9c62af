/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait4 and waitid. A wait that finds nothing blocks and runs again whenever a child
 * of the process changes; statuses are copied out before the child is reaped.
 */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include "pm.h"

#define WAIT_WCLONE    0x80000000u
#define WAIT_WALL      0x40000000u
#define WAIT_WNOTHREAD 0x20000000u
#define WAIT4_OPTIONS  (WNOHANG | WUNTRACED | WCONTINUED | WAIT_WCLONE | WAIT_WALL | WAIT_WNOTHREAD)
#define WAITID_OPTIONS (WAIT4_OPTIONS | WEXITED | WNOWAIT)

void wait_wake(struct proc *parent)
{
	for (struct thread *t = parent->threads; t; t = t->next)
		if (t->in_call && t->block == BLOCK_WAIT)
			call_run(t);
}

/* The child has told what it had to tell. */
static void consume(enum wait_event ev, struct proc *child)
{
	switch (ev) {
	case WAIT_EXITED: proc_reap(child); break;
	case WAIT_STOPPED: child->has_stop_report = false; break;
	case WAIT_CONTINUED: child->has_cont_report = false; break;
	case WAIT_NO_CHILD:
	case WAIT_NOTHING: break;
	}
}

static int put_rusage(struct thread *t, uint64_t addr, const struct proc *child)
{
	struct krusage ru;

	if (!addr)
		return 0;
	usage_of_child(&ru, child);
	return copy_out(t, addr, &ru, sizeof(ru));
}

int64_t call_wait4(struct thread *t, const uint64_t *args)
{
	int32_t pid = (int32_t)args[0], id, status;
	uint32_t options = (uint32_t)args[2];
	struct wait_spec spec = {.options = (options & (WUNTRACED | WCONTINUED)) | WEXITED};
	struct proc *child = NULL;
	enum wait_event ev;
	int r = 0;

	if (options & ~WAIT4_OPTIONS)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	spec.by = pid > 0 ? WAIT_BY_PID : pid == -1 ? WAIT_BY_ANY : WAIT_BY_GROUP;
	spec.id = pid > 0 ? pid : pid == 0 ? t->proc->pgid : -pid;
	ev = wait_find(t->proc, &spec, &child);
	if (ev == WAIT_NO_CHILD)
		return -ECHILD;
	if (ev == WAIT_NOTHING)
		return (options & WNOHANG) ? 0 : call_block(t, BLOCK_WAIT);
	status = wait_status(ev, child);
	if (args[1])
		r = copy_out(t, args[1], &status, sizeof(status));
	if (r == 0)
		r = put_rusage(t, args[3], child);
	if (r < 0)
		return r;
	id = child->pid;
	consume(ev, child);
	return id;
}

static void waitid_info(struct ksiginfo *k, enum wait_event ev, const struct proc *child)
{
	int32_t s = child->exit_status;

	k->signo = SIGCHLD;
	k->u.from.pid = child->pid;
	k->u.from.uid = child->cred.uid;
	if (ev == WAIT_STOPPED) {
		k->code = CLD_STOPPED;
		k->u.from.u.child.status = child->stop_signo;
	} else if (ev == WAIT_CONTINUED) {
		k->code = CLD_CONTINUED;
		k->u.from.u.child.status = SIGCONT;
	} else if (WIFEXITED(s)) {
		k->code = CLD_EXITED;
		k->u.from.u.child.status = WEXITSTATUS(s);
	} else {
		k->code = WCOREDUMP(s) ? CLD_DUMPED : CLD_KILLED;
		k->u.from.u.child.status = WTERMSIG(s);
	}
}

static int waitid_spec(const struct thread *t, const uint64_t *args, struct wait_spec *spec)
{
	int32_t id = (int32_t)args[1];

	switch ((idtype_t)args[0]) {
	case P_ALL: spec->by = WAIT_BY_ANY; return 0;
	case P_PID:
		spec->by = WAIT_BY_PID;
		spec->id = id;
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		spec->by = WAIT_BY_GROUP;
		spec->id = id ? id : t->proc->pgid;
		return id >= 0 ? 0 : -EINVAL;
	case P_PIDFD: break;
	}
	return -EINVAL;
}

int64_t call_waitid(struct thread *t, const uint64_t *args)
{
	uint32_t options = (uint32_t)args[3];
	struct wait_spec spec = {.options = options};
	struct proc *child = NULL;
	struct ksiginfo k = {0};
	enum wait_event ev;
	int r = waitid_spec(t, args, &spec);

	if ((options & ~WAITID_OPTIONS) || !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (r < 0)
		return r;
	ev = wait_find(t->proc, &spec, &child);
	if (ev == WAIT_NO_CHILD)
		return -ECHILD;
	if (ev == WAIT_NOTHING && !(options & WNOHANG))
		return call_block(t, BLOCK_WAIT);
	if (ev != WAIT_NOTHING)
		waitid_info(&k, ev, child);
	if (args[2])
		r = copy_out(t, args[2], &k, sizeof(k));
	if (r == 0 && ev != WAIT_NOTHING)
		r = put_rusage(t, args[4], child);
	if (r < 0)
		return r;
	if (ev != WAIT_NOTHING && !(options & WNOWAIT))
		consume(ev, child);
	return 0;
}
