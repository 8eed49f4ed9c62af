/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: @tests/unit/servers/inet/sockworld.h */
/* ports: lwip */
/* Many connections at once, random sizes, checked streams; and closing or cancelling in every state. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sockworld.h"

#define CONNECTIONS 200
#define STREAM      60000u
#define STEPS       20000u

static uint32_t seed = 1;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
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

/* ---- random calls on a few sockets, in any state ---- */

#define SOCKETS 12

static int socks[SOCKETS];
static struct call waiting[STEPS];
static bool is_accept[STEPS];
static unsigned waiting_count;

static const char *random_ip(void)
{
	return random_below(4) ? "127.0.0.1" : "::1";
}

static int random_port(void)
{
	return 8100 + (int)random_below(4);
}

static void accept_into(int h)
{
	int a = t_accept(h);
	unsigned k = random_below(SOCKETS);

	if (a > 0 && socks[k] == 0)
		socks[k] = a;
	else if (a > 0)
		(void)t_close(a);
}

static void transfer(int h)
{
	static uint8_t buf[70000];
	static const uint32_t types[] = {SOCK_RECV, SOCK_SEND, SOCK_SEND, SOCK_POLL};
	struct call *c = &waiting[waiting_count];

	*c = (struct call){.handle = (uint32_t)h,
	                   .buf = buf,
	                   .len = random_below(sizeof(buf)),
	                   .arg = POLLIN | POLLOUT,
	                   .flags = random_below(3) ? SOCK_NOWAIT : 0};
	is_accept[waiting_count] = random_below(5) == 0;
	(void)world_call(is_accept[waiting_count] ? SOCK_ACCEPT : types[random_below(4)], c);
	waiting_count++;
}

static void random_call(int *h)
{
	switch (random_below(12)) {
	case 0: (void)t_bind(*h, random_ip(), random_port()); break;
	case 1: (void)t_listen(*h, (int)random_below(3)); break;
	case 2:
	case 3: (void)t_connect(*h, random_ip(), random_port()); break;
	case 4: accept_into(*h); break;
	case 5: (void)t_shutdown(*h, (int)random_below(3)); break;
	case 6:
		if (waiting_count)
			world_cancel(&waiting[random_below(waiting_count)]);
		break;
	case 7:
		(void)t_close(*h);
		*h = 0;
		break;
	case 8: world_tick(); break;
	default: transfer(*h);
	}
}

/* Nothing may leak, hang or crash (the sanitizers watch), and every request is answered. */
static void random_calls_leave_nothing_behind(void **state)
{
	(void)state;
	for (unsigned step = 0; step < STEPS; step++) {
		int *h = &socks[random_below(SOCKETS)];

		if (*h == 0)
			*h = t_socket(random_below(4) ? AF_INET : AF_INET6,
			              random_below(5) ? SOCK_STREAM : SOCK_DGRAM, 0);
		random_call(h);
	}
	for (unsigned i = 0; i < SOCKETS; i++)
		if (socks[i] > 0)
			assert_int_equal(t_close(socks[i]), 0);
	for (unsigned i = 0; i < waiting_count; i++) {
		int r = world_result(&waiting[i]);

		assert_int_not_equal(r, PENDING);
		if (is_accept[i] && r == 0)
			assert_int_equal(t_close((int)waiting[i].rep.value), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(parallel_connections_carry_their_streams),
		WORLD_TEST(random_calls_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
