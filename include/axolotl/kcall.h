/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel calls: numbers, argument structures, stubs. Register convention: rax = KCALL_TRAP_BASE +
 * number, arguments in rdi, rsi, rdx, r10, r8, r9; result in rax (>= 0 or -errno). Every call checks
 * the caller's policy (priv.h); a denied call returns -ECALLDENIED and is counted. Where a call
 * touches memory that is not present, vm resolves the fault and the call runs again from the start.
 */
#ifndef AXOLOTL_KCALL_H
#define AXOLOTL_KCALL_H

#include "axolotl/types.h"
#include "axolotl/priv.h"
#include "axolotl/grant.h"
#include "axolotl/event.h"
#include "axolotl/boot.h"

#define KCALL_TRAP_BASE 0x1040

enum kcall {
#define KCALL(number, name, handler) KC_##name = number,
#include "axolotl/kcall.def"
#undef KCALL
	KC_COUNT
};

/* ---- processes ---- */

#define KFORK_FRESH  1u /* no parent: registers zero (parent is EP_NONE) */
#define KFORK_THREAD 2u /* shares the parent's address space; stack and tls below replace its own */
struct kfork {
	endpoint_t parent;
	uint32_t flags;
	uint64_t stack; /* 0: keep */
	uint64_t tls;   /* 0: keep */
};
/* FORK: returns the new endpoint. It does not run until it has a space (VMCTL_SET_SPACE) and, when
 * fresh, an EXEC. A child copies the parent's state, usually "waits for pm's reply". */
int k_fork(const struct kfork *f) MUST_CHECK;

struct kexec {
	uint64_t entry;
	uint64_t stack;
	char name[16];
};
/* EXEC: new registers, any call in progress is forgotten; runs when nothing else holds it. */
int k_exec(endpoint_t ep, const struct kexec *e) MUST_CHECK;
/* CLEAR: the slot is freed: IPC partners get -EDEADSRCDST, grants, alarms and interrupts go. */
int k_clear(endpoint_t ep) MUST_CHECK;
/* KILL: stops ep for good at once, whatever it does, and reports it to pm as KMSG_KILLED. */
int k_kill(endpoint_t ep, int signo) MUST_CHECK;

/* Registers as user mode has them. */
struct kregs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t rip, rflags, rsp;
	uint64_t fs_base, gs_base;
	uint64_t orig_rax; /* number of the Linux call just finished or ~0 */
	uint8_t fx[512] __attribute__((aligned(16))); /* FXSAVE image */
};
/* SIGSEND: hold ep and read its registers for a signal frame. If it is inside a redirected Linux
 * call: -EINPROGRESS, `*blocked_on` names the server to ask for an interruption, and KMSG_SIGREADY
 * comes to the caller when the call has ended and ep is held. */
int k_sigsend(endpoint_t ep, struct kregs *regs, endpoint_t *blocked_on) MUST_CHECK;
/* SIGRETURN: load registers (flags and segment rules enforced) and release ep; also ends a Linux
 * call (rt_sigreturn) without a result. */
int k_sigreturn(endpoint_t ep, const struct kregs *regs) MUST_CHECK;

enum privctl_op {
	PRIVCTL_SET,    /* arg: struct priv; ep gets this privilege structure */
	PRIVCTL_UPDATE, /* as SET, but no process: the structure of priv.id changes for all holders */
	PRIVCTL_ADD_IO,  /* arg: struct priv_range (PRIV_PCI only for the three ADDs) */
	PRIVCTL_ADD_MEM, /* arg: struct priv_range */
	PRIVCTL_ADD_IRQ, /* arg: struct priv_range, base = line */
	PRIVCTL_QUERY,   /* arg: struct priv out */
	PRIVCTL_ASSIGN,  /* arg: uint32_t id: ep uses the structure that was set by UPDATE */
};
int k_privctl(enum privctl_op op, endpoint_t ep, void *arg) MUST_CHECK;

enum sched_op { SCHED_SET, SCHED_STOP, SCHED_CONT, SCHED_BOOST };
#define SCHED_PRIORITIES 16 /* 0 is the highest; 0-2 trusted servers, 3-5 drivers, 7 applications */
/* SET: base priority and quantum (us) of ep; STOP and CONT hold and release it; BOOST: all processes go back to their base
 * priority, as they do every half second (ep: any that lives). */
int k_sched(enum sched_op op, endpoint_t ep, unsigned priority, unsigned quantum_us) MUST_CHECK;

enum trace_op { TRACE_GETREGS, TRACE_SETREGS, TRACE_READ, TRACE_WRITE };
struct ktrace {
	uint64_t addr; /* in ep; READ and WRITE ignore page protection, never presence */
	void *buf;     /* in the caller; struct kregs for GETREGS and SETREGS */
	uint64_t len_bytes;
};
int k_trace(enum trace_op op, endpoint_t ep, const struct ktrace *t) MUST_CHECK;

/* ---- memory ---- */

enum vmctl_op {
	VMCTL_SPACE_NEW, /* pa = zeroed frame for the top table -> returns the space number */
	VMCTL_SPACE_FREE, /* space; no process may use it; vm then owns root and table frames again */
	VMCTL_SET_SPACE, /* ep, space */
	VMCTL_GIVE,      /* space, pa: a zeroed frame for page tables */
	VMCTL_MAP,       /* space, va, pa, pages, prot: contiguous; returns pages mapped, or
	                      -ENOTABLES before the first one (give frames, then go on) */
	VMCTL_MAP_VEC,   /* space, va, pages, prot, list = uint64_t physical addresses */
	VMCTL_UNMAP,     /* space, va, pages: absent ones are skipped */
	VMCTL_PROTECT,   /* space, va, pages, prot: of present pages only */
	VMCTL_QUERY,     /* space, va -> pa, prot written back; -ENOENT if not present */
	VMCTL_CLEAR_FAULT, /* ep, result: 0 = go on; -errno ends the copy that faulted; > 0 = signal */
	VMCTL_GRANT_CHECK, /* ep = grantee, grantor, grant, va = offset, len, prot -> ep, va of the root;
	                      pages = 0: to copy, else to map (needs GRANT_MAP) */
	VMCTL_MEM_CHECK, /* ep, pa, len: 0 if its policy has this physical range */
	VMCTL_SPACE_OF,  /* ep -> returns the space number */
};
#define VMP_READ  1u
#define VMP_WRITE 2u
#define VMP_EXEC  4u /* never together with WRITE */
#define VMP_UC    8u /* uncached: device memory */
struct kvmctl {
	endpoint_t ep;
	uint32_t space;
	uint64_t va;
	uint64_t pa;
	uint64_t pages;
	uint32_t prot; /* VMP_* */
	int32_t result;
	const uint64_t *list;
	uint64_t len_bytes;
	endpoint_t grantor;
	grant_t grant;
};
int k_vmctl(enum vmctl_op op, struct kvmctl *v) MUST_CHECK;

/* SAFECOPY: between the caller's memory and a grant that names the caller as grantee. */
int k_safecopy_from(endpoint_t grantor, grant_t g, uint64_t offset, void *local,
                    size_t len_bytes) MUST_CHECK;
int k_safecopy_to(endpoint_t grantor, grant_t g, uint64_t offset, const void *local,
                  size_t len_bytes) MUST_CHECK;
int k_vsafecopy(const struct safecopy_vec *vec, unsigned count) MUST_CHECK;
/* SETGRANT: where the caller's grant table is (count <= GRANTS_MAX). */
int k_setgrant(const struct grant_entry *table, unsigned count) MUST_CHECK;
/* VIRCOPY: pm, vfs, rs, vm only. Either side may be EP_SELF. */
int k_vircopy(endpoint_t src, uint64_t src_addr, endpoint_t dst, uint64_t dst_addr,
              size_t len_bytes) MUST_CHECK;
/* MAPDMA: bus addresses of the caller's pages [addr, addr + count pages), which stay in place
 * until the process is reaped. Fails with -EFAULT unless all are present; memory that the caller
 * may only read (a grant) is for devices that read. */
int k_mapdma(const void *addr, uint64_t *bus, unsigned count) MUST_CHECK;

/* ---- devices ---- */

struct vdevio {
	uint16_t port;
	uint8_t width; /* 1, 2, 4 bytes */
	uint8_t is_write;
	uint32_t value;
};
#define VDEVIO_MAX 64
int k_vdevio(struct vdevio *vec, unsigned count) MUST_CHECK;

enum irqctl_op {
	IRQCTL_SET, /* line (GSI), hook: notify the caller; the line is masked until ACK */
	IRQCTL_ACK, /* hook */
	IRQCTL_REMOVE,
	IRQCTL_MSI, /* pci only: ep, hook -> address and data to program; edge, no ACK needed */
};
#define IRQ_HOOKS 64 /* hook numbers are the driver's own, 0..63 */
struct kirqctl {
	endpoint_t ep; /* MSI: whom to notify */
	uint32_t line;
	uint32_t hook;
	uint32_t msi_data;
	uint64_t msi_addr;
};
int k_irqctl(enum irqctl_op op, struct kirqctl *i) MUST_CHECK;

/* ---- time ---- */

/* SETALARM: NOTIFY from EP_CLOCK at monotonic time t_ns (0 cancels). One alarm a process. */
int k_setalarm(uint64_t t_ns) MUST_CHECK;
/* The same, but earlier if there is nothing to run before t_ns: for work that waits only for more of its kind. */
int k_setalarm_idle(uint64_t t_ns) MUST_CHECK;
#define ALARM_IDLE 1u /* flag of SETALARM */
struct ktimes {
	uint64_t now_ns;
	uint64_t idle_ns;   /* of the machine */
	uint64_t user_ns;   /* of ep */
	uint64_t system_ns; /* of ep: in kernel calls and IPC */
	uint64_t switches;  /* of the machine: address-space switches since boot */
};
int k_times(endpoint_t ep, struct ktimes *t) MUST_CHECK;

/* ---- information ---- */

enum kinfo {
	KINFO_BOOT,       /* struct boot_info (vm, rs) */
	KINFO_WHOAMI,     /* struct kwhoami */
	KINFO_PROCS,      /* struct kproc_info[]; returns the count written */
	KINFO_EVENTS,     /* struct event[]; arg = first wanted seq; returns the count */
	KINFO_VIOLATIONS, /* uint64_t[NR_PRIVS][VIOL_KINDS] */
	KINFO_KLOG,       /* text; arg = offset since boot; returns bytes */
	KINFO_MACHINE,    /* struct kmachine */
	KINFO_ABI,  /* struct kabi_count[]: Linux calls answered with ENOSYS; returns the count */
	KINFO_IRQS, /* struct kirq_count[] */
};
struct kwhoami {
	endpoint_t ep;
	uint32_t priv_id;
	uint32_t priv_flags;
	char label[LABEL_MAX];
};
struct kproc_info {
	endpoint_t ep;
	uint32_t priv_id;
	uint32_t rts; /* KRTS_*: why it does not run; 0 = runnable */
	endpoint_t blocked_on;
	uint16_t priority, base_priority;
	uint32_t space;
	uint64_t user_ns, system_ns;
	uint64_t ipc_count; /* messages sent */
	char name[16];
};
#define KRTS_FREE      0x001u /* slot is free */
#define KRTS_NOSPACE   0x002u /* no address space yet */
#define KRTS_NOEXEC    0x004u /* fresh, no EXEC yet */
#define KRTS_SENDING   0x008u
#define KRTS_RECEIVING 0x010u
#define KRTS_FAULT     0x020u /* waits for vm */
#define KRTS_HELD      0x040u /* held for a signal or an exception, waits for pm */
#define KRTS_STOPPED   0x080u /* SCHED_STOP */
#define KRTS_DEAD      0x100u /* killed, waits for CLEAR */
struct kmachine {
	uint64_t tsc_hz;
	uint64_t ram_bytes;
	uint32_t cpus;
	uint32_t features; /* KCPU_* */
	char cpu_name[48];
	uint32_t loadavg[3]; /* 1, 5, 15 minutes, fixed point 1/65536 */
	uint32_t runnable;
};
struct kabi_count {
	uint32_t number; /* Linux call */
	uint32_t count;
	char last_name[16]; /* process that made it last */
};
struct kirq_count {
	uint32_t line;
	uint32_t is_msi;
	uint64_t count;
	endpoint_t ep;
	uint32_t reserved;
};
int k_getinfo(enum kinfo what, void *buf, size_t len_bytes, uint64_t arg) MUST_CHECK;

enum sysctl_op {
	SYSCTL_DIAG,  /* text (buf, len <= 256): to the kernel log and, early, the console */
	SYSCTL_EVENT, /* struct event: kind, ep, label, args count; the rest is filled in */
	SYSCTL_POWEROFF,
	SYSCTL_REBOOT,
	SYSCTL_SETTIME,   /* uint64_t: UTC now in ns */
	SYSCTL_LINUXTAB,  /* struct klinux_route[]: which server answers which Linux call (pm) */
	SYSCTL_VIOLATION, /* struct kviolation: a request that a server refused */
	SYSCTL_CONSOLE,   /* uint32_t: 0 = kernel stops writing to the serial port (tty has it) */
};
struct klinux_route {
	uint16_t first, last; /* inclusive */
	endpoint_t server;    /* EP_NONE: ENOSYS */
};
struct kviolation {
	endpoint_t ep;
	uint32_t kind; /* enum violation */
	uint64_t detail;
};
int k_sysctl(enum sysctl_op op, const void *buf, size_t len_bytes) MUST_CHECK;

/* ---- start-up and end ---- */

/* SETTLS: FS base of the caller (EP_SELF) or, for pm, of ep. which: 0 = FS, 1 = GS. */
int k_settls(endpoint_t ep, unsigned which, uint64_t base) MUST_CHECK;
/* EXIT: the caller ends; pm reports it to its manager. Does not return. */
void k_exit(int status) __attribute__((noreturn));

#endif
