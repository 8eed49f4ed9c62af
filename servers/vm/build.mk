# SPDX-License-Identifier: BSD-2-Clause
# The vDSO is a shared object of its own; vdso_image.asm takes it in whole.
$(G)/vdso/vdso.so: servers/vm/vdso/vdso.c servers/vm/vdso/vdso.lds tools/build/flags.mk
	$(call say,VDSO,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(MUSLCC) $(filter-out -fno-pie -g,$(GUEST_CFLAGS)) -fPIC -ffreestanding -fno-jump-tables -shared -nostdlib -s \
		-Wl,-T,servers/vm/vdso/vdso.lds -Wl,--hash-style=both -Wl,-soname,linux-vdso.so.1 -Wl,-z,max-page-size=4096 \
		-o $@ servers/vm/vdso/vdso.c
$(G)/obj/servers/vm/vdso_image.asm.o: $(G)/vdso/vdso.so
