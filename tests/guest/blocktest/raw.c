/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions by hand: see raw.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "raw.h"

#define POLL_NS 20000000ull

struct raw raw;
uint8_t *raw_arena;

static struct {
	uint32_t id;
	uint32_t type;
	bool is_there;
	struct blk_rep rep;
} wanted;

bool raw_message(const struct msg *in)
{
	struct blk_rep rep;

	msg_get(in, &rep);
	if (wanted.id == 0 || in->source != raw.ep || in->type != (wanted.type | MSG_REPLY) ||
	    rep.id != wanted.id)
		return false;
	wanted.rep = rep;
	wanted.is_there = true;
	return true;
}

int raw_control(uint32_t type, void *payload, size_t len, uint32_t *value)
{
	uint64_t deadline = now_ns() + REPLY_NS;
	struct msg m;

	wanted.id = ++raw.last_id;
	wanted.type = type;
	wanted.is_there = false;
	memcpy(payload, &wanted.id, sizeof(wanted.id));
	msg_put_bytes(&m, type, payload, len);
	if (sys_asend(raw.ep, &m) != 0)
		return NO_ANSWER;
	while (!wanted.is_there && now_ns() < deadline)
		tester_wait(POLL_NS);
	wanted.id = 0;
	if (!wanted.is_there)
		return NO_ANSWER;
	if (value != NULL)
		*value = wanted.rep.value;
	return wanted.rep.result;
}

bool raw_prepare(void)
{
	if (raw.region != NULL)
		return true;
	raw.region_bytes = blk_region_bytes(RAW_SLOTS);
	raw.regions[0] = aligned_alloc(PAGE_BYTES, 2 * raw.region_bytes);
	raw.regions[1] = raw.regions[0] + raw.region_bytes;
	raw.region = raw.regions[0];
	raw_arena = aligned_alloc(PAGE_BYTES, ARENA_PAGES * PAGE_BYTES);
	if (raw.regions[0] == NULL || raw_arena == NULL)
		return false;
	memset(raw.regions[0], 0, 2 * raw.region_bytes);
	memset(raw_arena, 0, ARENA_PAGES * PAGE_BYTES);
	raw.region_grant = raw.arena_grant = GRANT_INVALID;
	return true;
}

int raw_attach_with(const struct blk_attach *req)
{
	struct blk_attach copy = *req;

	return raw_control(BLK_ATTACH, &copy, sizeof(copy), &raw.session);
}

int raw_attach(void)
{
	struct blk_attach req;
	int err;

	raw.ep = wait_server(EP_NONE, REPLY_NS);
	if (!raw_prepare() || raw.ep == EP_NONE)
		return -ENOMEM;
	grant_revoke(raw.region_grant);
	raw.generation++;
	/* Until it has got ATTACH, the server still writes completions of the last session into that
	 * session's region (R5): two of them take turns. */
	raw.region = raw.regions[raw.generation % 2];
	ring_init(blk_region_requests(raw.region), RAW_SLOTS, raw.generation);
	ring_init(blk_region_completions(raw.region, RAW_SLOTS), RAW_SLOTS, raw.generation);
	err = ring_producer_attach(&raw.requests, blk_region_requests(raw.region), RAW_SLOTS,
	                           raw.generation);
	if (err == 0)
		err = ring_consumer_attach(&raw.completions,
		                           blk_region_completions(raw.region, RAW_SLOTS), RAW_SLOTS,
		                           raw.generation);
	raw.region_grant = grant_direct(raw.ep, raw.region, raw.region_bytes,
	                                GRANT_READ | GRANT_WRITE | GRANT_MAP);
	req = (struct blk_attach){.region_grant = raw.region_grant,
	                          .region_bytes = raw.region_bytes,
	                          .slots = RAW_SLOTS,
	                          .generation = raw.generation};
	return err != 0 ? err : raw_attach_with(&req);
}

int raw_add_arena(unsigned arena, grant_t grant, uint64_t len_bytes, unsigned is_readonly)
{
	struct arena_announce req = {.session = raw.session,
	                             .arena = (uint16_t)arena,
	                             .is_readonly = (uint16_t)is_readonly,
	                             .grant = grant,
	                             .len_bytes = len_bytes};

	return raw_control(BLK_ARENA, &req, sizeof(req), NULL);
}

int raw_ctl(uint32_t type, uint32_t unit, uint32_t arg)
{
	struct blk_ctl req = {
		.session = raw.session, .unit = unit, .arg = arg, .grant = GRANT_INVALID};

	return raw_control(type, &req, sizeof(req), NULL);
}

int raw_getinfo(uint32_t unit, struct blk_info *info, uint32_t len_bytes)
{
	struct blk_ctl req = {.session = raw.session, .unit = unit, .len_bytes = len_bytes};
	int result;

	req.grant = grant_direct(raw.ep, info, sizeof(*info), GRANT_WRITE);
	result = raw_control(BLK_GETINFO, &req, sizeof(req), NULL);
	grant_revoke(req.grant);
	return result;
}

/* A filter that passes arenas on has few of them, and those of lost sessions come back only when their
 * requests are done. */
static bool add_main_arena(void)
{
	for (unsigned i = 0; i < 100; i++) {
		grant_revoke(raw.arena_grant);
		raw.arena_grant = grant_direct(raw.ep, raw_arena, ARENA_PAGES * PAGE_BYTES,
		                               GRANT_READ | GRANT_WRITE | GRANT_MAP);
		if (raw_add_arena(0, raw.arena_grant, ARENA_PAGES * PAGE_BYTES, 0) == 0)
			return true;
		tester_wait(POLL_NS);
	}
	return false;
}

bool raw_ready(unsigned access)
{
	return raw_attach() == 0 && add_main_arena() &&
	       raw_ctl(BLK_OPEN, test_unit.unit, access) == 0 &&
	       raw_getinfo(test_unit.unit, &raw.info, sizeof(raw.info)) == 0;
}

struct blk_request raw_request(enum blk_op op, uint64_t sector, uint32_t sectors, uint64_t offset)
{
	struct blk_request r = {.op = (uint8_t)op,
	                        .unit = (uint8_t)test_unit.unit,
	                        .sector = sector,
	                        .sectors = sectors,
	                        .elements = sectors > 0};

	r.inline_elements[0] =
		(struct blk_element){.offset = offset, .len_bytes = sectors * BLK_SECTOR};
	if (sectors == 0)
		r.inline_elements[0].len_bytes = 0;
	return r;
}

bool raw_push(struct blk_request *r, const struct blk_element *row)
{
	unsigned count = r->elements < BLK_ELEMENTS_MAX ? r->elements : BLK_ELEMENTS_MAX;

	r->id = ++raw.last_id;
	if (row != NULL)
		memcpy(blk_region_row(raw.region, RAW_SLOTS, ring_next_slot(&raw.requests)), row,
		       count * sizeof(*row));
	if (ring_push(&raw.requests, r) != 0)
		return false;
	if (ring_producer_must_ring(&raw.requests))
		ipc_notify(raw.ep);
	return true;
}

bool raw_pop(struct blk_completion *c, uint64_t timeout_ns)
{
	uint64_t deadline = now_ns() + timeout_ns;

	for (;;) {
		int r = ring_pop(&raw.completions, c);

		if (r == 0)
			return true;
		if (r != -EAGAIN || now_ns() > deadline)
			return false;
		if (ring_consumer_may_sleep(&raw.completions))
			tester_wait(POLL_NS);
	}
}

int raw_do(struct blk_request *r, const struct blk_element *row, struct blk_completion *c)
{
	struct blk_completion own;

	if (c == NULL)
		c = &own;
	if (!raw_push(r, row) || !raw_pop(c, REPLY_NS) || c->id != r->id)
		return NO_ANSWER;
	return c->status;
}
