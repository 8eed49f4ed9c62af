; SPDX-License-Identifier: BSD-2-Clause
;
; long sys_trap(long number, long a, long b, long c, long d, long e, long f): one trap into the kernel.
; Arguments after the number move to rdi, rsi, rdx, r10, r8, r9 (kcall.h, ipc.h).

bits 64
section .text
global sys_trap
sys_trap:
	mov	rax, rdi
	mov	rdi, rsi
	mov	rsi, rdx
	mov	rdx, rcx
	mov	r10, r8
	mov	r8, r9
	mov	r9, [rsp + 8]
	syscall
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
