/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random numbers for getrandom(2): ChaCha20 (RFC 8439) as a generator with fast key erasure: the
 * first half of each block that is made becomes the next key, so what was given out cannot be
 * computed back from a captured state. Seeding mixes input into the key by a block operation. Pure;
 * entropy is random.c's matter.
 */
#ifndef PM_RNG_H
#define PM_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
	uint32_t key[8];
	uint64_t counter;
};

void rng_block(const uint32_t key[8], const uint32_t nonce[4], uint32_t out[16]);
void rng_mix(struct rng *r, const void *data, size_t len);
void rng_bytes(struct rng *r, void *out, size_t len);

#endif
