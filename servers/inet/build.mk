# SPDX-License-Identifier: BSD-2-Clause
EXTRA_CFLAGS := -I$(B)/ports/lwip/src/include -Iservers/inet/lwip
EXTRA_DEPS := $(B)/ports/lwip/.stamp
EXTRA_LIBS := $(G)/lwip/liblwip.a
