/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cases about reads, writes and flushes that must succeed, and about what they leave alone (B2, B3,
 * B5-B7).
 */
#include <errno.h>
#include <string.h>

#include "raw.h"

#define GUARD 0x5a

static struct blk_element row[BLK_ELEMENTS_MAX];

static bool is_all(const uint8_t *p, size_t len, uint8_t value)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] != value)
			return false;
	return true;
}

static int read_at(uint64_t sector, uint32_t sectors, uint64_t offset)
{
	struct blk_request r = raw_request(BLK_READ, sector, sectors, offset);

	return raw_do(&r, NULL, NULL);
}

static const char *reads_first_and_last_sector(void)
{
	CHECK(raw_ready(BLK_ACCESS_READ));
	CHECK(read_at(0, 1, 0) == 0);
	CHECK(read_at(raw.info.sectors - 1, 1, 0) == 0);
	return NULL;
}

static const char *read_touches_only_its_buffer(void)
{
	CHECK(raw_ready(BLK_ACCESS_READ));
	memset(raw_arena, GUARD, 4 * PAGE_BYTES);
	CHECK(read_at(0, 8, PAGE_BYTES) == 0);
	CHECK(is_all(raw_arena, PAGE_BYTES, GUARD));
	CHECK(is_all(raw_arena + 2 * PAGE_BYTES, 2 * PAGE_BYTES, GUARD));
	return NULL;
}

static const char *read_at_odd_place_touches_only_its_buffer(void)
{
	CHECK(raw_ready(BLK_ACCESS_READ));
	memset(raw_arena, GUARD, 4 * PAGE_BYTES);
	CHECK(read_at(0, 1, PAGE_BYTES - 2) == 0);
	CHECK(is_all(raw_arena, PAGE_BYTES - 2, GUARD));
	CHECK(is_all(raw_arena + PAGE_BYTES + 510, PAGE_BYTES, GUARD));
	return NULL;
}

static const char *completion_tells_bytes_and_times(void)
{
	struct blk_request r = raw_request(BLK_READ, 0, 16, 0);
	struct blk_completion c;

	CHECK(raw_ready(BLK_ACCESS_READ));
	CHECK(raw_do(&r, NULL, &c) == 0);
	CHECK(c.bytes == 16 * BLK_SECTOR);
	CHECK(c.t_start_ns != 0 && c.t_end_ns >= c.t_start_ns && c.t_end_ns <= now_ns());
	CHECK(c.reserved == 0 && c.next_sector == 0 && c.next_sectors == 0 && c.reserved2 == 0);
	return NULL;
}

static const char *reads_largest_request(void)
{
	uint64_t most;

	CHECK(raw_ready(BLK_ACCESS_READ));
	most = raw.info.max_bytes / BLK_SECTOR;
	if (most > raw.info.sectors)
		most = raw.info.sectors;
	memset(raw_arena + most * BLK_SECTOR, GUARD, PAGE_BYTES);
	CHECK(read_at(0, (uint32_t)most, 0) == 0);
	CHECK(is_all(raw_arena + most * BLK_SECTOR, PAGE_BYTES, GUARD));
	return NULL;
}

static const char *pieces_agree_with_the_whole(void)
{
	const unsigned count = 64;

	CHECK(raw_ready(BLK_ACCESS_READ));
	CHECK(read_at(0, count, 0) == 0);
	memset(raw_arena + count * BLK_SECTOR, 0, count * BLK_SECTOR);
	for (unsigned i = 0; i < count; i++)
		CHECK(read_at(i, 1, (count + i) * BLK_SECTOR) == 0);
	CHECK(memcmp(raw_arena, raw_arena + count * BLK_SECTOR, count * BLK_SECTOR) == 0);
	return NULL;
}

/* `count` elements of one sector each, scattered backwards over pages. */
static void scatter(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		row[i] = (struct blk_element){
			.offset = (200 + 2 * (uint64_t)(count - i)) * PAGE_BYTES + (i % 7) * 2,
			.len_bytes = BLK_SECTOR};
}

static const char *reads_64_scattered_elements(void)
{
	struct blk_request r = raw_request(BLK_READ, 0, 64, 0);

	CHECK(raw_ready(BLK_ACCESS_READ));
	if (raw.info.max_elements < BLK_ELEMENTS_MAX)
		return SKIPPED;
	CHECK(read_at(0, 64, 0) == 0);
	scatter(64);
	r.elements = 64;
	CHECK(raw_do(&r, row, NULL) == 0);
	for (unsigned i = 0; i < 64; i++)
		CHECK(memcmp(raw_arena + i * BLK_SECTOR, raw_arena + row[i].offset, BLK_SECTOR) ==
		      0);
	return NULL;
}

static const char *two_inline_elements_work(void)
{
	struct blk_request r = raw_request(BLK_READ, 0, 3, 0);

	CHECK(raw_ready(BLK_ACCESS_READ));
	CHECK(read_at(0, 3, 0) == 0);
	r.elements = 2;
	r.inline_elements[0] = (struct blk_element){.offset = 40960, .len_bytes = 512};
	r.inline_elements[1] = (struct blk_element){.offset = 8192, .len_bytes = 1024};
	CHECK(raw_do(&r, NULL, NULL) == 0);
	CHECK(memcmp(raw_arena, raw_arena + 40960, 512) == 0);
	CHECK(memcmp(raw_arena + 512, raw_arena + 8192, 1024) == 0);
	return NULL;
}

static const char *many_reads_complete_once_each(void)
{
	bool seen[RAW_SLOTS] = {false};
	uint32_t first;

	CHECK(raw_ready(BLK_ACCESS_READ));
	first = raw.last_id + 1;
	for (unsigned i = 0; i < RAW_SLOTS; i++) {
		struct blk_request r =
			raw_request(BLK_READ, i % raw.info.sectors, 1, i * PAGE_BYTES);

		CHECK(raw_push(&r, NULL));
	}
	for (unsigned i = 0; i < RAW_SLOTS; i++) {
		struct blk_completion c;

		CHECK(raw_pop(&c, REPLY_NS));
		CHECK(c.id - first < RAW_SLOTS && !seen[c.id - first]);
		CHECK(c.status == 0 && c.bytes == BLK_SECTOR);
		seen[c.id - first] = true;
	}
	CHECK(ring_waiting(&raw.completions) == 0);
	return NULL;
}

static const char *rings_wrap_around_many_times(void)
{
	CHECK(raw_ready(BLK_ACCESS_READ));
	for (unsigned i = 0; i < 5 * RAW_SLOTS; i++)
		CHECK(read_at(i % raw.info.sectors, 1, 0) == 0);
	return NULL;
}

static const char *any_replica_may_be_named(void)
{
	CHECK(raw_ready(BLK_ACCESS_READ));
	for (unsigned i = 0; i <= raw.info.replicas && i < 256; i++) {
		struct blk_request r = raw_request(BLK_READ, 0, 1, 0);

		r.replica = (uint8_t)i;
		CHECK(raw_do(&r, NULL, NULL) == 0);
	}
	return NULL;
}

static const char *flush_works_on_a_reader_too(void)
{
	struct blk_request r = raw_request(BLK_FLUSH, 0, 0, 0);
	struct blk_completion c;

	CHECK(raw_ready(BLK_ACCESS_READ));
	CHECK(raw_do(&r, NULL, &c) == 0);
	CHECK(c.bytes == 0);
	return NULL;
}

/* ---- writing: scratch units only ---- */

static bool is_scratch(void)
{
	return test_unit.may_write && raw_ready(BLK_ACCESS_READ | BLK_ACCESS_WRITE);
}

static void pattern(uint8_t *p, size_t len, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)((i * 31 + i / 512 + seed) ^ seed >> 8);
}

static const char *write_reads_back(void)
{
	struct blk_request r = raw_request(BLK_WRITE, 8, 64, 0);

	if (!is_scratch())
		return SKIPPED;
	pattern(raw_arena, 64 * BLK_SECTOR, 7);
	CHECK(raw_do(&r, NULL, NULL) == 0);
	CHECK(read_at(8, 64, 64 * BLK_SECTOR) == 0);
	CHECK(memcmp(raw_arena, raw_arena + 64 * BLK_SECTOR, 64 * BLK_SECTOR) == 0);
	return NULL;
}

static const char *write_leaves_its_buffer_alone(void)
{
	struct blk_request r = raw_request(BLK_WRITE, 8, 8, PAGE_BYTES);

	if (!is_scratch())
		return SKIPPED;
	pattern(raw_arena, 3 * PAGE_BYTES, 9);
	pattern(raw_arena + 4 * PAGE_BYTES, 3 * PAGE_BYTES, 9);
	CHECK(raw_do(&r, NULL, NULL) == 0);
	CHECK(memcmp(raw_arena, raw_arena + 4 * PAGE_BYTES, 3 * PAGE_BYTES) == 0);
	return NULL;
}

static const char *write_leaves_neighbours_alone(void)
{
	struct blk_request before = raw_request(BLK_WRITE, 100, 3, 0);
	struct blk_request r = raw_request(BLK_WRITE, 101, 1, PAGE_BYTES);

	if (!is_scratch())
		return SKIPPED;
	memset(raw_arena, 0x11, PAGE_BYTES);
	memset(raw_arena + PAGE_BYTES, 0x22, PAGE_BYTES);
	CHECK(raw_do(&before, NULL, NULL) == 0);
	CHECK(raw_do(&r, NULL, NULL) == 0);
	CHECK(read_at(100, 3, 2 * PAGE_BYTES) == 0);
	CHECK(is_all(raw_arena + 2 * PAGE_BYTES, 512, 0x11));
	CHECK(is_all(raw_arena + 2 * PAGE_BYTES + 512, 512, 0x22));
	CHECK(is_all(raw_arena + 2 * PAGE_BYTES + 1024, 512, 0x11));
	return NULL;
}

static const char *writes_64_scattered_elements(void)
{
	struct blk_request r = raw_request(BLK_WRITE, 0, 64, 0);

	if (!is_scratch() || raw.info.max_elements < BLK_ELEMENTS_MAX)
		return SKIPPED;
	scatter(64);
	for (unsigned i = 0; i < 64; i++)
		pattern(raw_arena + row[i].offset, BLK_SECTOR, i);
	r.elements = 64;
	CHECK(raw_do(&r, row, NULL) == 0);
	CHECK(read_at(0, 64, 0) == 0);
	for (unsigned i = 0; i < 64; i++)
		CHECK(memcmp(raw_arena + i * BLK_SECTOR, raw_arena + row[i].offset, BLK_SECTOR) ==
		      0);
	return NULL;
}

static const char *writes_largest_request_and_last_sectors(void)
{
	uint32_t most;
	struct blk_request r;

	if (!is_scratch())
		return SKIPPED;
	most = raw.info.max_bytes / BLK_SECTOR;
	if (most > raw.info.sectors)
		most = (uint32_t)raw.info.sectors;
	pattern(raw_arena, (size_t)most * BLK_SECTOR, 3);
	r = raw_request(BLK_WRITE, raw.info.sectors - most, most, 0);
	CHECK(raw_do(&r, NULL, NULL) == 0);
	memset(raw_arena, 0, (size_t)most * BLK_SECTOR);
	CHECK(read_at(raw.info.sectors - most, most, 0) == 0);
	pattern(raw_arena + (size_t)most * BLK_SECTOR, PAGE_BYTES, 3);
	CHECK(memcmp(raw_arena, raw_arena + (size_t)most * BLK_SECTOR, BLK_SECTOR) == 0);
	return NULL;
}

static const char *write_with_fua_reads_back(void)
{
	struct blk_request r = raw_request(BLK_WRITE, 40, 2, 0);

	if (!is_scratch())
		return SKIPPED;
	pattern(raw_arena, 1024, 77);
	r.flags = BLK_REQ_FUA;
	CHECK(raw_do(&r, NULL, NULL) == 0);
	CHECK(read_at(40, 2, PAGE_BYTES) == 0);
	CHECK(memcmp(raw_arena, raw_arena + PAGE_BYTES, 1024) == 0);
	return NULL;
}

static const char *flush_after_writes_works(void)
{
	struct blk_request r = raw_request(BLK_WRITE, 40, 2, 0);
	struct blk_request f = raw_request(BLK_FLUSH, 0, 0, 0);

	if (!is_scratch())
		return SKIPPED;
	CHECK(raw_do(&r, NULL, NULL) == 0);
	CHECK(raw_do(&f, NULL, NULL) == 0);
	return NULL;
}

static const char *flush_between_many_writes_completes(void)
{
	struct blk_completion c;

	if (!is_scratch())
		return SKIPPED;
	for (unsigned i = 0; i < RAW_SLOTS; i++) {
		struct blk_request r = i % 4 == 3
		                               ? raw_request(BLK_FLUSH, 0, 0, 0)
		                               : raw_request(BLK_WRITE, i * 8, 8, i * PAGE_BYTES);

		CHECK(raw_push(&r, NULL));
	}
	for (unsigned i = 0; i < RAW_SLOTS; i++) {
		CHECK(raw_pop(&c, REPLY_NS));
		CHECK(c.status == 0);
	}
	return NULL;
}

static const char *write_without_write_access_is_refused(void)
{
	struct blk_request r = raw_request(BLK_WRITE, 0, 1, 0);
	int status;

	CHECK(raw_ready(BLK_ACCESS_READ));
	status = raw_do(&r, NULL, NULL);
	CHECK(status == -EACCES || status == -EROFS);
	return NULL;
}

static const char *read_without_read_access_is_refused(void)
{
	struct blk_request r = raw_request(BLK_READ, 0, 1, 0);

	CHECK(raw_ready(BLK_ACCESS_READ));
	if (raw.info.flags & BLK_FLAG_READONLY)
		return SKIPPED;
	CHECK(raw_ready(BLK_ACCESS_WRITE));
	CHECK(raw_do(&r, NULL, NULL) == -EACCES);
	return NULL;
}

static const char *readonly_unit_refuses_writers(void)
{
	CHECK(raw_ready(BLK_ACCESS_READ));
	if (!(raw.info.flags & BLK_FLAG_READONLY))
		return SKIPPED;
	CHECK(raw_ctl(BLK_OPEN, test_unit.unit, BLK_ACCESS_WRITE) == -EROFS);
	return NULL;
}

const struct case_row data_cases[] = {
	{"reads_first_and_last_sector", reads_first_and_last_sector},
	{"read_touches_only_its_buffer", read_touches_only_its_buffer},
	{"read_at_odd_place_touches_only_its_buffer", read_at_odd_place_touches_only_its_buffer},
	{"completion_tells_bytes_and_times", completion_tells_bytes_and_times},
	{"reads_largest_request", reads_largest_request},
	{"pieces_agree_with_the_whole", pieces_agree_with_the_whole},
	{"reads_64_scattered_elements", reads_64_scattered_elements},
	{"two_inline_elements_work", two_inline_elements_work},
	{"many_reads_complete_once_each", many_reads_complete_once_each},
	{"rings_wrap_around_many_times", rings_wrap_around_many_times},
	{"any_replica_may_be_named", any_replica_may_be_named},
	{"flush_works_on_a_reader_too", flush_works_on_a_reader_too},
	{"write_reads_back", write_reads_back},
	{"write_leaves_its_buffer_alone", write_leaves_its_buffer_alone},
	{"write_leaves_neighbours_alone", write_leaves_neighbours_alone},
	{"writes_64_scattered_elements", writes_64_scattered_elements},
	{"writes_largest_request_and_last_sectors", writes_largest_request_and_last_sectors},
	{"write_with_fua_reads_back", write_with_fua_reads_back},
	{"flush_after_writes_works", flush_after_writes_works},
	{"flush_between_many_writes_completes", flush_between_many_writes_completes},
	{"write_without_write_access_is_refused", write_without_write_access_is_refused},
	{"read_without_read_access_is_refused", read_without_read_access_is_refused},
	{"readonly_unit_refuses_writers", readonly_unit_refuses_writers},
};
const unsigned data_case_count = sizeof(data_cases) / sizeof(data_cases[0]);
