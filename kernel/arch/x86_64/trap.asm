; SPDX-License-Identifier: BSD-2-Clause
;
; Traps in and out. Registers of the interrupted process are pushed straight into its struct proc
; (TSS.rsp0 and cpu.regs_top point behind proc.regs), then we move to the CPU's kernel stack. The
; kernel runs with interrupts off and never returns from C: it ends in trap_return(proc).
; An interrupt that hits the idle loop (CPL 0) is the one case that returns to kernel code.
;
; struct cpu (cpu.h), at GS base: 0 regs_top, 8 scratch, 16 kernel stack top, 24 current proc

bits 64
default rel

CPU_REGS_TOP equ 0
CPU_SCRATCH  equ 8
CPU_STACK    equ 16
CPU_CURRENT  equ 24

USER_SS equ 0x1b
USER_CS equ 0x23
VEC_SYSCALL equ 0x100

extern trap_entry, syscall_entry, idle_interrupt, kernel_fault

section .text

%macro PUSH_ALL 0
	push	rdi
	push	rsi
	push	rdx
	push	rcx
	push	rax
	push	r8
	push	r9
	push	r10
	push	r11
	push	rbx
	push	rbp
	push	r12
	push	r13
	push	r14
	push	r15
%endmacro

%macro POP_ALL 0
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbp
	pop	rbx
	pop	r11
	pop	r10
	pop	r9
	pop	r8
	pop	rax
	pop	rcx
	pop	rdx
	pop	rsi
	pop	rdi
%endmacro

; syscall: rcx = rip, r11 = rflags; interrupts are off (SFMASK)
global syscall_stub
syscall_stub:
	swapgs
	mov	[gs:CPU_SCRATCH], rsp
	mov	rsp, [gs:CPU_REGS_TOP]
	push	USER_SS
	push	qword [gs:CPU_SCRATCH]
	push	r11
	push	USER_CS
	push	rcx
	push	0
	push	VEC_SYSCALL
	PUSH_ALL
	mov	rsp, [gs:CPU_STACK]
	mov	rdi, [gs:CPU_CURRENT]
	xor	ebp, ebp
	call	syscall_entry
	ud2

; all other vectors; the stubs below have pushed error code and vector
trap_common:
	test	qword [rsp + 24], 3    ; CS of the interrupted code
	jz	.kernel
	swapgs
	PUSH_ALL
	cld
	mov	rsp, [gs:CPU_STACK]
	mov	rdi, [gs:CPU_CURRENT]
	xor	ebp, ebp
	call	trap_entry
	ud2
.kernel:
	PUSH_ALL
	cld
	mov	rdi, rsp
	cmp	qword [rsp + 120], 32
	jb	.fault
	call	idle_interrupt
	POP_ALL
	add	rsp, 16
	iretq
.fault:
	call	kernel_fault
	ud2

; void trap_return(struct regs *r): registers of a process, its address space is loaded
global trap_return
trap_return:
	mov	rsp, rdi
	POP_ALL
	cmp	qword [rsp], VEC_SYSCALL
	jne	.iret
	; entered by syscall and nobody replaced the frame: rcx, r11 are free to be used
	mov	rcx, [rsp + 16]
	mov	r11, [rsp + 32]
	mov	rsp, [rsp + 40]
	swapgs
	o64 sysret
.iret:
	add	rsp, 16
	swapgs
	iretq

; void cpu_idle(void): one wait for an interrupt
global cpu_idle
cpu_idle:
	sti
	hlt
	cli
	ret

%macro STUB 1
stub_%1:
%if !(%1 == 8 || (%1 >= 10 && %1 <= 14) || %1 == 17 || %1 == 21 || %1 == 29 || %1 == 30)
	push	0
%endif
	push	%1
	jmp	trap_common
%endmacro
%assign i 0
%rep 256
	STUB i
%assign i i + 1
%endrep

section .rodata
global trap_stubs
trap_stubs:
%assign i 0
%rep 256
	dq stub_%+i
%assign i i + 1
%endrep

section .bss align=4096
global kernel_stack_top
	resb 16384
kernel_stack_top:
