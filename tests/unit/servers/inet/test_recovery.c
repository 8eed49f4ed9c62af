/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP through inet's interfaces over a wire that loses frames and drivers that die: every byte arrives,
 * exactly once, in order, and an outage costs little more than its own time.
 */
/* uses: @tests/unit/servers/inet/wire.h servers/inet/arena.c tests/unit/servers/inet/streams.c */
/* ports: lwip */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "servers/inet/iface.h"
#include "servers/inet/retrans.h"
#include "servers/inet/rxpool.h"
#include "tests/unit/servers/inet/streams.h"
#include "tests/unit/servers/inet/wire.h"

static void transfer_is_exact(void **state)
{
	(void)state;
	wire_init(0);
	streams_start(4 << 20, 1 << 20);
	streams_run(20000);
	streams_stop();
}

static void transfer_with_losses_is_exact(void **state)
{
	(void)state;
	wire_init(0);
	wire.loss_permille = 20;
	streams_start(2 << 20, 2 << 20);
	streams_run(600000);
	assert_true(wire.lost > 50);
	streams_stop();
}

static void offloaded_checksums_are_right(void **state)
{
	(void)state;
	wire_init(NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_RX_CSUM);
	streams_start(1 << 20, 1 << 20);
	streams_run(20000);
	assert_true(wire.sums_filled > 1000);
	assert_int_equal(wire.tso_frames, 0);
	streams_stop();
}

static void segments_are_coalesced(void **state)
{
	(void)state;
	wire_init(NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_RX_CSUM);
	streams_start(8 << 20, 0);
	streams_run(20000);
	assert_true(wire.tso_frames > 100);
	assert_true(wire.segments_cut > 8 * wire.tso_frames);
	streams_stop();
}

static void coalescing_survives_losses_and_deaths(void **state)
{
	(void)state;
	wire_init(NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_RX_CSUM);
	wire.loss_permille = 5;
	streams_start(8 << 20, 8 << 20);
	for (unsigned n = 0; n < 20 && !streams_are_done(); n++) {
		for (unsigned k = 0; k < 40; k++)
			wire_step();
		wire_kill(n % 2);
		for (unsigned k = 0; k < 15; k++)
			wire_step();
		wire_revive(n % 2);
	}
	streams_run(600000);
	assert_true(wire.replayed > 0);
	streams_stop();
}

/* What one end sends as a frame of many segments reaches the other as that, in several buffers. */
static void merged_segments_are_taken(void **state)
{
	(void)state;
	wire_init(NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_RX_CSUM |
	          NET_OFFLOAD_RX_LRO);
	wire.loss_permille = 5;
	streams_start(8 << 20, 8 << 20);
	for (unsigned n = 0; n < 10 && !streams_are_done(); n++) {
		for (unsigned k = 0; k < 40; k++)
			wire_step();
		wire_kill(n % 2);
		wire_revive(n % 2);
	}
	streams_run(600000);
	assert_true(wire.pieces > 1000);
	streams_stop();
}

static unsigned rx_errors(void)
{
	return (unsigned)iface_find_unit("0")->count.rx_errors;
}

/* A lying driver: frames without an end, too long, with a head that is too small; the next good one is taken. */
static void pieces_that_make_no_frame_are_dropped(void **state)
{
	static const struct {
		unsigned pieces, bytes;
		bool is_good;
	} cases[] = {{40, 2048, false}, {33, 2048, false}, {2, 100, false},
	             {3, 1, false},     {31, 2048, true},  {3, 160, true}};
	static uint8_t piece[2048];

	(void)state;
	memset(piece, 0xff, 12); /* to all, of a type that nobody knows */
	wire_init(NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_RX_CSUM | NET_OFFLOAD_RX_LRO);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned errors = rx_errors();

		for (unsigned k = 0; k < cases[i].pieces; k++)
			wire_inject(0, piece, cases[i].bytes,
			            k + 1 < cases[i].pieces ? NET_RX_MORE : 0);
		wire_step();
		wire_step();
		assert_int_equal(rx_errors() - errors, !cases[i].is_good);
		assert_int_equal(rxpool_free_count(), RX_SLOTS - 2 * RX_POSTED_MAX);
	}
	wire_inject(0, piece, sizeof(piece), NET_RX_MORE); /* closed in the middle */
	wire_step();
	wire_step();
	wire_end();
}

/* One goes out for all frames that came at once. */
static void acknowledgements_are_merged(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		wire_init(k == 0 ? 0 : NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4);
		streams_start(8 << 20, 0);
		streams_run(20000);
		assert_in_range(wire.pure_acks, 20, (8u << 20) / TCP_MSS / 4);
		assert_true(iface_find_unit("1")->acks_merged +
		                    iface_find_unit("1")->rx_merged / 2 >
		            wire.pure_acks);
		assert_in_range(iface_find_unit("1")->rx_merged, 100, (8u << 20) / 1400);
		streams_stop();
	}
}

static void few_elements_are_enough(void **state)
{
	(void)state;
	wire_init(0);
	iface_find_unit("0")->tx_elements = 1;
	wire.tx_elements = 1;
	iface_find_unit("1")->tx_elements = 1;
	streams_start(256 << 10, 256 << 10);
	streams_run(20000);
	streams_stop();
}

static void deaths_lose_no_byte(void **state)
{
	(void)state;
	wire_init(0);
	streams_start(6 << 20, 6 << 20);
	for (unsigned n = 0; n < 30 && !streams_are_done(); n++) {
		unsigned unit = (unsigned)(wire_random() % 2);

		for (unsigned k = 0; k < 20 + wire_random() % 30; k++)
			wire_step();
		wire_kill(unit);
		for (unsigned k = 0; k < wire_random() % 60; k++)
			wire_step();
		wire_revive(unit);
	}
	streams_run(600000);
	assert_true(wire.resumes >= 5);
	streams_stop();
}

#define OUTAGE_MS 2000

static void suffer_death(unsigned unit, unsigned away_ms)
{
	wire_kill(unit);
	for (unsigned k = 0; k < away_ms; k++)
		wire_step();
	wire_revive(unit);
}

static void suffer_outage(unsigned unit, uint64_t after_ms)
{
	for (uint64_t k = 0; k < after_ms; k++)
		wire_step();
	assert_false(streams_are_done());
	suffer_death(unit, OUTAGE_MS);
}

/* An outage in the middle of a stream costs the sender its own time and a few round trips: no timer has
 * backed off, and its window is as before. */
static void outage_of_the_sender_is_short(void **state)
{
	(void)state;
	for (wire_seed = 1; wire_seed <= 5; wire_seed++) {
		uint64_t plain_ms;

		wire_init(0);
		streams_start(2 << 20, 0);
		plain_ms = streams_run(60000);
		streams_stop();

		wire_init(0);
		wire.random *=
			2 * wire_seed + 1; /* what is sent, confirmed and lost at the death */
		streams_start(2 << 20, 0);
		suffer_outage(0, plain_ms / 2);
		assert_in_range(streams_run(60000), 0, plain_ms / 2 + 100);
		assert_int_equal(wire.resumes, 1);
		assert_int_equal(wire.flows, 1);
		streams_stop();
	}
	wire_seed = 1;
}

/* The other end, whose timer has backed off to more than a second by then, is woken at once. */
static void outage_of_the_receiver_is_short(void **state)
{
	uint64_t got;

	(void)state;
	wire_init(0);
	streams_start(16 << 20, 0);
	suffer_outage(1, 40);
	assert_true(stream_client.pcb->nrtx > 0);
	got = stream_server.got;
	for (unsigned k = 0; k < 10; k++)
		wire_step();
	assert_true(stream_server.got > got);
	streams_run(600000);
	streams_stop();
}

/* lwIP as the sender repeats one segment for three duplicates, like any sender without SACK: each step must
 * be provoked, or its timer (300 ms here) runs. */
static void burst_loss_at_the_receiver_needs_no_timer(void **state)
{
	uint64_t got;
	unsigned ms = 0;

	(void)state;
	wire_init(0);
	streams_start(4 << 20, 0);
	for (unsigned k = 0; k < 12; k++)
		wire_step();
	assert_false(streams_are_done());
	wire_kill(1);
	for (unsigned k = 0; k < 4; k++)
		wire_step();
	wire_revive(1);
	got = stream_server.got;
	for (; stream_server.got < got + 64ull * TCP_MSS && ms < 1000; ms++)
		wire_step();
	assert_in_range(ms, 1, 150);
	streams_run(60000);
	streams_stop();
}

/* Nothing is repeated, and the sender does not slow down. */
static void an_outage_without_losses_stays_unnoticed(void **state)
{
	tcpwnd_size_t cwnd;
	unsigned acks;

	(void)state;
	wire_init(0);
	wire.keeps_frames = true;
	streams_start(4 << 20, 0);
	for (unsigned k = 0; k < 12; k++)
		wire_step();
	assert_false(streams_are_done());
	cwnd = stream_client.pcb->cwnd;
	wire_kill(1);
	for (unsigned k = 0; k < 4; k++)
		wire_step();
	acks = wire.pure_acks;
	wire_revive(1);
	wire_step();
	wire_step();
	assert_in_range(wire.pure_acks - acks, 1, 40);
	for (unsigned k = 0; k < 20; k++) {
		wire_step();
		assert_true(stream_client.pcb == NULL || stream_client.pcb->cwnd >= cwnd);
		assert_true(stream_client.pcb == NULL || stream_client.pcb->dupacks < 3);
	}
	streams_run(60000);
	streams_stop();
}

static void idle_connection_sends_duplicate_acks(void **state)
{
	(void)state;
	unsigned before;

	wire_init(0);
	streams_start(1000, 1000);
	streams_run(5000);
	for (unsigned k = 0; k < 1100; k++)
		wire_step();
	wire_kill(0);
	for (unsigned k = 0; k < 100; k++)
		wire_step();
	before = wire.pure_acks;
	wire_revive(0);
	for (unsigned k = 0; k < 10; k++)
		wire_step();
	assert_in_range(wire.pure_acks - before, 4, 8);
	assert_int_equal(wire.flows, 0);
	assert_int_equal(wire.active, 0);
	streams_stop();
}

/* An outage ends when data move, and only if some were to: not for a connection that has nothing to say. */
static void only_who_waits_has_an_outage(void **state)
{
	(void)state;
	wire_init(0);
	streams_start(0, 0);
	for (unsigned k = 0; k < 3; k++)
		wire_step();
	suffer_death(0, 10); /* its SYN has no answer */
	assert_int_equal(wire.active, 1);
	assert_int_equal(wire.flows, 0);
	while (stream_client.pcb->state != ESTABLISHED)
		wire_step();
	assert_int_equal(wire.flows, 1);
	for (unsigned k = 0; k < 10; k++)
		wire_step();
	suffer_death(0, 10); /* connected, and no data yet */
	assert_int_equal(wire.active, 0);
	streams_stop();
}

/* However long nothing comes through: who receives stays active until it does. */
static void an_outage_lasts_over_further_deaths(void **state)
{
	(void)state;
	wire_init(0);
	streams_start(4 << 20, 0);
	for (unsigned k = 0; k < 12; k++)
		wire_step();
	assert_false(streams_are_done());
	for (unsigned n = 0; n < 4; n++) {
		suffer_death(1, 900);
		assert_int_equal(wire.active, 1);
	}
	assert_int_equal(wire.flows, 0);
	streams_run(60000);
	assert_int_equal(wire.flows, 1);
	for (unsigned k = 0; k < 500; k++)
		wire_step();
	suffer_death(1, 1);
	assert_int_equal(wire.active, 1); /* data moved half a second ago */
	for (unsigned k = 0; k < 1100; k++)
		wire_step();
	suffer_death(1, 1);
	assert_int_equal(wire.active, 0);
	streams_stop();
}

static void outage_does_not_count_as_retransmissions(void **state)
{
	(void)state;
	tcpwnd_size_t cwnd;

	wire_init(0);
	streams_start(2 << 20, 0);
	for (unsigned k = 0; k < 15; k++)
		wire_step();
	cwnd = stream_client.pcb->cwnd;
	assert_false(streams_are_done());
	wire_kill(0);
	for (unsigned k = 0; k < 20000; k++)
		wire_step();
	assert_int_equal(stream_client.pcb->nrtx, 0);
	assert_true(stream_client.pcb->cwnd >= cwnd);
	wire_revive(0);
	streams_run(5000);
	streams_stop();
}

/* After losses: by duplicate ACKs and by the timer. */
static void each_repeated_segment_is_counted(void **state)
{
	unsigned fast = (unsigned)lwip_stats.mib2.tcpretranssegs, all;

	(void)state;
	wire_init(0);
	streams_start(1 << 20, 0);
	streams_run(20000);
	assert_int_equal(retrans_of(stream_client.pcb), 0);
	assert_int_equal(wire.repeated, 0);
	streams_stop();

	wire_init(0);
	streams_start(2 << 20, 0);
	wire.loss_permille = 80;
	streams_run(600000);
	all = retrans_of(stream_client.pcb);
	fast = (unsigned)lwip_stats.mib2.tcpretranssegs - fast;
	assert_true(wire.lost > 20);
	assert_int_equal(all, wire.repeated);
	assert_true(all > fast);
	assert_true(retrans_total() >= all);
	streams_stop();
}

/* What recovery sends again by itself is counted; what netdev sends again is not TCP's. */
static void segments_of_the_recovery_are_counted(void **state)
{
	(void)state;
	wire_init(0);
	streams_start(64 << 10, 0);
	for (unsigned k = 0; k < 3; k++) /* ARP first */
		wire_step();
	assert_int_equal(netdev_tx_pending(iface_find_unit("0")->dev), 0);
	wire_kill(0); /* the SYN is confirmed, its answer is not there */
	wire_revive(0);
	assert_int_equal(retrans_of(stream_client.pcb), 1);
	while (stream_client.pcb->state != ESTABLISHED)
		wire_step();
	/* Everything is confirmed, and answers are on their way. */
	while (stream_client.pcb->unacked == NULL ||
	       netdev_tx_pending(iface_find_unit("0")->dev) > 0)
		wire_step();
	wire_kill(0);
	for (unsigned k = 0; k < 50; k++)
		wire_step();
	assert_int_equal(retrans_of(stream_client.pcb), 1);
	wire_revive(0);
	assert_int_equal(retrans_of(stream_client.pcb), 2);
	streams_run(5000);
	streams_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transfer_is_exact),
		cmocka_unit_test(transfer_with_losses_is_exact),
		cmocka_unit_test(offloaded_checksums_are_right),
		cmocka_unit_test(segments_are_coalesced),
		cmocka_unit_test(coalescing_survives_losses_and_deaths),
		cmocka_unit_test(merged_segments_are_taken),
		cmocka_unit_test(pieces_that_make_no_frame_are_dropped),
		cmocka_unit_test(acknowledgements_are_merged),
		cmocka_unit_test(few_elements_are_enough),
		cmocka_unit_test(deaths_lose_no_byte),
		cmocka_unit_test(outage_of_the_sender_is_short),
		cmocka_unit_test(outage_of_the_receiver_is_short),
		cmocka_unit_test(burst_loss_at_the_receiver_needs_no_timer),
		cmocka_unit_test(an_outage_without_losses_stays_unnoticed),
		cmocka_unit_test(idle_connection_sends_duplicate_acks),
		cmocka_unit_test(only_who_waits_has_an_outage),
		cmocka_unit_test(an_outage_lasts_over_further_deaths),
		cmocka_unit_test(outage_does_not_count_as_retransmissions),
		cmocka_unit_test(each_repeated_segment_is_counted),
		cmocka_unit_test(segments_of_the_recovery_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
