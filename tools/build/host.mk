# SPDX-License-Identifier: BSD-2-Clause
# Programs for the host: mfstool, unit tests and fuzzers (ASan and UBSan).
# Tests of the host's own Python are tests/unit/**/test_*.py.
# tools/build/hosttests reads the `uses:` comments and writes the rules to build/host/tests.mk.

H := $(B)/host
MFSTOOL_SRCS := $(sort $(wildcard tools/mfstool/*.c))
MFSTOOL_OBJS := $(patsubst %,$(H)/obj/%.o,$(if $(MFSTOOL_SRCS),$(MFSTOOL_SRCS) $(sort $(wildcard lib/fs/*.c))))
MFSTOOL := $(if $(MFSTOOL_SRCS),$(H)/mfstool)
HOST_TOOLS := $(MFSTOOL)

$(H)/mfstool: $(MFSTOOL_OBJS)
	$(call say,LINK,$@)
	$(Q)$(HOSTCC) -o $@ $^

$(H)/obj/%.c.o: %.c tools/build/flags.mk
	$(call say,HOSTCC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(HOST_CFLAGS) -I$(<D) $(DEPS) -c -o $@ $<

# Sanitized objects. SAN_INC is set for each object by tests.mk where private headers are needed.
$(H)/san/%.c.o: %.c tools/build/flags.mk
	$(call say,SAN,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(HOSTCC) $(SAN_CFLAGS) -I$(<D) $(SAN_INC) $(DEPS) -c -o $@ $<

$(H)/san/%.asm.o: %.asm tools/build/flags.mk
	$(call say,NASM,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(NASM) $(GUEST_ASFLAGS) -I$(<D)/ -MD $(@:.o=.d) -o $@ $<

UNIT_BINS :=
UNIT_SCRIPTS := $(sort $(shell find tests/unit -name 'test_*.py'))
FUZZ_BINS :=
HOSTTESTS_ERROR := $(shell $(PYTHON) tools/build/hosttests $(H)/tests.mk 2>&1)
$(if $(HOSTTESTS_ERROR),$(error $(HOSTTESTS_ERROR)))
include $(H)/tests.mk

-include $(MFSTOOL_OBJS:.o=.d)
