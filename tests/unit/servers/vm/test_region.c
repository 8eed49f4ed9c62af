/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/vm/frame.c servers/vm/region.c tests/unit/servers/vm/fixture.c */
/*
 * Regions against a model that keeps one value a page: random mapping over, unmapping and
 * protecting of ranges; the array stays sorted, disjoint and merged, and says the same as the
 * model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fixture.h"
#include "servers/vm/region.h"

#define FRAMES 1024u
#define PAGES  200u
#define BASE   0x10000ul

static uint8_t model[PAGES]; /* 0: free, else prot + 1 */

static int setup(void **state)
{
	(void)state;
	memset(model, 0, sizeof(model));
	srand(5);
	frames_fresh(FRAMES);
	return 0;
}

static uint64_t addr_of(unsigned page)
{
	return BASE + page * PAGE_BYTES;
}

static void unmap(struct regions *rs, unsigned first, unsigned end)
{
	uint32_t i;

	regions_split(rs, addr_of(first));
	regions_split(rs, addr_of(end));
	i = regions_search(rs, addr_of(first));
	while (i < rs->count && regions_at(rs, i)->start < addr_of(end))
		regions_remove(rs, i);
	memset(model + first, 0, end - first);
}

static void map(struct regions *rs, unsigned first, unsigned end, uint8_t prot)
{
	struct region r = {.start = addr_of(first),
	                   .end = addr_of(end),
	                   .offset = addr_of(first),
	                   .prot = prot,
	                   .object = 1,
	                   .kind = REGION_FILE};

	unmap(rs, first, end);
	regions_insert(rs, &r);
	memset(model + first, prot + 1, end - first);
}

static void check(const struct regions *rs)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < rs->count; i++) {
		const struct region *r = regions_at(rs, i);

		assert_true(r->start >= last && r->start < r->end);
		/* file offsets follow the addresses, so equal neighbours have been merged */
		assert_int_equal(r->offset, r->start);
		if (i > 0 && last == r->start)
			assert_int_not_equal(regions_at(rs, i - 1)->prot, r->prot);
		last = r->end;
	}
	for (unsigned page = 0; page < PAGES; page++) {
		const struct region *r = regions_find(rs, addr_of(page) + 5);

		assert_int_equal(r == NULL ? 0 : r->prot + 1, model[page]);
	}
}

static void check_range(const struct regions *rs, unsigned first, unsigned end)
{
	unsigned mapped = 0;

	for (unsigned page = first; page < end; page++)
		mapped += model[page] != 0;
	assert_int_equal(regions_is_free(rs, addr_of(first), addr_of(end)), mapped == 0);
	assert_int_equal(regions_is_covered(rs, addr_of(first), addr_of(end)),
	                 mapped == end - first);
}

static void check_gap(const struct regions *rs, unsigned want)
{
	unsigned run = 0;
	uint64_t expected = 0;

	for (unsigned page = PAGES; page > 0 && expected == 0; page--) {
		run = model[page - 1] ? 0 : run + 1;
		if (run == want)
			expected = addr_of(page - 1);
	}
	assert_int_equal(regions_gap(rs, want * PAGE_BYTES, BASE, addr_of(PAGES)), expected);
}

static void random_operations_match_model(void **state)
{
	struct regions rs = {0};

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		unsigned first = (unsigned)rand() % PAGES;
		unsigned end = first + 1 + (unsigned)rand() % 12;

		end = end > PAGES ? PAGES : end;
		assert_int_equal(regions_reserve(&rs, 3), 0);
		if (rand() % 3)
			map(&rs, first, end, (uint8_t)(rand() % 3));
		else
			unmap(&rs, first, end);
		check(&rs);
		check_range(&rs, first, end);
		check_gap(&rs, 1 + (unsigned)rand() % 9);
	}
	regions_destroy(&rs);
	assert_int_equal(frame_counts.free, frame_counts.total);
}

static void array_grows(void **state)
{
	struct regions rs = {0};

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		struct region r = {.start = addr_of(2 * i), .end = addr_of(2 * i + 1)};

		assert_int_equal(regions_reserve(&rs, 3), 0);
		regions_insert(&rs, &r);
	}
	assert_int_equal(rs.count, 3000);
	assert_int_equal(regions_at(&rs, 2999)->start, addr_of(5998));
	regions_destroy(&rs);
}

static void whole_mappings_are_not_merged(void **state)
{
	struct regions rs = {0};
	struct region a = {.start = addr_of(0), .end = addr_of(2), .kind = REGION_DMA};
	struct region b = {.start = addr_of(2), .end = addr_of(3), .kind = REGION_DMA};

	(void)state;
	assert_int_equal(regions_reserve(&rs, 3), 0);
	regions_insert(&rs, &a);
	regions_insert(&rs, &b);
	assert_int_equal(rs.count, 2);
	regions_destroy(&rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(random_operations_match_model, setup),
		cmocka_unit_test_setup(array_grows, setup),
		cmocka_unit_test_setup(whole_mappings_are_not_merged, setup),
	};

	return cmocka_run_group_tests(tests, frames_group_setup, frames_group_teardown);
}
