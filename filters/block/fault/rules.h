/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules of the fault filter. The language, counting and chance are those of lib/faultrule. Pure and seeded:
 * the same requests meet the same faults.
 *
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
extern const struct fault_grammar fault_grammar; /* ways: read, write; range: sectors */

struct fault_request {
	bool is_write;
	uint64_t sector;
	uint32_t sectors;
	uint64_t age_us; /* of the filter */
};
/* The rule that fires now, or NULL. */
const struct fault_rule *fault_decide(struct fault_rules *r, const struct fault_request *q);

/* Spoils one sector. */
void fault_spoil(struct fault_rules *r, enum fault_kind kind, uint8_t sector[BLK_SECTOR]);

#endif
