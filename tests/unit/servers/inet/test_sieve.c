/* SPDX-License-Identifier: BSD-2-Clause */
/* What lwIP must not believe (servers/inet/sieve.c): each of these ended inet, or changed a connection that it should not. */
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
#include "servers/inet/sieve.h"
#include "tests/unit/servers/inet/inject.h"
#include "tests/unit/servers/inet/streams.h"
#include "tests/unit/servers/inet/wire.h"

#define WINDOW      10000u
#define OPTIONS_MAX 40

/* ---- frames ---- */

static bool admits(const uint8_t *frame, size_t len)
{
	return sieve_admits(frame, len < 160 ? len : 160, len);
}

static void short_arp_is_refused(void **state)
{
	uint8_t frame[60] = {[12] = 0x08, [13] = 0x06};

	(void)state;
	for (size_t len = 14; len < 42; len++)
		assert_false(admits(frame, len));
	assert_true(admits(frame, 42));
	assert_true(admits(frame, 60));
	frame[22] = 1; /* the sender is a group */
	assert_false(admits(frame, 60));
}

static void packet_from_ourselves_is_refused(void **state)
{
	static const uint8_t sources[][5] = {
		{127, 0, 0, 1, 0}, {10, 0, 0, 1, 0}, {10, 0, 1, 1, 0}, {10, 0, 0, 2, 1}};
	uint8_t frame[60] = {[12] = 0x08, [14] = 0x45, [23] = 6};

	(void)state;
	wire_init(0);
	for (unsigned i = 0; i < 4; i++) {
		memcpy(frame + 26, sources[i], 4);
		assert_int_equal(admits(frame, sizeof(frame)), sources[i][4]);
	}
	memset(frame + 26, 0, 4); /* nowhere: DHCP's, not TCP's */
	assert_false(admits(frame, sizeof(frame)));
	frame[23] = 17;
	assert_true(admits(frame, sizeof(frame)));
	wire_end();
}

/* A path MTU below IPv6's least, plain and behind extension headers, and a chain that does not end in what is copied. */
static void ip6_chain_is_walked(void **state)
{
	uint8_t frame[400] = {[12] = 0x86, [13] = 0xdd, [14] = 0x60, [18] = 1,   [19] = 0x5a,
	                      [20] = 58,   [54] = 2,    [60] = 4,    [61] = 0xff};

	(void)state;
	assert_false(admits(frame, sizeof(frame))); /* 1279 */
	frame[60] = 5, frame[61] = 0;
	assert_true(admits(frame, sizeof(frame)));
	frame[20] = 0; /* hop-by-hop of 16 bytes, then the same */
	memset(frame + 54, 0, 32);
	frame[54] = 58, frame[55] = 1, frame[70] = 2, frame[76] = 5;
	assert_true(admits(frame, sizeof(frame)));
	frame[76] = 0;
	assert_false(admits(frame, sizeof(frame)));
	frame[55] = 20; /* 168 bytes */
	assert_false(admits(frame, sizeof(frame)));
	frame[20] = 44; /* a later fragment has no chain */
	frame[54] = 0, frame[56] = 1;
	assert_true(admits(frame, sizeof(frame)));
}

/* lwIP took the address of an empty option from what is behind the frame. */
static void discovery_options_are_checked(void **state)
{
	/* A neighbour solicitation with room for one option of 8 bytes. */
	uint8_t frame[14 + 40 + 32] = {
		[12] = 0x86, [13] = 0xdd, [14] = 0x60, [19] = 32, [20] = 58, [54] = 135};
	uint8_t *option = frame + 14 + 40 + 24;

	(void)state;
	assert_false(admits(frame, sizeof(frame)));
	option[0] = 1, option[1] = 1;
	assert_true(admits(frame, sizeof(frame)));
	option[2] = 0x33; /* a group's address */
	assert_false(admits(frame, sizeof(frame)));
	option[2] = 0;
	option[1] = 2;
	assert_false(admits(frame, sizeof(frame)));
	option[0] = 5, option[1] = 1;
	assert_false(admits(frame, sizeof(frame)));
	frame[19] = 24; /* the rest is padding */
	option[1] = 0;
	assert_true(admits(frame, sizeof(frame)));
	frame[54] = 128;
	frame[19] = 32;
	assert_true(admits(frame, sizeof(frame)));
}

/* ---- segments ---- */

static struct tcp_pcb connection(void)
{
	return (struct tcp_pcb){.state = ESTABLISHED,
	                        .rcv_nxt = UINT32_MAX - 100, /* numbers wrap */
	                        .rcv_wnd = WINDOW,
	                        .lastack = 5000,
	                        .snd_nxt = 6000,
	                        .snd_wnd_max = 20000};
}

/* How a segment fares at the hook; whoever is answered has no route, so nothing is sent. */
static err_t judge(struct tcp_pcb *pcb, u32_t seq, u32_t ack, unsigned flags, u16_t len)
{
	struct {
		struct tcp_hdr header;
		uint8_t options[OPTIONS_MAX];
	} s = {.header = {.seqno = seq, .ackno = ack}};
	struct pbuf p = {.tot_len = len, .len = len};

	TCPH_HDRLEN_FLAGS_SET(&s.header, 5, flags);
	return sieve_segment(pcb, &s.header, 0, 0, NULL, &p);
}

static void segments_out_of_the_window_are_dropped(void **state)
{
	struct tcp_pcb pcb = connection();
	u32_t next = pcb.rcv_nxt, edge = next + WINDOW;

	(void)state;
	assert_int_equal(judge(&pcb, next, 6000, TCP_ACK, 0), ERR_OK);
	assert_int_equal(judge(&pcb, next, 6000, TCP_ACK, 1460), ERR_OK);
	assert_int_equal(judge(&pcb, next - 1, 6000, TCP_ACK, 0), ERR_OK);       /* keepalive */
	assert_int_equal(judge(&pcb, next - 1460, 6000, TCP_ACK, 1460), ERR_OK); /* again */
	assert_int_equal(judge(&pcb, edge, 6000, TCP_ACK, 0), ERR_OK);
	assert_int_equal(judge(&pcb, edge - 1460, 6000, TCP_ACK, 1460), ERR_OK);
	assert_int_equal(judge(&pcb, edge - 1459, 6000, TCP_ACK, 1460), ERR_VAL);
	assert_int_equal(judge(&pcb, edge - 1460, 6000, TCP_ACK | TCP_FIN, 1460), ERR_VAL);
	assert_int_equal(judge(&pcb, next, 6000, TCP_ACK, WINDOW + 1), ERR_OK); /* lwIP cuts it */
	assert_int_equal(judge(&pcb, edge + 1, 6000, TCP_ACK, 0), ERR_VAL);
	assert_int_equal(judge(&pcb, next + 0x80000001u, 6000, TCP_ACK, 0), ERR_VAL);
	assert_int_equal(judge(&pcb, edge + 1, 6000, TCP_RST, 0), ERR_OK); /* lwIP's to judge */
}

static void a_fin_needs_no_window(void **state)
{
	struct tcp_pcb pcb = connection();
	u32_t next = pcb.rcv_nxt;

	(void)state;
	assert_int_equal(judge(&pcb, next, 6000, TCP_ACK | TCP_FIN, 10), ERR_OK);
	assert_int_equal(pcb.rcv_wnd, WINDOW);
	pcb.rcv_wnd = 10;
	assert_int_equal(judge(&pcb, next, 6000, TCP_ACK, 10), ERR_OK);
	assert_int_equal(pcb.rcv_wnd, 10);
	assert_int_equal(judge(&pcb, next, 6000, TCP_ACK | TCP_FIN, 11), ERR_OK); /* lwIP cuts it */
	assert_int_equal(pcb.rcv_wnd, 10);
	assert_int_equal(judge(&pcb, next, 6000, TCP_ACK | TCP_FIN, 10), ERR_OK);
	assert_int_equal(pcb.rcv_wnd, 11);
	pcb.rcv_wnd = 0;
	assert_int_equal(judge(&pcb, next, 6000, TCP_ACK | TCP_FIN, 0), ERR_OK);
	assert_int_equal(pcb.rcv_wnd, 1);
}

static void acknowledgements_must_be_possible(void **state)
{
	struct tcp_pcb pcb = connection();
	u32_t next = pcb.rcv_nxt;

	(void)state;
	assert_int_equal(judge(&pcb, next, 5000, TCP_ACK, 10), ERR_OK);
	assert_int_equal(judge(&pcb, next, 5000 - 20000u, TCP_ACK, 10), ERR_OK);
	assert_int_equal(judge(&pcb, next, 5000 - 20001u, TCP_ACK, 10), ERR_VAL);
	assert_int_equal(judge(&pcb, next, 6001, TCP_ACK, 10), ERR_VAL);
	assert_int_equal(judge(&pcb, next, 6000, 0, 10), ERR_VAL);
	assert_int_equal(judge(&pcb, next, 6000, TCP_FIN, 0), ERR_VAL);
	pcb.state = SYN_RCVD; /* lwIP answers by a reset */
	assert_int_equal(judge(&pcb, next, 6001, TCP_ACK, 0), ERR_OK);
}

static void small_windows_are_widened(void **state)
{
	struct tcp_pcb pcb = connection();

	(void)state;
	pcb.snd_wnd_max = 1;
	assert_int_equal(judge(&pcb, pcb.rcv_nxt, 6000, TCP_ACK, 0), ERR_OK);
	assert_int_equal(pcb.snd_wnd_max, 2 * TCP_MSS);
}

static void check_options(unsigned flags, const char *before, const char *after, u16_t len)
{
	struct tcp_pcb pcb = connection();
	struct {
		struct tcp_hdr header;
		uint8_t options[OPTIONS_MAX];
	} s = {.header = {.seqno = pcb.rcv_nxt, .ackno = 6000}};
	struct pbuf p = {.tot_len = 0};

	TCPH_HDRLEN_FLAGS_SET(&s.header, 5, flags);
	memcpy(s.options, before, len);
	(void)sieve_segment(&pcb, &s.header, len, len, NULL, &p);
	assert_memory_equal(s.options, after, len);
}

static void segment_sizes_are_tamed(void **state)
{
	(void)state;
	check_options(TCP_SYN, "\2\4\5\xb4", "\2\4\5\xb4", 4);
	check_options(TCP_SYN, "\1\2\4\0\1\1\1\1", "\1\2\4\0\x30\1\1\1", 8);
	check_options(TCP_ACK, "\1\1\2\4\0\1\1\1", "\1\1\1\1\1\1\1\1", 8);
	check_options(TCP_ACK, "\3\3\7\2\4\0\1\0", "\3\3\7\1\1\1\1\0", 8);
	check_options(TCP_ACK, "\0\2\4\0\1\1\1\1", "\0\2\4\0\1\1\1\1", 8); /* behind the end */
	check_options(TCP_ACK, "\x09\0\2\4\0\1\1\1", "\x09\0\2\4\0\1\1\1",
	              8); /* lwIP stops there, too */
	check_options(TCP_SYN, "\2\4\0", "\2\4\0", 3);
}

static void options_in_a_drivers_memory_are_refused(void **state)
{
	struct tcp_pcb pcb = connection();
	struct tcp_hdr header = {.seqno = pcb.rcv_nxt, .ackno = 6000};
	struct pbuf p = {.tot_len = 0};
	uint8_t rest[4] = {1, 1, 1, 1};

	(void)state;
	TCPH_HDRLEN_FLAGS_SET(&header, 6, TCP_ACK);
	assert_int_equal(sieve_segment(&pcb, &header, 4, 0, rest, &p), ERR_VAL);
}

/* ---- on the wire ---- */

/* Data into the middle of a stream, so far from what its peer would send and acknowledge. */
static void inject_data(u32_t seq_offset, u32_t ack_offset, unsigned len)
{
	struct peer peer = inject_peer(stream_client.pcb);

	peer.seq += seq_offset;
	peer.ack += ack_offset;
	inject_segment(&peer, TCP_ACK, NULL, 0, len);
}

static void start_up(void)
{
	wire_init(0);
	streams_start(2 << 20, 1 << 20);
	while (stream_server.pcb == NULL || stream_client.got < 100000)
		wire_step();
}

/* lwIP queued it uncut, and its assertion about the window ended inet when the hole was filled. */
static void overrun_out_of_order_does_not_stay(void **state)
{
	(void)state;
	start_up();
	for (unsigned k = 0; k < 200; k++) {
		inject_data(stream_client.pcb->rcv_wnd - 5, 0, 1000);
		wire_step();
	}
	streams_run(20000);
	streams_stop();
}

/* A smaller segment size in the middle of a connection met lwIP's assertion about what was cut before. */
static void segment_size_does_not_change(void **state)
{
	(void)state;
	start_up();
	for (unsigned k = 0; k < 50; k++) {
		struct tcp_pcb *pcb = stream_client.pcb;
		struct peer peer = inject_peer(pcb);
		u16_t mss = pcb->mss;

		inject_segment(&peer, TCP_ACK, "\2\4\0\1", 4, 0);
		peer.seq += 0x40000000;
		inject_segment(&peer, TCP_ACK, "\2\4\0\1", 4, 0);
		wire_step();
		assert_int_equal(pcb->mss, mss);
	}
	streams_run(20000);
	streams_stop();
}

/* Blind: right addresses and ports, numbers by guess. Window, data and reset must not count. */
static void blind_segments_change_nothing(void **state)
{
	(void)state;
	start_up();
	for (unsigned k = 0; k < 200; k++) {
		inject_data(1000, 0x10000000, 100);
		inject_data(0x20000000, 0, 0);
		inject_data(0, 100000000, 500);
		wire_step();
		wire_step();
	}
	streams_run(20000);
	streams_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_arp_is_refused),
		cmocka_unit_test(packet_from_ourselves_is_refused),
		cmocka_unit_test(ip6_chain_is_walked),
		cmocka_unit_test(discovery_options_are_checked),
		cmocka_unit_test(segments_out_of_the_window_are_dropped),
		cmocka_unit_test(a_fin_needs_no_window),
		cmocka_unit_test(acknowledgements_must_be_possible),
		cmocka_unit_test(small_windows_are_widened),
		cmocka_unit_test(segment_sizes_are_tamed),
		cmocka_unit_test(options_in_a_drivers_memory_are_refused),
		cmocka_unit_test(overrun_out_of_order_does_not_stay),
		cmocka_unit_test(segment_size_does_not_change),
		cmocka_unit_test(blind_segments_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
