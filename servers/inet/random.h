/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INET_RANDOM_H
#define INET_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* Before lwip_init(). *seed: the same numbers at each run (tests); NULL: unpredictable ones. */
void random_init(const uint64_t *seed);
uint32_t inet_random(void);
/* SipHash-2-4; key and result as 64-bit little-endian words. */
uint64_t random_siphash(const uint64_t key[2], const void *data, size_t len);

#endif
