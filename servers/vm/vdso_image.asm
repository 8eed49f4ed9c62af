; SPDX-License-Identifier: BSD-2-Clause
; The vDSO (vdso/vdso.c, linked by build.mk), for special.c to map into every space.

section .rodata align=16
global vdso_image
global vdso_image_end
vdso_image:
	incbin "build/guest/vdso/vdso.so"
vdso_image_end:
section .note.GNU-stack noalloc noexec nowrite progbits
