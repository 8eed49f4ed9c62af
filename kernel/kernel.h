/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces between the kernel's files. The kernel is mechanism only: it keeps no policy,
 * allocates nothing (all tables are static, page-table frames come from vm), runs with interrupts
 * off, and ends every trap in dispatch(), never by returning. User memory is reached through
 * software walks of the owner's page tables and the direct map (copy.c), so the kernel itself takes
 * no page fault.
 */
#ifndef KERNEL_KERNEL_H
#define KERNEL_KERNEL_H

#include "axolotl/types.h"
#include "axolotl/errno.h"
#include "axolotl/ipc.h"
#include "axolotl/kcall.h"
#include "axolotl/timepage.h"
#include "arch/x86_64/cpu.h"

/* Values of <errno.h> that the kernel uses (Linux asm-generic). */
#define EPERM       1
#define ENOENT      2
#define ESRCH       3
#define EINTR       4
#define EAGAIN      11
#define ENOMEM      12
#define EACCES      13
#define EFAULT      14
#define EBUSY       16
#define EINVAL      22
#define ENOSPC      28
#define ENOSYS      38
#define EINPROGRESS 115

/* Results of handlers that never reach user mode. */
#define K_FAULT    900 /* p->fault says what vm must bring in; the trap runs again afterwards */
#define K_NORESULT 901 /* rax stays as it is (the caller blocks, is gone, or has new registers) */

#define SIGILL  4
#define SIGTRAP 5
#define SIGBUS  7
#define SIGFPE  8
#define SIGKILL 9
#define SIGSEGV 11

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define NS_PER_SEC   1000000000ull

/* ---- text: print.c ---- */
void kprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void klog_write(const char *text, size_t len);
size_t klog_read(uint64_t offset, char *buf, size_t len);
void console_enable(bool on);
void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
#define KASSERT(cond)                                                                              \
	do {                                                                                       \
		if (!(cond))                                                                       \
			panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #cond);           \
	} while (0)

/* ---- start: boot.c, main.c ---- */
extern struct boot_info boot;
void boot_parse(uint64_t magic, uint64_t info);
/* Pages taken from RAM before vm owns it; only while booting. */
uint64_t boot_alloc(unsigned pages);
/* Entry of the boot archive; false if there is none. */
bool boot_find(const char *name, const uint8_t **data, uint64_t *size);
void loader_start_vm(void);

/* ---- time: clock.c ---- */
struct proc;
extern struct time_page *time_page;
void clock_init(void);
uint64_t clock_now(void); /* monotonic, ns */
void clock_set_alarm(struct proc *p, uint64_t t_ns, bool is_idle);
bool clock_idle(void); /* nothing is to be run: true if an alarm rang for that */
void clock_cancel_alarm(struct proc *p);
void clock_interrupt(void);
void clock_arm(uint64_t quantum_end_ns); /* before running a process (0: idle) */
void clock_set_wall(uint64_t utc_ns);
void clock_load(uint32_t out[3]);

/* ---- interrupts: irq.c, apic.c ---- */
void apic_init(void);
void apic_eoi(void);
void apic_calibrate_start(void);
uint32_t apic_calibrate_read(void);
void apic_timer_set(uint64_t ticks);
uint32_t apic_id(void);
void ioapic_init(void);
int ioapic_route(uint32_t gsi, unsigned vector); /* masked */
void ioapic_mask(uint32_t gsi, bool masked);
void irq_deliver(unsigned vector);
int irq_hook_line(struct proc *p, uint32_t line, unsigned hook);
int irq_hook_msi(struct proc *p, unsigned hook, struct kirqctl *out);
int irq_ack(struct proc *p, unsigned hook);
int irq_unhook(struct proc *p, unsigned hook);
void irq_release_all(struct proc *p);
int irq_list(struct kirq_count *out, unsigned max);

/* ---- events, violations: event.c ---- */
void event_log(enum event_kind kind, const struct proc *p, uint64_t a, uint64_t b);
void event_add(struct event *e);
const struct event *event_get(uint64_t seq);
uint64_t event_last(void);
void violation(struct proc *p, enum violation kind, uint64_t detail);
extern uint64_t violations[NR_PRIVS][VIOL_KINDS];

/* ---- strings: string.c ---- */
void copy_bytes(void *dst, const void *src, size_t len); /* fastest routine, chosen at start */
void copy_choose(void);

#endif
