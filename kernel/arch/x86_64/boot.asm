; SPDX-License-Identifier: BSD-2-Clause
;
; Entry points of the boot loaders and the way into long mode.
;
; GRUB (multiboot2, ebx = tags) and QEMU -kernel (PVH, ebx = hvm_start_info) both enter here in 32-bit
; protected mode without paging. We build page tables that map the first 4 GiB three times with
; 2 MiB pages: at 0 (so that this code goes on running), at DIRECT_BASE and, its first GiB, at
; KERNEL_BASE; then we enter 64-bit mode and call kmain(magic, info). paging.c replaces these tables.
; References: Multiboot2 specification 2.0 section 3; PVH boot ABI (xen/docs/misc/pvh); Intel SDM
; volume 3 section 9.8.5.

bits 32

MB2_MAGIC   equ 0xe85250d6
KERNEL_BASE equ 0xffffffff80000000
PVH_MAGIC   equ 0x336ec578             ; what kmain is told for PVH: hvm_start_info's own magic

section .multiboot align=8
mb2_header:
	dd MB2_MAGIC, 0, mb2_end - mb2_header
	dd -(MB2_MAGIC + 0 + (mb2_end - mb2_header))
	; entry address tag: the ELF entry point is PVH's
	dw 3, 0
	dd 12
	dd mb2_start
	dd 0                           ; tags are 8-byte aligned
	; modules are loaded on page boundaries
	dw 6, 0
	dd 8
	dw 0, 0
	dd 8
mb2_end:

section .note.Xen note alloc noexec nowrite align=4
	dd 4, 4, 18                    ; name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY
	db "Xen", 0
	dd pvh_start

section .boot.text progbits alloc exec write align=16
global pvh_start
pvh_start:
	mov	eax, PVH_MAGIC
mb2_start:
	cld
	mov	esp, boot_stack_top
	mov	esi, eax
	mov	edi, ebx

	; four page directories: 4 GiB of 2 MiB pages
	mov	ebx, boot_pd
	mov	eax, 0x83              ; present, writable, 2 MiB
	xor	ecx, ecx
.fill:	mov	[ebx + ecx * 8], eax
	mov	dword [ebx + ecx * 8 + 4], 0
	add	eax, 0x200000
	inc	ecx
	cmp	ecx, 2048
	jne	.fill
	; page-directory pointers, twice: low/direct, and -2 GiB
	mov	dword [boot_pdpt], boot_pd + 3
	mov	dword [boot_pdpt + 8], boot_pd + 0x1000 + 3
	mov	dword [boot_pdpt + 16], boot_pd + 0x2000 + 3
	mov	dword [boot_pdpt + 24], boot_pd + 0x3000 + 3
	mov	dword [boot_pdpt_high + 510 * 8], boot_pd + 3
	mov	dword [boot_pml4], boot_pdpt + 3
	mov	dword [boot_pml4 + 256 * 8], boot_pdpt + 3
	mov	dword [boot_pml4 + 511 * 8], boot_pdpt_high + 3

	mov	eax, cr4
	or	eax, 1 << 5            ; PAE
	mov	cr4, eax
	mov	eax, boot_pml4
	mov	cr3, eax
	mov	ecx, 0xc0000080        ; EFER
	rdmsr
	or	eax, (1 << 8) | (1 << 11) | 1 ; LME, NXE, SCE
	wrmsr
	mov	eax, cr0
	or	eax, (1 << 31) | (1 << 16) | 1 ; PG, WP, PE
	and	eax, ~(1 << 2)         ; EM
	or	eax, 1 << 1            ; MP
	mov	cr0, eax
	lgdt	[boot_gdt_ptr]
	jmp	0x08:long_mode

bits 64
extern kmain, kernel_stack_top
long_mode:
	xor	eax, eax
	mov	ds, ax
	mov	es, ax
	mov	fs, ax
	mov	gs, ax
	mov	ss, ax
	mov	rsp, kernel_stack_top
	mov	eax, esi               ; zero-extends
	mov	esi, edi
	mov	edi, eax
	mov	rax, kmain
	call	rax
.stop:	cli
	hlt
	jmp	.stop

section .boot.data progbits alloc noexec write align=4096
boot_pml4:	times 4096 db 0
boot_pdpt:	times 4096 db 0
boot_pdpt_high:	times 4096 db 0
boot_pd:	times 4096 * 4 db 0
boot_gdt:	dq 0, 0x00209a0000000000
boot_gdt_ptr:	dw 15
		dq boot_gdt
		times 64 db 0
		align 16
		times 256 db 0
boot_stack_top:
