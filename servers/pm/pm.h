/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of pm share beside the tables of proc.h. All of it runs in one thread; a handler
 * runs to completion, and what must wait keeps its call in the thread and is run again (call_run)
 * or answered later (call_reply). Signals are only noted while a message is handled and acted upon
 * at its end (signal_drain), so no handler sees its own thread change under its hands.
 */
#ifndef PM_H
#define PM_H

#include "axolotl/errno.h"
#include "axolotl/pm.h"
#include "axolotl/vfs.h"
#include "axolotl/vm.h"
#include "sys/sys.h"
#include "proc.h"

extern struct timer_heap timers;

/* ---- main.c: the call of a thread ---- */
typedef int64_t (*call_fn_t)(struct thread *t, const uint64_t *args);
/* Handlers return the result, or -ESUSPENDREP after setting t->block. */
#define PM_CALL(name, fn) int64_t fn(struct thread *t, const uint64_t *args);
#define PM_ANY(name, fn)  PM_CALL(name, fn)
#define VM_CALL(name)
#define VFS_CALL(name)
#include "calls.def"
#undef PM_CALL
#undef PM_ANY
#undef VM_CALL
#undef VFS_CALL
void call_run(struct thread *t);
void call_reply(struct thread *t, int64_t result);
static inline int64_t call_block(struct thread *t, enum block why)
{
	t->block = why;
	return -ESUSPENDREP;
}
/* Leave all queues and timers; the call has no answer yet. */
void call_unblock(struct thread *t);

/* ---- routes.c ---- */
struct call_entry {
	call_fn_t fn;
	bool is_for_system; /* system processes may make it too */
};
const struct call_entry *route_lookup(uint32_t number); /* NULL: not ours */
void route_install(void);

/* ---- copy.c: 0, -EFAULT, or -ESUSPENDREP (a page is being read in; the handler runs again) ----
 */
int copy_in(struct thread *t, void *dst, uint64_t addr, size_t len) MUST_CHECK;
int copy_out(struct thread *t, uint64_t addr, const void *src, size_t len) MUST_CHECK;
/* Make sure that len <= 16 bytes at addr can be written later. */
int copy_probe(struct thread *t, uint64_t addr, size_t len) MUST_CHECK;
/* Without waiting for pages: for memory of threads that are not in a call. */
int copy_out_now(struct thread *t, uint64_t addr, const void *src, size_t len) MUST_CHECK;
int copy_in_now(struct thread *t, void *dst, uint64_t addr, size_t len) MUST_CHECK;
/* Ask for a page; the reply comes to copy_on_page. */
int copy_want_page(struct thread *t, uint64_t addr, size_t len, bool is_write) MUST_CHECK;
void copy_on_page(const struct msg *m);

/* ---- vfsop.c: requests to vfs, never waited for ---- */
void vfs_start(struct thread *t, enum vfs_op op, endpoint_t target);
void vfs_interrupt(struct thread *t);
void vfs_forget(struct thread *t); /* t is going */
void vfs_flush(void);              /* send what could not be sent before */
void vfs_on_reply(const struct msg *m);
/* Tell vfs the ids of t's process, then answer t's call with `result`. */
int64_t vfs_update(struct thread *t, struct proc *p, int64_t result);

/* ---- fork.c, exec.c ---- */
void fork_done(struct thread *t, int result);
int32_t exec_commit(const struct pm_exec *x);
void vfork_release(struct thread *child);

/* ---- exit.c ---- */
void proc_exit(struct proc *p, int32_t status); /* all threads; status as of wait(2) */
void thread_exit(struct thread *t);
void thread_gone(struct thread *t); /* vfs has let go of it */
void proc_reap(struct proc *p);     /* forget a zombie */
void proc_notify_parent(struct proc *p, int code, int32_t value);
struct cpu_time proc_cpu_time(const struct proc *p);
struct cpu_time thread_cpu_time(const struct thread *t);

/* ---- signal.c, deliver.c ---- */
extern struct sig_pool sig_pool;
/* Send to a process, or to one thread of it; 0 or -EAGAIN. */
int signal_post(struct proc *p, struct thread *only, const struct sig_info *info);
/* A fault of t itself: cannot be blocked or ignored. */
void signal_force(struct thread *t, const struct sig_info *info);
void signal_look(struct thread *t); /* examine t at the end of this message */
void signal_drain(void);
void signal_ready(struct thread *t); /* the call of t has ended and t is held */
void signal_fault(struct thread *t, const struct kmsg_exception *x);
int32_t signal_pm_mask(const struct pm_sigmask *g);
bool signal_is_pending(const struct thread *t); /* one that t would act upon */
void signal_set_mask(struct thread *t, uint64_t mask);
void deliver(struct thread *t); /* t is held */
bool signal_dequeue(struct thread *t, uint64_t among, struct sig_info *info);
void proc_stop(struct proc *p, int signo);
void proc_continue(struct proc *p);
static inline struct ksigaction *action_of(struct proc *p, int signo)
{
	return &p->actions[signo - 1];
}

/* ---- kill.c ---- */
int kill_pm_signal(const struct pm_signal *s);
void group_hangup(int32_t pgid); /* SIGHUP and SIGCONT to an orphaned group with stopped members */

/* ---- wait.c ---- */
void wait_wake(struct proc *parent);

/* ---- usage.c ---- */
void usage_note_memory(struct proc *p); /* as it is now */
void usage_add_child(struct proc *parent, const struct proc *child);
void usage_of_child(struct krusage *ru, const struct proc *child);

/* ---- clock.c, itimer.c, ptimer.c ---- */
int timespec_read(struct thread *t, uint64_t addr, uint64_t *ns) MUST_CHECK;
struct ktimespec timespec_of(uint64_t ns);
void timer_arm(struct timer *t, uint64_t t_ns);
void timer_disarm(struct timer *t);
void timer_alarm(uint64_t now); /* the kernel's alarm: run what is due */
void timer_program(void);       /* set the kernel's alarm to the first timer */
void sleep_expired(struct thread *t);
void sleep_interrupted(struct thread *t);
void itimer_expired(struct timer *tm, uint64_t now);
void ptimer_expired(struct timer *tm, uint64_t now);
void ptimer_drop(struct proc *p); /* exec and exit delete timers of timer_create */
void itimer_drop(struct proc *p);

/* ---- futex.c ---- */
void futex_cancel(struct thread *t);
void futex_expired(struct thread *t);

void futex_thread_exit(struct thread *t); /* clear_child_tid, robust list */

/* ---- random.c ---- */
void random_init(void);
void random_stir(uint64_t sample);

/* ---- limits.c ---- */
void limits_init(struct krlimit *limits);
struct proc *proc_for_id(struct thread *t, int32_t pid); /* 0: own; alive or zombie */
bool proc_may_change(const struct proc *caller, const struct proc *p);

/* ---- priority.c ---- */
int priority_apply(struct proc *p);

/* ---- sysproc.c: system processes, on behalf of rs ---- */
int32_t sysproc_spawn(const struct pm_spawn *s, struct pm_spawn_rep *rep);
int32_t sysproc_start(endpoint_t ep);
int32_t sysproc_rename(const struct pm_rename *r);
int32_t sysproc_kill(endpoint_t ep, int signo, endpoint_t by);
int32_t sysproc_reap(endpoint_t ep);
void sysproc_signal(struct proc *p, int signo, endpoint_t by);
void sysproc_died(struct proc *p, int signo, int32_t status);
/* It cannot go on: stopped for good at once, so that nobody waits for it, then as sysproc_died. */
void sysproc_end(struct proc *p, int signo, int32_t status);
void sysproc_flush(void);
void sysproc_init(void);

/* ---- init.c: pid 1 ---- */
void init_start(void);
void init_forked(struct thread *t, int result);
void init_died(struct proc *p);
void init_again(void);
void init_on_spawn(const struct msg *m);

/* ---- info.c, infotext.c ---- */
int32_t info_text(endpoint_t who, const struct pm_text *req);
void info_note_start(struct thread *t, uint64_t stack); /* t begins a new program */
extern struct kutsname uts;                             /* system.c */
int32_t info_procs(endpoint_t who, const struct pm_info *req);
void info_getproc(endpoint_t ep, struct pm_proc_rep *rep);
void info_getgroups(const struct pm_groups *g, struct pm_groups_rep *rep);

#endif
