/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ChaCha20 generator (see rng.h). Reference: RFC 8439 section 2.3.
 */
#include <string.h>
#include "rng.h"

static uint32_t rotl(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void quarter(uint32_t *s, const uint8_t *i)
{
	uint32_t a = s[i[0]], b = s[i[1]], c = s[i[2]], d = s[i[3]];

	a += b;
	d = rotl(d ^ a, 16);
	c += d;
	b = rotl(b ^ c, 12);
	a += b;
	d = rotl(d ^ a, 8);
	c += d;
	b = rotl(b ^ c, 7);
	s[i[0]] = a;
	s[i[1]] = b;
	s[i[2]] = c;
	s[i[3]] = d;
}

void rng_block(const uint32_t key[8], const uint32_t nonce[4], uint32_t out[16])
{
	static const uint8_t rounds[8][4] = {{0, 4, 8, 12},  {1, 5, 9, 13},  {2, 6, 10, 14},
	                                     {3, 7, 11, 15}, {0, 5, 10, 15}, {1, 6, 11, 12},
	                                     {2, 7, 8, 13},  {3, 4, 9, 14}};
	uint32_t start[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

	memcpy(start + 4, key, 32);
	memcpy(start + 12, nonce, 16);
	memcpy(out, start, sizeof(start));
	for (int i = 0; i < 10; i++)
		for (int q = 0; q < 8; q++)
			quarter(out, rounds[q]);
	for (int i = 0; i < 16; i++)
		out[i] += start[i];
}

static void next_block(struct rng *r, uint32_t out[16])
{
	uint32_t nonce[4] = {(uint32_t)r->counter, (uint32_t)(r->counter >> 32), 0, 0};

	r->counter++;
	rng_block(r->key, nonce, out);
	memcpy(r->key, out, sizeof(r->key));
}

void rng_mix(struct rng *r, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint32_t block[16];

	while (len > 0) {
		uint32_t word[8] = {0};
		size_t n = len < sizeof(word) ? len : sizeof(word);
		memcpy(word, bytes, n);
		for (int i = 0; i < 8; i++)
			r->key[i] ^= word[i];
		next_block(r, block);
		bytes += n;
		len -= n;
	}
}

void rng_bytes(struct rng *r, void *out, size_t len)
{
	uint8_t *bytes = out;
	uint32_t block[16];

	while (len > 0) {
		size_t n = len < 32 ? len : 32;
		next_block(r, block);
		memcpy(bytes, block + 8, n);
		bytes += n;
		len -= n;
	}
	memset(block, 0, sizeof(block));
	__asm__ volatile("" : : "r"(block) : "memory");
}
