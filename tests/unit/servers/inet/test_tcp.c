/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/inet/sock.c servers/inet/answer.c servers/inet/copy.c servers/inet/addr.c
 *   servers/inet/tcp.c servers/inet/tcpdata.c servers/inet/tcpopts.c servers/inet/dgram.c
 *   servers/inet/udp.c servers/inet/mcast.c servers/inet/rawsock.c servers/inet/icmp.c
 *   servers/inet/opts.c servers/inet/ifioctl.c servers/inet/netlink.c servers/inet/nlmsg.c
 *   servers/inet/nldump.c servers/inet/nlchange.c servers/inet/procnet.c servers/inet/procsock.c
 *   tests/unit/servers/inet/world.c */
/* ports: lwip */
/* TCP sockets over the loopback: what each call returns, and how connections end. */
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

#include "world.h"

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

static void creation_checks_arguments(void **state)
{
	int h;

	(void)state;
	assert_int_equal(t_socket(AF_PACKET, SOCK_RAW, 0), -EAFNOSUPPORT);
	assert_int_equal(t_socket(77, SOCK_STREAM, 0), -EAFNOSUPPORT);
	assert_int_equal(t_socket(AF_INET, SOCK_SEQPACKET, 0), -ESOCKTNOSUPPORT);
	assert_int_equal(t_socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), -EPROTONOSUPPORT);
	assert_int_equal(t_socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP), -EPROTONOSUPPORT);
	assert_int_equal(t_socket(AF_INET, SOCK_RAW, 0), -EPROTONOSUPPORT);
	assert_int_equal(t_socket_user(AF_INET, SOCK_RAW, IPPROTO_ICMP), -EPERM);
	assert_int_equal(t_socket(AF_NETLINK, SOCK_RAW, 3), -EPROTONOSUPPORT);
	h = t_socket(AF_INET, SOCK_STREAM, 0);
	assert_true(h > 0);
	assert_int_equal(t_close(h), 0);
	assert_int_equal(t_close(h), -EBADF);
	assert_int_equal(t_listen(h, 1), -EBADF);
	assert_int_equal(t_listen(0, 1), -EBADF);
	assert_int_equal(t_listen(0x7fffffff, 1), -EBADF);
}

static void bind_checks_arguments(void **state)
{
	struct sockaddr_in6 a;
	struct call c = {.addr = &a};
	int h = t_socket(AF_INET, SOCK_STREAM, 0), g;

	(void)state;
	c.handle = (uint32_t)h;
	t_make_addr("127.0.0.1", 80, &a);
	for (c.addr_len = 0; c.addr_len < 16; c.addr_len++)
		assert_int_equal(world_call(SOCK_BIND, &c), -EINVAL);
	c.addr_len = 200;
	assert_int_equal(world_call(SOCK_BIND, &c), -EINVAL);
	assert_int_equal(t_bind(h, "::1", 80), -EAFNOSUPPORT);
	assert_int_equal(t_bind(h, "10.9.8.7", 5000), -EADDRNOTAVAIL);
	assert_int_equal(t_bind(h, "127.0.0.1", 80), -EACCES);
	assert_int_equal(t_bind(h, "127.0.0.1", 5000), 0);
	assert_int_equal(t_bind(h, "127.0.0.1", 5001), -EINVAL);
	assert_int_equal(t_port(h), 5000);
	g = t_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(t_bind(g, "0.0.0.0", 5000), -EADDRINUSE);
	assert_int_equal(t_setopt(g, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	assert_int_equal(t_bind(g, "0.0.0.0", 5000), -EADDRINUSE); /* the other one has not */
	assert_int_equal(t_close(g), 0);
	g = t_socket(AF_INET6, SOCK_STREAM, 0);
	assert_int_equal(t_bind(g, "::", 5000), -EADDRINUSE); /* dual stack */
	assert_int_equal(t_setopt(g, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
	assert_int_equal(t_bind(g, "::", 5000), 0);
	assert_int_equal(t_setopt(g, IPPROTO_IPV6, IPV6_V6ONLY, 0), -EINVAL);
	assert_int_equal(t_close(g), 0);
	assert_int_equal(t_close(h), 0);
}

static void reuse_does_not_share_a_listener(void **state)
{
	int a = t_socket(AF_INET, SOCK_STREAM, 0), b = t_socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	t_setopt(a, SOL_SOCKET, SO_REUSEADDR, 1);
	t_setopt(b, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(t_bind(a, "127.0.0.1", 5000), 0);
	assert_int_equal(t_bind(b, "127.0.0.1", 5000), 0);
	assert_int_equal(t_listen(a, 1), 0);
	assert_int_equal(t_listen(b, 1), -EADDRINUSE);
	assert_int_equal(t_close(b), 0);
	b = t_socket(AF_INET, SOCK_STREAM, 0);
	t_setopt(b, SOL_SOCKET, SO_REUSEADDR, 1);
	assert_int_equal(t_bind(b, "127.0.0.1", 5000), -EADDRINUSE);
	assert_int_equal(t_close(b), 0);
	assert_int_equal(t_close(a), 0);
}

static void unconnected_socket_refuses_data(void **state)
{
	char buf[8] = {0};
	struct call c = {.arg = 1};
	int h = t_socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(t_send(h, buf, 8), -EPIPE);
	assert_int_equal(t_recv(h, buf, 8), -ENOTCONN);
	assert_int_equal(t_shutdown(h, SHUT_RDWR), -ENOTCONN);
	assert_int_equal(t_shutdown(h, 3), -EINVAL);
	assert_int_equal(t_accept(h), -EINVAL);
	c.handle = (uint32_t)h;
	assert_int_equal(world_call(SOCK_NAME, &c), -ENOTCONN);
	assert_int_equal(t_poll(h, POLLIN | POLLOUT), POLLOUT | POLLHUP);
	assert_int_equal(t_listen(h, 5), 0); /* takes a port by itself */
	assert_true(t_port(h) > 0);
	assert_int_equal(t_recv(h, buf, 8), -ENOTCONN);
	assert_int_equal(t_send(h, buf, 8), -EPIPE);
	assert_int_equal(t_connect(h, "127.0.0.1", 5), -EISCONN);
	assert_int_equal(t_accept(h), -EAGAIN);
	assert_int_equal(t_shutdown(h, SHUT_RD), 0);
	assert_int_equal(t_accept(h), -EINVAL);
	assert_int_equal(t_close(h), 0);
}

static void refused_connection_is_told_once(void **state)
{
	struct sockaddr_in6 a;
	struct call c = {.addr = &a};
	int h = t_socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(t_connect(h, "127.0.0.1", 4999), -EINPROGRESS);
	assert_int_equal(t_poll(h, POLLOUT) & (POLLOUT | POLLERR), POLLOUT | POLLERR);
	assert_int_equal(t_getopt(h, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	assert_int_equal(t_getopt(h, SOL_SOCKET, SO_ERROR), 0);
	c.handle = (uint32_t)h;
	c.addr_len = t_make_addr("127.0.0.1", 4999, &a);
	assert_int_equal(world_call(SOCK_CONNECT, &c), -ECONNREFUSED); /* blocking, same socket */
	assert_int_equal(t_connect(h, "224.0.0.1", 4999), -ENETUNREACH);
	assert_int_equal(t_connect(h, "10.1.1.1", 4999), -ENETUNREACH);
	assert_int_equal(t_connect(h, "::1", 4999), -EAFNOSUPPORT);
	assert_int_equal(t_close(h), 0);
}

static void connection_has_names_and_carries_data(void **state)
{
	char buf[64];
	struct call c = {.arg = 1};
	int a, b, v = 0;

	(void)state;
	t_pair(&a, &b);
	assert_int_equal(t_connect(a, "127.0.0.1", 1), -EISCONN);
	assert_int_equal(t_bind(a, "127.0.0.1", 0), -EINVAL);
	assert_int_equal(t_listen(a, 1), -EINVAL);
	c.handle = (uint32_t)a;
	assert_int_equal(world_call(SOCK_NAME, &c), 0);
	assert_int_equal(c.rep.addr_len, 16);
	assert_int_equal(t_poll(a, POLLIN | POLLOUT), POLLOUT);
	assert_int_equal(t_send(a, "hello", 5), 5);
	assert_int_equal(t_poll(b, POLLIN), POLLIN);
	assert_int_equal(t_ioctl(b, FIONREAD, &v, sizeof(v), 0), 0);
	assert_int_equal(v, 5);
	c = (struct call){.handle = (uint32_t)b, .buf = buf, .len = 64, .flags = SOCK_PEEK};
	assert_int_equal(world_call(SOCK_RECV, &c), 5);
	assert_int_equal(t_recv(b, buf, 2), 2);
	assert_int_equal(t_recv(b, buf + 2, 62), 3);
	assert_memory_equal(buf, "hello", 5);
	assert_int_equal(t_recv(b, buf, 64), -EAGAIN);
	assert_int_equal(t_recv(b, buf, 0), 0);
	assert_int_equal(t_send(b, buf, 0), 0);
	c = (struct call){.handle = (uint32_t)b, .buf = buf, .len = 64, .flags = SOCK_OOB};
	assert_int_equal(world_call(SOCK_RECV, &c), -EINVAL);
	assert_int_equal(world_call(SOCK_SEND, &c), -EOPNOTSUPP);
	assert_int_equal(t_close(a), 0);
	assert_int_equal(t_recv(b, buf, 64), 0);
	assert_int_equal(t_poll(b, POLLIN | POLLRDHUP) & (POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
	assert_int_equal(t_close(b), 0);
}

static void shutdown_closes_one_way(void **state)
{
	char buf[16];
	int a, b;

	(void)state;
	t_pair(&a, &b);
	assert_int_equal(t_shutdown(a, SHUT_WR), 0);
	assert_int_equal(t_send(a, "x", 1), -EPIPE);
	assert_int_equal(t_recv(b, buf, 16), 0);
	assert_int_equal(t_send(b, "back", 4), 4);
	assert_int_equal(t_recv(a, buf, 16), 4);
	assert_int_equal(t_shutdown(b, SHUT_WR), 0);
	assert_int_equal(t_recv(a, buf, 16), 0);
	assert_int_equal(t_poll(a, POLLIN) & POLLHUP, POLLHUP);
	world_pass(10000000000ull);
	assert_int_equal(t_send(b, "x", 1), -EPIPE);
	assert_int_equal(t_recv(b, buf, 16), 0);
	assert_int_equal(t_close(a), 0);
	assert_int_equal(t_close(b), 0);
}

static void reset_is_told_once_then_pipe(void **state)
{
	char buf[16];
	int a, b;

	(void)state;
	t_pair(&a, &b);
	assert_int_equal(t_send(a, "unread", 6), 6);
	assert_int_equal(t_close(b), 0); /* unread data: RST */
	assert_int_equal(t_poll(a, POLLIN) & (POLLIN | POLLERR | POLLHUP),
	                 POLLIN | POLLERR | POLLHUP);
	assert_int_equal(t_recv(a, buf, 16), -ECONNRESET);
	assert_int_equal(t_recv(a, buf, 16), 0);
	assert_int_equal(t_send(a, "x", 1), -EPIPE);
	assert_int_equal(t_close(a), 0);
	t_pair(&a, &b);
	assert_int_equal(t_send(a, "unread", 6), 6);
	assert_int_equal(t_close(b), 0);
	assert_int_equal(t_send(a, "x", 1), -ECONNRESET);
	assert_int_equal(t_send(a, "x", 1), -EPIPE);
	assert_int_equal(t_close(a), 0);
}

static void send_to_closed_peer_resets(void **state)
{
	char buf[16];
	int a, b;

	(void)state;
	t_pair(&a, &b);
	assert_int_equal(t_close(b), 0);
	assert_int_equal(t_send(a, "x", 1), 1); /* the peer has no reader: RST */
	assert_int_equal(t_send(a, "x", 1), -EPIPE);
	assert_int_equal(t_recv(a, buf, 16), 0);
	assert_int_equal(t_close(a), 0);
}

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
	c = (struct call){.handle = (uint32_t)a, .buf = buf, .len = 8, .flags = SOCK_NONBLOCK};
	assert_int_equal(world_call(SOCK_RECV, &c), PENDING);
	world_deny_asend(false);
	world_pump();
	assert_int_equal(world_result(&c), -EAGAIN);
	t_close(a);
	t_close(b);
}

static void options_read_back_as_in_linux(void **state)
{
	struct tcp_info info;
	char name[16] = {0};
	struct call c;
	int a, b;

	(void)state;
	t_pair(&a, &b);
	assert_int_equal(t_getopt(a, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
	assert_int_equal(t_getopt(a, SOL_SOCKET, SO_DOMAIN), AF_INET);
	assert_int_equal(t_getopt(a, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	assert_int_equal(t_getopt(a, SOL_SOCKET, SO_ACCEPTCONN), 0);
	assert_int_equal(t_setopt(a, SOL_SOCKET, SO_SNDBUF, 50000), 0);
	assert_int_equal(t_getopt(a, SOL_SOCKET, SO_SNDBUF), 100000);
	assert_int_equal(t_setopt(a, SOL_SOCKET, SO_RCVBUF, 1), 0);
	assert_int_equal(t_getopt(a, SOL_SOCKET, SO_RCVBUF), 2304);
	assert_int_equal(t_setopt(a, IPPROTO_TCP, TCP_NODELAY, 1), 0);
	assert_int_equal(t_getopt(a, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(t_setopt(a, IPPROTO_TCP, TCP_KEEPIDLE, 0), -EINVAL);
	assert_int_equal(t_setopt(a, IPPROTO_TCP, TCP_KEEPIDLE, 60), 0);
	assert_int_equal(t_getopt(a, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	assert_int_equal(t_setopt(a, IPPROTO_IP, IP_TTL, 0), -EINVAL);
	assert_int_equal(t_setopt(a, IPPROTO_IP, IP_TOS, 16), 0);
	assert_int_equal(t_getopt(a, IPPROTO_IP, IP_TOS), 16);
	assert_int_equal(t_setopt(a, SOL_SOCKET, 47 /* SO_MAX_PACING_RATE */, 1), -ENOPROTOOPT);
	assert_int_equal(t_getopt(a, 99, 1), -1000 - ENOPROTOOPT);
	assert_int_equal(t_setopt(a, SOL_SOCKET, SO_ERROR, 1), -ENOPROTOOPT);
	c = (struct call){.handle = (uint32_t)a,
	                  .arg = IPPROTO_TCP << 16 | TCP_CONGESTION,
	                  .buf = name,
	                  .len = 16};
	assert_int_equal(world_call(SOCK_GETOPT, &c), 16);
	assert_string_equal(name, "reno");
	strcpy(name, "cubic");
	assert_int_equal(world_call(SOCK_SETOPT, &c), -ENOENT);
	t_send(a, "12345", 5);
	c = (struct call){.handle = (uint32_t)a,
	                  .arg = IPPROTO_TCP << 16 | TCP_INFO,
	                  .buf = &info,
	                  .len = sizeof(info)};
	assert_int_equal(world_call(SOCK_GETOPT, &c), sizeof(info));
	assert_int_equal(info.tcpi_state, 1);
	assert_true(info.tcpi_snd_mss > 500 && info.tcpi_snd_cwnd > 0);
	assert_int_equal(info.tcpi_bytes_sent, 5);
	t_close(a);
	t_close(b);
}

static void ipv6_and_mapped_addresses(void **state)
{
	struct sockaddr_in6 sin6;
	struct call c;
	char buf[8];
	int l = t_socket(AF_INET6, SOCK_STREAM, 0), a, b;

	(void)state;
	assert_int_equal(t_bind(l, "::", 6002), 0);
	assert_int_equal(t_listen(l, 4), 0);
	a = t_socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(t_connect(a, "127.0.0.1", 6002), -EINPROGRESS);
	c = (struct call){.handle = (uint32_t)l, .flags = SOCK_NONBLOCK};
	assert_int_equal(world_call(SOCK_ACCEPT, &c), 0);
	b = (int)c.rep.value;
	memcpy(&sin6, c.rep.addr, sizeof(sin6));
	assert_true(IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr));
	t_send(a, "v4", 2);
	assert_int_equal(t_recv(b, buf, 8), 2);
	t_close(a);
	t_close(b);
	a = t_socket(AF_INET6, SOCK_STREAM, 0);
	assert_int_equal(t_connect(a, "::1", 6002), -EINPROGRESS);
	b = t_accept(l);
	assert_true(b > 0);
	t_send(a, "v6", 2);
	assert_int_equal(t_recv(b, buf, 8), 2);
	t_close(a);
	t_close(b);
	a = t_socket(AF_INET6, SOCK_STREAM, 0);
	assert_int_equal(t_connect(a, "::ffff:127.0.0.1", 6002), -EINPROGRESS);
	b = t_accept(l);
	assert_true(b > 0);
	t_close(a);
	t_close(b);
	a = t_socket(AF_INET6, SOCK_STREAM, 0);
	t_setopt(a, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	assert_int_equal(t_connect(a, "::ffff:127.0.0.1", 6002), -ENETUNREACH);
	t_close(a);
	t_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
		T(creation_checks_arguments),
		T(bind_checks_arguments),
		T(reuse_does_not_share_a_listener),
		T(unconnected_socket_refuses_data),
		T(refused_connection_is_told_once),
		T(connection_has_names_and_carries_data),
		T(shutdown_closes_one_way),
		T(reset_is_told_once_then_pipe),
		T(send_to_closed_peer_resets),
		T(blocking_calls_wait_and_can_be_cancelled),
		T(blocking_accept_and_connect),
		T(timeouts_end_waiting),
		T(backlog_bounds_and_closing_listener_resets),
		T(full_buffers_block_and_drain),
		T(memory_that_runs_out_is_waited_for),
		T(bad_grants_are_efault),
		T(linger_waits_for_the_peer),
		T(answers_survive_a_full_table),
		T(options_read_back_as_in_linux),
		T(ipv6_and_mapped_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
