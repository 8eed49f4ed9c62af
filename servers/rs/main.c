/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rs, the reincarnation server (thesis 2.2 and 4): starts, watches and replaces every server,
 * driver and filter that is not part of the trusted base. Callers: pm (deaths), components (ready,
 * heartbeat, complaints), vfs (file servers), the service utility, procfs.
 *
 * Model: one state machine for each component (machine.h has the drawing). One loop takes messages,
 * notifications and the alarm and feeds them; nothing here waits for a component, for storage or
 * for a script. The only synchronous calls go down, to pm, vm and ds (D6). No malloc: all tables
 * are static, so rs can act when memory is short.
 *
 * rs runs at a priority above all that it guards. It belongs to the trusted base: started by vm,
 * never replaced; its death is a panic.
 */
#include "rs.h"
#include "pciq.h"

static uint64_t alarm_ns;

static uint64_t earlier(uint64_t a, uint64_t b)
{
	if (a == 0 || (b != 0 && b < a))
		return b;
	return a;
}

static void tick(void)
{
	uint64_t now = now_ns();
	uint64_t next;

	for (unsigned i = 0; i < COMPONENTS_MAX; i++) {
		struct component *c = &components[i];

		if (!c->is_used || c->is_fixed)
			continue;
		next = machine_next_ns(c);
		if (next != 0 && next <= now)
			machine_tick(c);
		if (c->life.state == CS_WAITING)
			machine_advance(c);
	}
	corpses_tick();
	status_tick();
}

static uint64_t next_deadline(void)
{
	uint64_t next = earlier(corpses_next_ns(), status_next_ns());

	for (unsigned i = 0; i < COMPONENTS_MAX; i++)
		if (components[i].is_used && !components[i].is_fixed)
			next = earlier(next, machine_next_ns(&components[i]));
	return next;
}

static void set_alarm(void)
{
	uint64_t next = next_deadline();

	if (next == alarm_ns)
		return;
	alarm_ns = next;
	if (k_setalarm(next) < 0)
		sys_panic("no alarm");
}

static void on_notify(const struct msg *m)
{
	struct component *c;

	if (m->source == EP_CLOCK) {
		alarm_ns = 0;
		return;
	}
	if (m->source == EP_DS) {
		alias_ds_changed();
		return;
	}
	c = table_by_ep(m->source);
	if (c != NULL)
		machine_alive(c);
}

static void on_message(const struct msg *m)
{
	switch (m->type) {
	case RS_CHILD_EXIT: on_child_exit(m); break;
	case SYS_READY: on_ready(m); break;
	case RS_COMPLAIN: on_complaint(m); break;
	case PCI_ALLOW | MSG_REPLY:
	case PCI_SILENCE | MSG_REPLY:
	case PCI_RELEASE | MSG_REPLY: on_pci_reply(m); break;
	case RS_UP_FS: on_up_fs(m); break;
	case RS_DOWN: on_down_fs(m); break;
	case SYS_STATUS | MSG_REPLY:
	case SYS_CONTROL | MSG_REPLY: on_status_reply(m); break;
	case RS_INFO: on_info(m); break;
	case MSG_LINUX | AXO_NR_SERVICE: service_call(m); break;
	default: sys_violation(m->source, VIOL_REQUEST, m->type); break;
	}
}

int main(void)
{
	struct msg m;

	boot_read();
	boot_start();
	for (;;) {
		int how;

		tick();
		make_sweep();
		set_alarm();
		how = ipc_receive(EP_ANY, &m);
		if (how < 0)
			sys_panic("RECEIVE failed: %d", how);
		if (how == IPC_NOTIFY)
			on_notify(&m);
		else
			on_message(&m);
	}
}
