/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INET_RANDOM_H
#define INET_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_init(void); /* before lwip_init() */
uint32_t inet_random(void);
/* SipHash-2-4; key and result as 64-bit little-endian words. */
uint64_t random_siphash(const uint64_t key[2], const void *data, size_t len);

#endif
