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

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* The field is among the bytes. */
static inline void set_sum(uint8_t *field, const uint8_t *bytes, size_t n)
{
	uint16_t sum;

	memset(field, 0, 2);
	sum = (uint16_t)~inet_sum(bytes, (int)n);
	memcpy(field, &sum, 2);
}

static inline void set_ip_sum(uint8_t *ip)
{
	set_sum(ip + 10, ip, (ip[0] & 15) * 4u);
}

/* The packet of a frame of so many bytes gets its length and its sum. */
static inline void set_ip_length(uint8_t *frame, size_t bytes)
{
	if (frame[14] >> 4 == 6) {
		put16(frame + 18, (uint32_t)(bytes - 14 - 40));
		return;
	}
	put16(frame + 16, (uint32_t)(bytes - 14));
	set_ip_sum(frame + 14);
}

static inline uint16_t pseudo_sum(const uint8_t *ip, size_t tcp_bytes)
{
	bool is_ipv6 = ip[0] >> 4 == 6;
	size_t n = is_ipv6 ? 32 : 8;
	uint8_t pseudo[36];

	memcpy(pseudo, ip + (is_ipv6 ? 8 : 12), n);
	pseudo[n] = 0;
	pseudo[n + 1] = is_ipv6 ? ip[6] : ip[9];
	put16(pseudo + n + 2, (uint32_t)tcp_bytes);
	return inet_sum(pseudo, (int)n + 4);
}

static inline void set_tcp_sum(const uint8_t *ip, uint8_t *tcp, size_t tcp_bytes)
{
	uint16_t sum = pseudo_sum(ip, tcp_bytes);

	memcpy(tcp + 16, &sum, 2);
	sum = (uint16_t)~inet_sum(tcp, (int)tcp_bytes);
	memcpy(tcp + 16, &sum, 2);
}

#endif
