/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of one process: /proc/PID/{stat,statm,status,...}. Formats: proc(5). */
#include <errno.h>
#include <string.h>
#include "axolotl/vfs.h"
#include "procfs.h"

#define TICK_NS    10000000ull /* 100 Hz */
#define PAGE_KIB   4
#define CWD_FLAG   0
#define ROOT_FLAG  1
#define EXE_FLAG   2
#define CAP_ALL    0x1ffffffffffull
#define SIGCHLD_NR 17

static unsigned long long ticks(uint64_t ns)
{
	return ns / TICK_NS;
}

/* Names are shown as they are, but without what would break a line. */
static void add_name(struct text *t, const char *name)
{
	for (size_t i = 0; i < sizeof(((struct pm_procinfo *)0)->name) && name[i]; i++)
		text_add(t, "%c", name[i] == '\n' ? ' ' : name[i]);
}

int gen_stat_of(struct text *t, int32_t pid)
{
	const struct pm_procinfo *p = data_proc(pid);
	const struct kproc_info *k;
	struct vm_procinfo v;

	if (!p)
		return -ESRCH;
	if (ask_vm_proc(p->ep, &v) < 0)
		memset(&v, 0, sizeof(v)); /* a zombie has no memory */
	k = data_kernel(p->ep);
	text_add(t, "%d (", p->pid);
	add_name(t, p->name);
	text_add(t, ") %c %d %d %d 0 -1 %u %llu 0 %llu 0 ", p->state, p->ppid, p->pgid, p->sid,
	         p->is_system ? 0x200000u : 0x400000u, (unsigned long long)v.minor_faults,
	         (unsigned long long)v.major_faults);
	text_add(t, "%llu %llu %llu %llu ", ticks(p->user_ns), ticks(p->system_ns),
	         ticks(p->child_user_ns), ticks(p->child_system_ns));
	text_add(t, "%d %d %u 0 %llu ", 20 + (int8_t)p->nice, (int8_t)p->nice, p->threads,
	         ticks(p->start_ns));
	text_add(t, "%llu %llu 18446744073709551615 ", (unsigned long long)v.virtual_bytes,
	         (unsigned long long)(v.resident_bytes / PAGE_BYTES));
	text_add(t, "0 0 0 0 0 %llu %llu %llu %llu ",
	         (unsigned long long)(p->sig_pending & 0x7fffffff),
	         (unsigned long long)(p->sig_blocked & 0x7fffffff),
	         (unsigned long long)(p->sig_ignored & 0x7fffffff),
	         (unsigned long long)(p->sig_caught & 0x7fffffff));
	text_add(t, "%d 0 0 %d 0 0 0 0 0 0 0 0 %llu 0 0 0 0 0\n", k && k->rts ? 1 : 0, SIGCHLD_NR,
	         (unsigned long long)v.brk_start);
	return 0;
}

int gen_statm(struct text *t, int32_t pid)
{
	const struct pm_procinfo *p = data_proc(pid);
	struct vm_procinfo v;

	if (!p)
		return -ESRCH;
	if (ask_vm_proc(p->ep, &v) < 0)
		memset(&v, 0, sizeof(v));
	text_add(t, "%llu %llu %llu %llu 0 %llu 0\n",
	         (unsigned long long)(v.virtual_bytes / PAGE_BYTES),
	         (unsigned long long)(v.resident_bytes / PAGE_BYTES), 0ull,
	         (unsigned long long)(v.text_bytes / PAGE_BYTES),
	         (unsigned long long)((v.data_bytes + v.stack_bytes) / PAGE_BYTES));
	return 0;
}

static const char *state_name(char state)
{
	switch (state) {
	case 'R': return "R (running)";
	case 'T': return "T (stopped)";
	case 'D': return "D (disk sleep)";
	case 'Z': return "Z (zombie)";
	default: return "S (sleeping)";
	}
}

static void add_memory(struct text *t, endpoint_t ep)
{
	struct vm_procinfo v;

	if (ask_vm_proc(ep, &v) < 0)
		return;
	text_add(t, "VmSize:\t%8llu kB\nVmRSS:\t%8llu kB\n",
	         (unsigned long long)(v.virtual_bytes >> 10),
	         (unsigned long long)(v.resident_bytes >> 10));
	text_add(t, "VmData:\t%8llu kB\nVmStk:\t%8llu kB\nVmExe:\t%8llu kB\n",
	         (unsigned long long)(v.data_bytes >> 10),
	         (unsigned long long)(v.stack_bytes >> 10),
	         (unsigned long long)(v.text_bytes >> 10));
}

int gen_status(struct text *t, int32_t pid)
{
	const struct pm_procinfo *p = data_proc(pid);
	unsigned long long caps;

	if (!p)
		return -ESRCH;
	caps = p->euid == 0 ? CAP_ALL : 0;
	text_add(t, "Name:\t");
	add_name(t, p->name);
	text_add(t, "\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
	         state_name(p->state), p->tgid, p->pid, p->ppid);
	text_add(t, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", p->uid, p->euid, p->euid,
	         p->euid, p->gid, p->egid, p->egid, p->egid);
	add_memory(t, p->ep);
	text_add(t, "Threads:\t%u\n", p->threads);
	text_add(t, "SigPnd:\t%016llx\nShdPnd:\t0000000000000000\nSigBlk:\t%016llx\n",
	         (unsigned long long)p->sig_pending, (unsigned long long)p->sig_blocked);
	text_add(t, "SigIgn:\t%016llx\nSigCgt:\t%016llx\n", (unsigned long long)p->sig_ignored,
	         (unsigned long long)p->sig_caught);
	text_add(t, "CapInh:\t0000000000000000\nCapPrm:\t%016llx\nCapEff:\t%016llx\n", caps, caps);
	text_add(t, "Endpoint:\t%d\nSystem:\t%u\n", p->ep, p->is_system);
	return 0;
}

int gen_comm(struct text *t, int32_t pid)
{
	const struct pm_procinfo *p = data_proc(pid);

	if (!p)
		return -ESRCH;
	add_name(t, p->name);
	text_add(t, "\n");
	return 0;
}

static int pm_text(struct text *t, int32_t pid, uint32_t what)
{
	const struct pm_procinfo *p = data_proc(pid);

	if (!p)
		return -ESRCH;
	return p->ep < 0 ? 0 : ask_pm_text(p->ep, what, t);
}

int gen_cmdline_of(struct text *t, int32_t pid)
{
	return pm_text(t, pid, PM_TEXT_CMDLINE);
}

int gen_environ(struct text *t, int32_t pid)
{
	return pm_text(t, pid, PM_TEXT_ENVIRON);
}

int gen_limits(struct text *t, int32_t pid)
{
	return pm_text(t, pid, PM_TEXT_LIMITS);
}

static int vfs_path(struct text *t, int32_t pid, uint32_t which)
{
	const struct pm_procinfo *p = data_proc(pid);
	int r;

	if (!p || p->ep < 0)
		return -ESRCH;
	if (p->is_system)
		return -ENOENT;
	r = ask_vfs_text(VFS_INFO_CWD, p->ep, which, t);
	/* The target of a link has no terminator. */
	while (r == 0 && t->len > 0 && t->buf[t->len - 1] == '\0')
		t->len--;
	return r;
}

int gen_exe(struct text *t, int32_t pid)
{
	return vfs_path(t, pid, EXE_FLAG);
}

int gen_cwd(struct text *t, int32_t pid)
{
	return vfs_path(t, pid, CWD_FLAG);
}

int gen_root_link(struct text *t, int32_t pid)
{
	return vfs_path(t, pid, ROOT_FLAG);
}

int gen_maps(struct text *t, int32_t pid)
{
	const struct pm_procinfo *p = data_proc(pid);

	if (!p)
		return -ESRCH;
	return p->ep < 0 ? 0 : ask_vm_maps(p->ep, t);
}

int gen_oom(struct text *t, int32_t pid)
{
	(void)pid;
	text_add(t, "0\n");
	return 0;
}

int gen_mounts(struct text *t, int32_t pid)
{
	const struct pm_procinfo *p = pid ? data_proc(pid) : NULL;

	return ask_vfs_text(VFS_INFO_MOUNTS, p ? p->ep : EP_NONE, 0, t);
}

int gen_fd_target(struct text *t, int32_t pid, uint32_t fd)
{
	static struct vfs_fdinfo list[FD_MAX];
	const struct pm_procinfo *p = data_proc(pid);
	int n;

	if (!p || p->ep < 0 || p->is_system)
		return -ENOENT;
	n = ask_vfs_fds(p->ep, list, FD_MAX);
	for (int i = 0; i < n; i++) {
		if (list[i].fd != (int32_t)fd)
			continue;
		text_add_bytes(t, list[i].target, strnlen(list[i].target, sizeof(list[i].target)));
		return 0;
	}
	return n < 0 ? n : -ENOENT;
}
