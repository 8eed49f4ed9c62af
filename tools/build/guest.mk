# SPDX-License-Identifier: BSD-2-Clause
# Everything that runs inside the guest, found by wildcard:
#   lib/X/**                          -> build/guest/lib/libX.a
#   servers/X drivers/*/X filters/*/X -> build/guest/sbin/X   (all our libraries, libsys whole and before libc)
#   user/X                            -> build/guest/bin/X    (musl only; libraries of ours by EXTRA_LIBS)
#   tests/guest/X                     -> build/guest/tests/X  (as user/X)
# Stripped copies are in build/guest/strip/{sbin,bin,tests}/X; images are made from those.
#
# A folder's optional build.mk may set (each is empty before it is read):
#   NAME          name of the program, if not the folder's (filters/net/guard: netguard)
#   EXTRA_SRCS    more sources, from the root (lib/fs/crc.c)
#   EXTRA_CFLAGS  more compiler flags, for this folder's objects
#   EXTRA_LIBS    user and tests: our libraries by name (ring log); all: files (build/ports/x/libx.a) or -lname
#   EXTRA_DEPS    what must exist before the folder's objects are compiled (a port's stamp)

G := $(B)/guest
srcs_below = $(sort $(shell find $(1) -name '*.c' -o -name '*.asm' 2>/dev/null))
dirs_of = $(sort $(patsubst %/,%,$(wildcard $(1))))
# A folder counts when it has sources.
with_srcs = $(foreach d,$(call dirs_of,$(1)),$(if $(call srcs_below,$(d)),$(d)))

LIB_DIRS := $(call with_srcs,lib/*/)
SYS_DIRS := $(call with_srcs,servers/*/ drivers/block/*/ drivers/net/*/ drivers/char/*/ filters/block/*/ filters/net/*/)
USER_DIRS := $(call with_srcs,user/*/)
GTEST_DIRS := $(call with_srcs,tests/guest/*/)
GUEST_LIBS := $(LIB_DIRS:lib/%=$(G)/lib/lib%.a)
LINUX_HEADERS := $(G)/linux-headers/.stamp
SYS_BINS :=
USER_BINS :=
GTEST_BINS :=

# $(1) folder, $(2) its include flags. Objects keep the path of their source below build/guest/obj.
define compile_rules
$(G)/obj/$(1)/%.c.o: $(1)/%.c tools/build/flags.mk | $(LINUX_HEADERS) $(EXTRA_DEPS)
	$$(call say,CC,$$<)
	$(Q)mkdir -p $$(@D)
	$(Q)$(MUSLCC) $(GUEST_CFLAGS) -I$(1) $(EXTRA_CFLAGS) $(DEPS) -c -o $$@ $$<
$(G)/obj/$(1)/%.asm.o: $(1)/%.asm tools/build/flags.mk
	$$(call say,NASM,$$<)
	$(Q)mkdir -p $$(@D)
	$(Q)$(NASM) $(GUEST_ASFLAGS) -I$(1)/ -MD $$(@:.o=.d) -o $$@ $$<
endef

define lib_rules
$(call compile_rules,$(1))
$(G)/lib/lib$(notdir $(1)).a: $(patsubst %,$(G)/obj/%.o,$(call srcs_below,$(1)) $(EXTRA_SRCS))
	$$(call say,AR,$$@)
	$(Q)mkdir -p $$(@D) && rm -f $$@ && ar rcs $$@ $$(filter %.o,$$^)
-include $(patsubst %,$(G)/obj/%.d,$(call srcs_below,$(1)))
endef

# $(1) folder, $(2) sbin, bin or tests, $(3) libraries of ours that are linked
define program_rules
$(call compile_rules,$(1))
$(if $(filter $(G)/$(2)/$(or $(NAME),$(notdir $(1))),$(ALL_PROGRAMS)),$(error $(1): a program named \
	$(or $(NAME),$(notdir $(1))) exists already; set NAME in $(1)/build.mk))
ALL_PROGRAMS += $(G)/$(2)/$(or $(NAME),$(notdir $(1)))
$(G)/$(2)/$(or $(NAME),$(notdir $(1))): $(patsubst %,$(G)/obj/%.o,$(call srcs_below,$(1)) $(EXTRA_SRCS)) $(3) \
		$(filter %.a,$(EXTRA_LIBS))
	$$(call say,LINK,$$@)
	$(Q)mkdir -p $$(@D) $(G)/strip/$(2)
	$(Q)$(MUSLCC) $(GUEST_LDFLAGS) -o $$@ $$(filter %.o,$$^) \
		$(if $(filter %/libsys.a,$(3)),-Wl$(COMMA)--whole-archive $(filter %/libsys.a,$(3)) -Wl$(COMMA)--no-whole-archive) \
		-Wl,--start-group $(filter-out %/libsys.a,$(3)) $(filter %.a -l%,$(EXTRA_LIBS)) -Wl,--end-group
	$(Q)strip -s -o $(G)/strip/$(2)/$$(@F) $$@
-include $(patsubst %,$(G)/obj/%.d,$(call srcs_below,$(1)))
endef

COMMA := ,
ALL_PROGRAMS :=
our_libs = $(patsubst %,$(G)/lib/lib%.a,$(filter-out -l% %.a,$(EXTRA_LIBS)))

define clear_fragment
NAME :=
EXTRA_SRCS :=
EXTRA_CFLAGS :=
EXTRA_LIBS :=
EXTRA_DEPS :=
endef

# Reads the folder's fragment, then makes its rules: $(1) folder, $(2) template call without the folder
fragment = $(eval $(value clear_fragment))$(eval -include $(1)/build.mk)

$(foreach d,$(LIB_DIRS),$(call fragment,$(d))$(eval $(call lib_rules,$(d))))
$(foreach d,$(SYS_DIRS),$(call fragment,$(d))$(eval $(call program_rules,$(d),sbin,$(GUEST_LIBS))))
$(foreach d,$(USER_DIRS),$(call fragment,$(d))$(eval $(call program_rules,$(d),bin,$(our_libs))))
$(foreach d,$(GTEST_DIRS),$(call fragment,$(d))$(eval $(call program_rules,$(d),tests,$(our_libs))))
SYS_BINS := $(filter $(G)/sbin/%,$(ALL_PROGRAMS))
USER_BINS := $(filter $(G)/bin/%,$(ALL_PROGRAMS))
GTEST_BINS := $(filter $(G)/tests/%,$(ALL_PROGRAMS))
GUEST_ALL := $(GUEST_LIBS) $(ALL_PROGRAMS)

# Headers of the Linux ABI (linux/, asm/, asm-generic/) that musl does not bring along.
$(LINUX_HEADERS): tools/build/guest.mk
	$(Q)mkdir -p $(@D)
	$(Q)ln -sfn /usr/include/linux $(@D)/linux
	$(Q)ln -sfn /usr/include/asm-generic $(@D)/asm-generic
	$(Q)ln -sfn /usr/include/x86_64-linux-gnu/asm $(@D)/asm
	$(Q)touch $@
