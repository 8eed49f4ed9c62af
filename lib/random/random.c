/* SPDX-License-Identifier: BSD-2-Clause */
/* Seeded generators: see random.h. */
#include "random/random.h"

uint32_t random_lcg(uint32_t *state)
{
	return *state = *state * 1664525u + 1013904223u;
}

uint32_t random_below(uint32_t *state, uint32_t below)
{
	uint32_t upper = random_lcg(state) >> 8;

	return (uint32_t)((uint64_t)upper * below >> 24);
}

uint64_t random_xorshift(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

uint64_t random_splitmix(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}
