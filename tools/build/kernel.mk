# SPDX-License-Identifier: BSD-2-Clause
# kernel/**.c and kernel/**.asm -> build/kernel/axolotl.elf

KERNEL := $(B)/kernel/axolotl.elf
KERNEL_LDS := kernel/arch/x86_64/kernel.ld
KERNEL_SRCS := $(sort $(shell find kernel -name '*.c' -o -name '*.asm' 2>/dev/null))
KERNEL_OBJS := $(KERNEL_SRCS:%=$(B)/kernel/obj/%.o)

ifeq ($(KERNEL_SRCS),)
.PHONY: $(KERNEL)
$(KERNEL):
	@echo 'kernel: there is no source in kernel/, nothing is built'
else
$(KERNEL): $(KERNEL_OBJS) $(KERNEL_LDS)
	$(call say,LD,$@)
	$(Q)ld $(KERNEL_LDFLAGS) -T $(KERNEL_LDS) -Map $(B)/kernel/axolotl.map -o $@ $(KERNEL_OBJS)
endif

$(B)/kernel/obj/%.c.o: %.c tools/build/flags.mk
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(KERNEL_CFLAGS) $(DEPS) -c -o $@ $<

$(B)/kernel/obj/%.asm.o: %.asm tools/build/flags.mk
	$(call say,NASM,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(NASM) $(KERNEL_ASFLAGS) -MD $(@:.o=.d) -o $@ $<

-include $(KERNEL_OBJS:.o=.d)
