/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/inet/sock.c servers/inet/answer.c servers/inet/copy.c servers/inet/addr.c
 *   servers/inet/tcp.c servers/inet/tcpdata.c servers/inet/tcpopts.c servers/inet/dgram.c
 *   servers/inet/udp.c servers/inet/mcast.c servers/inet/rawsock.c servers/inet/icmp.c
 *   servers/inet/opts.c servers/inet/ifioctl.c servers/inet/netlink.c servers/inet/nlmsg.c
 *   servers/inet/nldump.c servers/inet/nlchange.c servers/inet/procnet.c servers/inet/procsock.c
 *   tests/unit/servers/inet/world.c */
/* ports: lwip */
/* Many connections at once, random sizes, checked streams; and closing or cancelling in every state. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "world.h"

#define CONNECTIONS 200
#define STREAM      60000u
#define STEPS       20000u

static uint32_t seed = 1;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static int start(void **state)
{
	(void)state;
	world_start();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	return world_is_clean() ? 0 : -1;
}

/* Byte `at` of stream `i`. */
static uint8_t byte_of(unsigned i, uint32_t at)
{
	uint32_t x = (at + 1) * 2654435761u ^ i * 40503u;

	return (uint8_t)(x >> 16 ^ x);
}

struct end {
	int h;
	uint32_t sent, got;
	bool has_fin;
};

static void send_some(struct end *e, unsigned stream)
{
	static uint8_t buf[9000];
	uint32_t n = 1 + random_below(sizeof(buf) - 1);
	int r;

	if (n > STREAM - e->sent)
		n = STREAM - e->sent;
	if (n == 0)
		return;
	for (uint32_t k = 0; k < n; k++)
		buf[k] = byte_of(stream, e->sent + k);
	r = t_send(e->h, buf, n);
	assert_true(r > 0 || r == -EAGAIN);
	if (r > 0)
		e->sent += (uint32_t)r;
	if (e->sent == STREAM)
		assert_int_equal(t_shutdown(e->h, SHUT_WR), 0);
}

static void receive_some(struct end *e, unsigned stream)
{
	static uint8_t buf[20000];
	int r = t_recv(e->h, buf, 1 + random_below(sizeof(buf) - 1));

	if (r == -EAGAIN)
		return;
	assert_true(r >= 0);
	for (int k = 0; k < r; k++)
		assert_int_equal(buf[k], byte_of(stream, e->got + (uint32_t)k));
	e->got += (uint32_t)r;
	e->has_fin = r == 0;
}

static void parallel_connections_carry_their_streams(void **state)
{
	static struct end ends[2 * CONNECTIONS];
	int l = t_socket(AF_INET, SOCK_STREAM, 0);
	unsigned open = 2 * CONNECTIONS;

	(void)state;
	assert_int_equal(t_bind(l, "127.0.0.1", 8000), 0);
	assert_int_equal(t_listen(l, CONNECTIONS), 0);
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		ends[2 * i] = (struct end){.h = t_socket(AF_INET, SOCK_STREAM, 0)};
		if (random_below(2))
			t_setopt(ends[2 * i].h, SOL_SOCKET, SO_RCVBUF, 3000);
		assert_int_equal(t_connect(ends[2 * i].h, "127.0.0.1", 8000), -EINPROGRESS);
	}
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		ends[2 * i + 1] = (struct end){.h = t_accept(l)};
		assert_true(ends[2 * i + 1].h > 0);
	}
	/* Accepted in the order of connecting: the loopback keeps it. */
	for (unsigned step = 0; open > 0; step++) {
		unsigned i = random_below(2 * CONNECTIONS);
		struct end *e = &ends[i];

		assert_true(step < 2000000);
		if (step % 100 == 0)
			world_tick();
		if (e->h == 0)
			continue;
		if (e->sent < STREAM)
			send_some(e, i);
		if (!e->has_fin)
			receive_some(e, i ^ 1);
		if (e->has_fin && e->sent == STREAM) {
			assert_int_equal(e->got, STREAM);
			assert_int_equal(t_close(e->h), 0);
			e->h = 0;
			open--;
		}
	}
	assert_int_equal(t_close(l), 0);
}

/* Random calls on a few sockets, in any state: nothing may leak, hang or crash (the sanitizers watch). */
static void random_calls_leave_nothing_behind(void **state)
{
	static uint8_t buf[70000];
	static struct call pending[STEPS];
	static bool is_accept[STEPS];
	unsigned pending_count = 0;
	int h[12] = {0};

	(void)state;
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = random_below(12);
		struct call *c = &pending[pending_count];
		static const uint32_t types[] = {SOCK_RECV, SOCK_SEND, SOCK_SEND, SOCK_POLL};

		if (h[i] == 0)
			h[i] = t_socket(random_below(4) ? AF_INET : AF_INET6,
			                random_below(5) ? SOCK_STREAM : SOCK_DGRAM, 0);
		switch (random_below(12)) {
		case 0:
			(void)t_bind(h[i], random_below(2) ? "127.0.0.1" : "::1",
			             8100 + (int)random_below(4));
			break;
		case 1: (void)t_listen(h[i], (int)random_below(3)); break;
		case 2:
		case 3:
			(void)t_connect(h[i], random_below(4) ? "127.0.0.1" : "::1",
			                8100 + (int)random_below(4));
			break;
		case 4: {
			int a = t_accept(h[i]);
			unsigned k = random_below(12);

			if (a > 0 && h[k] == 0)
				h[k] = a;
			else if (a > 0)
				(void)t_close(a);
			break;
		}
		case 5: (void)t_shutdown(h[i], (int)random_below(3)); break;
		case 6:
			if (pending_count)
				world_cancel(&pending[random_below(pending_count)]);
			break;
		case 7:
			(void)t_close(h[i]);
			h[i] = 0;
			break;
		case 8: world_tick(); break;
		default:
			*c = (struct call){.handle = (uint32_t)h[i],
			                   .buf = buf,
			                   .len = random_below(sizeof(buf)),
			                   .arg = POLLIN | POLLOUT,
			                   .flags = random_below(3) ? SOCK_NONBLOCK : 0};
			is_accept[pending_count] = random_below(5) == 0;
			(void)world_call(
				is_accept[pending_count] ? SOCK_ACCEPT : types[random_below(4)], c);
			pending_count++;
		}
	}
	for (unsigned i = 0; i < 12; i++)
		if (h[i] > 0)
			assert_int_equal(t_close(h[i]), 0);
	for (unsigned i = 0; i < pending_count; i++) {
		int r = world_result(&pending[i]);

		assert_int_not_equal(r, PENDING);
		if (is_accept[i] && r == 0)
			assert_int_equal(t_close((int)pending[i].rep.value), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(parallel_connections_carry_their_streams, start,
	                                        stop),
		cmocka_unit_test_setup_teardown(random_calls_leave_nothing_behind, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
