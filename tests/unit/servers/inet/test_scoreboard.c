/* SPDX-License-Identifier: BSD-2-Clause */
/* What a sender knows of its data (servers/inet/scoreboard.c), and how much it may send (prr.c). */
/* uses: servers/inet/scoreboard.c servers/inet/prr.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "servers/inet/prr.h"
#include "servers/inet/scoreboard.h"
#include "tests/unit/servers/inet/bytes.h"

#define MSS   1000u
#define START 0xfffff000u /* numbers wrap after four segments */

static struct scoreboard board;
static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)((random_state >> 16) % n);
}

static int start(void **state)
{
	(void)state;
	random_state = 0x1234567089abcdefull;
	memset(&board, 0xa5, sizeof(board));
	scoreboard_reset(&board, START);
	return 0;
}

/* Segments count from START: an acknowledgement of the first `ack` with blocks of segments, two numbers each. */
static unsigned hear(uint32_t ack, unsigned blocks, const uint32_t *edges)
{
	uint8_t options[40] = {1, 1, 8, 10, [12] = 1, 1, 5, (uint8_t)(2 + 8 * blocks)};

	for (unsigned i = 0; i < 2 * blocks && i < 6; i++)
		put32(options + 16 + (size_t)4 * i, START + edges[i] * MSS);
	return scoreboard_take(&board, options, 16 + (size_t)8 * blocks, START + ack * MSS,
	                       START + 100 * MSS);
}
#define HEAR(ack, blocks, ...) hear(ack, blocks, (const uint32_t[]){__VA_ARGS__})

static enum fate fate(uint32_t segment)
{
	struct scoreboard_walk walk = {0};
	enum fate last = FATE_UNDER_WAY;

	for (uint32_t k = 0; k <= segment; k++)
		last = scoreboard_fate(&board, &walk, START + k * MSS, START + (k + 1) * MSS, MSS);
	return last;
}

static void a_hole_is_lost_when_enough_arrived_behind_it(void **state)
{
	(void)state;
	assert_int_equal(HEAR(2, 1, 3, 4), SACK_BLOCKS | SACK_NEW);
	assert_int_equal(fate(2), FATE_UNDER_WAY);
	assert_int_equal(fate(3), FATE_ARRIVED);
	assert_int_equal(HEAR(2, 1, 3, 5), SACK_BLOCKS | SACK_NEW);
	assert_int_equal(fate(2), FATE_UNDER_WAY);
	assert_int_equal(HEAR(2, 1, 3, 5), SACK_BLOCKS);
	assert_int_equal(HEAR(2, 1, 3, 6), SACK_BLOCKS | SACK_NEW);
	assert_int_equal(fate(2), FATE_LOST);
	assert_int_equal(fate(6), FATE_UNDER_WAY);
	assert_int_equal(board.sacked_bytes, 3 * MSS);
}

static void three_ranges_are_enough_however_small(void **state)
{
	(void)state;
	(void)HEAR(0, 2, 2, 3, 4, 5);
	assert_int_equal(fate(1), FATE_UNDER_WAY);
	board.ranges[1].right -= MSS - 1; /* a few bytes only */
	board.sacked_bytes -= MSS - 1;
	(void)HEAR(0, 1, 6, 7);
	assert_int_equal(fate(1), FATE_LOST);
	assert_int_equal(fate(3), FATE_UNDER_WAY);
}

/* What arrived of a segment in parts is not behind it. */
static void a_part_is_not_behind(void **state)
{
	struct scoreboard_walk walk = {0};
	uint32_t edges[2] = {START + 500, START + 4500};
	uint8_t options[12] = {1, 1, 5, 10};

	(void)state;
	put32(options + 4, edges[0]);
	put32(options + 8, edges[1]);
	(void)scoreboard_take(&board, options, sizeof(options), START, START + 100 * MSS);
	assert_int_equal(fate(0), FATE_LOST);
	assert_int_equal(fate(1), FATE_ARRIVED);
	assert_int_equal(fate(4), FATE_UNDER_WAY);
	assert_int_equal(scoreboard_fate(&board, &walk, START, START + 2500, MSS), FATE_UNDER_WAY);
}

static void acknowledging_forgets(void **state)
{
	(void)state;
	(void)HEAR(0, 3, 2, 3, 5, 7, 9, 12);
	assert_int_equal(board.sacked_bytes, 6 * MSS);
	(void)HEAR(4, 0);
	assert_int_equal(board.range_count, 2);
	assert_int_equal(board.sacked_bytes, 5 * MSS);
	(void)HEAR(7, 0);
	assert_int_equal(board.range_count, 1);
	(void)HEAR(3, 0); /* an old one */
	assert_int_equal(board.una, START + 7 * MSS);
}

/* The peer has thrown away what it had reported (RFC 2018, 8): it ends where a range began. */
static void a_peer_that_takes_back_is_not_believed(void **state)
{
	(void)state;
	(void)HEAR(0, 3, 2, 4, 6, 8, 10, 12);
	scoreboard_note_resent(&board, START, START + 20 * MSS);
	(void)HEAR(2, 0);
	assert_int_equal(board.range_count, 0);
	assert_int_equal(board.sacked_bytes, 0);
	assert_int_equal(board.resent_count, 0);
	assert_int_equal(fate(2), FATE_UNDER_WAY);
}

static void nonsense_does_not_count(void **state)
{
	static const uint32_t bad[][2] = {
		{5, 5},    {6, 5},   {0, 3},          {1, 2},        {2, 4}, /* at una */
		{98, 101}, {101, 9}, {0x80000000, 9}, {9, 0x3fffff}, {200, 300}, {0, 100}, {3, 2},
	};

	(void)state;
	(void)HEAR(2, 0);
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(hear(2, 1, bad[i]) & SACK_NEW, 0);
		assert_int_equal(board.range_count, 0);
	}
	assert_int_equal(HEAR(2, 1, 98, 100), SACK_BLOCKS | SACK_NEW);
}

static void options_end_where_they_end(void **state)
{
	uint8_t options[40];

	(void)state;
	for (unsigned n = 0; n < 200000; n++) {
		size_t len = random_below(41);
		uint8_t *exact = malloc(len > 0 ? len : 1); /* the sanitizer guards its end */

		for (size_t i = 0; i < len; i++)
			options[i] = random_below(3) ? (uint8_t)random_below(11)
			                             : (uint8_t)random_below(256);
		if (len > 0)
			memcpy(exact, options, len);
		(void)scoreboard_take(&board, exact, len, board.una, board.una + 50 * MSS);
		free(exact);
		assert_true(board.range_count <= SCOREBOARD_RANGES);
	}
}

static void what_arrived_twice_is_told(void **state)
{
	(void)state;
	(void)HEAR(4, 1, 8, 12);
	assert_int_equal(HEAR(4, 2, 1, 2, 8, 12), SACK_BLOCKS | SACK_TWICE);
	assert_int_equal(HEAR(4, 2, 9, 10, 8, 12), SACK_BLOCKS | SACK_TWICE);
	assert_int_equal(HEAR(4, 2, 20, 21, 8, 12), SACK_BLOCKS | SACK_NEW);
	assert_int_equal(HEAR(4, 1, 2, 2), SACK_BLOCKS);
}

/* Enough that was sent later has arrived: new data, or others that were sent again. */
static void a_repetition_is_lost_like_a_segment(void **state)
{
	(void)state;
	(void)HEAR(0, 1, 1, 9);
	scoreboard_note_resent(&board, START, START + 20 * MSS);
	assert_true(scoreboard_is_resent(&board, START));
	(void)HEAR(0, 1, 1, 20);
	scoreboard_sift_resent(&board, MSS);
	assert_true(scoreboard_is_resent(&board, START));
	(void)HEAR(0, 1, 1, 22);
	scoreboard_sift_resent(&board, MSS);
	assert_true(scoreboard_is_resent(&board, START));
	(void)HEAR(0, 1, 1, 23);
	scoreboard_sift_resent(&board, MSS);
	assert_false(scoreboard_is_resent(&board, START));

	scoreboard_reset(&board, START);
	(void)HEAR(0, 3, 1, 2, 3, 4, 5, 6);
	(void)HEAR(0, 2, 7, 8, 9, 40);
	for (uint32_t k = 0; k < 8; k += 2)
		scoreboard_note_resent(&board, START + k * MSS, START + 40 * MSS);
	(void)HEAR(0, 1, 1, 6);
	scoreboard_sift_resent(&board, MSS);
	assert_int_equal(board.resent_count, 2); /* two have passed the first */
	(void)HEAR(0, 1, 1, 8);
	scoreboard_sift_resent(&board, MSS);
	assert_int_equal(board.resent_count, 0);
}

static void few_are_sent_again_at_a_time(void **state)
{
	(void)state;
	for (uint32_t k = 0; k < SCOREBOARD_RESENT; k++) {
		assert_true(scoreboard_may_resend(&board));
		scoreboard_note_resent(&board, START + k * MSS, START + 90 * MSS);
	}
	assert_false(scoreboard_may_resend(&board));
	scoreboard_note_resent(&board, START + 99 * MSS, START + 99 * MSS);
	assert_int_equal(board.resent_count, SCOREBOARD_RESENT);
	(void)HEAR(3, 0);
	assert_int_equal(board.resent_count, SCOREBOARD_RESENT - 3);
	scoreboard_note_resent(&board, START + 5 * MSS, START + 99 * MSS); /* again */
	assert_int_equal(board.resent_count, SCOREBOARD_RESENT - 3);
}

static void old_ones_need_less(void **state)
{
	(void)state;
	(void)HEAR(0, 1, 3, 4);
	board.has_old = true;
	board.old_edge = START + 2 * MSS;
	assert_int_equal(fate(1), FATE_LOST);
	assert_int_equal(fate(2), FATE_UNDER_WAY);
	(void)HEAR(2, 0);
	assert_false(board.has_old);
}

/* ---- against a model: one flag a byte ---- */

#define MODEL 4000u

static void check(const uint8_t *has, uint32_t una)
{
	uint32_t at = una, bytes = 0;

	for (unsigned i = 0; i < board.range_count; i++) {
		uint32_t left = board.ranges[i].left - START, right = board.ranges[i].right - START;

		assert_true(left > at && right > left && right <= MODEL);
		for (; at < left; at++)
			assert_false(has[at]);
		for (; at < right; at++)
			assert_true(has[at]);
		bytes += right - left;
	}
	for (; at < MODEL; at++)
		assert_false(has[at]);
	assert_int_equal(board.sacked_bytes, bytes);
}

/* At most two new ranges at a time: never more than there is room for. */
static void hear_some(uint8_t *has, uint32_t una)
{
	uint8_t options[20] = {1, 1, 5, 18};

	for (unsigned b = 0; b < 2; b++) {
		uint32_t left = random_below(MODEL), right = left + random_below(200);

		put32(options + 4 + (size_t)8 * b, START + left);
		put32(options + 8 + (size_t)8 * b, START + right);
		if (left > una && right > left && right <= MODEL)
			memset(has + left, 1, right - left);
	}
	(void)scoreboard_take(&board, options, sizeof(options), START + una, START + MODEL);
}

static void ranges_are_as_a_model_has_them(void **state)
{
	static uint8_t has[MODEL + 1];

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		uint32_t una = 0;

		memset(has, 0, sizeof(has));
		scoreboard_reset(&board, START);
		for (unsigned n = 0; n < 25; n++) {
			hear_some(has, una);
			check(has, una);
			/* Up to a hole's end at most, then it is past the range. */
			una += random_below(60);
			while (una < MODEL && has[una])
				una++;
			memset(has, 0, una);
			scoreboard_acknowledge(&board, START + una);
			check(has, una);
		}
	}
}

/* More holes than there is room for: what is known stays true. */
static void too_many_holes_are_forgotten(void **state)
{
	(void)state;
	for (uint32_t k = 0; k < 40; k++) {
		uint32_t edges[2] = {2 * k + 2, 2 * k + 3};

		assert_true(hear(0, 1, edges) & SACK_NEW);
	}
	for (uint32_t n = 0; n < 10000; n++) {
		uint8_t options[12] = {1, 1, 5, 10};
		uint32_t left = START + 1 + 2 * random_below(40000);

		put32(options + 4, left);
		put32(options + 8, left + 1);
		(void)scoreboard_take(&board, options, 12, START, START + 100 * MSS);
		assert_true(board.range_count <= SCOREBOARD_RANGES);
	}
	assert_int_equal(board.range_count, SCOREBOARD_RANGES);
	assert_int_equal(fate(2), FATE_ARRIVED);
	assert_int_equal(fate(1), FATE_LOST);
}

/* ---- proportional rate reduction ---- */

/* Twenty under way, two of them lost; each that arrives allows as much as leads to the target at the end. */
static void rate_is_reduced_in_proportion(void **state)
{
	struct prr p;
	uint32_t pipe = 18 * MSS, sent = 0;

	(void)state;
	prr_start(&p, 20 * MSS, 10 * MSS);
	for (unsigned n = 0; n < 18; n++) {
		uint32_t allowed;

		pipe -= MSS;
		allowed = prr_allow(&p, MSS, pipe, MSS);
		assert_true(pipe + allowed <= 18 * MSS);
		for (; allowed >= MSS; allowed -= MSS) {
			prr_sent(&p, MSS);
			pipe += MSS;
			sent += MSS;
		}
	}
	assert_in_range(sent, 8 * MSS, 10 * MSS);
	assert_in_range(pipe, 8 * MSS, 10 * MSS);
}

/* Nearly all was lost: one segment more than arrives, as in slow start. */
static void an_empty_pipe_is_filled_slowly(void **state)
{
	struct prr p;

	(void)state;
	prr_start(&p, 20 * MSS, 10 * MSS);
	assert_int_equal(prr_allow(&p, MSS, 0, MSS), 2 * MSS);
	prr_sent(&p, 2 * MSS);
	assert_int_equal(prr_allow(&p, MSS, MSS, MSS), 2 * MSS);
	assert_int_equal(prr_allow(&p, 0, 9 * MSS + 1, MSS), MSS - 1);
	assert_int_equal(prr_allow(&p, 0, 10 * MSS, MSS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_hole_is_lost_when_enough_arrived_behind_it, start),
		cmocka_unit_test_setup(three_ranges_are_enough_however_small, start),
		cmocka_unit_test_setup(a_part_is_not_behind, start),
		cmocka_unit_test_setup(acknowledging_forgets, start),
		cmocka_unit_test_setup(a_peer_that_takes_back_is_not_believed, start),
		cmocka_unit_test_setup(nonsense_does_not_count, start),
		cmocka_unit_test_setup(options_end_where_they_end, start),
		cmocka_unit_test_setup(what_arrived_twice_is_told, start),
		cmocka_unit_test_setup(a_repetition_is_lost_like_a_segment, start),
		cmocka_unit_test_setup(few_are_sent_again_at_a_time, start),
		cmocka_unit_test_setup(old_ones_need_less, start),
		cmocka_unit_test_setup(ranges_are_as_a_model_has_them, start),
		cmocka_unit_test_setup(too_many_holes_are_forgotten, start),
		cmocka_unit_test_setup(rate_is_reduced_in_proportion, start),
		cmocka_unit_test_setup(an_empty_pipe_is_filled_slowly, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
