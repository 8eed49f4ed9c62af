/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session made by hand: each case may get any part of it wrong. Private to blocktest.
 */
#ifndef BLOCKTEST_RAW_H
#define BLOCKTEST_RAW_H

#include "blocktest.h"
#include "ring/blk_region.h"

#define RAW_SLOTS   32
#define ARENA_PAGES 1100 /* the largest request, and pages around it */
#define REPLY_NS    3000000000ull
#define NO_ANSWER   1 /* a result that no server gives */

struct raw {
	endpoint_t ep;
	uint8_t *regions[2];
	void *region; /* one of them */
	size_t region_bytes;
	grant_t region_grant, arena_grant;
	uint32_t generation, session;
	struct ring_producer requests;
	struct ring_consumer completions;
	struct blk_info info;
	uint32_t last_id;
};
extern struct raw raw;
extern uint8_t *raw_arena; /* ARENA_PAGES; arena 0 of a ready session */

/* Control requests: result of the reply, NO_ANSWER after REPLY_NS. */
int raw_control(uint32_t type, void *payload, size_t len, uint32_t *value);
int raw_attach(void); /* a session with good rings; 0 or -errno */
int raw_attach_with(const struct blk_attach *req);
int raw_add_arena(unsigned arena, grant_t grant, uint64_t len_bytes, unsigned is_readonly);
int raw_ctl(uint32_t type, uint32_t unit, uint32_t arg);
int raw_getinfo(uint32_t unit, struct blk_info *info, uint32_t len_bytes);
/* Attached, arena 0 there, the unit open with `access`, info known; false: not to be had. */
bool raw_ready(unsigned access);
bool raw_prepare(void); /* memory, once */

/* A request for `sectors` at `sector` into arena 0 at `offset`. */
struct blk_request raw_request(enum blk_op op, uint64_t sector, uint32_t sectors, uint64_t offset);
/* Pushes it (elements beyond BLK_INLINE: `row`), waits for its completion. Status, or NO_ANSWER. */
int raw_do(struct blk_request *r, const struct blk_element *row, struct blk_completion *c);
bool raw_push(struct blk_request *r, const struct blk_element *row);
bool raw_pop(struct blk_completion *c, uint64_t timeout_ns);

#endif
