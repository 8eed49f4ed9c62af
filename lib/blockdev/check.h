/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Validation of what the other side wrote into a ring: requests (by the server half) and
 * completions (by the client half). Pure: they look at private copies only (R3) and change nothing.
 */
#ifndef LIB_BLOCKDEV_CHECK_H
#define LIB_BLOCKDEV_CHECK_H

#include "arena/arena.h"
#include "axolotl/blk.h"

_Static_assert(BLK_ARENAS_MAX == ARENAS_MAX, "tables of lib/arena");

/* What the session and the unit allow. */
struct blk_limits {
	bool is_open;    /* the unit, by this session, in this incarnation (B1) */
	unsigned access; /* BLK_ACCESS_* of that open */
	const struct blk_info *info;
	const struct arena_view *arenas; /* BLK_ARENAS_MAX of them */
};

/* 0, or the status that the request is completed with: -ERESTART (B1), -EINVAL (malformed, or
 * outside the medium), -EACCES (access bits), -EROFS. `elements`: r->elements of them, if <=
 * BLK_ELEMENTS_MAX. */
int blk_check_request(const struct blk_request *r, const struct blk_element *elements,
                      const struct blk_limits *limits) MUST_CHECK;
/* Is the unit number in range and the shape of the request one that can be looked at at all? */
bool blk_request_is_sane(const struct blk_request *r);

/* RULE_NONE, or the rule that a completion of a request of `full_bytes` breaks. */
enum proto_rule blk_check_completion(const struct blk_completion *c, enum blk_op op,
                                     uint64_t full_bytes);
/* Bytes that a request moves: none for SYNC, whose sectors are only named. */
static inline uint64_t blk_payload_bytes(enum blk_op op, uint32_t sectors)
{
	return op == BLK_SYNC ? 0 : (uint64_t)sectors * BLK_SECTOR;
}

#endif
