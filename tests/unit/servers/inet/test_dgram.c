/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: @tests/unit/servers/inet/sockworld.h */
/* ports: lwip */
/* UDP, raw and ping sockets over the loopback. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/ioctl.h>

#include "sockworld.h"

static void datagrams_keep_their_bounds(void **state)
{
	char buf[64];
	struct sockaddr_in from;
	struct call c;
	int a = t_socket(AF_INET, SOCK_DGRAM, 0), b = t_socket(AF_INET, SOCK_DGRAM, 0), v = 0;

	(void)state;
	assert_int_equal(t_bind(b, "127.0.0.1", 7000), 0);
	assert_int_equal(t_send(a, "x", 1), -EDESTADDRREQ);
	assert_int_equal(t_sendto(a, "first", 5, "127.0.0.1", 7000), 5);
	assert_int_equal(t_sendto(a, "second one", 10, "127.0.0.1", 7000), 10);
	assert_int_equal(t_sendto(a, "", 0, "127.0.0.1", 7000), 0);
	assert_int_equal(t_poll(b, POLLIN), POLLIN);
	assert_int_equal(t_ioctl(b, FIONREAD, &v, sizeof(v), 0), 0);
	assert_int_equal(v, 5);
	c = (struct call){
		.handle = (uint32_t)b, .buf = buf, .len = 64, .flags = SOCK_PEEK | SOCK_NOWAIT};
	assert_int_equal(world_call(SOCK_RECV, &c), 5);
	assert_int_equal(world_call(SOCK_RECV, &c), 5);
	c.flags = SOCK_NOWAIT;
	assert_int_equal(world_call(SOCK_RECV, &c), 5);
	assert_memory_equal(buf, "first", 5);
	memcpy(&from, c.rep.addr, sizeof(from));
	assert_int_equal(ntohs(from.sin_port), t_port(a));
	c.len = 4;
	c.flags = SOCK_NOWAIT | SOCK_TRUNC;
	assert_int_equal(world_call(SOCK_RECV, &c), 10);
	assert_int_equal(c.rep.flags, MSG_TRUNC);
	assert_int_equal(c.rep.arg, 10);
	assert_memory_equal(buf, "seco", 4);
	assert_int_equal(t_recv(b, buf, 64), 0);
	assert_int_equal(t_recv(b, buf, 64), -EAGAIN);
	t_close(a);
	t_close(b);
}

static void sizes_and_addresses_are_checked(void **state)
{
	static char big[70000];
	struct sockaddr_in6 a;
	struct call c = {.addr = &a, .buf = big, .len = 4};
	int h = t_socket(AF_INET, SOCK_DGRAM, 0), g = t_socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(t_sendto(h, big, 65508, "127.0.0.1", 7000), -EMSGSIZE);
	assert_int_equal(t_sendto(h, big, 4, "127.0.0.1", 0), -EINVAL);
	assert_int_equal(t_sendto(h, big, 4, "::1", 9), -EAFNOSUPPORT);
	assert_int_equal(t_sendto(h, big, 4, "255.255.255.255", 9), -EACCES);
	assert_int_equal(t_sendto(h, big, 4, "10.0.0.1", 9), -ENETUNREACH);
	c.handle = (uint32_t)h;
	t_make_addr("127.0.0.1", 9, &a);
	for (c.addr_len = 1; c.addr_len < 16; c.addr_len++)
		assert_int_equal(world_call(SOCK_SEND, &c), -EINVAL);
	assert_int_equal(t_bind(h, "127.0.0.1", 0), -EINVAL); /* sending has bound it */
	assert_int_equal(t_bind(g, "127.0.0.1", t_port(h)), -EADDRINUSE);
	assert_int_equal(t_setopt(g, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	assert_int_equal(t_setopt(h, SOL_SOCKET, SO_REUSEADDR, 1), 0);
	assert_int_equal(t_bind(g, "127.0.0.1", t_port(h)), 0);
	assert_int_equal(t_listen(h, 1), -EOPNOTSUPP);
	assert_int_equal(t_accept(h), -EOPNOTSUPP);
	t_close(h);
	t_close(g);
	h = t_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(t_sendto(h, big, 65507, "127.0.0.1", 7000), 65507);
	t_close(h);
}

static void connected_socket_filters_and_learns_of_closed_ports(void **state)
{
	char buf[16];
	struct call c = {.arg = 1};
	int a = t_socket(AF_INET, SOCK_DGRAM, 0), b = t_socket(AF_INET, SOCK_DGRAM, 0);
	int other = t_socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	t_bind(b, "127.0.0.1", 7000);
	assert_int_equal(t_connect(a, "127.0.0.1", 7000), 0);
	c.handle = (uint32_t)a;
	assert_int_equal(world_call(SOCK_NAME, &c), 0);
	assert_int_equal(t_send(a, "ask", 3), 3);
	assert_int_equal(t_recv(b, buf, 16), 3);
	assert_int_equal(t_sendto(other, "lie", 3, "127.0.0.1", t_port(a)), 3);
	assert_int_equal(t_recv(a, buf, 16), -EAGAIN);
	assert_int_equal(t_sendto(b, "yes", 3, "127.0.0.1", t_port(a)), 3);
	assert_int_equal(t_recv(a, buf, 16), 3);
	t_close(b);
	assert_int_equal(t_send(a, "ask", 3), 3);
	assert_int_equal(t_poll(a, POLLIN) & POLLERR, POLLERR);
	assert_int_equal(t_recv(a, buf, 16), -ECONNREFUSED);
	assert_int_equal(t_recv(a, buf, 16), -EAGAIN);
	assert_int_equal(t_send(a, "ask", 3), 3);
	assert_int_equal(t_send(a, "ask", 3), -ECONNREFUSED);
	/* dissolve */
	c = (struct call){.handle = (uint32_t)a, .addr = "\0\0", .addr_len = 2};
	assert_int_equal(world_call(SOCK_CONNECT, &c), 0);
	assert_int_equal(t_send(a, "ask", 3), -EDESTADDRREQ);
	assert_int_equal(t_sendto(other, "now", 3, "127.0.0.1", t_port(a)), 3);
	assert_int_equal(t_recv(a, buf, 16), 3);
	/* unconnected ones hear nothing of it */
	assert_int_equal(t_sendto(other, "now", 3, "127.0.0.1", 7000), 3);
	assert_int_equal(t_recv(other, buf, 16), -EAGAIN);
	t_close(a);
	t_close(other);
}

static void queue_is_bounded_by_rcvbuf(void **state)
{
	static char data[1000], buf[2000];
	int a = t_socket(AF_INET, SOCK_DGRAM, 0), b = t_socket(AF_INET, SOCK_DGRAM, 0), n = 0;

	(void)state;
	t_bind(b, "127.0.0.1", 7000);
	t_setopt(b, SOL_SOCKET, SO_RCVBUF, 10000);
	for (int i = 0; i < 100; i++)
		assert_int_equal(t_sendto(a, data, 1000, "127.0.0.1", 7000), 1000);
	while (t_recv(b, buf, sizeof(buf)) == 1000)
		n++;
	assert_int_equal(n, 20000 / 1256);
	assert_int_equal(t_sendto(a, data, 1000, "127.0.0.1", 7000), 1000);
	assert_int_equal(t_recv(b, buf, sizeof(buf)), 1000);
	t_close(a);
	t_close(b);
}

static void shutdown_and_cancel(void **state)
{
	char buf[16];
	struct call r;
	int a = t_socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(t_shutdown(a, SHUT_RD), -ENOTCONN);
	t_close(a);
	a = t_socket(AF_INET, SOCK_DGRAM, 0);
	t_bind(a, "127.0.0.1", 7000);
	r = (struct call){.handle = (uint32_t)a, .buf = buf, .len = 16};
	assert_int_equal(world_call(SOCK_RECV, &r), PENDING);
	world_cancel(&r);
	assert_int_equal(world_result(&r), -EINTR);
	t_connect(a, "127.0.0.1", 7001);
	assert_int_equal(world_call(SOCK_RECV, &r), PENDING);
	assert_int_equal(t_shutdown(a, SHUT_RDWR), 0);
	assert_int_equal(world_result(&r), 0);
	assert_int_equal(t_send(a, buf, 1), -EPIPE);
	assert_int_equal(t_poll(a, POLLIN) & POLLHUP, POLLHUP);
	t_close(a);
	a = t_socket(AF_INET, SOCK_DGRAM, 0);
	r.handle = (uint32_t)a;
	assert_int_equal(world_call(SOCK_RECV, &r), PENDING);
	t_close(a);
	assert_int_equal(world_result(&r), -EBADF);
}

static void dual_stack(void **state)
{
	struct sockaddr_in6 sin6;
	char buf[16];
	struct call c;
	int a = t_socket(AF_INET, SOCK_DGRAM, 0), b = t_socket(AF_INET6, SOCK_DGRAM, 0);

	(void)state;
	assert_int_equal(t_bind(b, "::", 7000), 0);
	assert_int_equal(t_sendto(a, "v4", 2, "127.0.0.1", 7000), 2);
	c = (struct call){.handle = (uint32_t)b, .buf = buf, .len = 16, .flags = SOCK_NOWAIT};
	assert_int_equal(world_call(SOCK_RECV, &c), 2);
	memcpy(&sin6, c.rep.addr, sizeof(sin6));
	assert_true(IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr));
	c.addr = c.rep.addr;
	c.addr_len = sizeof(sin6);
	c.len = 2;
	assert_int_equal(world_call(SOCK_SEND, &c), 2);
	assert_int_equal(t_recv(a, buf, 16), 2);
	t_close(a);
	a = t_socket(AF_INET6, SOCK_DGRAM, 0);
	assert_int_equal(t_sendto(a, "v6", 2, "::1", 7000), 2);
	assert_int_equal(t_recv(b, buf, 16), 2);
	t_close(b);
	b = t_socket(AF_INET6, SOCK_DGRAM, 0);
	assert_int_equal(t_setopt(b, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
	assert_int_equal(t_bind(b, "::", 7000), 0);
	assert_int_equal(t_sendto(b, "v4", 2, "::ffff:127.0.0.1", 7000), -ENETUNREACH);
	t_close(a);
	a = t_socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(t_bind(a, "0.0.0.0", 7000), 0);
	assert_int_equal(t_sendto(a, "v4", 2, "127.0.0.1", 7000), 2);
	assert_int_equal(t_recv(b, buf, 16), -EAGAIN);
	t_close(a);
	t_close(b);
}

static void multicast_membership(void **state)
{
	struct ip_mreq m = {.imr_multiaddr.s_addr = 0x010000e0u,
	                    .imr_interface.s_addr = 0x0100007fu};
	int h = t_socket(AF_INET, SOCK_DGRAM, 0);
	struct call c = {.handle = (uint32_t)h, .buf = &m, .len = sizeof(m)};

	(void)state;
	c.arg = IPPROTO_IP << 16 | IP_DROP_MEMBERSHIP;
	assert_int_equal(world_call(SOCK_SETOPT, &c), -EADDRNOTAVAIL);
	c.arg = IPPROTO_IP << 16 | IP_ADD_MEMBERSHIP;
	assert_int_equal(world_call(SOCK_SETOPT, &c), 0);
	assert_int_equal(world_call(SOCK_SETOPT, &c), -EADDRINUSE);
	c.arg = IPPROTO_IP << 16 | IP_DROP_MEMBERSHIP;
	assert_int_equal(world_call(SOCK_SETOPT, &c), 0);
	m.imr_multiaddr.s_addr = 0x0100007fu;
	assert_int_equal(world_call(SOCK_SETOPT, &c), -EINVAL);
	m.imr_multiaddr.s_addr = 0x010000e0u;
	m.imr_interface.s_addr = 0x0100000au;
	c.arg = IPPROTO_IP << 16 | IP_ADD_MEMBERSHIP;
	assert_int_equal(world_call(SOCK_SETOPT, &c), -ENODEV);
	c.len = 4;
	assert_int_equal(world_call(SOCK_SETOPT, &c), -EINVAL);
	t_close(h);
}

/* An echo request as busybox ping makes it. */
static void make_echo(uint8_t *p, size_t len, uint8_t type)
{
	uint32_t sum = 0;

	memset(p, 0, len);
	p[0] = type;
	p[4] = 0x12;
	p[5] = 0x34;
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	p[2] = (uint8_t)(~sum >> 8);
	p[3] = (uint8_t)~sum;
}

static void raw_icmp_sees_headers_and_filters(void **state)
{
	uint8_t out[64], in[128];
	uint32_t filter = ~(1u << 0);
	int h = t_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), n, replies = 0;
	struct call c = {.handle = (uint32_t)h, .arg = SOL_RAW << 16 | 1, .buf = &filter, .len = 4};

	(void)state;
	make_echo(out, sizeof(out), 8);
	assert_int_equal(t_send(h, out, 64), -EDESTADDRREQ);
	assert_int_equal(t_sendto(h, out, 64, "127.0.0.1", 0), 64);
	while ((n = t_recv(h, in, sizeof(in))) > 0) {
		assert_int_equal(n, 84);
		assert_int_equal(in[0], 0x45);
		replies += in[20] == 0;
	}
	assert_int_equal(replies, 1);
	assert_int_equal(world_call(SOCK_SETOPT, &c), 0);
	assert_int_equal(t_sendto(h, out, 64, "127.0.0.1", 0), 64);
	assert_int_equal(t_recv(h, in, sizeof(in)), 84);
	assert_int_equal(in[20], 0);
	assert_int_equal(t_recv(h, in, sizeof(in)), -EAGAIN);
	t_close(h);
}

static void ping_socket_sees_its_own_replies(void **state)
{
	uint8_t out[64], in[128];
	int h = t_socket_user(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
	int g = t_socket_user(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);

	(void)state;
	make_echo(out, sizeof(out), 8);
	assert_int_equal(t_sendto(h, out, 64, "127.0.0.1", 0), 64);
	assert_int_equal(t_recv(h, in, sizeof(in)), 64);
	assert_int_equal(in[0], 0);
	assert_int_equal(in[4] << 8 | in[5], t_port(h));
	assert_int_equal(t_recv(h, in, sizeof(in)), -EAGAIN);
	assert_int_equal(t_recv(g, in, sizeof(in)), -EAGAIN);
	assert_int_equal(t_sendto(h, out, 7, "127.0.0.1", 0), -EINVAL);
	out[0] = 0;
	assert_int_equal(t_sendto(h, out, 64, "127.0.0.1", 0), -EINVAL);
	t_close(h);
	t_close(g);
	h = t_socket_user(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
	make_echo(out, sizeof(out), 128);
	assert_int_equal(t_sendto(h, out, 64, "::1", 0), 64);
	assert_int_equal(t_recv(h, in, sizeof(in)), 64);
	assert_int_equal(in[0], 129);
	t_close(h);
	h = t_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	assert_int_equal(t_sendto(h, out, 3, "::1", 0), -EINVAL);
	assert_int_equal(t_sendto(h, out, 64, "127.0.0.1", 0), -EINVAL); /* too short for IPv6 */
	t_close(h);
}

static void own_headers_are_completed(void **state)
{
	uint8_t p[28] = {0x45, 0, 0,   0, 0, 1, 0,    0,    64,   17,   0, 0, 0, 0,
	                 0,    0, 127, 0, 0, 1, 0x10, 0x01, 0x1b, 0x58, 0, 8, 0, 0};
	char in[16];
	int h = t_socket(AF_INET, SOCK_RAW, IPPROTO_RAW), u = t_socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	t_bind(u, "127.0.0.1", 7000);
	assert_int_equal(t_sendto(h, p, 28, "127.0.0.1", 0), 28);
	assert_int_equal(t_recv(u, in, 16), 0);
	assert_int_equal(t_sendto(h, p, 19, "127.0.0.1", 0), -EINVAL);
	p[0] = 0x4f;
	assert_int_equal(t_sendto(h, p, 28, "127.0.0.1", 0), -EINVAL);
	p[0] = 0x65;
	assert_int_equal(t_sendto(h, p, 28, "127.0.0.1", 0), -EINVAL);
	t_close(h);
	t_close(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(datagrams_keep_their_bounds),
		WORLD_TEST(sizes_and_addresses_are_checked),
		WORLD_TEST(connected_socket_filters_and_learns_of_closed_ports),
		WORLD_TEST(queue_is_bounded_by_rcvbuf),
		WORLD_TEST(shutdown_and_cancel),
		WORLD_TEST(dual_stack),
		WORLD_TEST(multicast_membership),
		WORLD_TEST(raw_icmp_sees_headers_and_filters),
		WORLD_TEST(ping_socket_sees_its_own_replies),
		WORLD_TEST(own_headers_are_completed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
