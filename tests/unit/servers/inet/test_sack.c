/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loss recovery of TCP's sender (servers/inet/sack.h) over a wire that loses what the tests choose. lwIP at the other end
 * tells by SACK what it has, unless the wire takes the option out of the SYNs; D-SACKs and lies are injected.
 */
/* uses: servers/inet/addressopt.c servers/inet/chunk.c servers/inet/prr.c servers/inet/resend.c servers/inet/retrans.c servers/inet/sack.c servers/inet/sackprobe.c
         servers/inet/scoreboard.c servers/inet/arena.c servers/inet/config.c servers/inet/frame.c servers/inet/iface.c
         servers/inet/ifctl.c servers/inet/random.c servers/inet/recover.c servers/inet/route.c
         servers/inet/rxpool.c servers/inet/segments.c servers/inet/sieve.c lib/inetsum/ servers/inet/timers.c servers/inet/turn.c
         servers/inet/units.c tests/unit/servers/inet/wire.c tests/unit/servers/inet/around.c
         tests/unit/servers/inet/streams.c tests/fuzz/inet/input.c tests/fuzz/inet/packets.c */
/* ports: lwip */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "inetsum/inetsum.h"
#include "lwip/priv/tcp_priv.h"
#include "servers/inet/iface.h"
#include "servers/inet/resend.h"
#include "servers/inet/retrans.h"
#include "servers/inet/sack_impl.h"
#include "tests/fuzz/inet/packets.h"
#include "tests/unit/servers/inet/streams.h"
#include "tests/unit/servers/inet/wire.h"

#define TIMER_MS 300u            /* lwIP's shortest */
#define SEGMENT  (TCP_MSS - 12u) /* with timestamps */
#define STREAM   (720 * SEGMENT)

/* ---- what the wire does ---- */

static struct {
	bool is_plain;             /* no SACK */
	unsigned loss_permille;    /* of segments with data from unit 0 */
	unsigned answers_permille; /* of segments without data from unit 1 */
	/* Of stream bytes that pass first: [from, to) is lost `times` times. */
	uint32_t from, to;
	unsigned times;
	bool is_dark; /* all is lost */
	uint32_t isn;
	unsigned lost, repeated_lost;
} plan;

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Permission for SACK becomes padding. */
static void strip_sack(uint8_t *tcp)
{
	for (unsigned at = 20; at + 1 < (unsigned)(tcp[12] >> 4) * 4; at++)
		if (tcp[at] == LWIP_TCP_OPT_SACK_PERM && tcp[at + 1] == 2)
			memset(tcp + at, LWIP_TCP_OPT_NOP, 2);
}

static bool lose(bool is_so)
{
	plan.lost += is_so;
	return is_so;
}

static bool loses_data(uint32_t at, uint32_t bytes)
{
	if (plan.times > 0 && at < plan.to && at + bytes > plan.from) {
		plan.times -= at + bytes >= plan.to;
		return lose(true);
	}
	return lose(wire_random() % 1000 < plan.loss_permille);
}

static bool passes(unsigned from, uint8_t *frame, size_t len)
{
	uint8_t *tcp = frame + 34;
	uint32_t bytes;

	if (len < 54 || frame[12] != 8 || frame[13] != 0 || frame[23] != 6)
		return true;
	if (tcp[13] & TCP_SYN) {
		if (from == 0)
			plan.isn = get32(tcp + 4) + 1;
		if (plan.is_plain)
			strip_sack(tcp);
		return true;
	}
	if (plan.is_dark)
		return !lose(true);
	bytes = (uint32_t)(frame[16] << 8 | frame[17]) - 20u - (tcp[12] >> 4) * 4u;
	if (from == 1)
		return bytes > 0 || !lose(wire_random() % 1000 < plan.answers_permille);
	return bytes == 0 || !loses_data(get32(tcp + 4) - plan.isn, bytes);
}

/* ---- what must hold at each moment ---- */

static struct sack_counts counts_before;
static uint32_t pipe_before;

static void start(unsigned offloads, uint64_t bytes)
{
	wire_init(offloads);
	wire.passes = passes;
	sack_get_counts(&counts_before);
	pipe_before = 0;
	streams_start(bytes, 0);
	tcp_nagle_disable(stream_client.pcb); /* the last segment does not wait for the others */
}

static uint64_t happened(size_t offset)
{
	struct sack_counts now;

	sack_get_counts(&now);
	return *(uint64_t *)(void *)((uint8_t *)&now + offset) -
	       *(uint64_t *)(void *)((uint8_t *)&counts_before + offset);
}
#define HAPPENED(what) happened(offsetof(struct sack_counts, what))

static void check_order(const struct tcp_pcb *pcb)
{
	uint32_t at = pcb->lastack;

	for (const struct tcp_seg *s = pcb->unacked; s != NULL; s = s->next) {
		assert_true(!seq_before(segment_end(s), at));
		assert_true(s == pcb->unacked || segment_seq(s) == at);
		at = segment_end(s);
	}
	if (pcb->unsent != NULL && pcb->unacked != NULL)
		assert_int_equal(segment_seq(pcb->unsent), at);
}

/* No more is under way than the window allows (RFC 3042: and two segments), in recovery no more than at its begin. */
static void check_pipe(const struct tcp_pcb *pcb)
{
	const struct sender *s = sender_of(pcb);
	struct survey v;

	if (s == NULL || (pcb->flags & TF_RTO) || pcb->state != ESTABLISHED)
		return;
	sender_survey(s, &v);
	if (!s->is_recovering)
		assert_true(v.pipe <= pcb->cwnd + 3u * pcb->mss || v.pipe <= pipe_before);
	else
		assert_true(v.pipe <= s->prr.target + pcb->mss || v.pipe <= s->prr.flight);
	pipe_before = v.pipe;
}

static void step(void)
{
	wire_step();
	if (stream_client.pcb != NULL && stream_client.pcb->state >= ESTABLISHED) {
		check_order(stream_client.pcb);
		check_pipe(stream_client.pcb);
	}
}

static uint64_t run(uint64_t limit_ms)
{
	uint64_t ms = 0;

	for (; ms < limit_ms && !streams_are_done(); ms++)
		step();
	assert_true(streams_are_done());
	return ms;
}

static uint64_t undisturbed_ms(uint64_t bytes)
{
	uint64_t ms;

	memset(&plan, 0, sizeof(plan));
	start(0, bytes);
	ms = run(60000);
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
	start(0, STREAM);
	ms = run(60000);
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
	uint64_t plain = undisturbed_ms(4 << 20), timers = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 12; seed++) {
		memset(&plan, 0, sizeof(plan));
		plan.loss_permille = plan.answers_permille = seed % 3 == 0 ? 1 : 10;
		start(seed % 2 ? 0 : NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_RX_CSUM,
		      4 << 20);
		wire.random = seed * 0x9e3779b97f4a7c15ull;
		/* A window of 12 segments (RFC 5681 at 1 %) has a round trip of four steps. */
		assert_in_range(run(60000), 1, plain + (4u << 20) / TCP_MSS / 12 * 4 * 2);
		assert_true(plan.lost > 0);
		step(); /* a probe may still be on its way */
		assert_int_equal(retrans_of(stream_client.pcb), wire.repeated);
		timers += HAPPENED(timers);
		streams_stop();
	}
	assert_in_range(timers, 0, 1);
}

static void heavy_losses_lose_no_byte(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 12; seed++) {
		memset(&plan, 0, sizeof(plan));
		plan.is_plain = seed % 4 == 0;
		plan.loss_permille = plan.answers_permille = 100 + seed * 20;
		start(seed % 2 ? 0 : NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_RX_CSUM,
		      256 << 10);
		wire.random = seed * 0x9e3779b97f4a7c15ull;
		(void)run(3000000);
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
	start(0, 2 << 20);
	while (!streams_are_done()) {
		const struct sender *s;

		step();
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
		start(0, 2 << 20);
		while (plan.times > 0)
			step();
		for (ms = 0; ms < 5; ms++)
			step();
		plan.is_dark = true;
		for (ms = 0; ms < 4 * TIMER_MS; ms++)
			step();
		assert_true(stream_client.pcb->flags & TF_RTO);
		assert_int_equal(sender_of(stream_client.pcb)->board.sacked_bytes, 0);
		assert_true(HAPPENED(timers) > 0);
		assert_true(HAPPENED(probes) <= 2);
		plan.is_dark = false;
		(void)run(20000);
		streams_stop();
	}
}

/* ---- the peer ---- */

/* An acknowledgement of the server's, made by hand. */
static void inject(u32_t ack, const uint32_t *edges, unsigned blocks)
{
	const struct tcp_pcb *pcb = stream_client.pcb;
	uint8_t frame[PACKET_MAX] = {0};
	struct peer peer = {.port = pcb->remote_port,
	                    .local_port = pcb->local_port,
	                    .seq = pcb->rcv_nxt,
	                    .ack = ack,
	                    .address4 = {{10, 0, 0, 2}, {10, 0, 0, 1}},
	                    .mac = {2, 2, 2, 2, 2, 0},
	                    .hardware = {10, 10, 10, 10, 10, 10}};
	size_t bytes = packet_segment(&peer, TCP_ACK, frame);
	size_t option_bytes = blocks > 0 ? 4 + 8 * (size_t)blocks : 0;
	uint16_t sum, window = (uint16_t)(pcb->snd_wnd >> pcb->snd_scale);

	if (blocks > 0)
		memcpy(frame + bytes, (uint8_t[]){1, 1, 5, (uint8_t)(2 + 8 * blocks)}, 4);
	for (unsigned i = 0; i < 2 * blocks; i++) {
		u32_t edge = lwip_htonl(edges[i]);

		memcpy(frame + bytes + 4 + (size_t)4 * i, &edge, 4);
	}
	frame[46] = (uint8_t)((20 + option_bytes) / 4 << 4);
	frame[48] = (uint8_t)(window >> 8);
	frame[49] = (uint8_t)window;
	bytes += option_bytes;
	frame[16] = (uint8_t)((bytes - 14) >> 8);
	frame[17] = (uint8_t)(bytes - 14);
	memset(frame + 24, 0, 2);
	sum = (uint16_t)~inet_sum(frame + 14, 20);
	memcpy(frame + 24, &sum, 2);
	wire_inject(0, frame, bytes, NET_RX_CSUM_OK);
}

/* Blocks from nowhere, inverted, of everything, thousands of them: the stream arrives as it was sent, and stays within the
 * windows. */
static void lies_harm_nobody(void **state)
{
	(void)state;
	memset(&plan, 0, sizeof(plan));
	plan.loss_permille = 10;
	start(0, 1 << 20);
	for (unsigned ms = 0; ms < 20000 && !streams_are_done(); ms++) {
		const struct tcp_pcb *pcb = stream_client.pcb;

		for (unsigned n = 0; n < 20 && pcb->state == ESTABLISHED; n++) {
			uint32_t edges[6], span = pcb->snd_nxt - pcb->lastack + 4000;

			for (unsigned k = 0; k < 6; k++)
				edges[k] = wire_random() % 4 == 0
				                   ? (uint32_t)wire_random()
				                   : pcb->lastack - 2000 +
				                             (uint32_t)(wire_random() % span);
			inject(pcb->lastack, edges, (unsigned)(wire_random() % 4));
		}
		wire_step();
		check_order(pcb);
	}
	plan.loss_permille = 0;
	(void)run(600000);
	streams_stop();
}

/* Everything is reported to have arrived, and is lost: only the timer helps (RFC 2018, 8), and it does. */
static void a_peer_that_takes_back_gets_its_data(void **state)
{
	uint32_t edges[2];

	(void)state;
	memset(&plan, 0, sizeof(plan));
	start(0, 512 << 10);
	while (stream_server.got < 100000)
		step();
	plan.is_dark = true;
	for (unsigned k = 0; k < 3; k++)
		step();
	edges[0] = stream_client.pcb->lastack + TCP_MSS;
	edges[1] = stream_client.pcb->snd_nxt;
	inject(stream_client.pcb->lastack, edges, 1);
	for (unsigned k = 0; k < 4; k++)
		step();
	assert_true(sender_of(stream_client.pcb)->board.sacked_bytes > 0);
	plan.is_dark = false;
	(void)run(20000);
	streams_stop();
}

/* The wire brings them late, and the peer says that it has them twice: the window is as before. */
static void a_needless_episode_is_undone(void **state)
{
	struct tcp_pcb *pcb;
	tcpwnd_size_t cwnd;
	uint32_t una, edges[4];

	(void)state;
	memset(&plan, 0, sizeof(plan));
	start(0, 2 << 20);
	while (stream_server.got < 200000)
		step();
	pcb = stream_client.pcb;
	plan.is_dark = true; /* the peer's own answers do not come */
	step();
	step();
	una = pcb->lastack;
	cwnd = pcb->cwnd;
	assert_true(pcb->unacked != NULL && pcb->snd_nxt - una > 10 * TCP_MSS);
	edges[0] = una + SEGMENT;
	edges[1] = una + 6 * SEGMENT;
	inject(una, edges, 1);
	step();
	step();
	assert_int_equal(HAPPENED(recoveries), 1);
	assert_true(pcb->cwnd < cwnd);
	assert_int_equal(retrans_of(pcb), 1);
	edges[0] = una;
	edges[1] = una + SEGMENT;
	inject(una + 6 * SEGMENT, edges, 1);
	step();
	step();
	assert_int_equal(HAPPENED(undone), 1);
	assert_true(pcb->cwnd >= cwnd);
	assert_false(sender_of(pcb)->is_recovering);
	plan.is_dark = false;
	(void)run(20000);
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
		start(0, 4 << 20);
		wire.random += k * 0x9e3779b97f4a7c15ull;
		for (unsigned n = 0; n < 20 + 3 * k; n++)
			step();
		assert_false(streams_are_done());
		cwnd = stream_client.pcb->cwnd;
		wire_kill(0);
		for (unsigned n = 0; n < 700; n++)
			step();
		assert_int_equal(HAPPENED(probes), 0);
		assert_int_equal(HAPPENED(timers), 0);
		wire_revive(0);
		for (unsigned n = 0; n < 100 && !streams_are_done(); n++) {
			wire_step();
			check_order(stream_client.pcb);
			assert_true(stream_client.pcb->cwnd >= cwnd);
		}
		assert_int_equal(HAPPENED(timers), 0);
		(void)run(20000);
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
		start(seed % 2 ? 0 : NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_RX_CSUM,
		      4 << 20);
		wire.random = seed * 0x9e3779b97f4a7c15ull;
		for (unsigned n = 0; n < 20 && !streams_are_done(); n++) {
			for (unsigned k = 0; k < 40; k++)
				wire_step();
			check_order(stream_client.pcb);
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
	start(0, 2 << 20);
	while (stream_server.got < 200000 || stream_client.pcb->unacked == NULL ||
	       netdev_tx_pending(iface_find_unit("0")->dev) > 0)
		step();
	pcb = stream_client.pcb;
	before = retrans_of(pcb);
	for (s = pcb->unacked; s != NULL; s = s->next) {
		assert_true(resend_segment(pcb, s));
		check_order(pcb);
		assert_true(segment_is_held(s));
		assert_false(resend_segment(pcb, s));
		before++;
	}
	assert_int_equal(retrans_of(pcb), before);
	window = pcb->snd_wnd;
	for (unsigned k = 0; k < 3; k++)
		wire_step();
	while (pcb->unacked == NULL || segment_is_held(pcb->unacked))
		wire_step();
	window = pcb->snd_wnd;
	pcb->snd_wnd = 100;
	assert_false(resend_segment(pcb, pcb->unacked));
	check_order(pcb);
	pcb->snd_wnd = window;
	(void)run(20000);
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
		cmocka_unit_test(the_timer_forgets),
		cmocka_unit_test(lies_harm_nobody),
		cmocka_unit_test(a_peer_that_takes_back_gets_its_data),
		cmocka_unit_test(a_needless_episode_is_undone),
		cmocka_unit_test(an_outage_does_not_reduce_the_window),
		cmocka_unit_test(losses_and_deaths_together_lose_no_byte),
		cmocka_unit_test(a_segment_is_resent_from_any_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
