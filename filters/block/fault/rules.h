/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of the fault filter: text, decision, chance. Pure and seeded: the same requests meet the same
 * faults.
 *
 *   rules = rule { ";" rule }        rule = KIND { word }, words between blanks or commas
 *   KIND    zero random bit          contents of one sector: zeroes, noise, one bit flipped
 *           error                    the request fails with EIO and is not done
 *           misdirect                it goes to (comes from) other sectors
 *           lost torn                a write is not done; only its first half is done
 *           delay hang die           answered later; never; the filter itself ends
 *           wrongid duplicate short  done, but the answer names another request; comes twice; says that
 *                                    less was done (lies of a server: B2-B4)
 *   word    read | write             only these (default: both)
 *           range=FIRST-LAST         sectors
 *           skip=N  count=N          let N matching requests pass; fire at most N times (0: no limit)
 *           prob=N                   chance in a million (default 1000000)
 *           at=DURATION              not before so much time since the filter started
 *           for=DURATION             of delay (default 100ms)
 *
 *   "bit,write,prob=2000,count=50;hang,read,skip=1000,count=1"
 */
#ifndef FAULT_RULES_H
#define FAULT_RULES_H

#include "axolotl/blk.h"
#include "faultrule/faultrule.h"

#define RULES_MAX FAULT_RULES_MAX

enum fault_kind {
	FAULT_NONE,
	FAULT_ZERO,
	FAULT_RANDOM,
	FAULT_BIT,
	FAULT_ERROR,
	FAULT_MISDIRECT,
	FAULT_LOST,
	FAULT_TORN,
	FAULT_DELAY,
	FAULT_HANG,
	FAULT_DIE,
	FAULT_WRONG_ID,
	FAULT_DUPLICATE,
	FAULT_SHORT,
	FAULT_KINDS
};
const char *fault_name(enum fault_kind kind);

struct fault_rule {
	enum fault_kind kind;
	bool on_read, on_write;
	uint64_t first, last; /* sectors */
	struct fault_when when;
};

struct fault_rules {
	struct fault_rule rule[RULES_MAX];
	unsigned count;
	struct fault_state state;
};

/* 0, or -EINVAL and the column (from 1) of what was not understood. */
int fault_parse(struct fault_rules *r, const char *text, unsigned *column) MUST_CHECK;
void fault_seed(struct fault_rules *r, uint64_t seed);

struct fault_request {
	bool is_write;
	uint64_t sector;
	uint32_t sectors;
	uint64_t age_us; /* of the filter */
};
/* The rule that fires now, or NULL. */
const struct fault_rule *fault_decide(struct fault_rules *r, const struct fault_request *q);
uint64_t fault_random(struct fault_rules *r);

/* Spoils one sector. */
void fault_spoil(struct fault_rules *r, enum fault_kind kind, uint8_t sector[BLK_SECTOR]);

#endif
