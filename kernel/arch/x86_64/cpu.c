/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptor tables, system call entry, protection features.
 * Segments (SYSRET wants SS, then CS 64-bit, in this order): 0x08 kernel code, 0x10 kernel data,
 * 0x18 user data, 0x20 user code, 0x28 TSS. All gates are interrupt gates: the kernel never nests.
 */
#include "proc.h"

#define CR0_WP         (1ul << 16)
#define CR0_NE         (1ul << 5)
#define CR4_TSD        (1ul << 2)
#define CR4_DE         (1ul << 3)
#define CR4_PGE        (1ul << 7)
#define CR4_OSFXSR     (1ul << 9)
#define CR4_OSXMMEXCPT (1ul << 10)
#define CR4_SMEP       (1ul << 20)
#define CR4_SMAP       (1ul << 21)

#define GATE_INTERRUPT   0x8e00u
#define IST_DOUBLE_FAULT 1

struct gate {
	uint16_t offset_low, selector, flags, offset_mid;
	uint32_t offset_high, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "SDM 6.14.1");

struct cpu cpu0;
uint32_t cpu_features;
static struct gate idt[256];
static uint8_t fault_stack[4096] __attribute__((aligned(16)));

struct table_ptr {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static void load_gdt(struct cpu *c)
{
	uint64_t tss = (uint64_t)&c->tss;

	c->gdt[0] = 0;
	c->gdt[1] = 0x00209a0000000000ul; /* code, DPL 0, 64-bit */
	c->gdt[2] = 0x0000920000000000ul; /* data, DPL 0 */
	c->gdt[3] = 0x0000f20000000000ul; /* data, DPL 3 */
	c->gdt[4] = 0x0020fa0000000000ul; /* code, DPL 3, 64-bit */
	c->gdt[5] = (sizeof(c->tss) - 1) | (tss & 0xffffff) << 16 | 0x89ul << 40 |
	            (tss >> 24 & 0xff) << 56;
	c->gdt[6] = tss >> 32;
	struct table_ptr ptr = {sizeof(c->gdt) - 1, (uint64_t)c->gdt};
	__asm__ volatile("lgdt %0\n\tltr %w1" : : "m"(ptr), "r"(SEL_TSS) : "memory");
}

static void load_idt(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint64_t stub = trap_stubs[i];
		unsigned dpl = i == 3 || i == 4 ? 3 : 0; /* int3 and into are for everybody */

		idt[i] = (struct gate){.offset_low = (uint16_t)stub,
		                       .selector = SEL_KERNEL_CODE,
		                       .flags = (uint16_t)(GATE_INTERRUPT | dpl << 13 |
		                                           (i == 8 ? IST_DOUBLE_FAULT : 0)),
		                       .offset_mid = (uint16_t)(stub >> 16),
		                       .offset_high = (uint32_t)(stub >> 32)};
	}
	struct table_ptr ptr = {sizeof(idt) - 1, (uint64_t)idt};
	__asm__ volatile("lidt %0" : : "m"(ptr) : "memory");
}

static void enable_protection(void)
{
	uint32_t r[4];
	uint64_t cr4 = read_cr4() | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	cpuid(1, 0, r);
	if (r[3] & 1u << 13) {
		cpu_features |= KCPU_PGE;
		cr4 |= CR4_PGE;
	}
	cpuid(0, 0, r);
	if (r[0] >= 7) {
		cpuid(7, 0, r);
		if (r[1] & 1u << 7) {
			cpu_features |= KCPU_SMEP;
			cr4 |= CR4_SMEP;
		}
		if (r[1] & 1u << 20) {
			cpu_features |= KCPU_SMAP;
			cr4 |= CR4_SMAP;
		}
	}
	cpu_features |= KCPU_NX; /* boot.asm has set EFER.NXE; every x86-64 CPU we accept has it */
	write_cr4(cr4);
	write_cr0(read_cr0() | CR0_WP | CR0_NE);
}

void cpu_init(void)
{
	struct cpu *c = &cpu0;

	c->stack_top = (uint64_t)kernel_stack_top;
	c->tss.io_base = sizeof(c->tss); /* no port bitmap: ports only by VDEVIO */
	c->tss.ist[IST_DOUBLE_FAULT - 1] = (uint64_t)fault_stack + sizeof(fault_stack);
	load_gdt(c);
	load_idt();
	wrmsr(MSR_GS_BASE, (uint64_t)c);
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_STAR, 0x10ul << 48 | (uint64_t)SEL_KERNEL_CODE << 32);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_stub);
	wrmsr(MSR_SFMASK, 0x47700); /* TF IF DF IOPL NT AC off in the kernel */
	enable_protection();
	fpu_reset(procs[0].fx);
}

void cpu_name(char name[48])
{
	uint32_t r[4];

	memset(name, 0, 48);
	cpuid(0x80000000, 0, r);
	if (r[0] < 0x80000004)
		return;
	for (unsigned i = 0; i < 3; i++) {
		cpuid(0x80000002 + i, 0, r);
		memcpy(name + 16 * i, r, 16);
	}
	name[47] = 0;
}

/* Registers and address space of p are the ones that user mode gets next. */
void cpu_set_current(struct proc *p)
{
	struct cpu *c = this_cpu();
	uint64_t root = spaces[p->space].root;

	if (c->cr3 != root) {
		write_cr3(root);
		c->cr3 = root;
		count_switches++;
	}
	if (c->current != p) {
		c->current = p;
		c->regs_top = (uint64_t)&p->regs + sizeof(p->regs);
		c->tss.rsp[0] = c->regs_top;
		fpu_switch(p);
	}
	if (c->fs_base != p->fs_base)
		wrmsr(MSR_FS_BASE, c->fs_base = p->fs_base);
	if (c->gs_base != p->gs_base)
		wrmsr(MSR_KERNEL_GS_BASE, c->gs_base = p->gs_base);
}

void cpu_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* The keyboard controller's reset line, then a triple fault. */
void cpu_reboot(void)
{
	struct table_ptr none = {0, 0};

	outb(0xcf9, 0x06);
	outb(0x64, 0xfe);
	__asm__ volatile("lidt %0; int3" : : "m"(none));
	cpu_halt();
}
