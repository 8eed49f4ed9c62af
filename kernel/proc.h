/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes, address spaces and what acts on them.
 *
 * A process runs when `rts` is 0. Blocked states combine: a process may be receiving, stopped and
 * held for a signal at once, and runs when the last reason goes.
 *
 *   rts bit    set by                             cleared by
 *   SENDING    SEND, SENDREC to a busy receiver   receiver takes it, or either dies
 *   RECEIVING  RECEIVE, SENDREC                   delivery, or the partner dies
 *   FAULT      a page was missing                 VMCTL_CLEAR_FAULT
 *   HELD       SIGSEND, exception                 SIGRETURN, EXEC
 *   STOPPED    SCHED_STOP                         SCHED_CONT
 *   DEAD       KILL, EXIT                         CLEAR (then FREE)
 *
 * A kernel message (KMSG_*) travels as if the process had sent it: it is queued at its receiver
 * with the message in `out`; at most one at a time.
 */
#ifndef KERNEL_PROC_H
#define KERNEL_PROC_H

#include "kernel.h"

#define BITMAP_WORDS (NR_PROCS / 64)
#define NR_SPACES    NR_PROCS

enum fault_kind { FAULT_NONE, FAULT_USER, FAULT_CALL, FAULT_DELIVER };

#define PF_REPLY   0x01u  /* receives only the reply of `getfrom` (SENDREC) */
#define PF_LINUX   0x02u  /* in a redirected Linux call: result goes to rax */
#define PF_QUEUED  0x04u  /* in the sender queue of `queued_at` */
#define PF_KMSG    0x08u  /* what is queued is a kernel message */
#define PF_HOLD    0x10u  /* SIGSEND waits for the end of the Linux call */
#define PF_DELIVER 0x20u  /* `in` must be copied to in_va before user mode is entered */
#define PF_ALARM   0x40u  /* in the alarm list */
#define PF_IDLE    0x400u /* it also rings when nothing is to be run */
#define PF_CLOCK   0x80u  /* notification from EP_CLOCK is pending */
#define PF_SENDERS 0x100u /* the next RECEIVE looks at blocked senders first */
#define PF_RANG    0x200u /* the last RECEIVE took a doorbell: the next looks at messages first */

struct proc {
	struct regs regs __attribute__((aligned(16))); /* first: TSS.rsp0 points behind it */
	uint8_t fx[512] __attribute__((aligned(16)));
	uint64_t fs_base, gs_base;

	/* identity */
	endpoint_t ep;
	uint32_t rts;   /* KRTS_* */
	uint32_t flags; /* PF_* */
	uint32_t space;
	struct priv *priv;
	char name[16];

	/* scheduling: sched.c */
	struct proc *run_next;
	uint16_t priority, base_priority;
	bool is_queued_run;
	uint32_t quantum_us;
	uint64_t quantum_left_ns;
	uint64_t user_ns, system_ns;

	/* IPC: ipc.c */
	endpoint_t sendto, getfrom;
	struct msg out; /* being sent */
	struct msg in;  /* received, on its way to in_va */
	uint64_t in_va;
	uint8_t out_primitive;
	uint64_t orig_rax; /* last Linux call number, ~0: none */
	uint64_t ipc_count;
	struct proc *queue_head, *queue_tail; /* who sends to us */
	struct proc *queue_next;              /* in the queue that we are in */
	struct proc *queued_at;
	uint64_t notify_from[BITMAP_WORDS]; /* bit: process slot */
	unsigned next_doorbell;             /* slot that is looked at first */
	uint64_t asend_from[BITMAP_WORDS];  /* slots that may hold asynchronous messages for us */
	uint64_t irq_pending;               /* bit: hook */
	uint64_t asend_va;
	uint32_t asend_count;

	/* pages that vm must bring in: fault.c */
	enum fault_kind fault_kind;
	struct kmsg_fault fault;

	/* grants */
	uint64_t grant_va;
	uint32_t grant_count;

	/* alarm: clock.c */
	uint64_t alarm_ns;
	struct proc *alarm_next;
};

struct space {
	bool is_used;
	uint64_t root;  /* physical */
	uint64_t spare; /* list of zeroed frames for tables, linked by their first word */
	uint32_t holders;
};

extern struct proc procs[NR_PROCS];
extern struct space spaces[NR_SPACES];
extern struct priv privs[NR_PRIVS];
extern uint64_t count_switches, idle_ns;

/* ---- proc.c ---- */
void proc_init(void);
struct proc *proc_of(endpoint_t ep);                           /* NULL if dead or invalid */
struct proc *proc_of_call(struct proc *caller, endpoint_t ep); /* as above; EP_SELF allowed */
struct proc *proc_alloc(void);
void proc_set(struct proc *p, uint32_t rts);   /* adds reasons not to run */
void proc_unset(struct proc *p, uint32_t rts); /* takes some away */
void proc_kill(struct proc *p, int signo, int status);
void proc_clear(struct proc *p);
void proc_exception(struct proc *p, const struct kmsg_exception *x);
void proc_kmsg(struct proc *about, endpoint_t to, enum kernel_msg type, const void *body,
               size_t len);
static inline unsigned proc_slot(const struct proc *p)
{
	return (unsigned)(p - procs);
}

/* ---- sched.c ---- */
void sched_ready(struct proc *p);
void sched_unready(struct proc *p);
void sched_boost(void);
uint64_t sched_boost_due(void);   /* 0: nobody was degraded */
void sched_account(void);         /* time since the last call goes to whoever had it */
void sched_enter(struct proc *p); /* from user mode */
unsigned sched_runnable(void);
void dispatch(void) __attribute__((noreturn));

/* ---- ipc.c, asend.c ---- */
long ipc_trap(struct proc *p, unsigned primitive);
void ipc_linux(struct proc *p, endpoint_t server, unsigned number);
int ipc_notify_from(struct proc *from, struct proc *to);
void ipc_notify_clock(struct proc *to);
void ipc_notify_irq(struct proc *to, unsigned hook);
void ipc_cancel(struct proc *p);        /* p forgets its own call */
void ipc_wake_partners(struct proc *p); /* those who wait for p get -EDEADSRCDST */
void ipc_enqueue(struct proc *p, struct proc *at);
void ipc_dequeue(struct proc *p);
bool ipc_will_receive(const struct proc *p, const struct proc *from);
void ipc_deliver(struct proc *to, const struct msg *m, endpoint_t source, unsigned primitive);
int ipc_finish_delivery(struct proc *p); /* 0, or -K_FAULT */
long asend_trap(struct proc *p, uint64_t table, uint64_t count);
bool asend_receive(struct proc *p,
                   endpoint_t from); /* delivers one message to p, if there is one */
bool ipc_may_send(const struct proc *from, const struct proc *to);

/* ---- copy.c: all return 0, -EFAULT or -K_FAULT (with caller->fault filled in) ---- */
struct uref {
	struct proc *p; /* whose memory */
	uint64_t va;
};
int copy_in(struct proc *caller, void *dst, struct uref src, size_t len);
int copy_out(struct proc *caller, struct uref dst, const void *src, size_t len);
int copy_between(struct proc *caller, struct uref dst, struct uref src, size_t len);
int copy_arg_in(struct proc *caller, void *dst, uint64_t va, size_t len);
int copy_arg_out(struct proc *caller, uint64_t va, const void *src, size_t len);
bool user_range_ok(uint64_t va, uint64_t len);
/* Pointer to the byte at va, valid to the end of its page; NULL if not mapped like that. */
void *user_page(const struct proc *p, uint64_t va, bool is_write);

/* ---- fault.c ---- */
int fault_ask(struct proc *caller, struct proc *target, const struct kmsg_fault *f);
void fault_suspend(struct proc *p, enum fault_kind kind);
void fault_clear(struct proc *p, int result);

/* ---- grant.c ---- */
struct grant_ref {
	endpoint_t grantor;
	grant_t grant;
	uint64_t offset;
	uint64_t len;
	unsigned access; /* GRANT_READ | GRANT_WRITE | GRANT_MAP */
};
/* Resolves a grant made to `grantee` into memory of one process. */
int grant_resolve(struct proc *caller, struct proc *grantee, const struct grant_ref *g,
                  struct uref *out);

/* ---- paging.c ---- */
void paging_init(void);
uint64_t paging_user_root(uint64_t pa); /* makes pa the top table of a new space */
/* Entry for va, or NULL: then *page_bytes is the size of the hole (aligned to it) that va lies in.
 */
uint64_t *paging_walk(uint64_t root, uint64_t va, uint64_t *page_bytes);
int paging_map(struct space *s, uint64_t va, uint64_t pa, uint64_t pages, uint32_t prot);
int paging_map_one(struct space *s, uint64_t va, uint64_t pa, uint32_t prot);
void paging_unmap(struct space *s, uint64_t va, uint64_t pages);
int paging_protect(struct space *s, uint64_t va, uint64_t pages, uint32_t prot);
void paging_flush(const struct space *s, uint64_t va, uint64_t pages);
#define PTE_P     0x001ul
#define PTE_W     0x002ul
#define PTE_U     0x004ul
#define PTE_PWT   0x008ul
#define PTE_PCD   0x010ul
#define PTE_A     0x020ul
#define PTE_D     0x040ul
#define PTE_LARGE 0x080ul
#define PTE_G     0x100ul
#define PTE_NX    0x8000000000000000ul
#define PTE_ADDR  0x000ffffffffff000ul

/* ---- linux.c ---- */
void linux_call(struct proc *p, uint64_t number);
int linux_set_routes(const struct klinux_route *r, unsigned count);
int linux_list_unknown(struct kabi_count *out, unsigned max);

/* ---- calls/ ---- */
typedef long (*kcall_fn_t)(struct proc *caller, const uint64_t *args);
#define KCALL(number, name, handler) long handler(struct proc *caller, const uint64_t *args);
#include "axolotl/kcall.def"
#undef KCALL
long kcall_trap(struct proc *p, unsigned number);

#endif
