/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers that look random and follow from a seed, for tests, fuzzers and loads that can be repeated. Not for secrets
 * (servers/pm/random.c). The state is the caller's, any number of them; whoever seeds it prints the seed, or has
 * a fixed one. The sequences are part of the contract: a seed that found something must find it again. Pure; no errors.
 */
#ifndef LIB_RANDOM_H
#define LIB_RANDOM_H

#include <stdint.h>

/* Linear congruential (Numerical Recipes): any seed; only the upper bits of the result are good. */
uint32_t random_lcg(uint32_t *state);
/* The same, from 0 to below - 1; below is at most 2^24, and 0 gives 0. */
uint32_t random_below(uint32_t *state, uint32_t below);

/* xorshift64 (Marsaglia, 13-7-17): any seed but 0, which it never leaves. */
uint64_t random_xorshift(uint64_t *state);

/* splitmix64: any seed; seeds that follow one another give sequences that have nothing in common. */
uint64_t random_splitmix(uint64_t *state);

#endif
