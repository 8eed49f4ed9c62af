# SPDX-License-Identifier: BSD-2-Clause
# SHA-1 and SHA-256 come from libcrypto; programs that use this library link build/ports/openssl/lib/libcrypto.a.
EXTRA_CFLAGS := -I$(B)/ports/openssl/include
EXTRA_DEPS := $(B)/ports/openssl/.stamp
