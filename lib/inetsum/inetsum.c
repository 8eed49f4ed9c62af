/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Internet checksum's sum (RFC 1071) of one piece of memory, folded to 16 bits, not complemented,
 * in the byte order of the data as it lies in memory: lwIP's LWIP_CHKSUM. 64 bits at a time; the carry is added
 * back at the end of each step, so any length works. Pure.
 */
#include <stdint.h>
#include <string.h>

#include "inetsum/inetsum.h"

static uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t add_carry(uint64_t a, uint64_t b)
{
	uint64_t s;

	return __builtin_add_overflow(a, b, &s) ? s + 1 : s;
}

/* Two sums of 32-bit halves: no carry can be lost before 2^32 words, and no step waits for a carry. */
static uint64_t sum_blocks(const uint8_t **p, size_t *len)
{
	uint64_t low = 0, high = 0;

	for (; *len >= 32; *len -= 32, *p += 32) {
		uint64_t a = load64(*p), b = load64(*p + 8), c = load64(*p + 16),
			 d = load64(*p + 24);

		low += (a & UINT32_MAX) + (b & UINT32_MAX) + (c & UINT32_MAX) + (d & UINT32_MAX);
		high += (a >> 32) + (b >> 32) + (c >> 32) + (d >> 32);
	}
	return add_carry(low, high);
}

uint16_t inet_sum(const void *data, int len_bytes)
{
	const uint8_t *p = data;
	size_t len = len_bytes > 0 ? (size_t)len_bytes : 0;
	uint64_t sum = sum_blocks(&p, &len), tail = 0;

	for (; len >= 8; len -= 8, p += 8)
		sum = add_carry(sum, load64(p));
	memcpy(&tail, p, len);
	sum = add_carry(sum, tail);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}
