# SPDX-License-Identifier: BSD-2-Clause
# Boot archive (kernel's companion) and bootable ISO. Both wait for a kernel.

BOOTIMG := $(B)/axolotl.img
ISO := $(B)/axolotl.iso
# The root image needs mfstool; without its sources there is only the folder build/root.
ROOT_IMG := $(if $(MFSTOOL),$(B)/root.img)
ROOT_STAMP := $(B)/stamps/root
# What the root file system cannot do without; other ports are built by who needs them (build/ports/NAME/.stamp).
ROOT_PORTS := busybox fio iperf3 libiperf0 libsctp1 libssl3 libc6

.PHONY: image
ifeq ($(KERNEL_SRCS),)
image:
	@echo 'image: there is no kernel yet, no boot archive and no ISO are made'
else
image: $(BOOTIMG) $(ISO)
endif

# Not intermediate, though nothing but pattern rules may name it.
.PRECIOUS: $(B)/ports/%/.stamp
$(B)/ports/%/.stamp: ports/%/recipe
	$(Q)ports/port $*
	$(Q)touch $@

# Libraries of ports, for EXTRA_LIBS of a build.mk (with EXTRA_DEPS for their headers).
$(B)/ports/openssl/lib/libcrypto.a: $(B)/ports/openssl/.stamp ;

# A link that leads nowhere here would always be out of date; the time of its folder tells when it changes.
$(ROOT_STAMP): $(ROOT_PORTS:%=$(B)/ports/%/.stamp) $(ALL_PROGRAMS) tools/mkroot image/etc/system.conf $(shell find image/root ! -type l)
	$(call say,ROOT,$(B)/root)
	$(Q)tools/mkroot $(B)/root $(B) $(ROOT_PORTS)
	$(Q)touch $@

# Room for what tests write: half as much again, and 16 MiB.
$(B)/root.img: $(ROOT_STAMP) $(MFSTOOL)
	$(call say,MKFS,$@)
	$(Q)size=$$(( $$(du -s --apparent-size -k $(B)/root | cut -f1) * 3 / 2 + 16384 )); \
		$(MFSTOOL) mkfs $@.tmp --size $${size}K --block-size 4096
	$(Q)$(MFSTOOL) populate $@.tmp $(B)/root
	$(Q)mv $@.tmp $@

$(BOOTIMG): image/boot.manifest $(wildcard image/etc/*) tools/mkbootimg bench/bootimg.py $(SYS_BINS) $(ROOT_IMG)
	$(call say,BOOTIMG,$@)
	$(Q)tools/mkbootimg $@ image/boot.manifest $(if $(ROOT_IMG),root.img=$(ROOT_IMG))

$(ISO): $(KERNEL) $(BOOTIMG) image/grub.cfg
	$(call say,ISO,$@)
	$(Q)rm -rf $(B)/iso && mkdir -p $(B)/iso/boot/grub
	$(Q)strip -g -o $(B)/iso/boot/axolotl.elf $(KERNEL)
	$(Q)ln -f $(BOOTIMG) $(B)/iso/boot/axolotl.img
	$(Q)cp image/grub.cfg $(B)/iso/boot/grub/grub.cfg
	$(Q)grub-mkrescue -o $@ $(B)/iso >$(B)/iso.log 2>&1 || { cat $(B)/iso.log; exit 1; }
