/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pm, the process manager: processes, threads, signals, groups and sessions, credentials, timers,
 * and the life and death of system processes for rs. Applications reach it by their Linux calls
 * (calls.def), rs and vfs by the messages of pm.h, the kernel by KMSG_*; it is part of the trusted
 * base and has a loop of its own.
 *
 * Nobody is waited for but vm and the kernel: what vfs and rs must learn goes by ASEND, and the
 * process concerned stays blocked in its call until the answer comes (vfsop.c). Replies are
 * NBSENDs: a process that no longer waits for one loses it.
 *
 * State over a restart: none; the death of pm is a panic.
 */
#include "pm.h"

struct timer_heap timers;

void call_reply(struct thread *t, int64_t result)
{
	struct linux_rep rep = {.result = result};

	if (!t->in_call)
		return;
	t->in_call = false;
	t->block = BLOCK_NONE;
	sys_reply(&t->call, IPC_SEND, &rep);
}

void call_unblock(struct thread *t)
{
	timer_disarm(&t->sleep);
	futex_cancel(t);
	t->wait_set = 0;
	if (t->block != BLOCK_VFS)
		t->block = BLOCK_NONE;
}

void call_run(struct thread *t)
{
	uint32_t number = t->call.type & 0xffff;
	const struct call_entry *e = route_lookup(number);
	struct linux_call c;
	int64_t result;

	msg_get(&t->call, &c);
	t->block = BLOCK_NONE;
	if (!e) {
		result = -ENOSYS;
	} else if (t->proc->is_system && !e->is_for_system) {
		sys_violation(t->ep, VIOL_LINUX, number);
		result = -EPERM;
	} else {
		result = e->fn(t, c.args);
	}
	if (result != -ESUSPENDREP)
		call_reply(t, result);
	else if (t->hold == HOLD_ASKED)
		signal_look(t);
}

static void on_linux(const struct msg *m)
{
	struct thread *t = thread_by_ep(m->source);
	struct linux_rep rep = {.result = -ENOSYS};

	if (!t) {
		sys_violation(m->source, VIOL_REQUEST, m->type);
		sys_reply(m, IPC_SEND, &rep);
		return;
	}
	if (t->is_exiting)
		return;
	t->call = *m;
	t->in_call = true;
	if (!t->keep_wake)
		t->wake_ns = 0;
	t->keep_wake = false;
	call_run(t);
}

static void on_exception(const struct msg *m)
{
	struct thread *t = thread_by_ep(m->source);
	struct kmsg_exception x;

	if (!t || t->is_exiting)
		return;
	msg_get(m, &x);
	if (t->proc->is_system) {
		t->proc->fault.vector = x.vector;
		t->proc->fault.rip = x.rip;
		t->proc->fault.addr = x.addr;
		sysproc_end(t->proc, x.signo, 0);
		return;
	}
	signal_fault(t, &x);
}

static void on_killed(const struct msg *m)
{
	struct thread *t = thread_by_ep(m->source);
	struct kmsg_killed k;

	if (!t || t->is_exiting)
		return;
	msg_get(m, &k);
	if (t->proc->is_system)
		sysproc_died(t->proc, k.signo, k.status);
	else
		proc_exit(t->proc, k.signo ? k.signo & 0x7f : (k.status & 0xff) << 8);
}

static void on_kernel(const struct msg *m)
{
	struct thread *t;

	switch ((enum kernel_msg)(m->type & ~MSG_KERNEL)) {
	case KMSG_EXCEPTION: on_exception(m); break;
	case KMSG_KILLED: on_killed(m); break;
	case KMSG_SIGREADY:
		t = thread_by_ep(m->source);
		if (t && !t->is_exiting)
			signal_ready(t);
		break;
	case KMSG_FAULT: break; /* vm's */
	}
}

static void on_answer(const struct msg *m)
{
	uint32_t type = m->type & ~MSG_REPLY;

	if (m->source == EP_VM && type == VM_FAULTIN)
		copy_on_page(m);
	else if (m->source == EP_VFS && type == VFS_SPAWN)
		init_on_spawn(m);
	else if (m->source == EP_VFS)
		vfs_on_reply(m);
}

static void on_spawn(const struct msg *m, enum ipc_primitive how)
{
	struct pm_spawn_rep rep = {.result = -EPERM, .ep = EP_NONE};
	struct pm_spawn s;

	msg_get(m, &s);
	if (m->source == EP_RS)
		rep.result = sysproc_spawn(&s, &rep);
	else
		sys_violation(m->source, VIOL_REQUEST, m->type);
	sys_reply(m, how, &rep);
}

static void on_getproc(const struct msg *m, enum ipc_primitive how)
{
	struct pm_proc_rep rep;
	struct pm_ep e;

	msg_get(m, &e);
	info_getproc(e.ep, &rep);
	sys_reply(m, how, &rep);
}

static void on_getgroups(const struct msg *m, enum ipc_primitive how)
{
	struct pm_groups_rep rep;
	struct pm_groups g;

	msg_get(m, &g);
	info_getgroups(&g, &rep);
	sys_reply(m, how, &rep);
}

/* Who may send what; -ENOSYS for what is not a request at all. */
static int check_source(const struct msg *m)
{
	switch ((enum pm_msg)m->type) {
	case PM_SPAWN:
	case PM_START:
	case PM_KILL:
	case PM_RENAME:
	case PM_REAP: return m->source == EP_RS ? 0 : -EPERM;
	case PM_EXEC_COMMIT:
	case PM_SIGNAL:
	case PM_SIGMASK:
	case PM_BOOTED: return m->source == EP_VFS ? 0 : -EPERM;
	case PM_GETPROC:
	case PM_GETGROUPS:
	case PM_INFO_TEXT:
	case PM_INFO_PROCS: {
		const struct thread *t = thread_by_ep(m->source);
		return t && t->proc->is_system ? 0 : -EPERM;
	}
	}
	return -ENOSYS;
}

static int32_t run_request(const struct msg *m)
{
	struct pm_ep e;
	struct pm_kill k;
	struct pm_rename n;
	struct pm_exec x;
	struct pm_signal s;
	struct pm_sigmask g;
	struct pm_info i;
	struct pm_text text;

	switch ((enum pm_msg)m->type) {
	case PM_START: msg_get(m, &e); return sysproc_start(e.ep);
	case PM_KILL: msg_get(m, &k); return sysproc_kill(k.ep, k.signo, m->source);
	case PM_RENAME: msg_get(m, &n); return sysproc_rename(&n);
	case PM_REAP: msg_get(m, &e); return sysproc_reap(e.ep);
	case PM_EXEC_COMMIT: msg_get(m, &x); return exec_commit(&x);
	case PM_SIGNAL: msg_get(m, &s); return kill_pm_signal(&s);
	case PM_SIGMASK: msg_get(m, &g); return signal_pm_mask(&g);
	case PM_INFO_PROCS: msg_get(m, &i); return info_procs(m->source, &i);
	case PM_INFO_TEXT: msg_get(m, &text); return info_text(m->source, &text);
	case PM_BOOTED: init_start(); return 0;
	case PM_SPAWN:
	case PM_GETPROC:
	case PM_GETGROUPS: break; /* answered with a structure of their own */
	}
	return -ENOSYS;
}

static void on_request(const struct msg *m, enum ipc_primitive how)
{
	struct pm_rep rep = {.result = check_source(m)};

	if (rep.result == 0 && m->type == PM_SPAWN) {
		on_spawn(m, how);
		return;
	}
	if (rep.result == 0 && m->type == PM_GETPROC) {
		on_getproc(m, how);
		return;
	}
	if (rep.result == 0 && m->type == PM_GETGROUPS) {
		on_getgroups(m, how);
		return;
	}
	if (rep.result == 0)
		rep.result = run_request(m);
	else
		sys_violation(m->source, VIOL_REQUEST, m->type);
	if (m->type != PM_BOOTED)
		sys_reply(m, how, &rep);
}

static void on_message(const struct msg *m, int how)
{
	if (how == IPC_NOTIFY) {
		struct notify_body n;
		msg_get(m, &n);
		if (m->source == EP_CLOCK)
			timer_alarm(n.t_ns);
	} else if (m->type & MSG_KERNEL) {
		on_kernel(m);
	} else if (m->type & MSG_REPLY) {
		on_answer(m);
	} else if (m->type & MSG_LINUX) {
		on_linux(m);
	} else {
		on_request(m, (enum ipc_primitive)how);
	}
}

int main(void)
{
	struct msg m;

	random_init();
	sysproc_init();
	route_install();
	for (;;) {
		int how = ipc_receive(EP_ANY, &m);
		if (how < 0)
			sys_panic("receive: %d", how);
		on_message(&m, how);
		signal_drain();
		vfs_flush();
		sysproc_flush();
		timer_program();
	}
}
