/* uses: filters/block/fault/rules.c lib/faultrule/faultrule.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Fault rules: parsing with columns, matching, counting, chance, repeatability. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "axolotl/errno.h"
#include "filters/block/fault/rules.h"

static struct fault_rules r;
static unsigned column;

static const struct fault_rule *ask(bool is_write, uint64_t sector, uint64_t age_us)
{
	return fault_decide(&r, &(struct fault_request){is_write, sector, 8, age_us});
}

static void every_word_has_its_field(void **state)
{
	(void)state;
	assert_int_equal(fault_parse(&r, &fault_grammar,
	                             "bit write range=100-200 skip=2 count=3 prob=5000 at=2s; "
	                             "delay,read,for=50ms,;lost;die",
	                             &column),
	                 0);
	assert_int_equal(r.count, 4);
	assert_true(r.rule[0].kind == FAULT_BIT && !r.rule[0].on[0] && r.rule[0].on[1]);
	assert_true(r.rule[0].first == 100 && r.rule[0].last == 200 && r.rule[0].when.skip == 2);
	assert_true(r.rule[0].when.count == 3 && r.rule[0].when.chance == 5000 &&
	            r.rule[0].when.at_us == 2000000);
	assert_true(r.rule[1].kind == FAULT_DELAY && r.rule[1].when.for_us == 50000);
	assert_true(r.rule[2].kind == FAULT_LOST);
	assert_true(r.rule[3].on[0] && r.rule[3].on[1]);
}

static void errors_name_the_column(void **state)
{
	static const struct {
		const char *text;
		unsigned column;
	} cases[] = {
		{"flip", 1},        {"bit wrote", 5},     {"bit; zero count=x", 11},
		{"bit range=5", 5}, {"bit range=9-5", 5}, {"bit prob=1000001", 5},
		{"delay for=5", 7}, {"bit =5", 5},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(fault_parse(&r, &fault_grammar, cases[i].text, &column), -EINVAL);
		assert_int_equal(column, cases[i].column);
	}
	assert_int_equal(fault_parse(&r, &fault_grammar,
	                             "bit;bit;bit;bit;bit;bit;bit;bit;bit;bit;bit;bit;bit;bit;"
	                             "bit;bit;bit",
	                             &column),
	                 -EINVAL);
}

static void rules_match_range_direction_and_time(void **state)
{
	(void)state;
	assert_int_equal(
		fault_parse(&r, &fault_grammar, "error write range=100-107 at=1s", &column), 0);
	assert_null(ask(false, 100, 2000000));
	assert_null(ask(true, 100, 10));
	assert_null(ask(true, 92, 2000000));
	assert_null(ask(true, 108, 2000000));
	assert_non_null(ask(true, 93, 2000000));
	assert_non_null(ask(true, 107, 2000000));
}

static void what_spoils_writes_leaves_reads_alone(void **state)
{
	static const char *const kinds[] = {"lost", "torn", "lost read"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(fault_parse(&r, &fault_grammar, kinds[i], &column), 0);
		assert_null(ask(false, 0, 0));
		assert_int_equal(r.state.matched[0], 0);
		assert_int_equal(ask(true, 0, 0) != NULL, i < 2);
	}
}

static void skip_and_count_bound_the_shots(void **state)
{
	unsigned shots = 0;

	(void)state;
	assert_int_equal(fault_parse(&r, &fault_grammar, "zero read skip=5 count=3", &column), 0);
	for (int i = 0; i < 20; i++) {
		bool fired = ask(false, 0, 0) != NULL;

		assert_true(fired == (i >= 5 && i < 8));
		shots += fired;
	}
	assert_int_equal(shots, 3);
	assert_int_equal(r.state.shots, 3);
}

static void chance_is_seeded(void **state)
{
	unsigned shots = 0;
	bool first[2000];

	(void)state;
	for (int round = 0; round < 2; round++) {
		assert_int_equal(fault_parse(&r, &fault_grammar, "zero prob=100000", &column), 0);
		fault_seed(&r, 42);
		for (int i = 0; i < 2000; i++) {
			bool fired = ask(true, 0, 0) != NULL;

			if (round == 0)
				first[i] = fired;
			else
				assert_true(first[i] == fired);
			shots += fired;
		}
	}
	assert_in_range(shots, 300, 500); /* twice about 200 */
}

static void spoiling_changes_what_it_says(void **state)
{
	uint8_t sector[BLK_SECTOR], before[BLK_SECTOR];
	unsigned bits = 0;

	(void)state;
	fault_seed(&r, 1);
	memset(sector, 0x55, sizeof(sector));
	memcpy(before, sector, sizeof(sector));
	fault_spoil(&r, FAULT_BIT, sector);
	for (unsigned i = 0; i < BLK_SECTOR; i++)
		bits += (unsigned)__builtin_popcount((unsigned)(sector[i] ^ before[i]));
	assert_int_equal(bits, 1);
	fault_spoil(&r, FAULT_RANDOM, sector);
	assert_memory_not_equal(sector, before, sizeof(sector));
	fault_spoil(&r, FAULT_ZERO, sector);
	memset(before, 0, sizeof(before));
	assert_memory_equal(sector, before, sizeof(sector));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_has_its_field),
		cmocka_unit_test(errors_name_the_column),
		cmocka_unit_test(rules_match_range_direction_and_time),
		cmocka_unit_test(what_spoils_writes_leaves_reads_alone),
		cmocka_unit_test(skip_and_count_bound_the_shots),
		cmocka_unit_test(chance_is_seeded),
		cmocka_unit_test(spoiling_changes_what_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
