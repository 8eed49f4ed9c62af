/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: @tests/unit/servers/inet/sockworld.h */
/* ports: lwip */
/* TCP sockets over the loopback: calls that wait, time-outs, full buffers, SO_LINGER. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/tcp.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "sockworld.h"

static void blocking_calls_wait_and_can_be_cancelled(void **state)
{
	char buf[16], out[4] = "abc";
	int a, b;
	struct call r, s;

	(void)state;
	t_pair(&a, &b);
	r = (struct call){.handle = (uint32_t)b, .buf = buf, .len = 16};
	assert_int_equal(world_call(SOCK_RECV, &r), PENDING);
	assert_int_equal(t_send(a, out, 3), 3);
	assert_int_equal(world_result(&r), 3);
	assert_int_equal(world_call(SOCK_RECV, &r), PENDING);
	world_cancel(&r);
	assert_int_equal(world_result(&r), -EINTR);
	world_cancel(&r); /* late: nothing happens */
	r.flags = SOCK_WAITALL;
	assert_int_equal(world_call(SOCK_RECV, &r), PENDING);
	assert_int_equal(t_send(a, out, 3), 3);
	assert_int_equal(world_result(&r), PENDING);
	world_cancel(&r);
	assert_int_equal(world_result(&r), 3); /* what it had */
	/* Two readers are served in order. */
	r.flags = 0;
	s = r;
	assert_int_equal(world_call(SOCK_RECV, &r), PENDING);
	assert_int_equal(world_call(SOCK_RECV, &s), PENDING);
	t_send(a, out, 1);
	assert_int_equal(world_result(&r), 1);
	assert_int_equal(world_result(&s), PENDING);
	assert_int_equal(t_close(b), 0); /* in the middle of it */
	assert_int_equal(world_result(&s), -EBADF);
	assert_int_equal(t_close(a), 0);
}

static void blocking_accept_and_connect(void **state)
{
	struct sockaddr_in6 a;
	int l = t_socket(AF_INET, SOCK_STREAM, 0), h = t_socket(AF_INET, SOCK_STREAM, 0);
	struct call acc = {.handle = (uint32_t)l}, con = {.handle = (uint32_t)h, .addr = &a};

	(void)state;
	t_bind(l, "0.0.0.0", 6000);
	t_listen(l, 3);
	assert_int_equal(world_call(SOCK_ACCEPT, &acc), PENDING);
	con.addr_len = t_make_addr("127.0.0.1", 6000, &a);
	(void)world_call(SOCK_CONNECT, &con);
	assert_int_equal(world_result(&con), 0);
	assert_int_equal(world_result(&acc), 0);
	assert_int_equal(acc.rep.addr_len, 16);
	assert_int_equal(t_close((int)acc.rep.value), 0);
	assert_int_equal(world_call(SOCK_ACCEPT, &acc), PENDING);
	world_cancel(&acc);
	assert_int_equal(world_result(&acc), -EINTR);
	assert_int_equal(t_close(h), 0);
	assert_int_equal(t_close(l), 0);
}

static void timeouts_end_waiting(void **state)
{
	struct {
		long s, us;
	} tv = {1, 500000};
	char buf[16];
	int a, b;
	struct call r, o;

	(void)state;
	t_pair(&a, &b);
	o = (struct call){.handle = (uint32_t)b,
	                  .arg = SOL_SOCKET << 16 | SO_RCVTIMEO,
	                  .buf = &tv,
	                  .len = 16};
	assert_int_equal(world_call(SOCK_SETOPT, &o), 0);
	r = (struct call){.handle = (uint32_t)b, .buf = buf, .len = 16};
	assert_int_equal(world_call(SOCK_RECV, &r), PENDING);
	world_pass(1400000000ull);
	assert_int_equal(world_result(&r), PENDING);
	world_pass(200000000ull);
	assert_int_equal(world_result(&r), -EAGAIN);
	tv.us = 1000000;
	assert_int_equal(world_call(SOCK_SETOPT, &o), -EDOM);
	t_close(a);
	t_close(b);
}

static void backlog_bounds_and_closing_listener_resets(void **state)
{
	int l = t_socket(AF_INET, SOCK_STREAM, 0), h[6];
	unsigned open = 0;

	(void)state;
	t_bind(l, "127.0.0.1", 6001);
	t_listen(l, 2);
	for (unsigned i = 0; i < 6; i++) {
		h[i] = t_socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(t_connect(h[i], "127.0.0.1", 6001), -EINPROGRESS);
		open += (t_poll(h[i], POLLOUT) & POLLOUT) != 0;
	}
	assert_in_range(open, 2, 3);
	assert_int_equal(t_connect(h[5], "127.0.0.1", 6001), -EALREADY);
	assert_int_equal(t_close(l), 0);
	assert_int_equal(t_getopt(h[0], SOL_SOCKET, SO_ERROR), ECONNRESET);
	world_pass(30000000000ull);
	assert_int_equal(t_getopt(h[5], SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(t_close(h[i]), 0);
}

static void full_buffers_block_and_drain(void **state)
{
	static char big[3 << 20], in[1 << 20];
	int a, b, sent = 0, got = 0, n;
	struct call s;

	(void)state;
	t_pair(&a, &b);
	for (size_t i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7 + (i >> 9));
	while ((n = t_send(a, big + sent, (uint32_t)(sizeof(big) - (size_t)sent))) > 0)
		sent += n;
	assert_int_equal(n, -EAGAIN);
	assert_int_equal(t_poll(a, POLLOUT), 0); /* asks for SOCK_READY */
	s = (struct call){.handle = (uint32_t)a,
	                  .buf = big + sent,
	                  .len = (uint32_t)(sizeof(big) - (size_t)sent)};
	assert_int_equal(world_call(SOCK_SEND, &s), PENDING);
	while (got < (int)sizeof(big)) {
		n = t_recv(b, in, sizeof(in));
		if (n == -EAGAIN) {
			world_tick();
			continue;
		}
		assert_true(n > 0);
		assert_memory_equal(in, big + got, n);
		got += n;
	}
	assert_int_equal(world_result(&s), (int)sizeof(big) - sent);
	world_pass(1000000000ull); /* the last ones are acknowledged late */
	assert_int_equal(world_events((uint32_t)a) & POLLOUT, POLLOUT);
	assert_int_equal(t_close(a), 0);
	assert_int_equal(t_close(b), 0);
}

static void memory_that_runs_out_is_waited_for(void **state)
{
	char buf[64] = {1};
	int a, b;
	struct call s;

	(void)state;
	t_pair(&a, &b);
	world_deny_memory(true);
	s = (struct call){.handle = (uint32_t)a, .buf = buf, .len = 64};
	assert_int_equal(world_call(SOCK_SEND, &s), PENDING);
	world_deny_memory(false);
	world_pass(1000000000ull);
	assert_int_equal(world_result(&s), 64);
	assert_int_equal(t_recv(b, buf, 64), 64);
	t_close(a);
	t_close(b);
}

static void bad_grants_are_efault(void **state)
{
	char buf[16];
	int a, b;
	struct call c;

	(void)state;
	t_pair(&a, &b);
	c = (struct call){.handle = (uint32_t)a, .len = 16}; /* no grant */
	assert_int_equal(world_call(SOCK_SEND, &c), -EFAULT);
	assert_int_equal(t_send(a, "data", 4), 4);
	c = (struct call){.handle = (uint32_t)b, .buf = buf, .len = 16, .is_readonly = true};
	assert_int_equal(world_call(SOCK_RECV, &c), -EFAULT);
	assert_int_equal(t_recv(b, buf, 16), 4); /* nothing was lost */
	c = (struct call){.handle = (uint32_t)b, .len = 0x80000000u};
	assert_int_equal(world_call(SOCK_RECV, &c), -EINVAL);
	c = (struct call){.handle = (uint32_t)b, .arg = SOL_SOCKET << 16 | SO_KEEPALIVE, .len = 4};
	assert_int_equal(world_call(SOCK_SETOPT, &c), -EFAULT);
	t_close(a);
	t_close(b);
}

static void linger_waits_for_the_peer(void **state)
{
	static char big[200000], in[1 << 20];
	struct {
		int on, s;
	} l = {1, 5};
	int a, b;
	struct call c, o;

	(void)state;
	t_pair(&a, &b);
	o = (struct call){
		.handle = (uint32_t)a, .arg = SOL_SOCKET << 16 | SO_LINGER, .buf = &l, .len = 8};
	assert_int_equal(world_call(SOCK_SETOPT, &o), 0);
	t_setopt(b, SOL_SOCKET, SO_RCVBUF, 4096);
	while (t_send(a, big, sizeof(big)) > 0)
		;
	c = (struct call){.handle = (uint32_t)a};
	assert_int_equal(world_call(SOCK_CLOSE, &c), PENDING);
	assert_int_equal(t_send(a, big, 1), -EBADF);
	for (int n = 1; n > 0 || n == -EAGAIN;) {
		n = t_recv(b, in, sizeof(in));
		world_tick();
	}
	assert_int_equal(world_result(&c), 0);
	t_close(b);
	/* Nobody reads: the time ends it. */
	t_pair(&a, &b);
	o.handle = (uint32_t)a;
	assert_int_equal(world_call(SOCK_SETOPT, &o), 0);
	while (t_send(a, big, sizeof(big)) > 0)
		;
	c = (struct call){.handle = (uint32_t)a};
	assert_int_equal(world_call(SOCK_CLOSE, &c), PENDING);
	world_pass(4500000000ull);
	assert_int_equal(world_result(&c), PENDING);
	world_pass(700000000ull);
	assert_int_equal(world_result(&c), 0);
	t_close(b);
	/* Zero: reset at once. */
	t_pair(&a, &b);
	l.s = 0;
	o.handle = (uint32_t)a;
	assert_int_equal(world_call(SOCK_SETOPT, &o), 0);
	assert_int_equal(t_close(a), 0);
	assert_int_equal(t_recv(b, in, 1), -ECONNRESET);
	t_close(b);
}

static void answers_survive_a_full_table(void **state)
{
	char buf[8];
	int a, b;
	struct call c;

	(void)state;
	t_pair(&a, &b);
	world_deny_asend(true);
	c = (struct call){.handle = (uint32_t)a, .buf = buf, .len = 8, .flags = SOCK_NOWAIT};
	assert_int_equal(world_call(SOCK_RECV, &c), PENDING);
	world_deny_asend(false);
	world_pump();
	assert_int_equal(world_result(&c), -EAGAIN);
	t_close(a);
	t_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(blocking_calls_wait_and_can_be_cancelled),
		WORLD_TEST(blocking_accept_and_connect),
		WORLD_TEST(timeouts_end_waiting),
		WORLD_TEST(backlog_bounds_and_closing_listener_resets),
		WORLD_TEST(full_buffers_block_and_drain),
		WORLD_TEST(memory_that_runs_out_is_waited_for),
		WORLD_TEST(bad_grants_are_efault),
		WORLD_TEST(linger_waits_for_the_peer),
		WORLD_TEST(answers_survive_a_full_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
