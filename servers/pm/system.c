/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls about the machine as a whole: uname, host name, sysinfo, kernel log, reboot; and the small
 * calls about one process that belong nowhere else.
 */
#include <errno.h>
#include <string.h>
#include <sys/reboot.h>
#include "pm.h"

#define REBOOT_MAGIC1      0xfee1deadu
#define RELEASE            "6.1.0-axolotl"
#define VERSION            "Axolotl 1.0 multiserver"
#define KLOG_READ_ALL      3
#define KLOG_CLEAR_FIRST   4
#define KLOG_CLEAR         5
#define KLOG_CONSOLE_LEVEL 8
#define KLOG_SIZE_UNREAD   9
#define KLOG_SIZE          10
#define KLOG_BYTES         16384
#define PERSONALITY_QUERY  0xffffffffu
#define ARCH_SET_GS        0x1001
#define ARCH_SET_FS        0x1002
#define ARCH_GET_FS        0x1003
#define ARCH_GET_GS        0x1004

struct kutsname uts = {.sysname = "Linux",
                       .nodename = "axolotl",
                       .release = RELEASE,
                       .version = VERSION,
                       .machine = "x86_64",
                       .domainname = "(none)"};

int64_t call_uname(struct thread *t, const uint64_t *args)
{
	return copy_out(t, args[0], &uts, sizeof(uts));
}

static int64_t set_name(struct thread *t, const uint64_t *args, char *field)
{
	char name[KUTS_FIELD] = {0};
	int r;

	if (t->proc->cred.euid != 0)
		return -EPERM;
	if (args[1] >= KUTS_FIELD)
		return -EINVAL;
	r = copy_in(t, name, args[0], args[1]);
	if (r == 0)
		memcpy(field, name, sizeof(name));
	return r;
}

int64_t call_sethostname(struct thread *t, const uint64_t *args)
{
	return set_name(t, args, uts.nodename);
}

int64_t call_setdomainname(struct thread *t, const uint64_t *args)
{
	return set_name(t, args, uts.domainname);
}

static void read_memory(struct vm_meminfo *mem)
{
	struct vm_info i = {.ep = EP_NONE, .len_bytes = sizeof(*mem)};
	struct vm_rep rep;

	memset(mem, 0, sizeof(*mem));
	i.grant = grant_direct(EP_VM, mem, sizeof(*mem), GRANT_WRITE);
	if (sys_call(EP_VM, VM_INFO_MEM, &i, &rep) < 0 || rep.result < 0)
		sys_log("vm does not tell about memory");
	grant_revoke(i.grant);
}

int64_t call_sysinfo(struct thread *t, const uint64_t *args)
{
	struct ksysinfo s = {.mem_unit = 1};
	struct vm_meminfo mem;
	struct kmachine k = {0};
	unsigned count = 0;

	read_memory(&mem);
	if (k_getinfo(KINFO_MACHINE, &k, sizeof(k), 0) < 0)
		return -EFAULT;
	for (const struct proc *p = table.first; p; p = p->next)
		count += p->nthreads;
	s.uptime = (int64_t)(now_ns() / 1000000000);
	for (int i = 0; i < 3; i++)
		s.loads[i] = k.loadavg[i];
	s.totalram = mem.total_bytes;
	s.freeram = mem.free_bytes;
	s.sharedram = mem.shared_bytes;
	s.bufferram = 0;
	s.procs = (uint16_t)count;
	return copy_out(t, args[0], &s, sizeof(s));
}

/* dmesg: the kernel's log as it is now. */
static int64_t read_log(struct thread *t, const uint64_t *args)
{
	static char text[KLOG_BYTES];
	int64_t len = k_getinfo(KINFO_KLOG, text, sizeof(text), 0);
	int64_t room = (int32_t)args[2];
	int r;

	if (len < 0)
		return -EINVAL;
	if (room < 0 || !args[1])
		return -EINVAL;
	if (room > len)
		room = len;
	r = copy_out(t, args[1], text + (len - room), (size_t)room);
	return r < 0 ? r : room;
}

int64_t call_syslog(struct thread *t, const uint64_t *args)
{
	int32_t action = (int32_t)args[0];

	if (action < 0 || action > KLOG_SIZE)
		return -EINVAL;
	switch (action) {
	case KLOG_READ_ALL: return read_log(t, args);
	case KLOG_SIZE: return KLOG_BYTES;
	case KLOG_SIZE_UNREAD: return 0;
	default: return -EPERM; /* the log is not consumed, cleared or tuned */
	}
}

static int64_t end_machine(enum sysctl_op op)
{
	int r = k_sysctl(op, NULL, 0);

	return r < 0 ? -EINVAL : 0;
}

int64_t call_reboot(struct thread *t, const uint64_t *args)
{
	if (t->proc->cred.euid != 0)
		return -EPERM;
	if ((uint32_t)args[0] != REBOOT_MAGIC1)
		return -EINVAL;
	switch ((uint32_t)args[2]) {
	case (uint32_t)RB_ENABLE_CAD:
	case (uint32_t)RB_DISABLE_CAD: return 0;
	case (uint32_t)RB_AUTOBOOT: return end_machine(SYSCTL_REBOOT);
	case (uint32_t)RB_HALT_SYSTEM:
	case (uint32_t)RB_POWER_OFF: return end_machine(SYSCTL_POWEROFF);
	default: return -EINVAL;
	}
}

int64_t call_personality(struct thread *t, const uint64_t *args)
{
	uint32_t old = t->proc->personality;

	if ((uint32_t)args[0] == PERSONALITY_QUERY)
		return old;
	if (args[0] & 0xff) /* other execution domains than Linux */
		return -EINVAL;
	t->proc->personality = (uint32_t)args[0];
	return old;
}

int64_t call_arch_prctl(struct thread *t, const uint64_t *args)
{
	struct kregs regs;
	struct ktrace tr = {.buf = &regs, .len_bytes = sizeof(regs)};
	int r;

	switch ((int32_t)args[0]) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (args[1] >= VM_USER_TOP)
			return -EPERM;
		r = k_settls(t->ep, args[0] == ARCH_SET_GS, args[1]);
		return r < 0 ? -EPERM : 0;
	case ARCH_GET_FS:
	case ARCH_GET_GS:
		r = k_trace(TRACE_GETREGS, t->ep, &tr);
		if (r < 0)
			return -EPERM;
		return copy_out(t, args[1], args[0] == ARCH_GET_FS ? &regs.fs_base : &regs.gs_base,
		                sizeof(uint64_t));
	default: return -EINVAL;
	}
}

int64_t call_iopl(struct thread *t, const uint64_t *args)
{
	(void)t;
	return args[0] > 3 ? -EINVAL : -EPERM; /* ports belong to drivers, by their policy */
}

int64_t call_ioperm(struct thread *t, const uint64_t *args)
{
	(void)t;
	(void)args;
	return -EPERM;
}

int64_t call_unshare(struct thread *t, const uint64_t *args)
{
	(void)t;
	return args[0] ? -EPERM : 0; /* there are no name spaces */
}

int64_t call_restart_syscall(struct thread *t, const uint64_t *args)
{
	(void)t;
	(void)args;
	return -EINTR; /* interrupted calls are repeated as themselves */
}
