/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of threads and processes.
 *
 *   thread_exit: stopped for good -> VFS_EXIT (its files are closed) -> thread_gone: kernel slot
 * and memory are freed -> the last one makes its process a zombie, which tells the parent
 *
 * Memory is freed only after vfs has answered, because vfs or a file server may still copy into it.
 * A process whose parent ignores SIGCHLD is reaped at once. Children of the dead go to the next
 * subreaper above, or to init.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include "axolotl/timepage.h"
#include "pm.h"

#define TICK_NS 10000000ull /* clock ticks of siginfo and times: 100 Hz */

struct cpu_time thread_cpu_time(const struct thread *t)
{
	struct cpu_time c = {0, 0};
	struct ktimes k;

	if (t->is_used && k_times(t->ep, &k) >= 0) {
		c.user_ns = k.user_ns;
		c.system_ns = k.system_ns;
	}
	return c;
}

struct cpu_time proc_cpu_time(const struct proc *p)
{
	struct cpu_time sum = p->dead_threads;

	for (const struct thread *t = p->threads; t; t = t->next) {
		struct cpu_time c = thread_cpu_time(t);
		sum.user_ns += c.user_ns;
		sum.system_ns += c.system_ns;
	}
	return sum;
}

void thread_exit(struct thread *t)
{
	if (t->is_exiting)
		return;
	futex_thread_exit(t);
	call_unblock(t);
	t->is_exiting = true;
	if (!t->in_call && k_kill(t->ep, SIGKILL) < 0)
		sys_log("thread %d does not stop", t->tid);
	sig_discard(&sig_pool, &t->pending, ~0ull);
	if (t->vop == VOP_NONE)
		vfs_start(t, VOP_EXIT, t->ep);
}

void proc_exit(struct proc *p, int32_t status)
{
	if (p->state != PROC_ALIVE)
		return;
	p->state = PROC_EXITING;
	p->exit_status = status;
	p->is_stopped = false;
	for (struct thread *t = p->threads; t; t = t->next)
		thread_exit(t);
}

/* Tell rs and vm that the kernel slot is free; the address space goes with its last user. */
static void free_slot(struct thread *t)
{
	struct vm_ep e = {.ep = t->ep};
	struct vm_rep rep;
	int r = k_clear(t->ep);

	if (r == 0)
		r = sys_call(EP_VM, VM_EXIT, &e, &rep);
	if (r < 0)
		sys_log("slot of %d: %d", t->tid, r);
}

static struct proc *new_parent_for(const struct proc *p)
{
	struct proc *a;

	for (a = p->parent; a; a = a->parent)
		if (a->is_subreaper && a->state == PROC_ALIVE)
			return a;
	return proc_by_pid(PID_INIT);
}

static void give_away_children(struct proc *p)
{
	struct proc *heir = new_parent_for(p);

	while (p->children) {
		struct proc *c = p->children;
		int32_t pgid = c->pgid;
		bool is_own_session = c->sid == p->sid && pgid != p->pgid;
		if (heir && heir != p)
			proc_adopt(heir, c);
		else
			break;
		c->exit_signal = SIGCHLD; /* the new parent did not ask for another one */
		if (c->pdeath_signal && c->state == PROC_ALIVE) {
			struct sig_info info = {
				.signo = c->pdeath_signal, .code = SI_USER, .pid = p->pid};
			if (signal_post(c, NULL, &info) < 0)
				sys_log("death signal for %d is lost", c->pid);
		}
		if (c->state == PROC_ZOMBIE)
			proc_notify_parent(c, 0, 0);
		else if (is_own_session)
			group_hangup(pgid);
	}
}

static int death_code(int32_t status)
{
	if (WIFEXITED(status))
		return CLD_EXITED;
	return WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
}

static int32_t death_value(int32_t status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

void proc_notify_parent(struct proc *p, int code, int32_t value)
{
	struct proc *parent = p->parent;
	bool is_death = p->state == PROC_ZOMBIE;
	int signo = is_death ? p->exit_signal : SIGCHLD;
	struct cpu_time c = is_death ? p->dead_threads : proc_cpu_time(p);
	struct sig_info info = {.signo = signo,
	                        .code = is_death ? death_code(p->exit_status) : code,
	                        .pid = p->pid,
	                        .uid = p->cred.uid,
	                        .status = is_death ? death_value(p->exit_status) : value,
	                        .value = c.user_ns / TICK_NS,
	                        .value2 = c.system_ns / TICK_NS};
	const struct ksigaction *a;
	bool is_unwanted;

	if (!parent || parent->state != PROC_ALIVE)
		return;
	a = action_of(parent, SIGCHLD);
	is_unwanted = is_death && signo == SIGCHLD &&
	              (a->handler == KSIG_IGN || (a->flags & SA_NOCLDWAIT));
	if (sig_is_valid(signo) && (is_death || !(a->flags & SA_NOCLDSTOP)) &&
	    signal_post(parent, NULL, &info) < 0)
		sys_log("signal %d for %d is lost", signo, parent->pid);
	if (is_unwanted)
		proc_reap(p);
	wait_wake(parent);
}

static void become_zombie(struct proc *p)
{
	int32_t pgid = p->pgid;
	bool was_orphaned = group_is_orphaned(pgid, NULL);

	itimer_drop(p);
	ptimer_drop(p);
	sig_discard(&sig_pool, &p->pending, ~0ull);
	p->state = PROC_ZOMBIE;
	give_away_children(p);
	if (!was_orphaned)
		group_hangup(pgid);
	if (p->pid == PID_INIT) {
		init_died(p);
		return;
	}
	proc_notify_parent(p, 0, 0);
}

void thread_gone(struct thread *t)
{
	struct cpu_time c = thread_cpu_time(t);
	struct proc *p = t->proc;

	p->dead_threads.user_ns += c.user_ns;
	p->dead_threads.system_ns += c.system_ns;
	random_stir(time_read_tsc());
	if (p->nthreads == 1)
		usage_note_memory(p);
	vfork_release(t);
	if (t->vfork_child)
		t->vfork_child->vfork_parent = NULL;
	vfs_forget(t);
	free_slot(t);
	thread_free(t);
	if (!p->threads) {
		if (p->state == PROC_ALIVE) /* the last one left by exit(2) */
			p->state = PROC_EXITING;
		become_zombie(p);
	}
}

void proc_reap(struct proc *p)
{
	struct proc *parent = p->parent;

	if (parent)
		usage_add_child(parent, p);
	proc_free(p);
}

int64_t call_exit(struct thread *t, const uint64_t *args)
{
	struct proc *p = t->proc;
	int32_t status = (int32_t)(args[0] & 0xff);
	bool is_last = true;

	for (const struct thread *o = p->threads; o; o = o->next)
		is_last = is_last && (o == t || o->is_exiting);
	if (is_last)
		return call_exit_group(t, args);
	p->exit_status = status << 8;
	thread_exit(t);
	return -ESUSPENDREP;
}

int64_t call_exit_group(struct thread *t, const uint64_t *args)
{
	int32_t status = (int32_t)(args[0] & 0xff);

	if (t->proc->is_system)
		sysproc_end(t->proc, 0, status);
	else
		proc_exit(t->proc, status << 8);
	return -ESUSPENDREP;
}
