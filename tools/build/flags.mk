# SPDX-License-Identifier: BSD-2-Clause
# Compilers and flags. Objects depend on this file, so a change of flags rebuilds.

CC := gcc
MUSLCC := musl-gcc
HOSTCC := gcc
NASM := nasm

WARN := -Wall -Wextra -Werror -Wshadow -Wvla -Wundef -Wswitch-enum -Wpointer-arith \
	-Wstrict-prototypes -Wmissing-prototypes
DEPS := -MMD -MP

KERNEL_CFLAGS := -std=gnu17 -O2 -g -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -fno-stack-protector -fcf-protection=none -fno-asynchronous-unwind-tables \
	$(WARN) -Iinclude -Ikernel
KERNEL_LDFLAGS := -nostdlib -static -z max-page-size=0x1000 -z noexecstack --no-warn-rwx-segments
KERNEL_ASFLAGS := -f elf64 -g -F dwarf -Werror -Iinclude/ -Ikernel/

# Guest programs: static musl, not position independent, one 4 KiB page alignment. Sections are
# separate so that the linker drops what a process does not use.
GUEST_CFLAGS := -std=gnu17 -O2 -g -fno-pie -fno-stack-protector -fcf-protection=none -ffunction-sections \
	-fdata-sections -D_GNU_SOURCE $(WARN) -Iinclude -Ilib -idirafter $(B)/guest/linux-headers
GUEST_ASFLAGS := -f elf64 -g -F dwarf -Werror -Iinclude/ -Ilib/
GUEST_LDFLAGS := -static -no-pie -Wl,-z,max-page-size=0x1000 -Wl,-z,noexecstack -Wl,--gc-sections

HOST_CFLAGS := -std=gnu17 -O2 -g -D_GNU_SOURCE $(WARN) -Iinclude -Ilib
# Tests name globs in comments (uses: lib/fs/*.c), hence -Wno-comment.
SAN_CFLAGS := -std=gnu17 -O1 -g -D_GNU_SOURCE -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer $(WARN) -Wno-comment -Iinclude -Ilib -I.
SAN_LDFLAGS := -fsanitize=address,undefined
