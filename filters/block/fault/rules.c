/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules of the fault filter: see rules.h. */
#include "rules.h"
#include <string.h>

static const char *const names[FAULT_KINDS] = {
	[FAULT_NONE] = "none",
	[FAULT_ZERO] = "zero",
	[FAULT_RANDOM] = "random",
	[FAULT_BIT] = "bit",
	[FAULT_ERROR] = "error",
	[FAULT_MISDIRECT] = "misdirect",
	[FAULT_LOST] = "lost",
	[FAULT_TORN] = "torn",
	[FAULT_DELAY] = "delay",
	[FAULT_HANG] = "hang",
	[FAULT_DIE] = "die",
	[FAULT_WRONG_ID] = "wrongid",
	[FAULT_DUPLICATE] = "duplicate",
	[FAULT_SHORT] = "short",
};

const struct fault_grammar fault_grammar = {
	.kinds = names, .kind_count = FAULT_KINDS, .ways = {"read", "write"}, .range = "range"};

static bool is_for_writes(unsigned kind)
{
	return kind == FAULT_LOST || kind == FAULT_TORN;
}

const struct fault_rule *fault_decide(struct fault_rules *r, const struct fault_request *q)
{
	const struct fault_case c = {.way = q->is_write,
	                             .first = q->sector,
	                             .last = q->sector + q->sectors - 1,
	                             .age_us = q->age_us};

	for (unsigned i = 0; i < r->count; i++) {
		if (!q->is_write && is_for_writes(r->rule[i].kind))
			continue;
		if (fault_matches(&r->rule[i], &c) && fault_fires(r, i))
			return &r->rule[i];
	}
	return NULL;
}

void fault_spoil(struct fault_rules *r, enum fault_kind kind, uint8_t sector[BLK_SECTOR])
{
	uint64_t where = fault_random(r) % (BLK_SECTOR * 8);

	if (kind == FAULT_ZERO)
		memset(sector, 0, BLK_SECTOR);
	if (kind == FAULT_BIT)
		sector[where / 8] ^= (uint8_t)(1u << where % 8);
	for (unsigned i = 0; kind == FAULT_RANDOM && i < BLK_SECTOR; i++)
		sector[i] = (uint8_t)(fault_random(r) >> 32);
}
