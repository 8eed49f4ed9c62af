/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C side of trap.asm: system calls, exceptions, interrupts. All but idle_interrupt() end in
 * dispatch().
 */
#include "proc.h"

#define VEC_DEBUG      1
#define VEC_NMI        2
#define VEC_BREAKPOINT 3
#define VEC_NO_FPU     7
#define VEC_PAGE_FAULT 14

static const char *const exception_names[32] = {"divide error",
                                                "debug",
                                                "NMI",
                                                "breakpoint",
                                                "overflow",
                                                "bound range",
                                                "invalid opcode",
                                                "no FPU",
                                                "double fault",
                                                "coprocessor segment",
                                                "invalid TSS",
                                                "segment not present",
                                                "stack fault",
                                                "general protection",
                                                "page fault",
                                                "reserved",
                                                "FPU error",
                                                "alignment check",
                                                "machine check",
                                                "SIMD error",
                                                "virtualization",
                                                "control protection"};

static int signal_of(unsigned vector)
{
	switch (vector) {
	case 0:
	case 16:
	case 19: return SIGFPE;
	case VEC_DEBUG:
	case VEC_BREAKPOINT: return SIGTRAP;
	case 6: return SIGILL;
	case 11:
	case 12:
	case 17: return SIGBUS;
	default: return SIGSEGV;
	}
}

void kernel_fault(struct regs *r)
{
	panic("%s in the kernel: rip %p rsp %p error %lx cr2 %p rax %p rbx %p rcx %p rdx %p",
	      r->vector < 32 && exception_names[r->vector] ? exception_names[r->vector] : "trap",
	      (void *)r->rip, (void *)r->rsp, r->error, (void *)read_cr2(), (void *)r->rax,
	      (void *)r->rbx, (void *)r->rcx, (void *)r->rdx);
}

static void interrupt(unsigned vector)
{
	if (vector == VEC_SPURIOUS)
		return;
	if (vector != VEC_TIMER) {
		irq_deliver(vector);
		return;
	}
	apic_eoi();
	clock_interrupt();
}

void idle_interrupt(struct regs *r)
{
	sched_account();
	interrupt((unsigned)r->vector);
}

static void page_fault(struct proc *p)
{
	uint64_t error = p->regs.error;

	p->fault = (struct kmsg_fault){.target = p->ep,
	                               .flags = (error & 2 ? KFAULT_WRITE : 0) |
	                                        (error & 16 ? KFAULT_EXEC : 0) |
	                                        (error & 1 ? KFAULT_PRESENT : 0),
	                               .addr = read_cr2(),
	                               .len_bytes = 1,
	                               .rip = p->regs.rip};
	if (p->ep == EP_VM)
		panic("vm: page fault at %p, error %lx", (void *)p->fault.addr, error);
	fault_suspend(p, FAULT_USER);
}

static void exception(struct proc *p)
{
	struct kmsg_exception x = {.vector = (uint32_t)p->regs.vector,
	                           .signo = signal_of((unsigned)p->regs.vector),
	                           .addr = p->regs.rip,
	                           .rip = p->regs.rip,
	                           .error_code = p->regs.error};

	proc_exception(p, &x);
}

void trap_entry(struct proc *p)
{
	unsigned vector = (unsigned)p->regs.vector;

	sched_enter(p);
	if (vector >= 32)
		interrupt(vector);
	else if (vector == VEC_PAGE_FAULT)
		page_fault(p);
	else if (vector == VEC_NO_FPU)
		fpu_take(p);
	else if (vector == VEC_NMI || vector == 8 || vector == 18)
		kernel_fault(&p->regs);
	else
		exception(p);
	dispatch();
}

static long native_call(struct proc *p, uint64_t number)
{
	if (number < KCALL_TRAP_BASE)
		return ipc_trap(p, (unsigned)(number - IPC_TRAP_BASE));
	if (number - KCALL_TRAP_BASE < KC_COUNT)
		return kcall_trap(p, (unsigned)(number - KCALL_TRAP_BASE));
	violation(p, VIOL_KCALL_NUMBER, number);
	return -ENOSYS;
}

void syscall_entry(struct proc *p)
{
	uint64_t number = p->regs.rax;
	long result;

	sched_enter(p);
	if (number < IPC_TRAP_BASE) {
		linux_call(p, number);
		dispatch();
	}
	result = native_call(p, number);
	if (result == -K_FAULT)
		fault_suspend(p, FAULT_CALL);
	else if (result != -K_NORESULT)
		p->regs.rax = (uint64_t)result;
	dispatch();
}
