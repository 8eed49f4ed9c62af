/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loss recovery of TCP's sender (servers/inet/sack.h) and peers that lie, take back or have things twice; lwIP's timer; our
 * own outages.
 */
/* uses: @tests/unit/servers/inet/wire.h servers/inet/arena.c tests/unit/servers/inet/streams.c
 *   tests/unit/servers/inet/lossy.c tests/unit/servers/inet/inject.c tests/fuzz/inet/input.c
 *   tests/fuzz/inet/packets.c */
/* ports: lwip */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/priv/tcp_priv.h"
#include "servers/inet/iface.h"
#include "servers/inet/resend.h"
#include "servers/inet/retrans.h"
#include "tests/unit/servers/inet/bytes.h"
#include "tests/unit/servers/inet/inject.h"
#include "tests/unit/servers/inet/lossy.h"
#include "tests/unit/servers/inet/streams.h"
#include "tests/unit/servers/inet/wire.h"

/* All is dark until lwIP's timer has fired: what the peer told before does not count, the stream goes on. */
static void the_timer_forgets(void **state)
{
	unsigned ms = 0;

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		memset(&plan, 0, sizeof(plan));
		plan.is_plain = k == 1;
		plan.from = 100 * TCP_MSS;
		plan.to = plan.from + TCP_MSS;
		plan.times = 1;
		lossy_start(0, 2 << 20);
		while (plan.times > 0)
			lossy_step();
		for (ms = 0; ms < 5; ms++)
			lossy_step();
		plan.is_dark = true;
		for (ms = 0; ms < 4 * TIMER_MS; ms++)
			lossy_step();
		assert_true(stream_client.pcb->flags & TF_RTO);
		assert_int_equal(sender_of(stream_client.pcb)->board.sacked_bytes, 0);
		assert_true(HAPPENED(timers) > 0);
		assert_true(HAPPENED(probes) <= 2);
		plan.is_dark = false;
		(void)lossy_run(20000);
		streams_stop();
	}
}

/* RFC 6298: a second at first, and twice as much each time; after the first round trip what that says. */
static void timers_begin_at_a_second(void **state)
{
	static const unsigned syns_at_ms[] = {1000, 3000, 7000, 15000, 31000};
	unsigned ms = 0;

	(void)state;
	memset(&plan, 0, sizeof(plan));
	plan.is_dark = true;
	lossy_start(0, 1000);
	for (unsigned n = 0; n < sizeof(syns_at_ms) / sizeof(syns_at_ms[0]); n++) {
		for (; ms + 150 < syns_at_ms[n]; ms++)
			lossy_step();
		assert_int_equal(plan.lost, n + 1);
		for (; ms < syns_at_ms[n] + 150; ms++)
			lossy_step();
	}
	assert_null(stream_client.pcb);
	assert_int_equal(stream_client.errors, 1);
	tcp_close(stream_server.listener);
	streams_release();
	wire_end();

	memset(&plan, 0, sizeof(plan));
	lossy_start(0, 100000);
	while (stream_client.pcb->lastack - plan.isn < 2 * SEGMENT ||
	       stream_client.pcb->state < ESTABLISHED)
		lossy_step();
	assert_in_range(stream_client.pcb->rto, 1, 4);
	streams_run(1000);
	streams_stop();
}

/* ---- the peer ---- */

/* An acknowledgement of the server's, made by hand. */
static void acknowledge(u32_t ack, const uint32_t *edges, unsigned blocks)
{
	const struct tcp_pcb *pcb = stream_client.pcb;
	struct peer peer = inject_peer(pcb);
	uint8_t options[28] = {1, 1, 5, (uint8_t)(2 + 8 * blocks)};

	for (unsigned i = 0; i < 2 * blocks; i++)
		put32(options + 4 + (size_t)4 * i, edges[i]);
	inject(&peer, &(struct injected){.seq = pcb->rcv_nxt,
	                                 .ack = ack,
	                                 .flags = TCP_ACK,
	                                 .window = (uint16_t)(pcb->snd_wnd >> pcb->snd_scale),
	                                 .options = options,
	                                 .option_bytes = blocks > 0 ? 4 + 8 * blocks : 0,
	                                 .is_checked = true});
}

/* Blocks from nowhere, inverted, of everything, thousands of them: the stream arrives as it was sent, and stays within the
 * windows. */
static void lies_harm_nobody(void **state)
{
	(void)state;
	memset(&plan, 0, sizeof(plan));
	plan.loss_permille = 10;
	lossy_start(0, 1 << 20);
	for (unsigned ms = 0; ms < 20000 && !streams_are_done(); ms++) {
		const struct tcp_pcb *pcb = stream_client.pcb;

		for (unsigned n = 0; n < 20 && pcb->state == ESTABLISHED; n++) {
			uint32_t edges[6], span = pcb->snd_nxt - pcb->lastack + 4000;

			for (unsigned k = 0; k < 6; k++)
				edges[k] = wire_random() % 4 == 0
				                   ? (uint32_t)wire_random()
				                   : pcb->lastack - 2000 +
				                             (uint32_t)(wire_random() % span);
			acknowledge(pcb->lastack, edges, (unsigned)(wire_random() % 4));
		}
		wire_step();
		lossy_check_order(pcb);
	}
	plan.loss_permille = 0;
	(void)lossy_run(600000);
	streams_stop();
}

/* Everything is reported to have arrived, and is lost: only the timer helps (RFC 2018, 8), and it does. */
static void a_peer_that_takes_back_gets_its_data(void **state)
{
	uint32_t edges[2];

	(void)state;
	memset(&plan, 0, sizeof(plan));
	lossy_start(0, 512 << 10);
	while (stream_server.got < 100000)
		lossy_step();
	plan.is_dark = true;
	for (unsigned k = 0; k < 3; k++)
		lossy_step();
	edges[0] = stream_client.pcb->lastack + TCP_MSS;
	edges[1] = stream_client.pcb->snd_nxt;
	acknowledge(stream_client.pcb->lastack, edges, 1);
	for (unsigned k = 0; k < 4; k++)
		lossy_step();
	assert_true(sender_of(stream_client.pcb)->board.sacked_bytes > 0);
	plan.is_dark = false;
	(void)lossy_run(20000);
	streams_stop();
}

/* The wire brings them late, and the peer says that it has them twice: the window is as before. */
static void a_needless_episode_is_undone(void **state)
{
	struct tcp_pcb *pcb;
	struct sack_info info;
	tcpwnd_size_t cwnd;
	uint32_t una, edges[4];

	(void)state;
	memset(&plan, 0, sizeof(plan));
	lossy_start(0, 2 << 20);
	while (stream_server.got < 200000)
		lossy_step();
	pcb = stream_client.pcb;
	plan.is_dark = true; /* the peer's own answers do not come */
	lossy_step();
	lossy_step();
	una = pcb->lastack;
	cwnd = pcb->cwnd;
	assert_true(pcb->unacked != NULL && pcb->snd_nxt - una > 10 * TCP_MSS);
	edges[0] = una + SEGMENT;
	edges[1] = una + 6 * SEGMENT;
	acknowledge(una, edges, 1);
	lossy_step();
	lossy_step();
	assert_int_equal(HAPPENED(recoveries), 1);
	assert_true(pcb->cwnd < cwnd);
	assert_int_equal(retrans_of(pcb), 1);
	sack_get_info(pcb, &info);
	assert_int_equal(info.state, SACK_RECOVERY);
	assert_int_equal(info.sacked, 5);
	assert_int_equal(info.lost, 1);
	assert_int_equal(info.resent, 1);
	edges[0] = una;
	edges[1] = una + SEGMENT;
	acknowledge(una + 6 * SEGMENT, edges, 1);
	lossy_step();
	lossy_step();
	assert_int_equal(HAPPENED(undone), 1);
	assert_true(pcb->cwnd >= cwnd);
	assert_false(sender_of(pcb)->is_recovering);
	plan.is_dark = false;
	(void)lossy_run(20000);
	streams_stop();
}

/* The answers were there all the time; nobody has looked. */
static void who_has_slept_does_not_probe(void **state)
{
	(void)state;
	memset(&plan, 0, sizeof(plan));
	lossy_start(0, 2 << 20);
	while (stream_server.got < 200000)
		lossy_step();
	for (unsigned k = 0; k < 5; k++) {
		wire.now_ns += 40000000;
		for (unsigned n = 0; n < 5; n++)
			lossy_step();
	}
	assert_int_equal(HAPPENED(probes), 0);
	(void)lossy_run(20000);
	streams_stop();
}

/* ---- our own outages ---- */

/* What died with the driver is sent again, and the window is what it was. */
static void an_outage_does_not_reduce_the_window(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 8; k++) {
		tcpwnd_size_t cwnd;

		memset(&plan, 0, sizeof(plan));
		plan.is_plain = k % 2 == 1;
		lossy_start(0, 4 << 20);
		wire.random += k * 0x9e3779b97f4a7c15ull;
		for (unsigned n = 0; n < 20 + 3 * k; n++)
			lossy_step();
		assert_false(streams_are_done());
		cwnd = stream_client.pcb->cwnd;
		wire_kill(0);
		for (unsigned n = 0; n < 700; n++)
			lossy_step();
		assert_int_equal(HAPPENED(probes), 0);
		assert_int_equal(HAPPENED(timers), 0);
		wire_revive(0);
		for (unsigned n = 0; n < 100 && !streams_are_done(); n++) {
			wire_step();
			lossy_check_order(stream_client.pcb);
			assert_true(stream_client.pcb->cwnd >= cwnd);
		}
		assert_int_equal(HAPPENED(timers), 0);
		(void)lossy_run(20000);
		streams_stop();
	}
}

static void losses_and_deaths_together_lose_no_byte(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 4; seed++) {
		memset(&plan, 0, sizeof(plan));
		plan.is_plain = seed == 4;
		plan.loss_permille = plan.answers_permille = 20;
		lossy_start(seed % 2 ? 0
		                     : NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_RX_CSUM,
		            4 << 20);
		wire.random = seed * 0x9e3779b97f4a7c15ull;
		for (unsigned n = 0; n < 20 && !streams_are_done(); n++) {
			for (unsigned k = 0; k < 40; k++)
				wire_step();
			lossy_check_order(stream_client.pcb);
			wire_kill(n % 2);
			for (unsigned k = 0; k < 1 + wire_random() % 30; k++)
				wire_step();
			wire_revive(n % 2);
		}
		streams_run(600000);
		streams_stop();
	}
}

/* ---- one segment ---- */

/* Held by a frame, or beyond the peer's window: it stays where it is. Otherwise it alone goes out, from any place. */
static void a_segment_is_resent_from_any_place(void **state)
{
	struct tcp_pcb *pcb;
	struct tcp_seg *s;
	tcpwnd_size_t window;
	uint32_t before;

	(void)state;
	memset(&plan, 0, sizeof(plan));
	lossy_start(0, 2 << 20);
	while (stream_server.got < 200000 || stream_client.pcb->unacked == NULL ||
	       netdev_tx_pending(iface_find_unit("0")->dev) > 0)
		lossy_step();
	pcb = stream_client.pcb;
	before = retrans_of(pcb);
	for (s = pcb->unacked; s != NULL; s = s->next) {
		assert_true(resend_segment(pcb, s));
		lossy_check_order(pcb);
		assert_true(segment_is_held(s));
		assert_false(resend_segment(pcb, s));
		before++;
	}
	assert_int_equal(retrans_of(pcb), before);
	for (unsigned k = 0; k < 3; k++)
		wire_step();
	while (pcb->unacked == NULL || segment_is_held(pcb->unacked))
		wire_step();
	window = pcb->snd_wnd;
	pcb->snd_wnd = 100;
	assert_false(resend_segment(pcb, pcb->unacked));
	lossy_check_order(pcb);
	pcb->snd_wnd = window;
	(void)lossy_run(20000);
	streams_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_timer_forgets),
		cmocka_unit_test(timers_begin_at_a_second),
		cmocka_unit_test(lies_harm_nobody),
		cmocka_unit_test(a_peer_that_takes_back_gets_its_data),
		cmocka_unit_test(a_needless_episode_is_undone),
		cmocka_unit_test(who_has_slept_does_not_probe),
		cmocka_unit_test(an_outage_does_not_reduce_the_window),
		cmocka_unit_test(losses_and_deaths_together_lose_no_byte),
		cmocka_unit_test(a_segment_is_resent_from_any_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
