/* SPDX-License-Identifier: BSD-2-Clause */
/* Superblocks of mirrors: see super.h. */
#include <string.h>
#include "axolotl/errno.h"
#include "checksum/sum.h"
#include "mirror/super.h"

static const char magic[8] = {'A', 'X', 'O', 'M', 'I', 'R', 'R', 'O'};

const char *mirror_state_name(enum mirror_state state)
{
	static const char *const names[MIRROR_STATES] = {"absent", "good", "failed", "resync"};

	return state < MIRROR_STATES ? names[state] : "?";
}

static uint64_t seal_of(const struct mirror_super *super)
{
	struct mirror_super copy = *super;

	copy.sum = 0;
	return sum_xxh64_blocks(&copy, sizeof(copy), 0);
}

void mirror_super_seal(struct mirror_super *super)
{
	super->sum = seal_of(super);
}

int mirror_super_make(struct mirror_super *super, unsigned legs, uint64_t leg_sectors)
{
	uint64_t region_sectors = MIRROR_REGION_MIN;

	memset(super, 0, sizeof(*super));
	if (legs < 1 || legs > MIRROR_LEGS_MAX || leg_sectors <= MIRROR_DATA_START)
		return -EINVAL;
	memcpy(super->magic, magic, sizeof(magic));
	super->version = MIRROR_VERSION;
	super->legs = legs;
	super->data_sectors = leg_sectors - MIRROR_DATA_START;
	while ((super->data_sectors + region_sectors - 1) / region_sectors > MIRROR_REGIONS_MAX)
		region_sectors *= 2;
	if (region_sectors > UINT32_MAX)
		return -EINVAL;
	super->region_sectors = (uint32_t)region_sectors;
	super->generation = 1;
	for (unsigned i = 0; i < legs; i++)
		super->states[i] = MIRROR_GOOD;
	return 0;
}

static bool states_valid(const struct mirror_super *super)
{
	for (unsigned i = 0; i < super->legs; i++) {
		if (super->states[i] == MIRROR_ABSENT || super->states[i] >= MIRROR_STATES)
			return false;
	}
	return true;
}

static bool super_valid(const struct mirror_super *s, uint64_t leg_sectors)
{
	if (memcmp(s->magic, magic, sizeof(magic)) != 0 || s->sum != seal_of(s))
		return false;
	if (s->version != MIRROR_VERSION || s->legs < 1 || s->legs > MIRROR_LEGS_MAX ||
	    s->self >= s->legs || !states_valid(s))
		return false;
	if (s->region_sectors < MIRROR_REGION_MIN ||
	    (s->region_sectors & (s->region_sectors - 1)) != 0)
		return false;
	return s->data_sectors > 0 && leg_sectors >= MIRROR_DATA_START &&
	       s->data_sectors <= leg_sectors - MIRROR_DATA_START &&
	       (s->data_sectors - 1) / s->region_sectors < MIRROR_REGIONS_MAX;
}

enum mirror_probe mirror_super_probe(const void *header, uint64_t leg_sectors,
                                     struct mirror_super *super)
{
	enum mirror_probe result = MIRROR_BLANK;
	uint64_t best = 0;

	for (unsigned slot = 0; slot < 2; slot++) {
		struct mirror_super candidate;

		memcpy(&candidate, (const uint8_t *)header + (size_t)slot * MIRROR_SECTOR,
		       sizeof(candidate));
		if (super_valid(&candidate, leg_sectors)) {
			if (result != MIRROR_VALID || candidate.generation > best)
				*super = candidate;
			best = super->generation;
			result = MIRROR_VALID;
		} else if (result == MIRROR_BLANK &&
		           memcmp(candidate.magic, magic, sizeof(magic)) == 0) {
			result = MIRROR_DAMAGED;
		}
	}
	return result;
}
