/* SPDX-License-Identifier: BSD-2-Clause */
/* SYSCTL: diagnostics, events, routes of Linux calls, time of day, the end of the machine. */
#include "proc.h"

#define ROUTES_MAX 128
#define DIAG_MAX   256

static long diag(struct proc *caller, uint64_t va, uint64_t len)
{
	char text[DIAG_MAX];
	int r;

	if (len > sizeof(text))
		return -EINVAL;
	r = copy_arg_in(caller, text, va, len);
	if (r == 0)
		klog_write(text, len);
	return r;
}

static long add_event(struct proc *caller, uint64_t va, uint64_t len)
{
	struct event e;
	int r;

	if (len != sizeof(e))
		return -EINVAL;
	r = copy_arg_in(caller, &e, va, sizeof(e));
	if (r != 0)
		return r;
	if (e.kind >= EV_KINDS || e.label[LABEL_MAX - 1])
		return -EINVAL;
	event_add(&e);
	return 0;
}

static long set_routes(struct proc *caller, uint64_t va, uint64_t len)
{
	static struct klinux_route list[ROUTES_MAX];
	int r;

	if (len > sizeof(list) || len % sizeof(list[0]))
		return -EINVAL;
	r = copy_arg_in(caller, list, va, len);
	return r != 0 ? r : linux_set_routes(list, (unsigned)(len / sizeof(list[0])));
}

static long count_violation(struct proc *caller, uint64_t va, uint64_t len)
{
	struct kviolation v;
	struct proc *p;
	int r;

	if (len != sizeof(v))
		return -EINVAL;
	r = copy_arg_in(caller, &v, va, sizeof(v));
	if (r != 0)
		return r;
	p = proc_of(v.ep);
	if (!p || v.kind >= VIOL_KINDS)
		return -EINVAL;
	violation(p, (enum violation)v.kind, v.detail);
	return 0;
}

static long set_time(struct proc *caller, uint64_t va, uint64_t len)
{
	uint64_t utc_ns;
	int r = len == sizeof(utc_ns) ? copy_arg_in(caller, &utc_ns, va, sizeof(utc_ns)) : -EINVAL;

	if (r == 0)
		clock_set_wall(utc_ns);
	return r;
}

static long set_console(struct proc *caller, uint64_t va, uint64_t len)
{
	uint32_t on;
	int r = len == sizeof(on) ? copy_arg_in(caller, &on, va, sizeof(on)) : -EINVAL;

	if (r == 0)
		console_enable(on != 0);
	return r;
}

/* ACPI S5 of the machines that we know (ICH9 and PIIX4), and QEMU's isa-debug-exit. */
static void power_off(void)
{
	kprintf("power off\n");
	outw(0x604, 0x2000);
	outw(0xb004, 0x2000);
	outb(0x501, 0);
	cpu_halt();
}

long do_sysctl(struct proc *caller, const uint64_t *args)
{
	uint64_t va = args[1], len = args[2];
	bool is_manager = caller->priv->flags & PRIV_MANAGER;

	switch ((enum sysctl_op)args[0]) {
	case SYSCTL_DIAG: return diag(caller, va, len);
	case SYSCTL_EVENT: return add_event(caller, va, len);
	case SYSCTL_VIOLATION: return count_violation(caller, va, len);
	case SYSCTL_CONSOLE: return set_console(caller, va, len);
	case SYSCTL_POWEROFF:
	case SYSCTL_REBOOT:
		if (!is_manager)
			return -EPERM;
		if (args[0] == SYSCTL_REBOOT)
			cpu_reboot();
		power_off();
		return 0;
	case SYSCTL_SETTIME: return is_manager ? set_time(caller, va, len) : -EPERM;
	case SYSCTL_LINUXTAB: return is_manager ? set_routes(caller, va, len) : -EPERM;
	}
	return -EINVAL;
}
