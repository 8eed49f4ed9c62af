/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Block protocol between a client (mfs, vfs, a filter) and a server (driver, filter). Rules B1-B8 and
 * R1-R5 are in docs/protocols.md; names of rules here are the ones that complaints carry.
 *
 * Control by ASEND both ways, each with an id; data by rings in one region that the client owns,
 * grants (read, write, map) and names in ATTACH. Payload lives in arenas, granted the same way.
 *
 *   region: [ struct ring: requests, client produces ][ struct ring: completions, server produces ]
 *           [ struct blk_element table: BLK_ELEMENTS_MAX for each request slot ]
 *
 * All three parts start on a page boundary; both rings have the same number of slots. The region's
 * geometry follows from `slots` alone (blk_region_*). A request with more than BLK_INLINE elements
 * has them in the table row of its slot (slot = ring index modulo slots).
 */
#ifndef AXOLOTL_BLK_H
#define AXOLOTL_BLK_H

#include "axolotl/arena.h"
#include "axolotl/ipc.h"

enum blk_msg {
	BLK_ATTACH = MSG_BLK_BASE + 1, /* struct blk_attach -> struct blk_rep, value = session */
	BLK_ARENA,                     /* struct arena_announce: session learns of an arena */
	BLK_DETACH,                    /* struct blk_ctl: session ends; everything unmapped */
	BLK_OPEN,                      /* struct blk_ctl: access in arg */
	BLK_CLOSE,                     /* struct blk_ctl */
	BLK_GETINFO,                   /* struct blk_ctl: struct blk_info into the grant */
	BLK_STATUS, /* struct blk_ctl: key=value text into the grant; value = bytes */
	BLK_MSG_END
};

#define BLK_SLOTS_MAX    256 /* of one ring; a power of two */
#define BLK_ELEMENTS_MAX 64
#define BLK_INLINE       2
#define BLK_ARENAS_MAX   8
#define BLK_UNITS_MAX    16
#define BLK_REQUEST_MAX  (4u << 20) /* bytes of one request */
#define BLK_SECTOR       512u

#define BLK_ACCESS_READ  1u
#define BLK_ACCESS_WRITE 2u
#define BLK_ACCESS_JUDGE 4u /* it can tell good contents from bad: BLK_SYNC is its business */

struct blk_attach {
	uint32_t id;
	grant_t region_grant;
	uint64_t region_bytes;
	uint32_t slots;
	uint32_t generation; /* of this ring: R5; changes with every ATTACH */
};
struct blk_ctl {
	uint32_t id;
	uint32_t session;
	uint32_t unit;
	uint32_t arg;
	grant_t grant;
	uint32_t len_bytes;
};
struct blk_rep {
	uint32_t id;
	int32_t result; /* 0 or -errno; -ERESTART: session of an earlier incarnation */
	uint32_t value;
};

#define BLK_FLAG_READONLY       1u
#define BLK_FLAG_VOLATILE_CACHE 2u /* FLUSH means something */
#define BLK_FLAG_FUA            4u /* FUA is native */
#define BLK_FLAG_SYNC           8u /* knows where its replicas may differ: BLK_SYNC works */
struct blk_info {
	uint64_t sectors; /* of BLK_SECTOR bytes */
	uint32_t physical_sector_bytes;
	uint32_t max_bytes; /* of one request */
	uint32_t max_elements;
	uint32_t queue_depth;
	uint32_t replicas; /* 1, or the legs of a mirror: request.replica = 1..replicas */
	uint32_t flags;    /* BLK_FLAG_* */
	char model[40];
	char serial[24];
};

/*
 * BLK_SYNC: after an unclean stop the replicas of a mirror may differ where writes were cut off. A
 * mirror cannot tell which is right, so it leaves that to a client that opened it as JUDGE (it
 * copies by itself only for clients that did not). The judge asks, makes the replicas of what it is
 * told equal by reads and writes with `replica`, makes that durable, reports it and is told the next:
 *
 *     sector, sectors = 0      where may replicas differ, from `sector` on?
 *     sector, sectors > 0      they are equal there now
 *     BLK_REQ_DELEGATE         nobody above can judge: the mirror is to copy from its first leg
 *
 * No elements. Each completion names the first place behind the one that was named; next_sectors =
 * 0: none. All three are idempotent; what was reported and did not reach the medium is asked for
 * again.
 */
enum blk_op { BLK_READ = 1, BLK_WRITE, BLK_FLUSH, BLK_SYNC };

struct blk_element {
	uint64_t offset;    /* in the arena */
	uint32_t len_bytes; /* multiple of BLK_SECTOR; offset is a multiple of 2 at least */
	uint16_t arena;
	uint16_t reserved;
};
_Static_assert(sizeof(struct blk_element) == 16, "element size");

#define BLK_REQ_FUA      1u
#define BLK_REQ_DELEGATE 2u /* of SYNC */
struct blk_request {        /* one ring slot */
	uint32_t id;        /* of the client; unique among pending ones */
	uint8_t op;         /* enum blk_op */
	uint8_t flags;
	uint8_t replica; /* 0 = any */
	uint8_t unit;
	uint64_t sector;
	uint32_t sectors; /* sum of the elements; 0 for FLUSH; SYNC: see above */
	uint16_t elements;
	uint16_t reserved;
	struct blk_element inline_elements[BLK_INLINE];
	uint64_t reserved2;
};
_Static_assert(sizeof(struct blk_request) == 64, "request size");

struct blk_completion { /* one ring slot */
	uint32_t id;
	int32_t status; /* 0 or -errno: EIO, EROFS, EINVAL (outside the medium), ERESTART, ETIMEDOUT */
	uint64_t bytes;                /* B2: full count, or less and a status */
	uint64_t t_start_ns, t_end_ns; /* server's own time, for tracing */
	uint32_t replica;              /* that served a read, 0 = unknown */
	uint32_t reserved;
	/* SYNC only: where replicas may differ, and bit i: replica i + 1 is one of them. */
	uint64_t next_sector;
	uint32_t next_sectors;
	uint32_t next_replicas;
	uint64_t reserved2;
};
_Static_assert(sizeof(struct blk_completion) == 64, "completion size");

/* Names of rules in complaints (RS_COMPLAIN). */
enum proto_rule {
	RULE_NONE,
	RULE_R3,
	RULE_R4,
	RULE_R5,
	RULE_B1,
	RULE_B2,
	RULE_B3,
	RULE_B4,
	RULE_B5,
	RULE_B6,
	RULE_B7,
	RULE_B8,
	RULE_N1,
	RULE_N2,
	RULE_N3,
	RULE_N4,
	RULE_N5,
	RULE_N6,
	RULE_COUNT
};

#endif
