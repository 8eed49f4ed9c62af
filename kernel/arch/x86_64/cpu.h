/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What C code may know about the CPU: saved registers, the per-CPU block that trap.asm reaches
 * through GS, privileged instructions, and the entry points of arch/x86_64.
 * References: Intel SDM volume 3 (chapters 2, 4, 6, 11), AMD64 APM volume 2.
 */
#ifndef KERNEL_CPU_H
#define KERNEL_CPU_H

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>

#define KERNEL_BASE 0xffffffff80000000ul
#define DIRECT_BASE 0xffff800000000000ul
#define USER_TOP    0x0000800000000000ul

#define SEL_KERNEL_CODE 0x08
#define SEL_USER_SS     0x1b
#define SEL_USER_CS     0x23
#define SEL_TSS         0x28

#define VEC_SYSCALL  0x100 /* no real vector: the frame was made by syscall_stub */
#define VEC_REPLACED 0x101 /* registers were replaced (EXEC, SIGRETURN): leave by iretq */
#define VEC_IOAPIC   0x30
#define VEC_MSI      0x60
#define VEC_MSI_END  0xf0
#define VEC_TIMER    0xf0
#define VEC_SPURIOUS 0xff

#define FLAG_IF    0x200ul
#define FLAGS_SET  0x202ul    /* always on in user mode */
#define FLAGS_USER 0x240dd5ul /* that user mode may set: CF PF AF ZF SF TF DF OF AC ID */

/* Order is that of trap.asm. */
struct regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct regs) == 176, "trap.asm pushes 22 registers");

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_base;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "SDM 8.7");

struct proc;
struct cpu {
	uint64_t regs_top;              /* trap.asm: behind regs of the current process */
	uint64_t scratch;               /* trap.asm */
	uint64_t stack_top;             /* trap.asm */
	struct proc *current;           /* trap.asm */
	struct proc *fpu_owner;         /* whose state is in the FPU registers */
	uint64_t cr3, fs_base, gs_base; /* loaded now; gs_base is that of user mode */
	struct tss tss;
	uint64_t gdt[7];
};
_Static_assert(offsetof(struct cpu, current) == 24, "trap.asm");
extern struct cpu cpu0;

static inline struct cpu *this_cpu(void)
{
	return &cpu0;
}

static inline void *direct(uint64_t pa)
{
	return (void *)(DIRECT_BASE + pa);
}

static inline void outb(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outw(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}
static inline void outl(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}
static inline uint8_t inb(uint16_t port)
{
	uint8_t v;
	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline uint16_t inw(uint16_t port)
{
	uint16_t v;
	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}
static inline uint32_t inl(uint16_t port)
{
	uint32_t v;
	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

#define MSR_APIC_BASE      0x1b
#define MSR_EFER           0xc0000080
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_SFMASK         0xc0000084
#define MSR_FS_BASE        0xc0000100
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr"
	                 :
	                 : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
	                 : "memory");
}
static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;
	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}
static inline uint64_t read_cr2(void)
{
	uint64_t v;
	__asm__ volatile("mov %%cr2, %0" : "=r"(v));
	return v;
}
static inline void write_cr3(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(v) : "memory");
}
static inline uint64_t read_cr0(void)
{
	uint64_t v;
	__asm__ volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}
static inline void write_cr0(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr0" : : "r"(v) : "memory");
}
static inline uint64_t read_cr4(void)
{
	uint64_t v;
	__asm__ volatile("mov %%cr4, %0" : "=r"(v));
	return v;
}
static inline void write_cr4(uint64_t v)
{
	__asm__ volatile("mov %0, %%cr4" : : "r"(v) : "memory");
}
static inline void invlpg(uint64_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}
static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	__asm__ volatile("cpuid"
	                 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
	                 : "a"(leaf), "c"(sub));
}

#define KCPU_SMEP 1u
#define KCPU_SMAP 2u
#define KCPU_NX   4u
#define KCPU_PGE  8u
extern uint32_t cpu_features;

/* trap.asm */
extern uint64_t trap_stubs[256];
extern char kernel_stack_top[];
void syscall_stub(void);
void trap_return(struct regs *r) __attribute__((noreturn));
void cpu_idle(void);
/* called by trap.asm */
void trap_entry(struct proc *p) __attribute__((noreturn));
void syscall_entry(struct proc *p) __attribute__((noreturn));
void idle_interrupt(struct regs *r);
void kernel_fault(struct regs *r) __attribute__((noreturn));

/* cpu.c */
void cpu_init(void);
void cpu_name(char name[48]);
void cpu_set_current(struct proc *p);
void cpu_halt(void) __attribute__((noreturn));
void cpu_reboot(void) __attribute__((noreturn));
/* fpu.c */
void fpu_switch(struct proc *p);
void fpu_take(struct proc *p);   /* #NM */
void fpu_save(struct proc *p);   /* p->fx is current afterwards */
void fpu_forget(struct proc *p); /* its registers are void: p->fx was replaced, or p ends */
void fpu_reset(uint8_t fx[512]);

#endif
