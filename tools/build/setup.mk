# SPDX-License-Identifier: BSD-2-Clause
# Distribution packages that the build needs; checked again only when the list changes.

SETUP := $(B)/stamps/setup

$(SETUP): tools/packages.txt tools/setup
	$(Q)mkdir -p $(@D)
	$(Q)tools/setup $(if $(AXO_NO_INSTALL),--no-install)
	$(Q)touch $@
