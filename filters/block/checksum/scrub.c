/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scrubbing: a fiber that walks the whole medium, all replicas, again and again, at a limited rate,
 * and heals what it finds. Its position is not kept over a restart.
 */
#include "checksum.h"

#define CHUNK_GROUPS 32u

static uint64_t rate_bytes, position;

uint64_t scrub_position(void)
{
	return position;
}

static void heal_one(uint64_t group)
{
	const struct heal_seen seen = {-1, 0};
	struct heal_result healed;
	struct range_lock l;

	request_lock_group(&l, group, 1, true);
	heal_enter();
	if (heal_group(group, &seen, &healed) != 0)
		sys_log("scrub: group %llu cannot be read\n", (unsigned long long)group);
	heal_leave();
	request_unlock(&l);
}

/* Reads groups from one replica; bit i of *bad: group first + i does not match. */
static void check_replica(uint64_t first, uint32_t count, uint8_t replica, uint64_t *bad)
{
	const uint32_t stride = medium.codec.layout.n + 1;
	struct extent e = {.sector = checksum_group_start(&medium.codec.layout, first),
	                   .sectors = count * stride,
	                   .memory = staging_take(count * stride)};
	struct checksum_mask mask;
	struct range_lock l;
	int r;

	request_lock_group(&l, first, count, false);
	r = lower_transfer(&e, BLK_READ, 0, replica);
	request_unlock(&l);
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *group = e.memory + (size_t)i * stride * SUM_SECTOR;

		if (r != 0 || !checksum_verify_group(&medium.codec, first + i, group, &mask))
			*bad |= 1ull << i;
	}
	staging_give(e.memory);
}

static void scrub(void *arg)
{
	const struct checksum_layout *l = &medium.codec.layout;
	const uint64_t groups = l->data_sectors / l->n;
	const uint32_t fitting = medium.data_max / l->n;
	const uint32_t most = fitting == 0 ? 1 : (fitting < CHUNK_GROUPS ? fitting : CHUNK_GROUPS);

	(void)arg;
	for (;;) {
		uint64_t left = groups - position;
		uint32_t count = left < most ? (uint32_t)left : most;
		uint64_t bytes = (uint64_t)count * (l->n + 1) * SUM_SECTOR * medium.replicas;
		uint64_t bad = 0;

		for (unsigned i = 0; i < medium.replicas; i++)
			check_replica(position, count, medium.replicas > 1 ? (uint8_t)(i + 1) : 0,
			              &bad);
		for (uint32_t i = 0; i < count; i++) {
			if ((bad >> i & 1) != 0)
				heal_one(position + i);
		}
		counters.scrubbed += count;
		position += count;
		if (position == groups) {
			position = 0;
			counters.scrub_rounds++;
		}
		filter_sleep(bytes * 1000000000ull / rate_bytes);
	}
}

void scrub_start(uint64_t bytes_per_second)
{
	rate_bytes = bytes_per_second;
	if (fiber_start(scrub, NULL) == NULL)
		sys_log("scrub: no fiber\n");
}
