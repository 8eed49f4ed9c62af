/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: filters/net/fault/rules.c filters/net/fault/line.c lib/faultrule/faultrule.c */
/* Rules of the network fault filter: parsing, directions, bursts, pace; the line of what waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "axolotl/errno.h"
#include "filters/net/fault/line.h"
#include "filters/net/fault/rules.h"

static struct netfault_rules r;
static unsigned column;

static void parse(const char *text)
{
	memset(&r, 0, sizeof(r));
	assert_int_equal(fault_parse(&r.common, &netfault_grammar, text, &column), 0);
	fault_seed(&r.common, 1);
}

static struct netfault_shot ask(bool is_tx, uint32_t bytes, uint64_t now_ns)
{
	struct netfault_frame f = {
		.is_tx = is_tx, .bytes = bytes, .age_us = now_ns / 1000, .now_ns = now_ns};

	return netfault_decide(&r, &f);
}

static void every_word_has_its_field(void **state)
{
	(void)state;
	parse("drop,rx,prob=10000,size=60-100; delay tx for=20ms "
	      "at=1s;burst,length=30,skip=2,count=1;"
	      "rate,bytes=5000;duplicate;reorder;corrupt;die");
	assert_int_equal(r.common.count, 8);
	assert_true(r.common.rule[0].kind == NETFAULT_DROP && r.common.rule[0].on[0] &&
	            !r.common.rule[0].on[1]);
	assert_true(r.common.rule[0].first == 60 && r.common.rule[0].last == 100);
	assert_int_equal(r.common.rule[0].when.chance, 10000);
	assert_true(r.common.rule[1].kind == NETFAULT_DELAY && r.common.rule[1].on[1] &&
	            !r.common.rule[1].on[0]);
	assert_true(r.common.rule[1].when.for_us == 20000 &&
	            r.common.rule[1].when.at_us == 1000000);
	assert_true(r.common.rule[2].numbers[NETFAULT_LENGTH] == 30 &&
	            r.common.rule[2].when.skip == 2 && r.common.rule[2].when.count == 1);
	assert_int_equal(r.common.rule[3].numbers[NETFAULT_BYTES_PER_S], 5000);
	assert_true(r.common.rule[4].on[0] && r.common.rule[4].on[1]);
}

static void errors_name_the_column(void **state)
{
	static const struct {
		const char *text;
		unsigned column;
	} cases[] = {
		{"lose", 1},         {"drop up", 6},       {"drop;burst length=0", 12},
		{"rate bytes=0", 6}, {"drop size=9-5", 6}, {"drop prob=1000001", 6},
		{"delay for=5", 7},  {"none", 1},          {"drop tx=1", 6},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(fault_parse(&r.common, &netfault_grammar, cases[i].text, &column),
		                 -EINVAL);
		assert_int_equal(column, cases[i].column);
	}
}

static void rules_match_direction_size_and_time(void **state)
{
	(void)state;
	parse("drop,tx,size=100-200,at=1ms");
	assert_int_equal(ask(true, 150, 2000000).kind, NETFAULT_DROP);
	assert_int_equal(ask(false, 150, 2000000).kind, NETFAULT_NONE);
	assert_int_equal(ask(true, 99, 2000000).kind, NETFAULT_NONE);
	assert_int_equal(ask(true, 150, 999000).kind, NETFAULT_NONE);
}

static void a_burst_loses_frames_in_a_row(void **state)
{
	(void)state;
	parse("burst,length=5,skip=3,count=1");
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(ask(true, 60, 0).kind,
		                 i >= 3 && i < 8 ? NETFAULT_DROP : NETFAULT_NONE);
	assert_int_equal(r.common.state.shots, 5);
}

static void a_rate_delays_and_then_drops(void **state)
{
	struct netfault_shot shot;

	(void)state;
	parse("rate,tx,bytes=1000");
	assert_int_equal(ask(true, 500, 0).kind, NETFAULT_NONE);
	shot = ask(true, 500, 0);
	assert_int_equal(shot.kind, NETFAULT_DELAY);
	assert_int_equal(shot.delay_ns, 500000000);
	assert_int_equal(ask(true, 500, 0).delay_ns, 1000000000);
	assert_int_equal(ask(true, 500, 0).kind, NETFAULT_DROP);
	assert_int_equal(ask(false, 500, 0).kind, NETFAULT_NONE); /* the other direction */
	assert_int_equal(ask(true, 500, 2000000000).kind, NETFAULT_NONE);
}

static void the_same_seed_gives_the_same_shots(void **state)
{
	uint8_t first[1000];

	(void)state;
	for (unsigned run = 0; run < 2; run++) {
		unsigned hits = 0;

		parse("drop,prob=100000");
		for (unsigned i = 0; i < 1000; i++) {
			uint8_t kind = (uint8_t)ask(true, 60, 0).kind;

			hits += kind == NETFAULT_DROP;
			if (run == 0)
				first[i] = kind;
			assert_int_equal(first[i], kind);
		}
		assert_in_range(hits, 60, 140);
	}
}

static void corruption_flips_one_bit_behind_the_header(void **state)
{
	(void)state;
	parse("corrupt");
	for (unsigned n = 14; n < 80; n++) {
		uint8_t *frame = calloc(1, n); /* its end is watched */
		unsigned bits = 0;

		netfault_corrupt(&r, frame, n);
		for (unsigned i = 0; i < n; i++) {
			bits += (unsigned)__builtin_popcount(frame[i]);
			assert_true(i >= 14 || frame[i] == 0);
		}
		assert_int_equal(bits, n > 14);
		free(frame);
	}
}

static void the_line_is_sorted_by_time(void **state)
{
	struct netfilter_hold h[6];
	struct line l = {.head = NULL};
	static const uint64_t times[6] = {50, 10, 30, 50, 20, 60};
	static const unsigned order[5] = {1, 4, 0, 3, 5};

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		h[i].t_due_ns = times[i];
		line_add(&l, &h[i]);
	}
	assert_null(line_take_due(&l, 9));
	line_remove(&l, &h[2]);
	assert_int_equal(l.count, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_ptr_equal(line_take_due(&l, 60), &h[order[i]]);
	assert_null(line_take_due(&l, UINT64_MAX));
	assert_null(l.tail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_word_has_its_field),
		cmocka_unit_test(errors_name_the_column),
		cmocka_unit_test(rules_match_direction_size_and_time),
		cmocka_unit_test(a_burst_loses_frames_in_a_row),
		cmocka_unit_test(a_rate_delays_and_then_drops),
		cmocka_unit_test(the_same_seed_gives_the_same_shots),
		cmocka_unit_test(corruption_flips_one_bit_behind_the_header),
		cmocka_unit_test(the_line_is_sorted_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
