/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes and threads as pm keeps them. A thread is one process of the kernel (an endpoint); a
 * proc is a thread group with one pid, and outlives its threads as a zombie. The tables and the
 * lists between them are pure; what talks to others is in the files that use them.
 *
 *   proc:    unused -> alive -> exiting (threads are being taken down) -> zombie -> unused
 *   thread:  unused -> alive -> exiting (vfs closes its files) -> unused
 *
 * Invariants: thread[i].ep has slot i. Every proc but init has a parent, or is a system process
 * (parent NULL). A zombie has no threads. A pid in use is nobody else's pid, tid, group or session.
 */
#ifndef PM_PROC_H
#define PM_PROC_H

#include "axolotl/kcall.h"
#include "futexq.h"
#include "sig.h"
#include "timers.h"

#define PROCS_MAX    1024 /* zombies included */
#define RESERVED     64   /* threads and processes that applications cannot have: for recovery */
#define PID_MAX      32768
#define PID_INIT     1
#define PID_FIRST    2
#define GROUPS_MAX   32
#define PROC_NAME    16
#define NICE_DEFAULT 0

struct cred {
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	uint32_t ngroups;
	uint32_t groups[GROUPS_MAX];
};

enum proc_state { PROC_FREE, PROC_ALIVE, PROC_EXITING, PROC_ZOMBIE };

struct cpu_time {
	uint64_t user_ns, system_ns;
};

struct mem_use {
	uint64_t max_rss_bytes, minor_faults, major_faults;
};

struct proc {
	enum proc_state state;
	int32_t pid, pgid, sid;
	struct proc *parent;
	struct proc *children;    /* first child */
	struct proc *sibling;     /* next child of the same parent */
	struct proc *next, *prev; /* list of all that are not free */
	struct thread *threads;
	uint32_t nthreads;
	uint32_t space; /* names the address space in keys of private futexes */
	char name[PROC_NAME];
	uint64_t arg_start, arg_end, env_start,
		env_end; /* strings as execve put them; 0: unknown */

	bool is_system;  /* started by rs or the trusted base */
	bool is_fixed;   /* trusted base: cannot be signalled */
	bool has_execed; /* setpgid by the parent is refused */
	bool is_subreaper, no_new_privs, keep_caps, is_dumpable;
	bool is_reported; /* system: rs knows of its death */

	bool is_stopped;
	bool has_stop_report; /* WUNTRACED has not seen it */
	bool has_cont_report; /* WCONTINUED has not seen it */
	uint8_t stop_signo;
	uint8_t exit_signal; /* to the parent, 0: none */
	uint8_t pdeath_signal;
	int8_t nice;
	uint8_t policy; /* SCHED_* */
	uint8_t realtime_priority;
	int32_t exit_status; /* as wait(2) encodes it */

	struct cred cred;
	struct sig_pending pending;
	struct ksigaction *actions; /* SIG_COUNT of them */
	struct krlimit rlimits[KRLIM_COUNT];

	uint64_t start_ns;
	struct cpu_time dead_threads; /* of threads that are gone */
	struct cpu_time children_time;
	struct mem_use memory, children_memory; /* own: as of the end, see usage.c */
	uint32_t nsignals;
	uint32_t ioprio, personality;

	struct timer real, virtual, prof;
	uint64_t real_interval_ns, virtual_interval_ns, prof_interval_ns;
	uint64_t virtual_goal_ns, prof_goal_ns; /* of CPU time */

	struct { /* death of a system process, for rs */
		uint32_t vector;
		uint64_t rip, addr;
	} fault;
};

enum hold { HOLD_NONE, HOLD_ASKED, HOLD_HELD };

/* Why a call has no answer yet. */
enum block {
	BLOCK_NONE,
	BLOCK_WAIT,    /* wait4, waitid: run again when a child changes */
	BLOCK_SLEEP,   /* nanosleep */
	BLOCK_PAUSE,   /* pause, rt_sigsuspend */
	BLOCK_SIGWAIT, /* rt_sigtimedwait */
	BLOCK_FUTEX,
	BLOCK_VFORK, /* child has neither exec'ed nor ended */
	BLOCK_VFS,   /* a VFS_FORK or VFS_UPDATE is under way */
	BLOCK_PAGE,  /* VM_FAULTIN: run again */
};

/* One request to vfs at a time for each thread. */
enum vfs_op { VOP_NONE, VOP_FORK, VOP_UPDATE, VOP_EXIT };

struct thread {
	bool is_used, is_exiting, is_starting;
	bool is_queued; /* on the list of threads to look at for signals */
	endpoint_t ep;
	int32_t tid;
	struct proc *proc;
	struct thread *next; /* of the same proc */

	bool in_call;
	enum block block;
	struct msg call; /* valid while in_call */
	struct timer sleep;
	uint64_t wake_ns;   /* deadline of a wait that runs again */
	uint64_t rest_addr; /* where nanosleep wants the rest */
	bool keep_wake;     /* the next call is the same wait, restarted */
	bool no_restart;    /* the interrupted call is not repeated after a handler */
	uint64_t wait_set;  /* rt_sigtimedwait */
	struct futex_waiter futex;
	struct thread *vfork_child; /* BLOCK_VFORK */
	struct thread *vfork_parent;

	enum vfs_op vop;
	bool vop_is_sent;
	uint32_t vop_id;
	endpoint_t vop_target;
	uint64_t clone_flags; /* VOP_FORK */
	int64_t vop_result;   /* answer of the call when vfs has confirmed */
	bool has_interrupt;   /* VFS_INTERRUPT is to be sent */
	bool is_busy;         /* target of a request to vfs */

	enum hold hold;
	uint64_t page_id;      /* VM_FAULTIN under way; 0: none */
	bool page_is_signal;   /* it is for a signal frame */
	struct sig_info retry; /* signal whose frame waits for a page; signo 0: none */
	uint64_t mask, saved_mask;
	bool has_saved_mask;
	struct sig_pending pending;
	struct kstack alt;
	uint64_t clear_tid, robust_list;
	uint64_t child_tid, parent_tid; /* where clone stores the tid of this thread */
	struct kregs regs;              /* valid while held */
};

struct proc_table {
	struct proc *first;
	uint32_t count;
	uint32_t thread_count;
	int32_t last_pid;
	uint32_t last_space;
	struct proc procs[PROCS_MAX];
	struct ksigaction actions[PROCS_MAX][SIG_COUNT];
	struct thread threads[NR_PROCS];
};

extern struct proc_table table;

/* ---- proc.c ---- */
struct proc *proc_alloc(int32_t pid); /* NULL: table full; threads and lists empty */
void proc_free(struct proc *p);
struct proc *proc_by_pid(int32_t pid); /* zombies included */
int32_t pid_alloc(void);               /* -EAGAIN: none left */
uint32_t proc_new_space(void);         /* a number that no other address space has */
void proc_adopt(struct proc *parent, struct proc *child); /* moves child to parent's list */
struct thread *thread_alloc(endpoint_t ep, struct proc *p, int32_t tid);
void thread_free(struct thread *t);
struct thread *thread_by_ep(endpoint_t ep); /* NULL: unknown or an old incarnation */
struct thread *thread_by_tid(int32_t tid);

/* ---- group.c: process groups and sessions ---- */
bool group_exists(int32_t pgid, int32_t sid);
/* No member has a parent in another group of the same session; `but` does not count as a member. */
bool group_is_orphaned(int32_t pgid, const struct proc *but);
bool group_has_stopped(int32_t pgid);
/* setpgid(2): 0 or -errno; changes nothing. */
int group_check_move(const struct proc *caller, const struct proc *p, int32_t pgid);
int group_check_setsid(const struct proc *p);

/* ---- waitmatch.c ---- */
#define WAIT_BY_ANY   0
#define WAIT_BY_PID   1
#define WAIT_BY_GROUP 2
struct wait_spec {
	int by;
	int32_t id;
	uint32_t options; /* WEXITED, WSTOPPED, WCONTINUED of waitid */
};
enum wait_event { WAIT_NO_CHILD, WAIT_NOTHING, WAIT_EXITED, WAIT_STOPPED, WAIT_CONTINUED };
/* First child of p that spec wants and that has something to tell. */
enum wait_event wait_find(const struct proc *p, const struct wait_spec *spec, struct proc **found);
int32_t wait_status(enum wait_event ev, const struct proc *child);

/* ---- cred.c: set*id(2) rules on data; 0 or -EPERM ---- */
#define ID_KEEP 0xffffffffu
int cred_setuid(struct cred *c, uint32_t uid);
int cred_setgid(struct cred *c, uint32_t gid);
int cred_setresuid(struct cred *c, uint32_t r, uint32_t e, uint32_t s);
int cred_setresgid(struct cred *c, uint32_t r, uint32_t e, uint32_t s);
int cred_setreuid(struct cred *c, uint32_t r, uint32_t e);
int cred_setregid(struct cred *c, uint32_t r, uint32_t e);
bool cred_may_signal(const struct cred *from, const struct cred *to);

#endif
