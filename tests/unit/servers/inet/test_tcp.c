/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: @tests/unit/servers/inet/sockworld.h */
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

#include "sockworld.h"

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
	c = (struct call){.handle = (uint32_t)l, .flags = SOCK_NOWAIT};
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
		WORLD_TEST(creation_checks_arguments),
		WORLD_TEST(bind_checks_arguments),
		WORLD_TEST(reuse_does_not_share_a_listener),
		WORLD_TEST(unconnected_socket_refuses_data),
		WORLD_TEST(refused_connection_is_told_once),
		WORLD_TEST(connection_has_names_and_carries_data),
		WORLD_TEST(shutdown_closes_one_way),
		WORLD_TEST(reset_is_told_once_then_pipe),
		WORLD_TEST(send_to_closed_peer_resets),
		WORLD_TEST(options_read_back_as_in_linux),
		WORLD_TEST(ipv6_and_mapped_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
