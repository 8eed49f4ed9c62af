# SPDX-License-Identifier: BSD-2-Clause
# Distribution packages that the build needs; checked again only when the list changes. The stamp is an (empty) part of
# the makefile: make brings those up to date before it begins with anything else, so no rule has to ask for it.

SETUP := $(B)/stamps/setup

$(SETUP): tools/packages.txt tools/setup
	$(Q)mkdir -p $(@D)
	$(Q)tools/setup $(if $(AXO_NO_INSTALL),--no-install)
	$(Q)touch $@

ifneq ($(filter-out clean distclean help,$(or $(MAKECMDGOALS),all)),)
include $(SETUP)
endif
