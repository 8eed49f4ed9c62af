/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XXH64 (xxHash specification, version 0.1.1) of a sector, alone or while it is copied: four lanes.
 * Only lengths that are multiples of 64 are needed, so there is no tail. Checked against the reference
 * implementation by the unit tests. The copy goes through general registers, four words at a time:
 * each word is loaded once, stored and summed. Vector moves, which the compiler would make of it, cost
 * twice as much under emulation.
 */
#include "checksum/sum.h"

#define PRIME1 0x9e3779b185ebca87ull
#define PRIME2 0xc2b2ae3d27d4eb4full
#define PRIME3 0x165667b19e3779f9ull
#define PRIME4 0x85ebca77c2b2ae63ull
#define STEP   64

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline uint64_t mix(uint64_t lane, uint64_t word)
{
	return rotate(lane + word * PRIME2, 31) * PRIME1;
}

static inline uint64_t merge(uint64_t hash, uint64_t lane)
{
	return (hash ^ mix(0, lane)) * PRIME1 + PRIME4;
}

struct lanes {
	uint64_t a, b, c, d;
};

static inline void lanes_init(struct lanes *l, uint64_t seed)
{
	*l = (struct lanes){seed + PRIME1 + PRIME2, seed + PRIME2, seed, seed - PRIME1};
}

static inline uint64_t lanes_finish(const struct lanes *l, uint64_t len_bytes)
{
	uint64_t hash = rotate(l->a, 1) + rotate(l->b, 7) + rotate(l->c, 12) + rotate(l->d, 18);

	hash = merge(merge(merge(merge(hash, l->a), l->b), l->c), l->d) + len_bytes;
	hash = (hash ^ hash >> 33) * PRIME2;
	hash = (hash ^ hash >> 29) * PRIME3;
	return hash ^ hash >> 32;
}

static inline void lanes_take(struct lanes *l, const uint64_t words[4])
{
	l->a = mix(l->a, words[0]);
	l->b = mix(l->b, words[1]);
	l->c = mix(l->c, words[2]);
	l->d = mix(l->d, words[3]);
}

/* All loads of a step before the arithmetic: a third faster under emulation, no slower elsewhere. */
static inline void lanes_take_step(struct lanes *l, const uint8_t *src)
{
	const sum_word_t *word = (const sum_word_t *)(const void *)src;
	const uint64_t first[4] = {word[0], word[1], word[2], word[3]};
	const uint64_t second[4] = {word[4], word[5], word[6], word[7]};

	lanes_take(l, first);
	lanes_take(l, second);
}

uint64_t sum_xxh64_blocks(const void *data, size_t len_bytes, uint64_t seed)
{
	const uint8_t *src = data;
	struct lanes l;

	lanes_init(&l, seed);
	for (size_t i = 0; i < len_bytes; i += STEP)
		lanes_take_step(&l, src + i);
	return lanes_finish(&l, len_bytes);
}

/* What is summed is what was stored: each word of the source is read once. */
static inline void lanes_take_copy(struct lanes *l, uint8_t *dst, const uint8_t *src)
{
	volatile sum_word_t *to = (volatile sum_word_t *)(void *)dst;
	const uint64_t words[4] = {sum_load(src), sum_load(src + 8), sum_load(src + 16),
	                           sum_load(src + 24)};

	to[0] = words[0];
	to[1] = words[1];
	to[2] = words[2];
	to[3] = words[3];
	lanes_take(l, words);
}

void sum_xxh64(void *dst, const void *src, const uint64_t key[2], uint8_t out[SUM_BYTES_MAX])
{
	const uint8_t *from = src;
	uint8_t *to = dst;
	struct lanes l;

	lanes_init(&l, key[0] ^ key[1]);
	if (to != NULL)
		for (unsigned i = 0; i < SUM_SECTOR; i += STEP / 2)
			lanes_take_copy(&l, to + i, from + i);
	else
		for (unsigned i = 0; i < SUM_SECTOR; i += STEP)
			lanes_take_step(&l, from + i);
	sum_store(out, lanes_finish(&l, SUM_SECTOR));
}
