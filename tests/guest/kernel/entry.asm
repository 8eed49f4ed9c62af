; SPDX-License-Identifier: BSD-2-Clause
;
; First instruction of a test process: its stack holds the function and the argument.

bits 64
section .text
global child_entry
extern child_main
child_entry:
	pop	rdi
	pop	rsi
	call	child_main
	ud2

section .note.GNU-stack noalloc noexec nowrite progbits
