; SPDX-License-Identifier: BSD-2-Clause
;
; void fiber_switch(void **save, void *load): store the callee-saved registers and the stack pointer,
; continue where `load` was stored. Reference: System V ABI, AMD64 supplement, 3.2.1.

bits 64
section .text
global fiber_switch
fiber_switch:
	push	rbp
	push	rbx
	push	r12
	push	r13
	push	r14
	push	r15
	mov	[rdi], rsp
	mov	rsp, rsi
	pop	r15
	pop	r14
	pop	r13
	pop	r12
	pop	rbx
	pop	rbp
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
