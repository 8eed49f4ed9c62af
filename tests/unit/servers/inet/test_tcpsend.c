/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: @tests/unit/servers/inet/sockworld.h */
/* ports: lwip */
/* Sending over the loopback: when small writes go out, and what becomes of their bytes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/tcp.h>

#include "lwip/stats.h"
#include "sockworld.h"

/* ---- small writes ---- */

static unsigned out_segments(void)
{
	return (unsigned)lwip_stats.mib2.tcpoutsegs;
}

static void send_small(int h, unsigned count)
{
	char buf[100];

	memset(buf, 'x', sizeof(buf));
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(t_send(h, buf, sizeof(buf)), sizeof(buf));
}

static void expect_bytes(int h, unsigned bytes)
{
	char buf[8192];

	assert_true(bytes < sizeof(buf));
	assert_int_equal(t_recv(h, buf, sizeof(buf)), bytes ? (int)bytes : -EAGAIN);
}

/* Two connected sockets; the first is in the middle of a stream of small writes, and all was acknowledged. */
static void start_stream(int *a, int *b)
{
	t_pair(a, b);
	assert_int_equal(t_setopt(*a, IPPROTO_TCP, TCP_NODELAY, 0), 0);
	world_is_busy = true;
	send_small(*a, 2);
	world_tick(); /* the delayed acknowledgement lets the second one go */
	expect_bytes(*b, 200);
	world_tick();
}

static void end_stream(int a, int b)
{
	assert_int_equal(t_close(a), 0);
	assert_int_equal(t_close(b), 0);
	world_is_busy = false;
}

static void small_writes_share_segments(void **state)
{
	unsigned before;
	int a, b;

	(void)state;
	start_stream(&a, &b);
	before = out_segments();
	send_small(a, 14);
	expect_bytes(b, 0);
	assert_int_equal(out_segments(), before);
	world_is_busy = false;
	world_pump(); /* nobody has anything to run, or the moment is over */
	world_tick();
	expect_bytes(b, 1400);
	assert_in_range(out_segments() - before, 1, 3); /* and acknowledgements */
	end_stream(a, b);
}

static void one_write_is_not_held(void **state)
{
	int a, b;

	(void)state;
	t_pair(&a, &b);
	assert_int_equal(t_setopt(a, IPPROTO_TCP, TCP_NODELAY, 0), 0);
	world_is_busy = true;
	send_small(a, 1);
	expect_bytes(b, 100);
	assert_int_equal(t_send(b, "answer", 6), 6);
	expect_bytes(a, 6);
	send_small(a, 1);
	expect_bytes(b, 100);
	end_stream(a, b);
}

static void who_wants_an_answer_holds_nothing(void **state)
{
	int a, b;

	(void)state;
	start_stream(&a, &b);
	send_small(a, 4);
	expect_bytes(b, 0);
	expect_bytes(a, 0);
	expect_bytes(b, 400);
	end_stream(a, b);
}

static void nodelay_holds_nothing(void **state)
{
	int a, b;

	(void)state;
	start_stream(&a, &b);
	send_small(a, 4);
	expect_bytes(b, 0);
	assert_int_equal(t_setopt(a, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	expect_bytes(b, 400);
	send_small(a, 4);
	expect_bytes(b, 400);
	end_stream(a, b);
}

static void much_data_and_the_end_are_not_held(void **state)
{
	static char large[40000];
	int a, b;

	(void)state;
	start_stream(&a, &b);
	send_small(a, 4);
	assert_int_equal(t_send(a, large, sizeof(large)), sizeof(large));
	world_tick();
	assert_int_equal(t_recv(b, large, 400), 400);
	assert_int_equal(t_recv(b, large, sizeof(large)), sizeof(large));
	world_tick();
	send_small(a, 4);
	expect_bytes(b, 0);
	assert_int_equal(t_shutdown(a, SHUT_WR), 0);
	expect_bytes(b, 400);
	assert_int_equal(t_recv(b, large, 1), 0);
	end_stream(a, b);
}

/* What is sent is kept until the peer has it, whatever becomes of the application's memory, and given back then. */
static void sent_data_are_copied_once(void **state)
{
	static uint8_t out[300000], in[300000];
	size_t before = world_arena_used;
	uint32_t sent = 0, got = 0;
	int a, b;

	(void)state;
	t_pair(&a, &b);
	while (got < sizeof(in)) {
		uint32_t n = 1 + (sent * 7919u) % 9000u;
		int r;

		for (uint32_t k = 0; k < n && sent + k < sizeof(out); k++)
			out[sent + k] = (uint8_t)((sent + k) * 31 + ((sent + k) >> 8));
		if (n > sizeof(out) - sent)
			n = (uint32_t)sizeof(out) - sent;
		if (n > 0)
			sent += (uint32_t)t_send(a, out + sent, n);
		memset(out, 0xee, sent);
		r = t_recv(b, in + got, 5000);
		got += r > 0 ? (uint32_t)r : 0;
	}
	for (uint32_t k = 0; k < sizeof(in); k++)
		assert_int_equal(in[k], (uint8_t)(k * 31 + (k >> 8)));
	assert_int_equal(t_close(a), 0);
	assert_int_equal(t_close(b), 0);
	assert_int_equal(world_arena_used, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(small_writes_share_segments),
		WORLD_TEST(one_write_is_not_held),
		WORLD_TEST(who_wants_an_answer_holds_nothing),
		WORLD_TEST(nodelay_holds_nothing),
		WORLD_TEST(much_data_and_the_end_are_not_held),
		WORLD_TEST(sent_data_are_copied_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
