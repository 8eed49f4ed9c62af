/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INET_SUM_H
#define INET_SUM_H

#include <stdint.h>

/* Sum of RFC 1071, not complemented; see sum.c. */
uint16_t inet_sum(const void *data, int len_bytes);

#endif
