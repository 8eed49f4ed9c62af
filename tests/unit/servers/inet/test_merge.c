/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Received segments that become one (servers/inet/merge.h): of IPv4, of IPv6, and of IPv6 with addresses that are only good
 * on their link.
 */
/* uses: @tests/unit/servers/inet/wire.h servers/inet/arena.c tests/unit/servers/inet/handmade.c
 *   tests/unit/servers/inet/inject.c tests/fuzz/inet/input.c tests/fuzz/inet/packets.c */
/* ports: lwip */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/priv/tcp_priv.h"
#include "servers/inet/frame.h"
#include "tests/unit/servers/inet/bytes.h"
#include "tests/unit/servers/inet/handmade.h"
#include "tests/unit/servers/inet/wire.h"

/* ---- segments ---- */

/* The second of three is not like the others: each is alone. What lwIP makes of it is not the matter. */
static void expect_break(const struct injected *odd)
{
	uint64_t before = card->rx_merged;
	uint32_t at = odd->seq - START;

	send(segment(at - 1000, 1000));
	send(*odd);
	send(segment(at + odd->bytes, 1000));
	turn();
	assert_int_equal(card->rx_merged, before);
}

/* A row of five of 1000 bytes, whose third has one bit more; what the device says of their sums. */
static void send_damaged(unsigned offset, bool is_checked)
{
	static uint8_t frame[INJECT_MAX];

	for (unsigned k = 0; k < 5; k++) {
		struct injected s = segment(k * 1000, 1000);
		size_t len = make_frame(&s, frame);

		if (k == 2)
			frame[offset] ^= 1;
		wire_inject(0, frame, len, is_checked ? NET_RX_CSUM_OK : 0);
	}
	turn();
}

/* ---- what becomes one ---- */

static void segments_in_a_row_become_one(void **state)
{
	static const unsigned sizes[] = {20, 100, 1000, 1448, 1460};

	(void)state;
	for (unsigned k = 0; k < 2 * sizeof(sizes) / sizeof(sizes[0]); k++) {
		unsigned bytes = sizes[k / 2];

		handmade_stop();
		handmade_start(NET_OFFLOAD_RX_CSUM);
		for (unsigned n = 0; n < 10; n++) {
			struct injected s = segment(n * bytes, bytes);

			s.is_checked = k % 2 == 0;
			send(s);
		}
		turn();
		expect(1, 10 * bytes);
		assert_int_equal(card->rx_merged, 9);
		assert_int_equal(pcb->rcv_nxt, START + 10 * bytes);
		/* Lent ones are copied from where the device has put them; the first one's head is read. */
		assert_int_equal(seen.pieces, bytes < 256 ? 10 : 11);
	}
}

/* A device that merges hands them down in pieces. */
static void frames_of_many_pieces_become_one(void **state)
{
	(void)state;
	handmade_stop();
	handmade_start(NET_OFFLOAD_RX_CSUM | NET_OFFLOAD_RX_LRO);
	send_row(0, 15000, 3);
	turn();
	assert_true(wire.pieces >= 12);
	expect(1, 45000);
	assert_int_equal(card->rx_merged, 2);
}

static void rows_follow_each_other(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 10; k++) {
		send_row(k * 7000, 1400, 5);
		turn();
		expect(k + 1, (k + 1) * 7000);
		assert_int_equal(seen.acks, k + 1);
	}
}

static void equal_options_do_not_matter(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 5; k++) {
		struct injected s = segment(k * 1400, 1400);

		s.options = TIMED;
		s.option_bytes = 12;
		send(s);
	}
	turn();
	expect(1, 7000);
}

/* The peer opens its window by the first acknowledgements of a turn. */
static void the_first_ones_of_a_turn_stay_alone(void **state)
{
	(void)state;
	send_row(0, 1000, 4);
	card->acks = FRAME_ACKS_PLAIN - 1;
	wire_step();
	expect(4, 4000);
}

static void a_push_of_any_is_one_of_all(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		for (unsigned n = 0; n < 3; n++) {
			struct injected s = segment((k * 3 + n) * 500, 500);

			if (n == k)
				s.flags |= TCP_PSH;
			send(s);
		}
		turn();
		expect(k + 1, (k + 1) * 1500);
		assert_int_equal(seen.pushes, k < 3 ? k + 1 : 3);
	}
}

/* ---- what ends a row ---- */

static void no_more_than_lwip_can_count(void **state)
{
	(void)state;
	send_row(0, 1400, 43);
	turn();
	expect(2, 43 * 1400);
	assert_int_equal(card->rx_merged, 41);
	send_row(43 * 1400, 1200, 50); /* to the byte */
	turn();
	expect(3, 43 * 1400 + 60000);
}

static void no_more_than_the_window(void **state)
{
	(void)state;
	seen.is_unread = true;
	pcb->rcv_wnd = pcb->rcv_ann_wnd = 3500;
	send_row(0, 1000, 4);
	turn();
	expect(2, 3500); /* lwIP cuts the last one */
	assert_int_equal(card->rx_merged, 2);
	pcb->rcv_wnd = 3000;
	for (unsigned k = 0; k < 3; k++)
		send(segment(3500 + k * 1000, 1000));
	turn();
	expect(3, 6500);
}

static void a_wrong_sum_is_lwips_to_find(void **state)
{
	unsigned before = (unsigned)lwip_stats.tcp.chkerr;

	(void)state;
	send_damaged(200, false);
	assert_int_equal(lwip_stats.tcp.chkerr, before + 1);
	expect(1, 2000);
	assert_non_null(pcb->ooseq);
	send(segment(2000, 1000));
	turn();
	expect(2, 5000);
	handmade_stop();
	handmade_start(NET_OFFLOAD_RX_CSUM);
	send_damaged(200, true); /* the device has verified it */
	assert_int_equal(seen.segments, 1);
	assert_int_equal(seen.bytes, 5000);
}

static void a_wrong_sum_does_not_begin_a_row(void **state)
{
	static uint8_t frame[INJECT_MAX];
	struct injected s = segment(0, 1000);
	size_t len = make_frame(&s, frame);

	(void)state;
	frame[len - 1] ^= 1;
	wire_inject(0, frame, len, 0);
	send(segment(1000, 1000));
	turn();
	expect(0, 0);
	assert_non_null(pcb->ooseq);
	assert_int_equal(card->rx_merged, 0);
}

/* The device's word is about TCP. A stretched header gets a sum of its own. */
static void a_wrong_header_is_not_mended(void **state)
{
	unsigned before = (unsigned)lwip_stats.ip.chkerr;
	struct injected s = segment(5000, 1000);
	static uint8_t frame[INJECT_MAX];
	size_t len = make_frame(&s, frame);

	(void)state;
	if (family != IP4)
		return;
	send_damaged(22, true); /* time to live */
	assert_int_equal(lwip_stats.ip.chkerr, before + 1);
	expect(1, 2000);
	send(segment(2000, 1000));
	turn();
	expect(2, 5000);
	frame[22] ^= 1;
	wire_inject(0, frame, len, NET_RX_CSUM_OK);
	send(segment(6000, 1000));
	turn();
	assert_int_equal(lwip_stats.ip.chkerr, before + 2);
	expect(2, 5000);
}

static void a_gap_ends_a_row(void **state)
{
	(void)state;
	send_row(0, 1000, 2);
	send_row(3000, 1000, 2);
	turn();
	expect(1, 2000);
	assert_int_equal(card->rx_merged, 1);
	/* While something is missing all are seen one by one. */
	send_row(2000, 300, 2);
	turn();
	expect(3, 2600);
	assert_int_equal(card->rx_merged, 1);
	send(segment(2600, 400));
	turn();
	expect(4, 5000);
	send_row(4000, 1000, 2); /* one of them again */
	send(segment(5000, 1000));
	turn();
	expect(5, 6000);
	assert_int_equal(card->rx_merged, 1);
}

static void others_end_a_row(void **state)
{
	struct tcp_pcb *first = pcb, *other = handmade_connect(81);

	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		struct injected s = segment(k * 1000, 1000);

		send_to(first, s);
		send_to(other, s);
	}
	turn();
	assert_int_equal(seen.segments, 8);
	assert_int_equal(card->rx_merged, 0);
	memset(&seen, 0, sizeof(seen));
	for (unsigned k = 4; k < 8; k++) {
		struct injected s = segment(k * 1000, 1000);

		send_to(k < 6 ? first : other, s);
	}
	turn();
	assert_int_equal(seen.segments, 1); /* the other one's are behind a gap */
	assert_int_equal(card->rx_merged, 1);
	tcp_abort(other);
}

/* Another one stands before it that is somewhere else in its stream. */
static void each_is_known_by_ports_and_addresses(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 4; k++) {
		struct tcp_pcb *other = handmade_connect(k == 0 ? 81 : 80);
		ip_addr_t *of = k == 2 ? &other->remote_ip : &other->local_ip;

		other->remote_port += k == 1;
		if (k > 1 && family == IP4)
			ip_2_ip4(of)->addr ^= lwip_htonl(16);
		else if (k > 1)
			ip_2_ip6(of)->addr[3] ^= lwip_htonl(16);
		other->rcv_nxt += 1000000;
		send_row(k * 3000, 1000, 3);
		turn();
		expect(k + 1, (k + 1) * 3000);
		assert_int_equal(card->rx_merged, (k + 1) * 2);
		tcp_abort(other);
	}
}

static void other_flags_end_a_row(void **state)
{
	static const uint8_t flags[] = {TCP_FIN, TCP_URG, TCP_ECE, TCP_CWR};

	(void)state;
	for (unsigned k = 0; k < sizeof(flags); k++) {
		struct injected s = segment(1000, 1000);

		handmade_stop();
		handmade_start(NET_OFFLOAD_RX_CSUM);
		s.flags |= flags[k];
		expect_break(&s);
		assert_true(seen.bytes >= 2000);
	}
}

static void other_headers_end_a_row(void **state)
{
	struct injected odd[6];

	(void)state;
	for (unsigned k = 0; k < 6; k++)
		odd[k] = segment(1000 + k * 3000, 1000);
	odd[0].ack = SENT - 1;
	odd[1].window++;
	odd[2].option_bytes = 4;
	odd[2].options = "\1\1\1\1";
	odd[3].bytes = 0; /* no data */
	odd[4].option_bytes = 12;
	odd[4].options = TIMED;
	odd[5].ack = SENT - 1;
	odd[5].flags |= TCP_PSH;
	for (unsigned k = 0; k < 6; k++) {
		if (k == 4)
			odd[k].seq = START + (odd[k].seq - START) - 1000;
		if (k == 5)
			odd[k].seq -= 1000;
		expect_break(&odd[k]);
	}
}

/* Congestion was met (RFC 3168): lwIP knows nothing of it, but it is not to be spread. Another station is another path. */
static void other_packets_end_a_row(void **state)
{
	static const unsigned offsets[] = {15, 6};
	static uint8_t frame[INJECT_MAX];

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct injected s = segment(2000 * k + 1000, 1000);
		size_t len = make_frame(&s, frame);

		frame[offsets[k]] ^= 0x10;
		if (family == IP4)
			set_ip_sum(frame + 14);
		send(segment(2000 * k, 1000));
		wire_inject(0, frame, len, NET_RX_CSUM_OK);
		turn();
		expect(2 * k + 2, 2000 * k + 2000);
	}
	assert_int_equal(card->rx_merged, 0);
}

static void other_times_end_a_row(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 6; k++) {
		struct injected s = segment(k * 1000, 1000);
		uint8_t options[12];

		memcpy(options, TIMED, sizeof(options));
		options[7] = (uint8_t)(k / 3);
		s.options = options;
		s.option_bytes = sizeof(options);
		send(s);
	}
	turn();
	expect(2, 6000);
}

/* ---- connections ---- */

/* In another state or refusing they have their segments one by one; and those that have been silent at first. */
static void a_connection_must_be_ready(void **state)
{
	struct tcp_pcb *others[4];

	(void)state;
	pcb->state = FIN_WAIT_2;
	send_row(0, 1000, 2);
	turn();
	expect(2, 2000);
	pcb->state = ESTABLISHED;
	seen.is_refused = true;
	send(segment(2000, 1000));
	turn();
	send_row(3000, 1000, 2);
	turn();
	expect(2, 2000);
	assert_int_equal(card->rx_merged, 0);
	seen.is_refused = false;
	send_row(3000, 1000, 2);
	turn();
	expect(5, 5000);
	for (unsigned k = 0; k < 4; k++)
		others[k] = handmade_connect((uint16_t)(90 + k));
	send_row(5000, 1000, 5);
	turn();
	expect(7, 10000);
	assert_int_equal(card->rx_merged, 3);
	for (unsigned k = 0; k < 4; k++)
		tcp_abort(others[k]);
}

/* Bound to another card: it is not its connection. */
static void a_connection_may_be_another_cards(void **state)
{
	(void)state;
	pcb->netif_idx = netif_get_index(&iface_find_unit("1")->netif);
	send_row(0, 1000, 3);
	turn();
	expect(0, 0);
	assert_int_equal(card->rx_merged, 0);
	pcb->netif_idx = netif_get_index(&card->netif);
	send_row(0, 1000, 3);
	turn();
	expect(1, 3000);
}

/* What is kept goes with its interface; wire_end() misses no buffer. */
static void an_interface_takes_along_what_is_kept(void **state)
{
	(void)state;
	for (unsigned segments = 1; segments < 4; segments += 2) {
		handmade_stop();
		handmade_start(NET_OFFLOAD_RX_CSUM);
		send_row(0, 1000, segments);
		card->acks = FRAME_ACKS_PLAIN;
		wire_receive();
		assert_non_null(card->merge.first);
		assert_int_equal(card->rx_merged, segments - 1);
		iface_close(card);
		assert_null(pcb);
		wire_step();
		expect(0, 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, handmade_begin, handmade_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(segments_in_a_row_become_one),
		TEST(frames_of_many_pieces_become_one),
		TEST(rows_follow_each_other),
		TEST(equal_options_do_not_matter),
		TEST(the_first_ones_of_a_turn_stay_alone),
		TEST(a_push_of_any_is_one_of_all),
		TEST(no_more_than_lwip_can_count),
		TEST(no_more_than_the_window),
		TEST(a_wrong_sum_is_lwips_to_find),
		TEST(a_wrong_sum_does_not_begin_a_row),
		TEST(a_wrong_header_is_not_mended),
		TEST(a_gap_ends_a_row),
		TEST(others_end_a_row),
		TEST(each_is_known_by_ports_and_addresses),
		TEST(other_flags_end_a_row),
		TEST(other_headers_end_a_row),
		TEST(other_packets_end_a_row),
		TEST(other_times_end_a_row),
		TEST(a_connection_must_be_ready),
		TEST(a_connection_may_be_another_cards),
		TEST(an_interface_takes_along_what_is_kept),
	};

	return handmade_run("merge", tests, sizeof(tests) / sizeof(tests[0]));
}
