# SPDX-License-Identifier: BSD-2-Clause
EXTRA_LIBS := build/ports/openssl/lib/libcrypto.a random
EXTRA_CFLAGS := -I$(B)/ports/openssl/include -DOPENSSL_SUPPRESS_DEPRECATED
EXTRA_DEPS := $(B)/ports/openssl/.stamp
