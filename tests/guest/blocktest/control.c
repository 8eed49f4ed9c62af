/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cases about control messages: attaching, arenas, opening, information.
 */
#include <errno.h>
#include <string.h>

#include "raw.h"

#define ARENA_BYTES ((uint64_t)ARENA_PAGES * PAGE_BYTES)

static bool is_refused(int result)
{
	return result < 0;
}

/* ---- ATTACH ---- */

static const char *attach_works(void)
{
	CHECK(raw_attach() == 0);
	return NULL;
}

/* ATTACH with one field changed. */
static int attach_changed(uint32_t slots, int64_t more_bytes, uint32_t more_generation,
                          grant_t grant)
{
	struct blk_attach req = {.slots = slots, .generation = raw.generation + more_generation};

	if (raw_attach() != 0)
		return NO_ANSWER;
	req.generation = raw.generation + more_generation;
	req.region_grant = grant == 0 ? raw.region_grant : grant;
	req.region_bytes = (uint64_t)((int64_t)raw.region_bytes + more_bytes);
	return raw_attach_with(&req);
}

static const char *attach_zero_slots_is_refused(void)
{
	CHECK(is_refused(attach_changed(0, 0, 0, 0)));
	return NULL;
}

static const char *attach_odd_slots_is_refused(void)
{
	CHECK(is_refused(attach_changed(33, 0, 0, 0)));
	return NULL;
}

static const char *attach_too_many_slots_is_refused(void)
{
	CHECK(is_refused(attach_changed(BLK_SLOTS_MAX * 2, 0, 0, 0)));
	CHECK(is_refused(attach_changed(0x80000000u, 0, 0, 0)));
	return NULL;
}

static const char *attach_wrong_size_is_refused(void)
{
	CHECK(is_refused(attach_changed(RAW_SLOTS, -(int64_t)PAGE_BYTES, 0, 0)));
	CHECK(is_refused(attach_changed(RAW_SLOTS, (int64_t)PAGE_BYTES, 0, 0)));
	CHECK(is_refused(attach_changed(RAW_SLOTS, INT64_MIN, 0, 0)));
	return NULL;
}

static const char *attach_more_slots_than_region_is_refused(void)
{
	CHECK(is_refused(attach_changed(RAW_SLOTS * 2, 0, 0, 0)));
	return NULL;
}

static const char *attach_wrong_generation_is_refused(void)
{
	CHECK(is_refused(attach_changed(RAW_SLOTS, 0, 1, 0)));
	return NULL;
}

static const char *attach_invented_grant_is_refused(void)
{
	CHECK(is_refused(attach_changed(RAW_SLOTS, 0, 0, GRANT_INVALID)));
	CHECK(is_refused(attach_changed(RAW_SLOTS, 0, 0, 0x7fff0fff)));
	return NULL;
}

static const char *attach_revoked_grant_is_refused(void)
{
	grant_t g;

	CHECK(raw_attach() == 0);
	g = grant_direct(raw.ep, raw.region, raw.region_bytes,
	                 GRANT_READ | GRANT_WRITE | GRANT_MAP);
	grant_revoke(g);
	CHECK(is_refused(attach_changed(RAW_SLOTS, 0, 0, g)));
	return NULL;
}

static const char *attach_with_grant(endpoint_t to, unsigned access)
{
	grant_t g;
	int result;

	CHECK(raw_attach() == 0);
	g = grant_direct(to, raw.region, raw.region_bytes, access);
	result = attach_changed(RAW_SLOTS, 0, 0, g);
	grant_revoke(g);
	CHECK(is_refused(result));
	return NULL;
}

static const char *attach_grant_without_map_is_refused(void)
{
	return attach_with_grant(raw.ep, GRANT_READ | GRANT_WRITE);
}

static const char *attach_readonly_region_is_refused(void)
{
	return attach_with_grant(raw.ep, GRANT_READ | GRANT_MAP);
}

static const char *attach_grant_of_another_grantee_is_refused(void)
{
	return attach_with_grant(EP_DS, GRANT_READ | GRANT_WRITE | GRANT_MAP);
}

static const char *second_attach_ends_the_first_session(void)
{
	uint32_t first;

	CHECK(raw_attach() == 0);
	first = raw.session;
	CHECK(raw_attach() == 0);
	CHECK(raw.session != first);
	raw.session = first;
	CHECK(raw_ctl(BLK_OPEN, test_unit.unit, BLK_ACCESS_READ) == -ERESTART);
	return NULL;
}

static const char *many_sessions_in_a_row_are_served(void)
{
	for (unsigned i = 0; i < 40; i++)
		CHECK(raw_attach() == 0);
	return NULL;
}

/* ---- ARENA ---- */

static grant_t arena_grant(size_t len, unsigned access)
{
	return grant_direct(raw.ep, raw_arena, len, access);
}

static int add_arena(unsigned arena, size_t granted, uint64_t len, unsigned is_readonly)
{
	grant_t g;
	int result;

	if (raw_attach() != 0)
		return NO_ANSWER;
	g = arena_grant(granted, GRANT_READ | GRANT_WRITE | GRANT_MAP);
	result = raw_add_arena(arena, g, len, is_readonly);
	grant_revoke(g);
	return result;
}

static const char *arena_works(void)
{
	CHECK(add_arena(0, PAGE_BYTES, PAGE_BYTES, 0) == 0);
	CHECK(add_arena(BLK_ARENAS_MAX - 1, PAGE_BYTES, PAGE_BYTES, 0) == 0);
	return NULL;
}

static const char *arena_of_unknown_session_is_refused(void)
{
	CHECK(raw_attach() == 0);
	raw.session += 77;
	CHECK(raw_add_arena(0, GRANT_INVALID, PAGE_BYTES, 0) == -ERESTART);
	return NULL;
}

static const char *arena_number_out_of_range_is_refused(void)
{
	CHECK(is_refused(add_arena(BLK_ARENAS_MAX, PAGE_BYTES, PAGE_BYTES, 0)));
	CHECK(is_refused(add_arena(0xffff, PAGE_BYTES, PAGE_BYTES, 0)));
	return NULL;
}

static const char *arena_of_zero_bytes_is_refused(void)
{
	CHECK(is_refused(add_arena(0, PAGE_BYTES, 0, 0)));
	return NULL;
}

static const char *arena_of_part_of_a_page_is_refused(void)
{
	CHECK(is_refused(add_arena(0, PAGE_BYTES, 100, 0)));
	return NULL;
}

static const char *arena_longer_than_its_grant_is_refused(void)
{
	CHECK(is_refused(add_arena(0, PAGE_BYTES, 2 * PAGE_BYTES, 0)));
	return NULL;
}

static const char *arena_of_absurd_length_is_refused(void)
{
	CHECK(is_refused(add_arena(0, PAGE_BYTES, 1ull << 62, 0)));
	CHECK(is_refused(add_arena(0, PAGE_BYTES, 0ull - PAGE_BYTES, 0)));
	return NULL;
}

static const char *arena_with_invented_grant_is_refused(void)
{
	CHECK(raw_attach() == 0);
	CHECK(is_refused(raw_add_arena(0, GRANT_INVALID, PAGE_BYTES, 0)));
	CHECK(is_refused(raw_add_arena(0, 12345, PAGE_BYTES, 0)));
	return NULL;
}

static const char *arena_readonly_flag_is_checked(void)
{
	CHECK(is_refused(add_arena(0, PAGE_BYTES, PAGE_BYTES, 2)));
	return NULL;
}

static const char *arena_can_be_replaced(void)
{
	grant_t g;
	int first, second;

	CHECK(raw_attach() == 0);
	g = arena_grant(ARENA_BYTES, GRANT_READ | GRANT_WRITE | GRANT_MAP);
	first = raw_add_arena(3, g, PAGE_BYTES, 0);
	second = raw_add_arena(3, g, ARENA_BYTES, 0);
	grant_revoke(g);
	CHECK(first == 0);
	CHECK(second == 0);
	return NULL;
}

/* ---- OPEN, CLOSE ---- */

static const char *open_of_unknown_unit_is_refused(void)
{
	CHECK(raw_attach() == 0);
	CHECK(raw_ctl(BLK_OPEN, BLK_UNITS_MAX - 1, BLK_ACCESS_READ) == -ENXIO);
	CHECK(raw_ctl(BLK_OPEN, BLK_UNITS_MAX, BLK_ACCESS_READ) == -ENXIO);
	CHECK(raw_ctl(BLK_OPEN, 0xffffffffu, BLK_ACCESS_READ) == -ENXIO);
	return NULL;
}

static const char *open_without_access_is_refused(void)
{
	CHECK(raw_attach() == 0);
	CHECK(raw_ctl(BLK_OPEN, test_unit.unit, 0) == -EINVAL);
	return NULL;
}

static const char *open_with_unknown_access_is_refused(void)
{
	CHECK(raw_attach() == 0);
	CHECK(raw_ctl(BLK_OPEN, test_unit.unit, 8) == -EINVAL);
	return NULL;
}

static const char *open_in_unknown_session_is_refused(void)
{
	CHECK(raw_attach() == 0);
	raw.session ^= 0x5555;
	CHECK(raw_ctl(BLK_OPEN, test_unit.unit, BLK_ACCESS_READ) == -ERESTART);
	return NULL;
}

static const char *close_without_open_is_refused(void)
{
	CHECK(raw_attach() == 0);
	CHECK(raw_ctl(BLK_CLOSE, test_unit.unit, 0) == -EINVAL);
	CHECK(raw_ctl(BLK_CLOSE, 99, 0) == -ENXIO);
	return NULL;
}

static const char *opens_are_counted(void)
{
	struct blk_request r = raw_request(BLK_READ, 0, 1, 0);

	CHECK(raw_ready(BLK_ACCESS_READ));
	CHECK(raw_ctl(BLK_OPEN, test_unit.unit, BLK_ACCESS_READ) == 0);
	CHECK(raw_ctl(BLK_CLOSE, test_unit.unit, 0) == 0);
	CHECK(raw_do(&r, NULL, NULL) == 0);
	CHECK(raw_ctl(BLK_CLOSE, test_unit.unit, 0) == 0);
	CHECK(raw_ctl(BLK_CLOSE, test_unit.unit, 0) == -EINVAL);
	return NULL;
}

static const char *request_after_last_close_gets_erestart(void)
{
	struct blk_request r = raw_request(BLK_READ, 0, 1, 0);

	CHECK(raw_ready(BLK_ACCESS_READ));
	CHECK(raw_ctl(BLK_CLOSE, test_unit.unit, 0) == 0);
	CHECK(raw_do(&r, NULL, NULL) == -ERESTART);
	return NULL;
}

static const char *request_before_open_gets_erestart(void)
{
	struct blk_request r = raw_request(BLK_READ, 0, 1, 0);

	CHECK(raw_attach() == 0);
	CHECK(raw_do(&r, NULL, NULL) == -ERESTART);
	return NULL;
}

/* ---- GETINFO, STATUS, DETACH ---- */

static const char *info_is_sane(void)
{
	const struct blk_info *i = &raw.info;

	CHECK(raw_ready(BLK_ACCESS_READ));
	CHECK(i->sectors > 0 && i->sectors < 1ull << 48);
	CHECK(i->physical_sector_bytes >= BLK_SECTOR);
	CHECK(i->max_bytes >= BLK_SECTOR && i->max_bytes <= BLK_REQUEST_MAX);
	CHECK(i->max_bytes % BLK_SECTOR == 0);
	CHECK(i->max_elements >= 1 && i->max_elements <= BLK_ELEMENTS_MAX);
	CHECK(i->queue_depth >= 1 && i->replicas >= 1);
	CHECK(memchr(i->model, '\0', sizeof(i->model)) != NULL);
	CHECK(memchr(i->serial, '\0', sizeof(i->serial)) != NULL);
	return NULL;
}

static const char *info_needs_no_open(void)
{
	struct blk_info info;

	CHECK(raw_attach() == 0);
	CHECK(raw_getinfo(test_unit.unit, &info, sizeof(info)) == 0);
	return NULL;
}

static const char *info_of_wrong_length_is_refused(void)
{
	struct blk_info info;

	CHECK(raw_attach() == 0);
	CHECK(raw_getinfo(test_unit.unit, &info, sizeof(info) - 1) == -EINVAL);
	CHECK(raw_getinfo(test_unit.unit, &info, 0xffffffffu) == -EINVAL);
	return NULL;
}

static const char *info_of_unknown_unit_is_refused(void)
{
	struct blk_info info;

	CHECK(raw_attach() == 0);
	CHECK(raw_getinfo(BLK_UNITS_MAX - 1, &info, sizeof(info)) == -ENXIO);
	CHECK(raw_getinfo(1u << 31, &info, sizeof(info)) == -ENXIO);
	return NULL;
}

static const char *info_into_bad_grant_is_refused(void)
{
	struct blk_ctl req = {.unit = test_unit.unit, .grant = 0x00110fff};

	CHECK(raw_attach() == 0);
	req.session = raw.session;
	req.len_bytes = sizeof(struct blk_info);
	CHECK(is_refused(raw_control(BLK_GETINFO, &req, sizeof(req), NULL)));
	return NULL;
}

static const char *status_is_text(void)
{
	static char text[2048];
	struct blk_ctl req = {.unit = test_unit.unit, .len_bytes = sizeof(text) - 1};
	uint32_t len = 0;
	int result;

	CHECK(raw_attach() == 0);
	req.session = raw.session;
	req.grant = grant_direct(raw.ep, text, sizeof(text) - 1, GRANT_WRITE);
	result = raw_control(BLK_STATUS, &req, sizeof(req), &len);
	grant_revoke(req.grant);
	CHECK(result == 0);
	CHECK(len > 0 && len < sizeof(text));
	CHECK(memchr(text, '=', len) != NULL);
	return NULL;
}

static const char *status_is_cut_to_the_buffer(void)
{
	char text[8];
	struct blk_ctl req = {.unit = test_unit.unit, .len_bytes = 4};
	uint32_t len = 99;
	int result;

	CHECK(raw_attach() == 0);
	memset(text, 'x', sizeof(text));
	req.session = raw.session;
	req.grant = grant_direct(raw.ep, text, sizeof(text), GRANT_WRITE);
	result = raw_control(BLK_STATUS, &req, sizeof(req), &len);
	grant_revoke(req.grant);
	CHECK(result == 0 && len <= 4);
	CHECK(text[4] == 'x' && text[7] == 'x');
	return NULL;
}

static const char *detach_ends_the_session(void)
{
	CHECK(raw_attach() == 0);
	CHECK(raw_ctl(BLK_DETACH, 0, 0) == 0);
	CHECK(raw_ctl(BLK_DETACH, 0, 0) == -ERESTART);
	CHECK(raw_ctl(BLK_OPEN, test_unit.unit, BLK_ACCESS_READ) == -ERESTART);
	return NULL;
}

static const char *unknown_operation_does_no_harm(void)
{
	struct blk_ctl req = {.unit = 1};
	struct msg m;

	CHECK(raw_attach() == 0);
	msg_put(&m, BLK_MSG_END + 5, &req);
	CHECK(sys_asend(raw.ep, &m) == 0);
	CHECK(raw_attach() == 0);
	return NULL;
}

const struct case_row control_cases[] = {
	{"attach_works", attach_works},
	{"attach_zero_slots_is_refused", attach_zero_slots_is_refused},
	{"attach_odd_slots_is_refused", attach_odd_slots_is_refused},
	{"attach_too_many_slots_is_refused", attach_too_many_slots_is_refused},
	{"attach_wrong_size_is_refused", attach_wrong_size_is_refused},
	{"attach_more_slots_than_region_is_refused", attach_more_slots_than_region_is_refused},
	{"attach_wrong_generation_is_refused", attach_wrong_generation_is_refused},
	{"attach_invented_grant_is_refused", attach_invented_grant_is_refused},
	{"attach_revoked_grant_is_refused", attach_revoked_grant_is_refused},
	{"attach_grant_without_map_is_refused", attach_grant_without_map_is_refused},
	{"attach_readonly_region_is_refused", attach_readonly_region_is_refused},
	{"attach_grant_of_another_grantee_is_refused", attach_grant_of_another_grantee_is_refused},
	{"second_attach_ends_the_first_session", second_attach_ends_the_first_session},
	{"many_sessions_in_a_row_are_served", many_sessions_in_a_row_are_served},
	{"arena_works", arena_works},
	{"arena_of_unknown_session_is_refused", arena_of_unknown_session_is_refused},
	{"arena_number_out_of_range_is_refused", arena_number_out_of_range_is_refused},
	{"arena_of_zero_bytes_is_refused", arena_of_zero_bytes_is_refused},
	{"arena_of_part_of_a_page_is_refused", arena_of_part_of_a_page_is_refused},
	{"arena_longer_than_its_grant_is_refused", arena_longer_than_its_grant_is_refused},
	{"arena_of_absurd_length_is_refused", arena_of_absurd_length_is_refused},
	{"arena_with_invented_grant_is_refused", arena_with_invented_grant_is_refused},
	{"arena_readonly_flag_is_checked", arena_readonly_flag_is_checked},
	{"arena_can_be_replaced", arena_can_be_replaced},
	{"open_of_unknown_unit_is_refused", open_of_unknown_unit_is_refused},
	{"open_without_access_is_refused", open_without_access_is_refused},
	{"open_with_unknown_access_is_refused", open_with_unknown_access_is_refused},
	{"open_in_unknown_session_is_refused", open_in_unknown_session_is_refused},
	{"close_without_open_is_refused", close_without_open_is_refused},
	{"opens_are_counted", opens_are_counted},
	{"request_after_last_close_gets_erestart", request_after_last_close_gets_erestart},
	{"request_before_open_gets_erestart", request_before_open_gets_erestart},
	{"info_is_sane", info_is_sane},
	{"info_needs_no_open", info_needs_no_open},
	{"info_of_wrong_length_is_refused", info_of_wrong_length_is_refused},
	{"info_of_unknown_unit_is_refused", info_of_unknown_unit_is_refused},
	{"info_into_bad_grant_is_refused", info_into_bad_grant_is_refused},
	{"status_is_text", status_is_text},
	{"status_is_cut_to_the_buffer", status_is_cut_to_the_buffer},
	{"detach_ends_the_session", detach_ends_the_session},
	{"unknown_operation_does_no_harm", unknown_operation_does_no_harm},
};
const unsigned control_case_count = sizeof(control_cases) / sizeof(control_cases[0]);
