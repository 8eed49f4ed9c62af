# SPDX-License-Identifier: BSD-2-Clause
EXTRA_LIBS := stack checksum mirror build/ports/openssl/lib/libcrypto.a
