/* SPDX-License-Identifier: BSD-2-Clause */
/* Private to lib/mirror. */
#ifndef LIB_MIRROR_IMPL_H
#define LIB_MIRROR_IMPL_H

#include "mirror/set.h"

static inline bool mirror_bits_has(const struct mirror_bits *b, uint32_t i)
{
	return (b->words[i / 64] >> (i % 64) & 1) != 0;
}
static inline void mirror_bits_set(struct mirror_bits *b, uint32_t i)
{
	b->words[i / 64] |= 1ull << (i % 64);
}
static inline void mirror_bits_clear(struct mirror_bits *b, uint32_t i)
{
	b->words[i / 64] &= ~(1ull << (i % 64));
}
unsigned mirror_bits_count(const struct mirror_bits *b);

static inline uint32_t mirror_region_of(const struct mirror_set *set, uint64_t sector)
{
	return (uint32_t)(sector / set->super.region_sectors);
}

/* The last stale region of a leg was copied. */
void mirror_leg_complete(struct mirror_set *set, unsigned leg);

/* A good leg failed: with one left there is nothing that it could differ from. */
void mirror_forget_unsynced(struct mirror_set *set);

#endif
