/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pm: processes, signals, credentials, time of day. It answers most process, signal and time Linux
 * calls (the route table is pm's: SYSCTL_LINUXTAB), and the native requests below (SENDREC unless
 * marked ASEND). pm calls vm and the kernel; what vfs, rs must learn goes by ASEND.
 */
#ifndef AXOLOTL_PM_H
#define AXOLOTL_PM_H

#include "axolotl/ipc.h"

enum pm_msg {
	PM_SPAWN =
		MSG_PM_BASE + 1, /* rs: struct pm_spawn -> struct pm_spawn_rep; not running yet */
	PM_START,                /* rs: struct pm_ep: let it run (its privileges are set) */
	PM_KILL,                 /* rs: struct pm_kill: end a system process at once */
	PM_REAP,        /* rs: struct pm_ep: forget a dead system process, free its memory */
	PM_EXEC_COMMIT, /* vfs: struct pm_exec: point of no return is behind us; sets handlers
	                               to default, ends other threads, k_exec */
	PM_SIGNAL,      /* vfs: struct pm_signal */
	PM_GETPROC,     /* vfs, rs: struct pm_ep -> struct pm_proc_rep */
	PM_INFO_PROCS,  /* procfs: struct pm_info: struct pm_procinfo[]; result = count */
	PM_BOOTED,      /* vfs, ASEND: root is mounted: start /sbin/init (pid 1) */
	PM_GETGROUPS,   /* vfs: struct pm_groups -> struct pm_groups_rep */
	PM_SIGMASK,     /* vfs, for ppoll and its kin: struct pm_sigmask */
	PM_RENAME,      /* rs: struct pm_rename: a spare became the component */
	PM_INFO_TEXT,   /* procfs: struct pm_text: bytes into the grant; result = how many */
};

#define PM_NAME_MAX 16 /* of a process, with its NUL */
struct pm_rep {
	int32_t result;
};
struct pm_ep {
	endpoint_t ep;
};
struct pm_spawn {
	uint32_t image; /* of vm */
	uint32_t argc;
	uint64_t args_addr; /* in rs, see struct vm_spawn */
	uint32_t args_bytes;
	uint32_t uid;
	char name[PM_NAME_MAX];
};
struct pm_rename {
	endpoint_t ep; /* a system process */
	char name[PM_NAME_MAX];
};
struct pm_spawn_rep {
	int32_t result;
	endpoint_t ep;
	int32_t pid;
};
struct pm_kill {
	endpoint_t ep;
	int32_t signo;
};
struct pm_exec {
	endpoint_t ep;
	uint32_t flags; /* PM_EXEC_SETUID | PM_EXEC_SETGID */
	uint64_t entry;
	uint64_t stack;
	uint32_t uid, gid; /* new effective ids if flagged */
	char name[16];
};
#define PM_EXEC_SETUID 1u
#define PM_EXEC_SETGID 2u
struct pm_signal {
	int32_t pid; /* > 0 a process, < -1 a process group */
	int32_t signo;
	endpoint_t cause; /* EP_NONE, or the process on whose behalf (permission checks) */
	/* SIGTTIN and SIGTTOU with a cause: nothing is sent and the result is -EIO if the cause ignores or
	 * blocks the signal or its group is orphaned; then vfs lets the call fail or go on. */
};
struct pm_proc_rep {
	int32_t result;
	int32_t pid, ppid, pgid, sid;
	uint32_t uid, euid, gid, egid;
	uint32_t is_system;
};
/* Supplementary groups of ep from number `first` on; result: how many follow in gids, 0 at the end. */
struct pm_groups {
	endpoint_t ep;
	uint32_t first;
};
#define PM_GROUPS_PER_REP 13
struct pm_groups_rep {
	int32_t result;
	uint32_t gids[PM_GROUPS_PER_REP];
};
/* SET: ep's mask becomes `mask` for the call that it is in. Result 1: a signal waits, the call should
 * end with -ERESTARTSYS at once. Without a signal vfs sends RESTORE before it answers the call; when
 * the call is interrupted, pm restores the mask by itself, after the handler. */
#define PM_SIGMASK_SET     0u
#define PM_SIGMASK_RESTORE 1u
struct pm_sigmask {
	endpoint_t ep;
	uint32_t op;
	uint64_t mask;
};
struct pm_info {
	grant_t grant;
	uint32_t len_bytes;
};
#define PM_TEXT_CMDLINE 0u /* arguments of ep, each with its NUL; of a system process: nothing */
#define PM_TEXT_ENVIRON 1u
#define PM_TEXT_UTS     2u /* struct new_utsname of uname(2) */
#define PM_TEXT_LIMITS  3u /* text of /proc/PID/limits of ep */
struct pm_text {
	endpoint_t ep;
	grant_t grant;
	uint32_t len_bytes;
	uint32_t what;
};
struct pm_procinfo {
	endpoint_t ep;
	int32_t pid, ppid, pgid, sid, tgid;
	uint32_t uid, euid, gid, egid;
	char state; /* as in /proc/PID/stat: R S D T Z */
	uint8_t is_system, nice, threads;
	uint64_t start_ns;
	uint64_t user_ns, system_ns, child_user_ns, child_system_ns;
	uint64_t sig_pending, sig_blocked, sig_ignored, sig_caught;
	char name[16];
};

#endif
