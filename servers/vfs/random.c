/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random bytes: ChaCha20 (RFC 8439) under a key that is replaced after each request by its own
 * output (fast key erasure) and stirred with the time stamp counter and what users write. Good
 * enough for names, seeds and keys of tests; the seed is the CPU's RDRAND where it has one, and
 * timing.
 */
#include <cpuid.h>
#include <string.h>
#include "axolotl/timepage.h"
#include "random.h"

static uint32_t key[8];
static bool is_seeded;

static void quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = (*d ^ *a) << 16 | (*d ^ *a) >> 16;
	*c += *d;
	*b = (*b ^ *c) << 12 | (*b ^ *c) >> 20;
	*a += *b;
	*d = (*d ^ *a) << 8 | (*d ^ *a) >> 24;
	*c += *d;
	*b = (*b ^ *c) << 7 | (*b ^ *c) >> 25;
}

static void block(uint64_t counter, uint32_t out[16])
{
	uint32_t in[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

	memcpy(in + 4, key, sizeof(key));
	in[12] = (uint32_t)counter;
	in[13] = (uint32_t)(counter >> 32);
	memcpy(out, in, sizeof(in));
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned k = 0; k < 4; k++)
			quarter(&out[k], &out[4 + k], &out[8 + k], &out[12 + k]);
		for (unsigned k = 0; k < 4; k++)
			quarter(&out[k], &out[4 + (k + 1) % 4], &out[8 + (k + 2) % 4],
			        &out[12 + (k + 3) % 4]);
	}
	for (unsigned i = 0; i < 16; i++)
		out[i] += in[i];
}

static bool hardware_word(uint64_t *word)
{
	uint32_t a, b, c, d;
	unsigned char ok = 0;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 30)))
		return false;
	__asm__ volatile("rdrand %0; setc %1" : "=r"(*word), "=qm"(ok)::"cc");
	return ok;
}

static void rekey(void)
{
	uint32_t out[16];

	block(UINT64_MAX, out);
	memcpy(key, out, sizeof(key));
}

static void seed(void)
{
	for (unsigned i = 0; i < 4; i++) {
		uint64_t word = 0, tsc = time_read_tsc();

		(void)hardware_word(&word);
		word ^= tsc * 0x9e3779b97f4a7c15ull;
		key[2 * i] ^= (uint32_t)word;
		key[2 * i + 1] ^= (uint32_t)(word >> 32);
		rekey();
	}
	is_seeded = true;
}

void random_stir(const void *in, size_t len)
{
	const uint8_t *p = in;
	uint8_t *k = (void *)key;

	for (size_t i = 0; i < len; i++) {
		k[i % sizeof(key)] ^= p[i];
		if (i % sizeof(key) == sizeof(key) - 1)
			rekey();
	}
	rekey();
}

void random_bytes(void *out, size_t len)
{
	uint8_t *p = out;
	uint64_t counter = 0, tsc = time_read_tsc();

	if (!is_seeded)
		seed();
	random_stir(&tsc, sizeof(tsc));
	while (len > 0) {
		uint32_t words[16];
		size_t n = len < sizeof(words) ? len : sizeof(words);

		block(counter++, words);
		memcpy(p, words, n);
		p += n;
		len -= n;
	}
	rekey();
}
