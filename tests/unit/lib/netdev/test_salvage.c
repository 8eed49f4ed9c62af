/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/netdev/ lib/inetsum/ lib/arena/ lib/unitname/ lib/sys/control.c lib/ring/ring.c
 *       tests/unit/lib/netdev/world.c tests/unit/lib/netdev/caller.c tests/unit/lib/peers/peers.c
 *       tests/unit/support/panic.c */
/* Frames that a dead server's device left in our buffers. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "inetsum/inetsum.h"
#include "netdev/host.h"
#include "netdev/salvage.h"
#include "caller.h"

enum { ICMP = 1, TCP = 6, UDP = 17, SCTP = 132, ICMP6 = 58 };

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put_sum(uint8_t *at, uint32_t sum)
{
	uint16_t folded;

	sum = (sum & 0xffff) + (sum >> 16);
	folded = (uint16_t) ~((sum & 0xffff) + (sum >> 16));
	memcpy(at, &folded, 2);
}

static unsigned sum_offset(unsigned protocol)
{
	return protocol == TCP ? 16 : protocol == UDP ? 6 : 2;
}

/* A right frame with `payload` bytes behind the IP header; its bytes. */
static unsigned make_frame(uint8_t *f, bool is_v6, unsigned protocol, unsigned payload)
{
	uint8_t *ip = f + 14, *body = ip + (is_v6 ? 40 : 20);
	uint32_t sum = 0;

	memset(f, 0x11, 14);
	put16(f + 12, is_v6 ? 0x86dd : 0x0800);
	memset(ip, 0, is_v6 ? 40 : 20);
	memset(ip + (is_v6 ? 8 : 12), 0x22, is_v6 ? 32 : 8);
	ip[0] = is_v6 ? 0x60 : 0x45;
	if (is_v6) {
		put16(ip + 4, payload);
		ip[6] = (uint8_t)protocol;
	} else {
		put16(ip + 2, 20 + payload);
		ip[9] = (uint8_t)protocol;
		put_sum(ip + 10, inet_sum(ip, 20));
	}
	for (unsigned i = 0; i < payload; i++)
		body[i] = (uint8_t)(i * 7 + 1);
	put16(body + sum_offset(protocol), 0);
	if (protocol != ICMP)
		sum = inet_sum(ip + (is_v6 ? 8 : 12), is_v6 ? 32 : 8) + htons((uint16_t)protocol) +
		      htons((uint16_t)payload);
	put_sum(body + sum_offset(protocol), sum + inet_sum(body, (int)payload));
	return 14 + (is_v6 ? 40u : 20u) + payload;
}

static uint8_t buffer[NET_RX_BUFFER];

static unsigned fresh(bool is_v6, unsigned protocol, unsigned payload)
{
	net_salvage_mark(buffer, sizeof(buffer));
	assert_true(net_salvage_is_marked(buffer));
	return make_frame(buffer, is_v6, protocol, payload);
}

static void complete_frames_are_found(void **state)
{
	(void)state;
	for (unsigned payload = 20; payload <= 1480; payload++) {
		(void)fresh(false, TCP, payload);
		assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 34 + payload);
		(void)fresh(false, UDP, payload);
		assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 34 + payload);
		(void)fresh(true, TCP, payload);
		assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 54 + payload);
	}
	assert_int_equal(fresh(false, ICMP, 64), 98);
	assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 98);
	assert_int_equal(fresh(true, ICMP6, 64), 118);
	assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 118);
	assert_false(net_salvage_is_marked(buffer));
}

static void an_untouched_buffer_holds_nothing(void **state)
{
	(void)state;
	(void)fresh(false, TCP, 1000);
	net_salvage_mark(buffer, sizeof(buffer));
	assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 0);
}

/* Every bit of the IP packet counts, but those that IPv6 leaves to nobody: class, flow, hop limit. */
static void damage_is_seen(void **state)
{
	unsigned bytes = fresh(false, TCP, 300);

	(void)state;
	for (unsigned i = 12; i < bytes; i++) {
		buffer[i] ^= 0x10;
		assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 0);
		buffer[i] ^= 0x10;
	}
	assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), bytes);
	bytes = fresh(true, UDP, 300);
	for (unsigned i = 54; i < bytes; i++) {
		buffer[i] ^= 0x10;
		assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 0);
		buffer[i] ^= 0x10;
	}
}

/* The rest is what an earlier frame of the same stream left there, and the sum happens to be right. */
static void half_a_frame_is_seen_by_its_marks(void **state)
{
	static uint8_t whole[NET_RX_BUFFER];
	unsigned bytes = make_frame(whole, false, TCP, 1460);

	(void)state;
	for (unsigned written = 16; written + 128 + 8 <= bytes; written++) {
		memcpy(buffer, whole, sizeof(buffer));
		net_salvage_mark(buffer, sizeof(buffer));
		memcpy(buffer, whole, written);
		/* The sum is made right for what is there. */
		put16(buffer + 34 + 16, 0);
		put_sum(buffer + 34 + 16, inet_sum(buffer + 34, 1460) + inet_sum(buffer + 26, 8) +
		                                  htons(TCP) + htons(1460));
		if (written > 34 + 18)
			assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 0);
	}
}

static void what_cannot_be_proven_is_left(void **state)
{
	(void)state;
	(void)fresh(false, UDP, 100); /* no checksum */
	put16(buffer + 34 + 6, 0);
	assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 0);
	(void)fresh(false, UDP, 100); /* a fragment */
	put16(buffer + 14 + 6, 0x2000);
	put16(buffer + 14 + 10, 0);
	put_sum(buffer + 14 + 10, inet_sum(buffer + 14, 20));
	assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 0);
	(void)fresh(false, SCTP, 100);
	assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 0);
	(void)fresh(false, TCP, 100); /* ARP */
	put16(buffer + 12, 0x0806);
	assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 0);
	(void)fresh(false, TCP, 12); /* no room for its header */
	assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 0);
}

static void lengths_stay_inside_the_buffer(void **state)
{
	(void)state;
	for (unsigned total = 0; total < 0x10000; total++) {
		bool is_right = total == 120;

		(void)fresh(false, TCP, 100);
		put16(buffer + 14 + 2, total);
		put16(buffer + 14 + 10, 0);
		put_sum(buffer + 14 + 10, inet_sum(buffer + 14, 20));
		assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)) != 0, is_right);
		(void)fresh(true, TCP, 100);
		put16(buffer + 14 + 4, total);
		assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)) != 0, total == 100);
	}
	for (unsigned words = 0; words < 16; words++) {
		(void)fresh(false, TCP, 100);
		buffer[14] = (uint8_t)(0x40 | words);
		put16(buffer + 14 + 10, 0);
		put_sum(buffer + 14 + 10, inet_sum(buffer + 14, (int)words * 4));
		if (words != 5)
			assert_int_equal(net_salvage_frame(buffer, sizeof(buffer)), 0);
	}
}

/* ---- in a world ---- */

/* The device of the card writes, and nobody is told. */
static void arrive_silently(unsigned index, unsigned payload)
{
	(void)make_frame(world.buffers[index]->buffer.ptr, false, UDP, payload);
}

static unsigned total_of(unsigned i)
{
	const uint8_t *p = (const uint8_t *)&caller.filled[i];

	return (unsigned)p[2] << 8 | p[3];
}

static void a_death_leaves_frames_behind(void **state)
{
	struct netdev_stats s;

	(void)state;
	caller_start();
	caller_post(8);
	world_run();
	for (unsigned i = 0; i < 5; i++)
		if (i != 2)
			arrive_silently(i, 100 + i);
	caller_restart(CAUSE_SIGNAL);
	assert_int_equal(caller.filled_count, 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(total_of(i), 20 + 100 + (i < 2 ? i : i + 1));
	netdev_get_stats(caller.dev, &s);
	assert_int_equal(s.rx_salvaged, 4);
	/* Once: all eight are down again, and the next death finds nothing. */
	assert_int_equal(world.buffer_count, 8);
	caller_restart(CAUSE_SIGNAL);
	assert_int_equal(caller.filled_count, 4);
	assert_true(world_receive(77, 90));
	world_run();
	assert_int_equal(caller.filled_count, 5);
}

static void completions_of_the_dead_count(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	caller_start();
	caller_post(4);
	caller_send(0, 3);
	world_run();
	world_release(0, 2, 0);
	assert_true(world_receive(5, 90));
	assert_int_equal(caller.done_count, 0);
	world.mode = CARD_WORKS;
	caller_restart(CAUSE_SIGNAL);
	assert_int_equal(caller.filled_count, 1);
	assert_int_equal(caller.done_count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(caller.done_times[i], 1);
	assert_int_equal(world.wire_count, 3); /* the third alone was sent again */
}

static void close_in_the_callback(void **state)
{
	(void)state;
	caller_start();
	caller_post(4);
	world_run();
	for (unsigned i = 0; i < 4; i++)
		arrive_silently(i, 64);
	caller.is_lazy = caller.closes = true;
	caller_restart(CAUSE_SIGNAL);
	assert_int_equal(caller.filled_count, 1);
	assert_int_equal(caller.canceled, 3);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, caller_setup, caller_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(complete_frames_are_found),
		cmocka_unit_test(an_untouched_buffer_holds_nothing),
		cmocka_unit_test(damage_is_seen),
		cmocka_unit_test(half_a_frame_is_seen_by_its_marks),
		cmocka_unit_test(what_cannot_be_proven_is_left),
		cmocka_unit_test(lengths_stay_inside_the_buffer),
		T(a_death_leaves_frames_behind),
		T(completions_of_the_dead_count),
		T(close_in_the_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
