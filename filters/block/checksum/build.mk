# SPDX-License-Identifier: BSD-2-Clause
EXTRA_CFLAGS := -I$(B)/ports/openssl/include
EXTRA_LIBS := $(B)/ports/openssl/lib/libcrypto.a
