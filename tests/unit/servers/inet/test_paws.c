/* SPDX-License-Identifier: BSD-2-Clause */
/* Old duplicates (servers/inet/paws.h): what has come round is refused, and no stream notices. */
/* uses: @tests/unit/servers/inet/wire.h servers/inet/arena.c tests/unit/servers/inet/streams.c
 *   tests/unit/servers/inet/inject.c tests/fuzz/inet/input.c tests/fuzz/inet/packets.c */
/* ports: lwip */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/lwip_hooks.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "servers/inet/sieve.h"
#include "tests/unit/servers/inet/inject.h"
#include "tests/unit/servers/inet/streams.h"
#include "tests/unit/servers/inet/wire.h"

#define NEXT         0xfffffff0u /* numbers wrap */
#define WINDOW       10000u
#define UNA          5000u
#define PEER_WINDOW  8000u
#define RTO_TICKS    3
#define DAY_TICKS    (86400u * (1000u / TCP_SLOW_INTERVAL))
#define DAY_NS       (86400ull * 1000000000)
#define OPTION_BYTES 12u

static uint8_t *write_option(uint8_t option[OPTION_BYTES], u32_t time)
{
	const uint8_t kind[] = {LWIP_TCP_OPT_NOP, LWIP_TCP_OPT_NOP, LWIP_TCP_OPT_TS,
	                        LWIP_TCP_OPT_LEN_TS};

	memset(option, 0, OPTION_BYTES);
	memcpy(option, kind, sizeof(kind));
	time = lwip_htonl(time);
	memcpy(option + sizeof(kind), &time, sizeof(time));
	return option;
}

/* ---- at the hook ---- */

static struct tcp_pcb connection(u32_t ts_recent)
{
	return (struct tcp_pcb){.state = ESTABLISHED,
	                        .flags = TF_TIMESTAMP,
	                        .ts_recent = ts_recent,
	                        .ts_lastacksent = NEXT,
	                        .tmr = tcp_ticks,
	                        .rto = RTO_TICKS,
	                        .rcv_nxt = NEXT,
	                        .rcv_wnd = WINDOW,
	                        .lastack = UNA,
	                        .snd_nxt = UNA + 1000,
	                        .snd_wnd = PEER_WINDOW,
	                        .snd_wnd_max = 20000};
}

struct segment_of {
	u32_t seq, ack;
	u16_t window, len;
	unsigned flags;
	uint8_t options[OPTION_BYTES];
	bool has_none;
};

static struct segment_of segment(u32_t time, u16_t len)
{
	struct segment_of s = {
		.seq = NEXT, .ack = UNA, .window = PEER_WINDOW, .len = len, .flags = TCP_ACK};

	write_option(s.options, time);
	return s;
}

static err_t judge(struct tcp_pcb *pcb, struct segment_of *s)
{
	struct {
		struct tcp_hdr header;
		uint8_t options[OPTION_BYTES];
	} raw = {.header = {.seqno = s->seq, .ackno = s->ack, .wnd = s->window}};
	struct pbuf p = {.tot_len = s->len, .len = s->len};
	u16_t bytes = s->has_none ? 0 : OPTION_BYTES;
	err_t err;

	TCPH_HDRLEN_FLAGS_SET(&raw.header, 5 + bytes / 4, s->flags);
	memcpy(raw.options, s->options, bytes);
	err = sieve_segment(pcb, &raw.header, bytes, bytes, NULL, &p);
	memcpy(s->options, raw.options, bytes);
	return err;
}

static err_t judge_time(struct tcp_pcb *pcb, u32_t time, u16_t len)
{
	struct segment_of s = segment(time, len);

	return judge(pcb, &s);
}

static uint64_t refused(void)
{
	struct sieve_counts c;

	sieve_get_counts(&c);
	return c.old;
}

/* Around `now`: half of the circle is older. */
static void check_times(u32_t now)
{
	static const struct {
		u32_t step;
		err_t err;
	} cases[] = {{0, ERR_OK},          {1, ERR_OK},           {1000, ERR_OK},
	             {0x7fffffff, ERR_OK}, {0x80000001, ERR_VAL}, {0u - 1000, ERR_VAL},
	             {0u - 2, ERR_VAL},    {0u - 1, ERR_OK}};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tcp_pcb pcb = connection(now);
		uint64_t before = refused();

		assert_int_equal(judge_time(&pcb, now + cases[i].step, 1000), cases[i].err);
		assert_int_equal(refused() - before, cases[i].err != ERR_OK);
		assert_int_equal(pcb.ts_recent, cases[i].err == ERR_OK && cases[i].step != 0u - 1
		                                        ? now + cases[i].step
		                                        : now);
	}
}

static void older_times_are_refused(void **state)
{
	(void)state;
	check_times(5000);
	check_times(0x7ffffff0); /* clocks wrap, signed and unsigned */
	check_times(0x80000010);
	check_times(0xfffffff0);
	check_times(10);
}

/* The window of what is refused, its FIN, its data: nothing counts. */
static void refusal_does_not_depend_on_what_it_is(void **state)
{
	struct tcp_pcb pcb = connection(5000);
	struct segment_of s = segment(4000, 0);

	(void)state;
	s.flags = TCP_ACK | TCP_FIN;
	assert_int_equal(judge(&pcb, &s), ERR_VAL);
	s = segment(4000, 0);
	s.ack = UNA + 10;
	assert_int_equal(judge(&pcb, &s), ERR_VAL);
	s = segment(4000, 100);
	s.seq = NEXT + 500; /* behind a hole */
	assert_int_equal(judge(&pcb, &s), ERR_VAL);
	s = segment(4000, 0);
	s.flags = TCP_RST;
	assert_int_equal(judge(&pcb, &s), ERR_OK);
	assert_int_equal(pcb.ts_recent, 5000);
}

static void without_timestamps_nothing_is_old(void **state)
{
	struct tcp_pcb pcb = connection(5000);
	struct segment_of s = segment(0, 1000);

	(void)state;
	s.has_none = true; /* as lwIP's own probes */
	assert_int_equal(judge(&pcb, &s), ERR_OK);
	pcb = connection(0); /* a peer that began with 0 */
	assert_int_equal(judge_time(&pcb, 0x90000000, 1000), ERR_OK);
	assert_int_equal(pcb.ts_recent, 0x90000000);
	pcb = connection(5000);
	pcb.flags = 0; /* not agreed upon */
	assert_int_equal(judge_time(&pcb, 1000, 1000), ERR_OK);
	assert_int_equal(pcb.ts_recent, 5000);
}

/* RFC 7323, 4.3: of what is not behind the last acknowledgement. lwIP leaves out the first two. */
static void time_is_that_of_what_is_in_order(void **state)
{
	static const struct {
		u32_t seq;
		u16_t len;
		bool is_taken;
	} cases[] = {{NEXT - 1, 0, true},   {NEXT - 2000, 1000, true}, {NEXT - 1, 1, true},
	             {NEXT, 0, true},       {NEXT, 1000, true},        {NEXT + 1, 1000, false},
	             {NEXT + 500, 0, false}};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tcp_pcb pcb = connection(5000);
		struct segment_of s = segment(6000, cases[i].len);

		s.seq = cases[i].seq;
		assert_int_equal(judge(&pcb, &s), ERR_OK);
		assert_int_equal(pcb.ts_recent, cases[i].is_taken ? 6000 : 5000);
	}
}

static void time_of_what_is_not_acceptable_is_not_taken(void **state)
{
	struct tcp_pcb pcb = connection(5000);
	struct segment_of s = segment(6000, 0);

	(void)state;
	s.ack = UNA + 5000;
	assert_int_equal(judge(&pcb, &s), ERR_VAL);
	s = segment(6000, 0);
	s.seq = NEXT + 0x40000000;
	assert_int_equal(judge(&pcb, &s), ERR_VAL);
	assert_int_equal(pcb.ts_recent, 5000);
}

/* A SYN that did not begin it, an answer to one that we did not send: their options are not believed. */
static void half_open_connection_keeps_its_time(void **state)
{
	struct tcp_pcb pcb = connection(5000);
	struct segment_of s = segment(90000, 0);

	(void)state;
	pcb.state = SYN_RCVD;
	pcb.snd_nxt = UNA + 1;
	s.flags = TCP_SYN;
	s.seq = NEXT - 1000;
	assert_int_equal(judge(&pcb, &s), ERR_VAL);
	s = segment(90000, 0); /* lwIP resets it */
	s.ack = UNA;
	assert_int_equal(judge(&pcb, &s), ERR_OK);
	assert_memory_equal(s.options, "\1\1\1\1\1\1\1\1\1\1\1\1", OPTION_BYTES);
	assert_int_equal(pcb.ts_recent, 5000);
	s = segment(6000, 0); /* its own, again */
	s.flags = TCP_SYN;
	s.seq = NEXT - 1;
	assert_int_equal(judge(&pcb, &s), ERR_OK);
	assert_int_equal(pcb.ts_recent, 6000);
	s = segment(6000, 0);
	s.ack = UNA + 1;
	assert_int_equal(judge(&pcb, &s), ERR_OK);
}

/* Linux: tcp_disordered_ack. lwIP must not see the time, or it would go back. */
static void late_duplicate_acks_pass(void **state)
{
	struct tcp_pcb pcb = connection(5000);
	u32_t most = RTO_TICKS * TCP_SLOW_INTERVAL * 6 / 5;
	struct segment_of s = segment(5000 - most, 0);

	(void)state;
	assert_int_equal(judge(&pcb, &s), ERR_OK);
	assert_memory_equal(s.options, "\1\1\1\1\1\1\1\1\1\1\1\1", OPTION_BYTES);
	assert_int_equal(pcb.ts_recent, 5000);
	assert_int_equal(judge_time(&pcb, 5000 - most - 1, 0), ERR_VAL);
	assert_int_equal(judge_time(&pcb, 5000 - most, 1), ERR_VAL);
	s = segment(4900, 0);
	s.window++;
	assert_int_equal(judge(&pcb, &s), ERR_VAL);
	s = segment(4900, 0);
	s.ack = UNA + 1;
	assert_int_equal(judge(&pcb, &s), ERR_VAL);
	s = segment(4900, 0);
	s.seq = NEXT - 1;
	assert_int_equal(judge(&pcb, &s), ERR_VAL);
	s = segment(5001, 0); /* not late: lwIP may see it */
	assert_int_equal(judge(&pcb, &s), ERR_OK);
	assert_int_equal(s.options[2], LWIP_TCP_OPT_TS);
}

static void idle_peers_are_believed(void **state)
{
	struct tcp_pcb pcb = connection(5000);
	struct segment_of s = segment(0x90000000, 100);

	(void)state;
	pcb.tmr = tcp_ticks - 24 * DAY_TICKS;
	assert_int_equal(judge_time(&pcb, 0x90000000, 100), ERR_VAL);
	pcb.tmr--;
	s.seq = NEXT + 500; /* what was before it is lost; the next one must not be refused */
	assert_int_equal(judge(&pcb, &s), ERR_OK);
	assert_int_equal(pcb.ts_recent, 0x90000000);
}

/* ---- on the wire ---- */

static void start_up(void)
{
	wire_init(0);
	streams_start(2 << 20, 1 << 20);
	while (stream_server.pcb == NULL || stream_client.got < 100000)
		wire_step();
	assert_true(stream_client.pcb->flags & TF_TIMESTAMP);
}

/* Other bytes with the right numbers: each would be a wrong byte of the stream. */
static void old_data_do_not_get_into_a_stream(void **state)
{
	uint64_t before = refused();

	(void)state;
	start_up();
	for (unsigned k = 0; k < 200; k++) {
		struct peer peer = inject_peer(stream_client.pcb);
		uint8_t option[OPTION_BYTES];

		write_option(option, stream_client.pcb->ts_recent - 1000);
		inject_segment(&peer, TCP_ACK, option, OPTION_BYTES, 500);
		wire_step();
	}
	streams_run(20000);
	assert_true(refused() - before > 100);
	streams_stop();
}

/* Our own clock passes 2^31 and 2^32 ms in the middle of streams that lose a hundredth. */
static void clocks_wrap_in_streams(void **state)
{
	static const uint64_t wraps_ms[] = {1ull << 31, 1ull << 32};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		uint64_t before = refused(), lost;

		wire.now_ns =
			wraps_ms[i] * 1000000 - 1050 * 1000000ull; /* wire_init() takes 1000 ms */
		wire_init(0);
		streams_start(8 << 20, 8 << 20);
		wire.loss_permille = 10;
		assert_true(wire.now_ns / 1000000 < wraps_ms[i]);
		assert_true(streams_run(200000) > 100);
		lost = wire.lost;
		assert_true(lost > 10);
		/* Only what came twice, or late over a hole, can be old; there is no reordering here. */
		assert_int_equal(refused() - before, 0);
		streams_stop();
	}
}

/* What is replayed, found in buffers or sent again when drivers die is taken as before. */
static void deaths_make_nothing_old(void **state)
{
	uint64_t before = refused();

	(void)state;
	wire_init(0);
	wire.keeps_frames = true;
	streams_start(4 << 20, 4 << 20);
	for (unsigned k = 0; k < 40 && !streams_are_done(); k++) {
		for (unsigned ms = 0; ms < 10; ms++)
			wire_step();
		wire_kill(k % 2);
		for (unsigned ms = 0; ms < 5; ms++)
			wire_step();
		wire_revive(k % 2);
	}
	streams_run(60000);
	assert_true(wire.replayed > 100);
	assert_int_equal(refused() - before, 0);
	streams_stop();
}

/* 25 days of silence, after which the peer's clock seems to have gone back. */
static void stream_goes_on_after_long_silence(void **state)
{
	uint64_t before = refused();

	(void)state;
	wire_init(0);
	streams_start(100000, 100000);
	streams_run(20000);
	for (unsigned k = 0; k < 500; k++)
		wire_step();
	wire.now_ns += 25 * DAY_NS;
	tcp_ticks += 25 * DAY_TICKS;
	stream_client.want += 100000;
	stream_server.want += 100000;
	(void)stream_client.pcb->sent(&stream_client, stream_client.pcb, 0);
	(void)stream_server.pcb->sent(&stream_server, stream_server.pcb, 0);
	streams_run(1000);
	assert_int_equal(refused() - before, 0);
	streams_stop();
}

/* A month of nothing but keep-alives, one a day: none is refused, although none has data. */
static void keepalives_keep_the_time(void **state)
{
	struct tcp_pcb pcb = connection(5000);
	u32_t day_ms = 86400000;

	(void)state;
	for (u32_t day = 1; day < 60; day++) {
		struct segment_of s = segment(5000 + day * day_ms, 0);

		s.seq = NEXT - 1;
		pcb.tmr = tcp_ticks; /* lwIP has heard of the peer */
		assert_int_equal(judge(&pcb, &s), ERR_OK);
		assert_int_equal(pcb.ts_recent, 5000 + day * day_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(older_times_are_refused),
		cmocka_unit_test(refusal_does_not_depend_on_what_it_is),
		cmocka_unit_test(without_timestamps_nothing_is_old),
		cmocka_unit_test(time_is_that_of_what_is_in_order),
		cmocka_unit_test(time_of_what_is_not_acceptable_is_not_taken),
		cmocka_unit_test(half_open_connection_keeps_its_time),
		cmocka_unit_test(late_duplicate_acks_pass),
		cmocka_unit_test(idle_peers_are_believed),
		cmocka_unit_test(keepalives_keep_the_time),
		cmocka_unit_test(old_data_do_not_get_into_a_stream),
		cmocka_unit_test(deaths_make_nothing_old),
		cmocka_unit_test(stream_goes_on_after_long_silence),
		cmocka_unit_test(clocks_wrap_in_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
