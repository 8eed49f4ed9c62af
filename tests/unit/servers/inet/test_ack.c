/* SPDX-License-Identifier: BSD-2-Clause */
/* When what was received is acknowledged (servers/inet/ack.h). */
/* uses: @tests/unit/servers/inet/wire.h servers/inet/arena.c tests/unit/servers/inet/streams.c
 *   tests/unit/servers/inet/handmade.c tests/unit/servers/inet/inject.c tests/fuzz/inet/input.c
 *   tests/fuzz/inet/packets.c */
/* ports: lwip */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/priv/tcp_priv.h"
#include "tests/unit/servers/inet/handmade.h"
#include "tests/unit/servers/inet/streams.h"
#include "tests/unit/servers/inet/wire.h"

static void expect_acks(unsigned at_once, unsigned later)
{
	assert_int_equal(seen.acks, at_once);
	for (unsigned k = 0; k < 3 * TCP_TMR_INTERVAL; k++)
		wire_step();
	assert_int_equal(seen.acks, at_once + later);
	seen.acks = 0;
}

/* RFC 5681, 4.2: of every second one, however small, whoever made one of them; and of what fills a gap. */
static void every_second_is_acknowledged_at_once(void **state)
{
	struct injected s = segment(3500, TCP_MSS - 12);

	(void)state;
	send(segment(0, 100));
	turn();
	expect_acks(0, 1);
	send_row(100, 100, 3);
	turn();
	expect_acks(1, 0);
	send(segment(400, 100));
	turn();
	send(segment(500, 1000));
	turn();
	expect_acks(1, 0);
	send(segment(1500, 1000));
	turn();
	expect_acks(0, 1);
	send(segment(2500, 1000));
	turn();
	expect_acks(0, 1);
	s.options = TIMED;
	s.option_bytes = 12;
	send(s);
	turn();
	expect_acks(0, 1);
}

static void what_a_device_merged_is_acknowledged_at_once(void **state)
{
	struct injected s = segment(2 * TCP_MSS + 1, TCP_MSS - 11);

	(void)state;
	send(segment(0, TCP_MSS));
	turn();
	expect_acks(0, 1);
	card->acks = 0;
	send(segment(TCP_MSS, TCP_MSS + 1));
	wire_step();
	expect_acks(1, 0);
	s.options = TIMED;
	s.option_bytes = 12;
	send(s);
	wire_step();
	expect_acks(1, 0);
}

static void what_fills_a_gap_is_acknowledged_at_once(void **state)
{
	(void)state;
	send(segment(1000, 100));
	turn();
	expect_acks(1, 0); /* a duplicate */
	send(segment(0, 0));
	turn();
	expect_acks(0, 0); /* nor is there one of an acknowledgement */
	send(segment(0, 400));
	turn();
	expect_acks(1, 0);
	send(segment(400, 600));
	turn();
	expect_acks(1, 0);
	expect(2, 1100);
	send(segment(1100, 100));
	turn();
	expect_acks(0, 1);
}

/* A stream's acknowledgements for each megabyte, with a device that merges and one that does not. */
static void a_stream_costs_few_acknowledgements(void **state)
{
	static const unsigned offloads[] = {0, NET_OFFLOAD_RX_CSUM,
	                                    NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 |
	                                            NET_OFFLOAD_RX_CSUM | NET_OFFLOAD_RX_LRO};

	(void)state;
	for (unsigned k = 0; k < sizeof(offloads) / sizeof(offloads[0]); k++) {
		wire_init(offloads[k]);
		streams_start(32 << 20, 0);
		streams_run(20000);
		assert_in_range(wire.pure_acks, 32, 32 * 12);
		streams_stop();
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, handmade_begin, handmade_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_second_is_acknowledged_at_once),
		TEST(what_a_device_merged_is_acknowledged_at_once),
		TEST(what_fills_a_gap_is_acknowledged_at_once),
	};
	const struct CMUnitTest streams[] = {cmocka_unit_test(a_stream_costs_few_acknowledgements)};

	return handmade_run("acknowledgements", tests, sizeof(tests) / sizeof(tests[0])) +
	       cmocka_run_group_tests(streams, NULL, NULL);
}
