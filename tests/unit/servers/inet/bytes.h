/* SPDX-License-Identifier: BSD-2-Clause */
/* Fields and sums of packets, for tests. */
#ifndef TESTS_INET_BYTES_H
#define TESTS_INET_BYTES_H

#include <string.h>

#include "axolotl/types.h"
#include "inetsum/inetsum.h"

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void set_ip_sum(uint8_t *ip)
{
	uint16_t sum;

	memset(ip + 10, 0, 2);
	sum = (uint16_t)~inet_sum(ip, (ip[0] & 15) * 4);
	memcpy(ip + 10, &sum, 2);
}

/* The packet of a frame of so many bytes gets its length and its sum. */
static inline void set_ip_length(uint8_t *frame, size_t bytes)
{
	put16(frame + 16, (uint32_t)(bytes - 14));
	set_ip_sum(frame + 14);
}

static inline uint16_t pseudo_sum(const uint8_t *ip, size_t tcp_bytes)
{
	uint8_t pseudo[12];

	memcpy(pseudo, ip + 12, 8);
	pseudo[8] = 0;
	pseudo[9] = ip[9];
	put16(pseudo + 10, (uint32_t)tcp_bytes);
	return inet_sum(pseudo, sizeof(pseudo));
}

#endif
