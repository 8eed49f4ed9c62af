/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System processes: pm makes and buries them for rs, and tells rs of each death (RS_CHILD_EXIT,
 * ASEND) however it came about. They have pids, so that root may kill one like any process.
 *
 *   PM_SPAWN (held) -> rs sets its privileges -> PM_START -> runs -> dies: zombie, rs is told ->
 * PM_REAP
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include "pm.h"

static unsigned unreported; /* deaths that rs has not been told of */

static struct thread *adopt(endpoint_t ep, const char *name, uint32_t uid)
{
	int32_t pid = pid_alloc();
	struct proc *p = pid > 0 ? proc_alloc(pid) : NULL;
	struct thread *t = p ? thread_alloc(ep, p, pid) : NULL;

	if (!t) {
		if (p)
			proc_free(p);
		return NULL;
	}
	p->is_system = true;
	p->cred = (struct cred){.uid = uid, .euid = uid, .suid = uid, .fsuid = uid};
	p->start_ns = now_ns();
	strncpy(p->name, name, sizeof(p->name) - 1);
	limits_init(p->rlimits);
	return t;
}

void sysproc_init(void)
{
	static const struct {
		endpoint_t ep;
		const char *name;
	} base[] = {{EP_VM, "vm"}, {EP_DS, "ds"}, {EP_PM, "pm"}, {EP_VFS, "vfs"}, {EP_RS, "rs"}};

	table.last_pid = PID_INIT;
	for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++) {
		struct thread *t = adopt(base[i].ep, base[i].name, 0);
		SYS_ASSERT(t);
		t->proc->is_fixed = true;
	}
}

static struct proc *system_proc(endpoint_t ep)
{
	struct thread *t = thread_by_ep(ep);

	return t && t->proc->is_system && !t->proc->is_fixed ? t->proc : NULL;
}

static void forget(endpoint_t ep)
{
	struct vm_ep e = {.ep = ep};
	struct vm_rep rep;
	int r = k_clear(ep);

	if (r == 0)
		r = sys_call(EP_VM, VM_EXIT, &e, &rep);
	if (r < 0)
		sys_log("slot %u: %d", EP_SLOT(ep), r);
}

int32_t sysproc_spawn(const struct pm_spawn *s, struct pm_spawn_rep *rep)
{
	struct vm_spawn v = {.image = s->image,
	                     .argc = s->argc,
	                     .args_ep = EP_RS,
	                     .args_bytes = s->args_bytes,
	                     .args_addr = s->args_addr};
	struct vm_rep vrep;
	struct thread *t;
	int r;

	memcpy(v.name, s->name, sizeof(v.name));
	v.name[sizeof(v.name) - 1] = '\0';
	r = sys_call(EP_VM, VM_SPAWN, &v, &vrep);
	if (r < 0)
		return r;
	if (vrep.result < 0)
		return vrep.result;
	t = adopt(vrep.result, v.name, s->uid);
	if (!t) {
		forget(vrep.result);
		return -EAGAIN;
	}
	rep->ep = t->ep;
	rep->pid = t->proc->pid;
	return 0;
}

int32_t sysproc_rename(const struct pm_rename *r)
{
	struct proc *p = system_proc(r->ep);

	if (!p)
		return -ESRCH;
	_Static_assert(PROC_NAME == PM_NAME_MAX, "names of pm and of its callers");
	memcpy(p->name, r->name, sizeof(p->name));
	p->name[sizeof(p->name) - 1] = '\0';
	return 0;
}

int32_t sysproc_start(endpoint_t ep)
{
	struct proc *p = system_proc(ep);

	if (!p || p->state != PROC_ALIVE)
		return -ESRCH;
	return k_sched(SCHED_CONT, ep, 0, 0);
}

int32_t sysproc_kill(endpoint_t ep, int signo, endpoint_t by)
{
	struct proc *p = system_proc(ep);

	(void)by;
	if (!p)
		return -ESRCH;
	return p->state == PROC_ALIVE ? k_kill(ep, signo) : 0;
}

int32_t sysproc_reap(endpoint_t ep)
{
	struct proc *p = system_proc(ep);

	if (!p)
		return -ESRCH;
	if (p->state == PROC_ZOMBIE && !p->is_reported)
		unreported--;
	forget(ep);
	thread_free(p->threads);
	proc_free(p);
	return 0;
}

void sysproc_signal(struct proc *p, int signo, endpoint_t by)
{
	endpoint_t ep = p->threads->ep;
	int r = 0;

	if (p->state != PROC_ALIVE)
		return;
	switch (signo) {
	/* What a crash raises ends it as well: to try out how a crash is recovered from. */
	case SIGABRT:
	case SIGBUS:
	case SIGFPE:
	case SIGILL:
	case SIGSEGV:
	case SIGKILL:
	case SIGTERM: r = sysproc_kill(ep, signo, by); break;
	case SIGSTOP: r = k_sched(SCHED_STOP, ep, 0, 0); break;
	case SIGCONT: r = k_sched(SCHED_CONT, ep, 0, 0); break;
	default: return; /* nothing that a system process would act upon */
	}
	if (r < 0)
		sys_log("signal %d for %s: %d", signo, p->name, r);
	else if (signo == SIGSTOP || signo == SIGCONT)
		p->is_stopped = signo == SIGSTOP;
}

static bool report(struct proc *p)
{
	struct rs_child_exit x = {.ep = p->threads->ep,
	                          .pid = p->pid,
	                          .signo = p->exit_status & 0x7f,
	                          .status = p->exit_status >> 8,
	                          .vector = p->fault.vector,
	                          .rip = p->fault.rip,
	                          .addr = p->fault.addr};
	struct msg m;

	msg_put(&m, RS_CHILD_EXIT, &x);
	p->is_reported = sys_asend(EP_RS, &m) == 0;
	return p->is_reported;
}

void sysproc_died(struct proc *p, int signo, int32_t status)
{
	if (p->state != PROC_ALIVE)
		return;
	p->state = PROC_ZOMBIE;
	p->exit_status = (status & 0xff) << 8 | (signo & 0x7f);
	if (p->is_fixed)
		sys_panic("%s has ended: signal %d, status %d", p->name, signo, status);
	if (!report(p))
		unreported++;
}

void sysproc_end(struct proc *p, int signo, int32_t status)
{
	/* Also puts the death into the event log; the kernel's KMSG_KILLED then finds a zombie. */
	if (p->state == PROC_ALIVE && !p->is_fixed && k_kill(p->threads->ep, signo) < 0)
		sys_log("%s does not stop", p->name);
	sysproc_died(p, signo, status);
}

void sysproc_flush(void)
{
	if (unreported == 0)
		return;
	for (struct proc *p = table.first; p; p = p->next)
		if (p->is_system && p->state == PROC_ZOMBIE && !p->is_reported && report(p))
			unreported--;
}
