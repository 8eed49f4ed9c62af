/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loss recovery of TCP's sender (servers/inet/sack.h): bursts, tails, repetitions, and chance. lwIP at the other end tells
 * by SACK what it has, unless the wire takes the option out of the SYNs.
 */
/* uses: @tests/unit/servers/inet/wire.h servers/inet/arena.c tests/unit/servers/inet/streams.c
 *   tests/unit/servers/inet/lossy.c tests/fuzz/inet/input.c tests/fuzz/inet/packets.c */
/* ports: lwip */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/priv/tcp_priv.h"
#include "servers/inet/retrans.h"
#include "tests/unit/servers/inet/lossy.h"
#include "tests/unit/servers/inet/streams.h"
#include "tests/unit/servers/inet/wire.h"

static uint64_t undisturbed_ms(uint64_t bytes)
{
	uint64_t ms;

	memset(&plan, 0, sizeof(plan));
	lossy_start(0, bytes);
	ms = lossy_run(60000);
	assert_int_equal(HAPPENED(recoveries) + HAPPENED(probes), 0);
	streams_stop();
	return ms;
}

/* ---- losses ---- */

/* One loss of so many segments, after so much of the stream, some times; the whole stream's milliseconds. */
static uint64_t one_loss(unsigned first, unsigned segments, unsigned times)
{
	uint64_t ms;

	plan.from = first * SEGMENT;
	plan.to = plan.from + segments * SEGMENT;
	plan.times = times;
	lossy_start(0, STREAM);
	ms = lossy_run(60000);
	assert_true(plan.lost >= segments);
	assert_int_equal(HAPPENED(timers), 0);
	return ms;
}

static void a_burst_needs_no_timer(void **state)
{
	static const unsigned bursts[] = {1, 2, 3, 10, 40};
	uint64_t plain = undisturbed_ms(STREAM);

	(void)state;
	for (unsigned k = 0; k < 2 * sizeof(bursts) / sizeof(bursts[0]); k++) {
		memset(&plan, 0, sizeof(plan));
		plan.is_plain = k % 2 == 1;
		assert_in_range(one_loss(200, bursts[k / 2], 1), 1,
		                plain + 100 + (plan.is_plain ? 5 * bursts[k / 2] : 0));
		assert_int_equal(HAPPENED(recoveries), 1);
		/* Those that were lost; a segment more if a burst's edges cut two. */
		assert_in_range(retrans_of(stream_client.pcb), bursts[k / 2], bursts[k / 2] + 1);
		streams_stop();
	}
}

static void a_lost_repetition_needs_no_timer(void **state)
{
	uint64_t plain = undisturbed_ms(STREAM);

	(void)state;
	for (unsigned times = 2; times < 6; times++) {
		memset(&plan, 0, sizeof(plan));
		assert_in_range(one_loss(200, 1, times), 1, plain + 100);
		assert_int_equal(HAPPENED(recoveries), 1);
		streams_stop();
	}
	memset(&plan, 0, sizeof(plan));
	assert_in_range(one_loss(200, 12, 3), 1, plain + 150);
	streams_stop();
}

/* The last segments: nothing comes behind them that would make the peer tell. */
static void a_lost_tail_needs_no_timer(void **state)
{
	uint64_t plain = undisturbed_ms(STREAM);

	(void)state;
	for (unsigned segments = 2; segments < 10; segments++) {
		memset(&plan, 0, sizeof(plan));
		assert_in_range(one_loss(720 - segments, segments, 1), 1, plain + 100);
		assert_true(HAPPENED(probes) > 0);
		streams_stop();
	}
}

static void random_losses_need_no_timer(void **state)
{
	uint64_t plain = undisturbed_ms(4 << 20), timers = 0, lost = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 12; seed++) {
		memset(&plan, 0, sizeof(plan));
		plan.loss_permille = plan.answers_permille = seed % 3 == 0 ? 1 : 10;
		lossy_start(seed % 2 ? 0
		                     : NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_RX_CSUM,
		            4 << 20);
		wire.random = seed * 0x9e3779b97f4a7c15ull;
		/* A window of 12 segments (RFC 5681 at 1 %) has a round trip of four steps. */
		assert_in_range(lossy_run(60000), 1, plain + (4u << 20) / TCP_MSS / 12 * 4 * 2);
		lost += plan.lost;
		lossy_step(); /* a probe may still be on its way */
		assert_int_equal(retrans_of(stream_client.pcb), wire.repeated);
		timers += HAPPENED(timers);
		streams_stop();
	}
	assert_true(lost > 50);
	assert_in_range(timers, 0, 1);
}

static void heavy_losses_lose_no_byte(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 12; seed++) {
		memset(&plan, 0, sizeof(plan));
		plan.is_plain = seed % 4 == 0;
		plan.loss_permille = plan.answers_permille = 100 + seed * 20;
		lossy_start(seed % 2 ? 0
		                     : NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_RX_CSUM,
		            256 << 10);
		wire.random = seed * 0x9e3779b97f4a7c15ull;
		(void)lossy_run(3000000);
		streams_stop();
	}
}

/* One reduction, by half. */
static void an_episode_costs_half_the_window(void **state)
{
	tcpwnd_size_t before = 0;
	uint64_t episodes = 0;

	(void)state;
	memset(&plan, 0, sizeof(plan));
	plan.from = 300 * TCP_MSS;
	plan.to = plan.from + 20 * TCP_MSS;
	plan.times = 2;
	lossy_start(0, 2 << 20);
	while (!streams_are_done()) {
		const struct sender *s;

		lossy_step();
		s = sender_of(stream_client.pcb);
		if (episodes == 0 && HAPPENED(recoveries) == 1) {
			before = s->prr.flight;
			assert_true(s->is_recovering);
			assert_int_equal(stream_client.pcb->ssthresh, before / 2);
		}
		episodes = HAPPENED(recoveries);
		if (episodes == 1)
			assert_true(stream_client.pcb->cwnd >= before / 2);
	}
	assert_int_equal(episodes, 1);
	streams_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_needs_no_timer),
		cmocka_unit_test(a_lost_repetition_needs_no_timer),
		cmocka_unit_test(a_lost_tail_needs_no_timer),
		cmocka_unit_test(random_losses_need_no_timer),
		cmocka_unit_test(heavy_losses_lose_no_byte),
		cmocka_unit_test(an_episode_costs_half_the_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
