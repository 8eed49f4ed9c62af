/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfs: files, paths, descriptors, pipes, devices, mounts, execve. Applications call it by the Linux
 * ABI; pm and vm send to it asynchronously; procfs asks it. It calls pm, vm, ds and the kernel, and
 * waits for nobody else: file servers and drivers are asked by ASEND, and the request waits in a
 * fiber.
 *
 * This file: start-up, the loop, and who may send what. vm starts vfs before rs; its death is a
 * panic, so there is nothing to restart.
 */
#include <string.h>
#include <sys/syscall.h>
#include "axolotl/sock.h"
#include "blkdev.h"
#include "blockdev/blockdev.h"
#include "chr.h"
#include "devfs.h"
#include "socket.h"
#include "timerfd.h"
#include "vfs.h"

#define LINUX_CALLS 512u
#define BACKLOG     256u /* requests of vm and procfs that found no free call */

typedef int64_t (*linux_fn_t)(struct call *c);

static const linux_fn_t linux_calls[LINUX_CALLS] = {
#define LINUX_CALL(number, handler) [number] = handler,
#include "calls.def"
#undef LINUX_CALL
};

static struct msg backlog[BACKLOG];
static enum ipc_primitive backlog_how[BACKLOG];
static unsigned backlog_first, backlog_count;

/* ---- Linux calls ---- */

static void linux_run(struct call *c)
{
	struct linux_call args;
	linux_fn_t fn;
	int64_t r;

	msg_get(&c->req, &args);
	memcpy(c->args, args.args, sizeof(c->args));
	c->nr = c->req.type & 0xffff;
	fn = c->nr < LINUX_CALLS ? linux_calls[c->nr] : NULL;
	r = fn ? fn(c) : -ENOSYS;

	if (!c->no_reply)
		call_reply(c, r);
}

static void reply_linux(const struct msg *m, enum ipc_primitive how, int64_t result)
{
	struct linux_rep rep = {.result = result};

	sys_reply(m, how, &rep);
}

static void on_linux(const struct msg *m, enum ipc_primitive how)
{
	struct proc *p = proc_obtain(m->source);

	if (!p || p->call) {
		reply_linux(m, how, -ESRCH);
		return;
	}
	if (!call_start(m, how, p, linux_run))
		reply_linux(m, how, -ENOMEM);
}

/* ---- requests of servers ---- */

static void (*runner_of(const struct msg *m))(struct call *c)
{
	switch (m->type) {
	case VFS_FD_MAP: return m->source == EP_VM ? vm_fd_map_run : NULL;
	case VFS_FETCH: return m->source == EP_VM ? vm_fetch_run : NULL;
	case VFS_SPAWN: return m->source == EP_PM ? exec_spawn_run : NULL;
	case VFS_INFO_FDS:
	case VFS_INFO_MOUNTS:
	case VFS_INFO_UNIX:
	case VFS_INFO_CWD: return info_run;
	default: return NULL;
	}
}

static void start_or_queue(const struct msg *m, enum ipc_primitive how)
{
	void (*run)(struct call *) = runner_of(m);
	unsigned i;

	if (!run) {
		struct vfs_rep rep = {.result = -ENOSYS};

		sys_violation(m->source, VIOL_REQUEST, m->type);
		if (how != IPC_ASEND)
			sys_reply(m, how, &rep);
		return;
	}
	if (backlog_count == 0 && call_start(m, how, NULL, run))
		return;
	if (backlog_count == BACKLOG)
		sys_panic("vfs: more requests of servers than there can be");
	i = (backlog_first + backlog_count++) % BACKLOG;
	backlog[i] = *m;
	backlog_how[i] = how;
}

static void run_backlog(void)
{
	while (backlog_count > 0) {
		unsigned i = backlog_first;

		if (!call_start(&backlog[i], backlog_how[i], NULL, runner_of(&backlog[i])))
			return;
		backlog_first = (backlog_first + 1) % BACKLOG;
		backlog_count--;
	}
}

static void on_interrupt(const struct msg *m)
{
	struct vfs_ep req;
	struct proc *p;

	msg_get(m, &req);
	p = proc_find(req.ep);
	if (p && p->call)
		call_interrupt(p->call);
}

static void on_fork(const struct msg *m, enum ipc_primitive how)
{
	struct vfs_fork req;
	struct vfs_rep rep = {0};

	msg_get(m, &req);
	rep.id = req.id;
	proc_fork(m);
	sys_reply(m, how, &rep);
}

static void on_pm(const struct msg *m, enum ipc_primitive how)
{
	switch (m->type) {
	case VFS_FORK: on_fork(m, how); break;
	case VFS_EXIT: proc_exit(m, how); break;
	case VFS_UPDATE: proc_update(m, how); break;
	case VFS_INTERRUPT: on_interrupt(m); break;
	default: start_or_queue(m, how); break;
	}
}

/* ---- replies ---- */

static void on_reply(const struct msg *m)
{
	struct vm_rep rep;
	uint32_t id;

	if (m->type == (VM_FAULTIN | MSG_REPLY)) {
		msg_get(m, &rep);
		id = rep.id;
	} else {
		memcpy(&id, m->body.raw, sizeof(id)); /* all others begin with it */
	}
	await_deliver(m, id);
}

/* ---- notifications ---- */

static void fetch_changes(void)
{
	struct {
		uint32_t unused;
	} none = {0};
	struct ds_change ch;

	while (sys_call(EP_DS, DS_CHECK, &none, &ch) == 0 && ch.result >= 0) {
		(void)bdev_ds_change(&ch);
		dev_ds_change(&ch);
	}
}

static void on_alarm(void)
{
	uint64_t now = now_ns(), next = call_expire(now), timer = timerfd_expire(now), block;

	bdev_alarm(now);
	block = bdev_next_deadline();
	if (next)
		alarm_at(next);
	if (timer)
		alarm_at(timer);
	if (block)
		alarm_at(block);
}

static void on_notify(const struct msg *m)
{
	if (m->source == EP_DS)
		fetch_changes();
	else if (m->source == EP_CLOCK)
		on_alarm();
	else if (m->source == EP_RS)
		ipc_notify(EP_RS);
	else
		(void)bdev_doorbell(m->source);
}

/* ---- the loop ---- */

static void dispatch(const struct msg *m, enum ipc_primitive how)
{
	if (how == IPC_NOTIFY)
		on_notify(m);
	else if (m->type & MSG_LINUX && !(m->type & MSG_REPLY))
		on_linux(m, how);
	else if (m->type & MSG_REPLY) {
		if (!bdev_message(m))
			on_reply(m);
	} else if (m->source == EP_PM)
		on_pm(m, how);
	else if (m->source == EP_VM && m->type == VFS_TOKEN_RELEASE)
		vm_token_release(m);
	else if (m->type == CHR_READY || m->type == CHR_SIGNAL)
		chr_message(m);
	else if (m->type == SOCK_READY)
		inet_message(m);
	else
		start_or_queue(m, how);
}

static void idle(void)
{
	static uint64_t last_block_deadline;
	uint64_t block;

	fiber_run_queued();
	run_backlog();
	bdev_idle();
	fiber_run_queued();
	unix_idle();
	inet_idle();
	block = bdev_next_deadline();
	if (block && block != last_block_deadline)
		alarm_at(block);
	last_block_deadline = block;
}

int main(void)
{
	struct msg m;

	call_init();
	proc_init();
	devfs_init();
	blk_init();
	if (ds_subscribe(".*") != 0)
		sys_panic("vfs: ds does not take the subscription");
	for (;;) {
		int how;

		idle();
		how = ipc_receive(EP_ANY, &m);
		if (how < 0)
			sys_panic("vfs: RECEIVE failed: %d", how);
		dispatch(&m, (enum ipc_primitive)how == IPC_SENDREC ? IPC_SEND
		                                                    : (enum ipc_primitive)how);
	}
}
