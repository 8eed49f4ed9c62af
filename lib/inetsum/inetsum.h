/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_INETSUM_INETSUM_H
#define LIB_INETSUM_INETSUM_H

#include <stdint.h>

/* Sum of RFC 1071, not complemented; see inetsum.c. */
uint16_t inet_sum(const void *data, int len_bytes);

#endif
