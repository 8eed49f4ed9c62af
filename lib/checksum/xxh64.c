/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XXH64 (xxHash specification, version 0.1.1) of a sector, fused with its copy: four lanes, 32
 * bytes a step. Only lengths that are multiples of 32 are needed, so there is no tail. Checked
 * against the reference implementation by the unit tests.
 */
#include "checksum/sum.h"

#define PRIME1 0x9e3779b185ebca87ull
#define PRIME2 0xc2b2ae3d27d4eb4full
#define PRIME3 0x165667b19e3779f9ull
#define PRIME4 0x85ebca77c2b2ae63ull
#define STEP   32

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

static inline void lanes_take(struct lanes *l, const uint8_t *src)
{
	l->a = mix(l->a, sum_load(src));
	l->b = mix(l->b, sum_load(src + 8));
	l->c = mix(l->c, sum_load(src + 16));
	l->d = mix(l->d, sum_load(src + 24));
}

static inline void lanes_take_copy(struct lanes *l, uint8_t *dst, const uint8_t *src)
{
	uint64_t a = sum_load(src), b = sum_load(src + 8);
	uint64_t c = sum_load(src + 16), d = sum_load(src + 24);

	sum_store(dst, a);
	sum_store(dst + 8, b);
	sum_store(dst + 16, c);
	sum_store(dst + 24, d);
	l->a = mix(l->a, a);
	l->b = mix(l->b, b);
	l->c = mix(l->c, c);
	l->d = mix(l->d, d);
}

uint64_t sum_xxh64_blocks(const void *data, size_t len_bytes, uint64_t seed)
{
	const uint8_t *src = data;
	struct lanes l;

	lanes_init(&l, seed);
	for (size_t i = 0; i < len_bytes; i += STEP)
		lanes_take(&l, src + i);
	return lanes_finish(&l, len_bytes);
}

void sum_xxh64(void *dst, const void *src, const uint64_t key[2], uint8_t out[SUM_BYTES_MAX])
{
	const uint8_t *from = src;
	uint8_t *to = dst;
	struct lanes l;

	lanes_init(&l, key[0] ^ key[1]);
	if (to == NULL) {
		for (unsigned i = 0; i < SUM_SECTOR; i += STEP)
			lanes_take(&l, from + i);
	} else {
		for (unsigned i = 0; i < SUM_SECTOR; i += STEP)
			lanes_take_copy(&l, to + i, from + i);
	}
	sum_store(out, lanes_finish(&l, SUM_SECTOR));
}
