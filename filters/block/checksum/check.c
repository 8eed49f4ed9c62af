/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking at groups on every replica, without a client that wants them: for scrubbing, and for
 * replicas that may differ. A chunk is read and looked at while clients read too; only a group that
 * needs mending is locked exclusively.
 */
#include <string.h>
#include "checksum.h"

#define CHUNK_GROUPS  32u
#define CHUNK_SECTORS 2048u /* of staging memory, all replicas together */

static uint32_t stride(void)
{
	return medium.codec.layout.n + 1;
}

uint32_t check_most(void)
{
	uint32_t most = CHUNK_SECTORS / (stride() * medium.replicas);

	if (most > medium.data_max / stride())
		most = medium.data_max / stride();
	if (most > CHUNK_GROUPS)
		most = CHUNK_GROUPS;
	return most > 0 ? most : 1;
}

static void verify(struct check *c, const uint8_t *groups)
{
	struct checksum_mask mask;

	for (uint32_t i = 0; i < c->count; i++) {
		const uint8_t *group = groups + (size_t)i * stride() * SUM_SECTOR;

		if (!checksum_verify_group(&medium.codec, c->first + i, group, &mask))
			c->bad |= 1ull << i;
	}
}

static void compare(struct check *c, const uint8_t *a, const uint8_t *b)
{
	const size_t bytes = (size_t)stride() * SUM_SECTOR;

	for (uint32_t i = 0; i < c->count; i++) {
		if (memcmp(a + i * bytes, b + i * bytes, bytes) != 0)
			c->differing |= 1ull << i;
	}
}

static void look(struct check *c, uint8_t *memory)
{
	const uint32_t sectors = c->count * stride();
	const uint8_t *before = NULL;

	for (unsigned i = 0; i < medium.replicas; i++) {
		struct extent e = {checksum_group_start(&medium.codec.layout, c->first), sectors,
		                   memory + (size_t)i * sectors * SUM_SECTOR};

		if (c->replicas != 0 && (c->replicas >> i & 1) == 0)
			continue;
		if (lower_transfer(&e, BLK_READ, 0, c->replicas != 0 ? (uint8_t)(i + 1) : 0) != 0) {
			c->bad = c->count < 64 ? (1ull << c->count) - 1 : UINT64_MAX;
			return;
		}
		verify(c, e.memory);
		if (before != NULL)
			compare(c, before, e.memory);
		before = e.memory;
	}
}

void check_groups(struct check *c)
{
	uint8_t *memory = staging_take(c->count * stride() * medium.replicas);
	struct range_lock l;

	c->bad = c->differing = 0;
	request_lock_group(&l, c->first, c->count, false);
	look(c, memory);
	request_unlock(&l);
	staging_give(memory);
}

int check_mend(uint64_t group, uint32_t equalise, struct check_found *found)
{
	const struct heal_seen seen = {-1, 0, equalise};
	struct heal_result healed;
	struct counters before;
	struct range_lock l;
	int r;

	request_lock_group(&l, group, 1, true);
	heal_enter();
	before = counters; /* those of healing change under heal_enter() only */
	r = heal_group(group, &seen, &healed);
	found->corrupt += counters.corrupt - before.corrupt;
	found->healed += counters.healed - before.healed;
	found->lost += counters.lost - before.lost;
	heal_leave();
	request_unlock(&l);
	return r;
}
