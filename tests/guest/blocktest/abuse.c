/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cases about requests and rings that break the rules: each must be refused, and the server must go
 * on serving. Bad requests are a table: what is changed in a good one, and the status that is due.
 */
#include <errno.h>
#include <string.h>

#include "raw.h"

/* A good read of two sectors is changed by one of these. */
struct bad {
	const char *name;
	void (*change)(struct blk_request *r);
	int status;
};

static void op_zero(struct blk_request *r)
{
	r->op = 0;
}

static void op_unknown(struct blk_request *r)
{
	r->op = BLK_SYNC + 1;
}

static void op_255(struct blk_request *r)
{
	r->op = 255;
}

static void unit_outside(struct blk_request *r)
{
	r->unit = BLK_UNITS_MAX;
}

static void unit_255(struct blk_request *r)
{
	r->unit = 255;
}

static void unit_not_open(struct blk_request *r)
{
	r->unit = (uint8_t)((test_unit.unit + 1) % BLK_UNITS_MAX);
}

static void flags_unknown(struct blk_request *r)
{
	r->flags = 0x80;
}

static void fua_on_read(struct blk_request *r)
{
	r->flags = BLK_REQ_FUA;
}

static void reserved_set(struct blk_request *r)
{
	r->reserved = 1;
}

static void reserved2_set(struct blk_request *r)
{
	r->reserved2 = 1ull << 63;
}

static void no_sectors(struct blk_request *r)
{
	r->sectors = 0;
}

static void no_elements(struct blk_request *r)
{
	r->elements = 0;
}

static void fewer_sectors_than_elements(struct blk_request *r)
{
	r->sectors = 1;
}

static void more_sectors_than_elements(struct blk_request *r)
{
	r->sectors = 3;
}

static void sectors_huge(struct blk_request *r)
{
	r->sectors = UINT32_MAX;
}

static void starts_at_the_end(struct blk_request *r)
{
	r->sector = raw.info.sectors;
}

static void crosses_the_end(struct blk_request *r)
{
	r->sector = raw.info.sectors - 1;
}

static void far_outside(struct blk_request *r)
{
	r->sector = 1ull << 60;
}

static void position_wraps(struct blk_request *r)
{
	r->sector = UINT64_MAX;
}

static void too_many_elements(struct blk_request *r)
{
	r->elements = BLK_ELEMENTS_MAX + 1;
}

static void elements_65535(struct blk_request *r)
{
	r->elements = UINT16_MAX;
}

static void element_empty(struct blk_request *r)
{
	r->elements = 2;
	r->inline_elements[1] = (struct blk_element){.len_bytes = 0};
}

static void element_of_half_a_sector(struct blk_request *r)
{
	r->elements = 2;
	r->inline_elements[0].len_bytes = 768;
	r->inline_elements[1] = (struct blk_element){.offset = 4096, .len_bytes = 256};
}

static void element_at_odd_offset(struct blk_request *r)
{
	r->inline_elements[0].offset = 1;
}

static void element_behind_the_arena(struct blk_request *r)
{
	r->inline_elements[0].offset = ARENA_PAGES * PAGE_BYTES;
}

static void element_crosses_the_arena(struct blk_request *r)
{
	r->inline_elements[0].offset = ARENA_PAGES * PAGE_BYTES - BLK_SECTOR;
}

static void element_wraps(struct blk_request *r)
{
	r->inline_elements[0].offset = 0ull - BLK_SECTOR;
}

static void element_length_huge(struct blk_request *r)
{
	r->inline_elements[0].len_bytes = 0xfffffe00u;
}

static void arena_not_there(struct blk_request *r)
{
	r->inline_elements[0].arena = 1;
}

static void arena_outside(struct blk_request *r)
{
	r->inline_elements[0].arena = BLK_ARENAS_MAX;
}

static void arena_65535(struct blk_request *r)
{
	r->inline_elements[0].arena = UINT16_MAX;
}

static void element_reserved_set(struct blk_request *r)
{
	r->inline_elements[0].reserved = 1;
}

static void replica_unknown(struct blk_request *r)
{
	r->replica = 255;
}

static void flush_with_sectors(struct blk_request *r)
{
	r->op = BLK_FLUSH;
	r->elements = 0;
}

static void flush_with_elements(struct blk_request *r)
{
	r->op = BLK_FLUSH;
	r->sectors = 0;
}

static const struct bad bad_requests[] = {
	{"op_zero", op_zero, -EINVAL},
	{"op_unknown", op_unknown, -EINVAL},
	{"op_255", op_255, -EINVAL},
	{"unit_outside", unit_outside, -EINVAL},
	{"unit_255", unit_255, -EINVAL},
	{"unit_not_open", unit_not_open, -ERESTART},
	{"flags_unknown", flags_unknown, -EINVAL},
	{"fua_on_read", fua_on_read, -EINVAL},
	{"reserved_set", reserved_set, -EINVAL},
	{"reserved2_set", reserved2_set, -EINVAL},
	{"no_sectors", no_sectors, -EINVAL},
	{"no_elements", no_elements, -EINVAL},
	{"fewer_sectors_than_elements", fewer_sectors_than_elements, -EINVAL},
	{"more_sectors_than_elements", more_sectors_than_elements, -EINVAL},
	{"sectors_huge", sectors_huge, -EINVAL},
	{"starts_at_the_end", starts_at_the_end, -EINVAL},
	{"crosses_the_end", crosses_the_end, -EINVAL},
	{"far_outside", far_outside, -EINVAL},
	{"position_wraps", position_wraps, -EINVAL},
	{"too_many_elements", too_many_elements, -EINVAL},
	{"elements_65535", elements_65535, -EINVAL},
	{"element_empty", element_empty, -EINVAL},
	{"element_of_half_a_sector", element_of_half_a_sector, -EINVAL},
	{"element_at_odd_offset", element_at_odd_offset, -EINVAL},
	{"element_behind_the_arena", element_behind_the_arena, -EINVAL},
	{"element_crosses_the_arena", element_crosses_the_arena, -EINVAL},
	{"element_wraps", element_wraps, -EINVAL},
	{"element_length_huge", element_length_huge, -EINVAL},
	{"arena_not_there", arena_not_there, -EINVAL},
	{"arena_outside", arena_outside, -EINVAL},
	{"arena_65535", arena_65535, -EINVAL},
	{"element_reserved_set", element_reserved_set, -EINVAL},
	{"replica_unknown", replica_unknown, -EINVAL},
	{"flush_with_sectors", flush_with_sectors, -EINVAL},
	{"flush_with_elements", flush_with_elements, -EINVAL},
};
#define BAD_REQUESTS (sizeof(bad_requests) / sizeof(bad_requests[0]))

/* The bad one is refused with no byte moved, and a good one after it works. */
static const char *run_bad(const struct bad *b)
{
	struct blk_request r, good;
	struct blk_completion c = {.bytes = 1};
	int status;

	CHECK(raw_ready(BLK_ACCESS_READ));
	r = raw_request(BLK_READ, 0, 2, 0);
	good = r;
	b->change(&r);
	memset(raw_arena, 0x77, 2 * BLK_SECTOR);
	status = raw_do(&r, NULL, &c);
	if (status != b->status)
		tester_say("blocktest:   %s: status %d, wanted %d\n", b->name, status, b->status);
	CHECK(status == b->status);
	CHECK(c.bytes == 0);
	for (unsigned i = 0; i < 2 * BLK_SECTOR; i++)
		CHECK(raw_arena[i] == 0x77);
	CHECK(raw_do(&good, NULL, NULL) == 0);
	return NULL;
}

static const char *bad_requests_are_refused(void)
{
	const char *why = NULL;

	for (unsigned i = 0; i < BAD_REQUESTS; i++) {
		const char *this = run_bad(&bad_requests[i]);

		if (this != NULL)
			tester_say("blocktest: FAIL bad request %s: %s\n", bad_requests[i].name,
			           this);
		else
			tester_say("blocktest: ok   bad request %s\n", bad_requests[i].name);
		if (this != NULL)
			why = this;
	}
	return why;
}

static const char *read_into_readonly_arena_is_refused(void)
{
	struct blk_request r = raw_request(BLK_READ, 0, 1, 0);
	grant_t g;
	int added;

	CHECK(raw_ready(BLK_ACCESS_READ));
	g = grant_direct(raw.ep, raw_arena, PAGE_BYTES, GRANT_READ | GRANT_MAP);
	added = raw_add_arena(1, g, PAGE_BYTES, 1);
	grant_revoke(g);
	if (added != 0)
		return SKIPPED; /* the server needs to pin it, and cannot */
	r.inline_elements[0].arena = 1;
	CHECK(raw_do(&r, NULL, NULL) == -EINVAL);
	return NULL;
}

/* ---- rings ---- */

/* After an abuse the session may be gone, but the server serves the next one. */
static const char *next_session_works(void)
{
	struct blk_request r = raw_request(BLK_READ, 0, 1, 0);
	endpoint_t before = raw.ep;

	CHECK(raw_ready(BLK_ACCESS_READ));
	CHECK(raw.ep == before); /* it is the same incarnation */
	CHECK(raw_do(&r, NULL, NULL) == 0);
	return NULL;
}

static const char *jumping_request_index_ends_the_session_only(void)
{
	CHECK(raw_ready(BLK_ACCESS_READ));
	__atomic_fetch_add(&raw.requests.shared->produced, 1000, __ATOMIC_SEQ_CST);
	ipc_notify(raw.ep);
	return next_session_works();
}

static const char *request_index_going_back_ends_the_session_only(void)
{
	CHECK(raw_ready(BLK_ACCESS_READ));
	__atomic_fetch_sub(&raw.requests.shared->produced, 5, __ATOMIC_SEQ_CST);
	ipc_notify(raw.ep);
	return next_session_works();
}

static const char *jumping_completion_index_ends_the_session_only(void)
{
	struct blk_request r = raw_request(BLK_READ, 0, 1, 0);

	CHECK(raw_ready(BLK_ACCESS_READ));
	__atomic_fetch_add(&raw.completions.shared->consumed, 99, __ATOMIC_SEQ_CST);
	CHECK(raw_push(&r, NULL));
	ipc_notify(raw.ep);
	return next_session_works();
}

static const char *scribbled_ring_headers_do_no_harm(void)
{
	struct blk_request r = raw_request(BLK_READ, 0, 1, 0);

	CHECK(raw_ready(BLK_ACCESS_READ));
	raw.requests.shared->magic = 0;
	raw.requests.shared->slots = 0xffffffffu;
	raw.requests.shared->slot_bytes = 0;
	raw.completions.shared->slots = 0;
	CHECK(raw_do(&r, NULL, NULL) == 0);
	return next_session_works();
}

static const char *unconsumed_completions_do_no_harm(void)
{
	CHECK(raw_ready(BLK_ACCESS_READ));
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < RAW_SLOTS; i++) {
			struct blk_request r = raw_request(BLK_READ, 0, 1, 0);

			if (!raw_push(&r, NULL))
				tester_wait(1000000);
		}
	tester_wait(50000000);
	return next_session_works();
}

static const char *stray_doorbells_do_no_harm(void)
{
	CHECK(raw_ready(BLK_ACCESS_READ));
	for (unsigned i = 0; i < 200; i++)
		ipc_notify(raw.ep);
	return next_session_works();
}

static const char *session_lost_with_requests_pending_is_cleaned_up(void)
{
	for (unsigned n = 0; n < 20; n++) {
		CHECK(raw_ready(BLK_ACCESS_READ));
		for (unsigned i = 0; i < RAW_SLOTS; i++) {
			struct blk_request r = raw_request(BLK_READ, 0, 8, i * PAGE_BYTES);

			CHECK(raw_push(&r, NULL));
		}
	}
	return next_session_works();
}

static const char *revoked_arena_grant_does_no_harm(void)
{
	struct blk_request r = raw_request(BLK_READ, 0, 1, 0);

	CHECK(raw_ready(BLK_ACCESS_READ));
	grant_revoke(raw.arena_grant);
	raw.arena_grant = GRANT_INVALID;
	/* A server that has mapped it serves; a filter that has yet to pass it on cannot. */
	CHECK(raw_do(&r, NULL, NULL) != NO_ANSWER);
	return next_session_works();
}

/* ---- death ---- */

static const char *death_forgets_session_and_opens(void)
{
	endpoint_t before;
	uint32_t session;

	CHECK(raw_ready(BLK_ACCESS_READ));
	before = raw.ep;
	session = raw.session;
	sys_complain(before, RULE_B8, test_unit.unit, 0, "blocktest", 9);
	CHECK(wait_server(before, REPLY_NS) != EP_NONE);
	raw.ep = wait_server(before, REPLY_NS);
	raw.session = session;
	CHECK(raw_ctl(BLK_OPEN, test_unit.unit, BLK_ACCESS_READ) == -ERESTART);
	CHECK(raw_ready(BLK_ACCESS_READ));
	return NULL;
}

static const char *data_survives_the_death_of_the_server(void)
{
	struct blk_request w = raw_request(BLK_WRITE, 24, 8, 0);
	struct blk_request r = raw_request(BLK_READ, 24, 8, PAGE_BYTES);
	endpoint_t before;

	if (!test_unit.may_write || !raw_ready(BLK_ACCESS_READ | BLK_ACCESS_WRITE))
		return SKIPPED;
	before = raw.ep;
	memset(raw_arena, 0xc3, PAGE_BYTES);
	CHECK(raw_do(&w, NULL, NULL) == 0);
	sys_complain(before, RULE_B8, test_unit.unit, 0, "blocktest", 9);
	CHECK(wait_server(before, REPLY_NS) != EP_NONE);
	CHECK(raw_ready(BLK_ACCESS_READ));
	CHECK(raw_do(&r, NULL, NULL) == 0);
	CHECK(memcmp(raw_arena, raw_arena + PAGE_BYTES, PAGE_BYTES) == 0);
	return NULL;
}

const struct case_row abuse_cases[] = {
	{"bad_requests_are_refused", bad_requests_are_refused},
	{"read_into_readonly_arena_is_refused", read_into_readonly_arena_is_refused},
	{"jumping_request_index_ends_the_session_only",
         jumping_request_index_ends_the_session_only},
	{"request_index_going_back_ends_the_session_only",
         request_index_going_back_ends_the_session_only},
	{"jumping_completion_index_ends_the_session_only",
         jumping_completion_index_ends_the_session_only},
	{"scribbled_ring_headers_do_no_harm", scribbled_ring_headers_do_no_harm},
	{"unconsumed_completions_do_no_harm", unconsumed_completions_do_no_harm},
	{"stray_doorbells_do_no_harm", stray_doorbells_do_no_harm},
	{"session_lost_with_requests_pending_is_cleaned_up",
         session_lost_with_requests_pending_is_cleaned_up},
	{"revoked_arena_grant_does_no_harm", revoked_arena_grant_does_no_harm},
	{"death_forgets_session_and_opens", death_forgets_session_and_opens},
	{"data_survives_the_death_of_the_server", data_survives_the_death_of_the_server},
};
const unsigned abuse_case_count = sizeof(abuse_cases) / sizeof(abuse_cases[0]);
