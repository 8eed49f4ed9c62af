/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: @tests/unit/servers/inet/sockworld.h */
/* ports: lwip */
/* Netlink, ioctls of interfaces, texts of /proc/net: formats, answers, refusals. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/ioctl.h>

#include "sockworld.h"

static union {
	struct nlmsghdr h;
	uint8_t raw[8192];
} out, in;

/* Starts a request in `out` with a zeroed fixed part, which is returned. */
static void *begin(uint16_t type, uint16_t flags, uint32_t fixed)
{
	memset(&out, 0, sizeof(out));
	out.h = (struct nlmsghdr){.nlmsg_len = NLMSG_LENGTH(fixed),
	                          .nlmsg_type = type,
	                          .nlmsg_flags = (uint16_t)(flags | NLM_F_REQUEST),
	                          .nlmsg_seq = 77};
	return NLMSG_DATA(&out.h);
}

static void attr(uint16_t type, const void *data, uint32_t len)
{
	struct rtattr *a = (void *)(out.raw + NLMSG_ALIGN(out.h.nlmsg_len));

	a->rta_type = type;
	a->rta_len = (uint16_t)RTA_LENGTH(len);
	memcpy(RTA_DATA(a), data, len);
	out.h.nlmsg_len = NLMSG_ALIGN(out.h.nlmsg_len) + RTA_SPACE(len);
}

static int send_flags(int h, uint32_t flags)
{
	struct call c = {
		.handle = (uint32_t)h, .buf = out.raw, .len = out.h.nlmsg_len, .flags = flags};

	return world_call(SOCK_SEND, &c);
}

/* Sends as root; the error of the acknowledgement, or 1 if the answer is something else. */
static int ask(int h)
{
	int n;

	assert_int_equal(send_flags(h, SOCK_IS_ROOT), (int)out.h.nlmsg_len);
	n = t_recv(h, in.raw, sizeof(in));
	assert_true(n >= (int)sizeof(struct nlmsghdr));
	assert_int_equal(in.h.nlmsg_seq, 77);
	return in.h.nlmsg_type == NLMSG_ERROR ? ((struct nlmsgerr *)NLMSG_DATA(&in.h))->error : 1;
}

/* Messages of `type` in a whole dump. */
static unsigned dump(int h, uint16_t type, uint8_t family, uint16_t answer)
{
	struct rtgenmsg *g = begin(type, NLM_F_DUMP, sizeof(*g));
	unsigned count = 0;
	int n;

	g->rtgen_family = family;
	assert_int_equal(send_flags(h, 0), (int)out.h.nlmsg_len);
	while ((n = t_recv(h, in.raw, sizeof(in))) > 0) {
		struct nlmsghdr *m = &in.h;

		for (int left = n; NLMSG_OK(m, (unsigned)left); m = NLMSG_NEXT(m, left)) {
			if (m->nlmsg_type == NLMSG_DONE)
				return count;
			assert_int_equal(m->nlmsg_type, answer);
			assert_true(m->nlmsg_flags & NLM_F_MULTI);
			count++;
		}
	}
	fail_msg("a dump without an end");
	return 0;
}

static void dumps_end_and_count(void **state)
{
	int h = t_socket_user(AF_NETLINK, SOCK_RAW, 0);
	struct sockaddr_nl nl = {.nl_family = AF_NETLINK};
	struct call c = {.handle = (uint32_t)h, .addr = &nl, .addr_len = sizeof(nl)};

	(void)state;
	assert_int_equal(world_call(SOCK_BIND, &c), 0);
	assert_int_equal(dump(h, RTM_GETLINK, 0, RTM_NEWLINK), 1);
	assert_int_equal(dump(h, RTM_GETADDR, 0, RTM_NEWADDR), 2);
	assert_int_equal(dump(h, RTM_GETADDR, AF_INET, RTM_NEWADDR), 1);
	assert_int_equal(dump(h, RTM_GETROUTE, 0, RTM_NEWROUTE), 0);
	assert_int_equal(dump(h, RTM_GETNEIGH, 0, RTM_NEWNEIGH), 0);
	nl.nl_groups = 1;
	assert_int_equal(world_call(SOCK_BIND, &c), -EOPNOTSUPP);
	nl.nl_family = AF_INET;
	assert_int_equal(world_call(SOCK_BIND, &c), -EINVAL);
	c.addr_len = 11;
	assert_int_equal(world_call(SOCK_BIND, &c), -EINVAL);
	t_close(h);
}

static void refusals_are_told(void **state)
{
	int h = t_socket(AF_NETLINK, SOCK_RAW, 0), lo = 1, bad = 9;
	struct ifinfomsg *i;
	struct rtmsg *r;

	(void)state;
	begin(RTM_NEWRULE, 0, 12);
	assert_int_equal(ask(h), -EOPNOTSUPP);
	i = begin(RTM_GETLINK, 0, sizeof(*i));
	i->ifi_index = 9;
	assert_int_equal(ask(h), -ENODEV);
	begin(RTM_GETLINK, 0, sizeof(*i));
	attr(IFLA_IFNAME, "lo", 3);
	assert_int_equal(ask(h), 1);
	assert_int_equal(in.h.nlmsg_type, RTM_NEWLINK);
	begin(RTM_SETLINK, NLM_F_ACK, 4); /* too short */
	assert_int_equal(ask(h), -EINVAL);
	r = begin(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE, sizeof(*r));
	r->rtm_family = AF_INET;
	r->rtm_dst_len = 33;
	assert_int_equal(ask(h), -EINVAL);
	r = begin(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE, sizeof(*r));
	r->rtm_family = AF_INET;
	attr(RTA_OIF, &bad, 4);
	assert_int_equal(ask(h), -ENODEV);
	r = begin(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE, sizeof(*r));
	r->rtm_family = AF_INET;
	attr(RTA_GATEWAY, &bad, 3);
	attr(RTA_OIF, &lo, 4);
	assert_int_equal(ask(h), -EINVAL);
	r = begin(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE, sizeof(*r));
	r->rtm_family = AF_INET;
	attr(RTA_OIF, &lo, 4);
	((struct rtattr *)(void *)(out.raw + NLMSG_LENGTH(sizeof(*r))))->rta_len = 200;
	assert_int_equal(ask(h), -EINVAL);
	assert_int_equal(send_flags(h, 0) > 0, 1); /* not root */
	assert_true(t_recv(h, in.raw, sizeof(in)) > 0);
	assert_int_equal(((struct nlmsgerr *)NLMSG_DATA(&in.h))->error, -EPERM);
	t_close(h);
}

static void links_addresses_and_routes_change(void **state)
{
	int h = t_socket(AF_NETLINK, SOCK_RAW, 0);
	uint32_t lo = 1, mtu = 1400, net = 0x0000000au, address = 0x0500a8c0u;
	struct ifinfomsg *i;
	struct ifaddrmsg *a;
	struct rtmsg *r;

	(void)state;
	i = begin(RTM_SETLINK, NLM_F_ACK, sizeof(*i));
	i->ifi_index = 1;
	attr(IFLA_MTU, &mtu, 4);
	assert_int_equal(ask(h), 0);
	r = begin(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, sizeof(*r));
	r->rtm_family = AF_INET;
	r->rtm_dst_len = 8;
	r->rtm_type = RTN_UNICAST;
	r->rtm_table = RT_TABLE_MAIN;
	attr(RTA_DST, &net, 4);
	attr(RTA_OIF, &lo, 4);
	assert_int_equal(ask(h), 0);
	assert_int_equal(dump(h, RTM_GETROUTE, AF_INET, RTM_NEWROUTE), 1);
	r = begin(RTM_DELROUTE, NLM_F_ACK, sizeof(*r));
	r->rtm_family = AF_INET;
	r->rtm_dst_len = 8;
	attr(RTA_DST, &net, 4);
	assert_int_equal(ask(h), 0);
	assert_int_equal(ask(h), -ESRCH);
	a = begin(RTM_DELADDR, NLM_F_ACK, sizeof(*a));
	a->ifa_family = AF_INET;
	a->ifa_index = 1;
	a->ifa_prefixlen = 24;
	attr(IFA_LOCAL, &address, 4);
	assert_int_equal(ask(h), -EADDRNOTAVAIL);
	a = begin(RTM_NEWADDR, NLM_F_ACK, sizeof(*a));
	a->ifa_family = AF_INET;
	a->ifa_index = 1;
	a->ifa_prefixlen = 24;
	attr(IFA_LOCAL, &address, 4);
	assert_int_equal(ask(h), -ENOSPC); /* one address an interface */
	a->ifa_family = 99;
	assert_int_equal(ask(h), -EAFNOSUPPORT);
	t_close(h);
}

static void damaged_requests_do_no_harm(void **state)
{
	int h = t_socket(AF_NETLINK, SOCK_RAW, 0);
	uint32_t x = 1;

	(void)state;
	for (unsigned step = 0; step < 20000; step++) {
		struct rtmsg *r = begin((uint16_t)(RTM_BASE + step % 20), NLM_F_ACK, sizeof(*r));
		uint32_t v = step;

		r->rtm_family = step & 1 ? AF_INET : AF_INET6;
		attr((uint16_t)(step % 70), &v, 4);
		attr((uint16_t)(step % 13), &v, 1);
		for (unsigned k = 0; k < 3; k++) {
			x = x * 1664525u + 1013904223u;
			if ((x >> 8) % out.h.nlmsg_len >=
			    4) /* the length itself is sent as it is */
				out.raw[(x >> 8) % out.h.nlmsg_len] = (uint8_t)(x >> 24);
		}
		(void)send_flags(h, 0); /* not root: nothing changes */
		while (t_recv(h, in.raw, sizeof(in)) > 0)
			;
	}
	t_close(h);
}

static void interface_ioctls(void **state)
{
	struct ifreq q = {.ifr_name = "lo"}, list[4];
	struct sockaddr_in sin;
	int h = t_socket_user(AF_INET, SOCK_DGRAM, 0);
	struct call c = {.handle = (uint32_t)h, .buf = list, .len = sizeof(list)};
	struct rtentry rt = {0};

	(void)state;
	assert_int_equal(t_ioctl(h, SIOCGIFADDR, &q, sizeof(q), 0), 0);
	memcpy(&sin, &q.ifr_addr, sizeof(sin));
	assert_int_equal(sin.sin_addr.s_addr, 0x0100007f);
	assert_int_equal(t_ioctl(h, SIOCGIFNETMASK, &q, sizeof(q), 0), 0);
	assert_int_equal(t_ioctl(h, SIOCGIFFLAGS, &q, sizeof(q), 0), 0);
	assert_int_equal(q.ifr_flags & (IFF_UP | IFF_LOOPBACK), IFF_UP | IFF_LOOPBACK);
	assert_int_equal(t_ioctl(h, SIOCSIFFLAGS, &q, sizeof(q), 0), -EPERM);
	assert_int_equal(t_ioctl(h, SIOCGIFINDEX, &q, sizeof(q), 0), 0);
	assert_int_equal(q.ifr_ifindex, 1);
	assert_int_equal(t_ioctl(h, SIOCGIFNAME, &q, sizeof(q), 0), 0);
	assert_string_equal(q.ifr_name, "lo");
	q.ifr_mtu = 50;
	assert_int_equal(t_ioctl(h, SIOCSIFMTU, &q, sizeof(q), SOCK_IS_ROOT), -EINVAL);
	assert_int_equal(t_ioctl(h, SIOCGIFADDR, &q, 8, 0), -EINVAL);
	strcpy(q.ifr_name, "eth9");
	assert_int_equal(t_ioctl(h, SIOCGIFADDR, &q, sizeof(q), 0), -ENODEV);
	assert_int_equal(t_ioctl(h, 0x5401 /* TCGETS */, &q, sizeof(q), 0), -ENOTTY);
	assert_int_equal(world_call(SOCK_IFCONF, &c), sizeof(struct ifreq));
	assert_string_equal(list[0].ifr_name, "lo");
	c.len = 0;
	assert_int_equal(world_call(SOCK_IFCONF, &c), sizeof(struct ifreq));
	assert_int_equal(t_ioctl(h, SIOCADDRT, &rt, sizeof(rt), 0), -EPERM);
	assert_int_equal(t_ioctl(h, SIOCADDRT, &rt, sizeof(rt), SOCK_IS_ROOT), -EAFNOSUPPORT);
	t_close(h);
}

static char text[65536];

static const char *proc(const char *name)
{
	int n = world_text(name, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = 0;
	return text;
}

static void texts_have_the_columns_of_linux(void **state)
{
	int l = t_socket(AF_INET, SOCK_STREAM, 0), u = t_socket(AF_INET6, SOCK_DGRAM, 0), a, b;
	unsigned long rx;

	(void)state;
	t_bind(l, "127.0.0.1", 8080);
	t_listen(l, 5);
	t_bind(u, "::", 53);
	t_setopt(u, SOL_SOCKET, SO_REUSEADDR, 1);
	t_pair(&a, &b);
	assert_non_null(
		strstr(proc("tcp"), "   0: 0100007F:1F90 00000000:0000 0A 00000005:00000000"));
	assert_int_equal(strchr(text, '\n') - text, 149);
	assert_non_null(strstr(text, " 01 "));
	t_bind(u, "::", 5353);
	assert_non_null(strstr(proc("udp6"), "00000000000000000000000000000000:14E9 "
	                                     "00000000000000000000000000000000:0000 07"));
	assert_int_equal(strchr(proc("udp"), '\n') - text, 127);
	rx = strtoul(strstr(proc("dev"), "lo:") + 3, NULL, 10);
	assert_true(rx > 0);
	assert_int_equal(strncmp(proc("route"), "Iface\tDestination\tGateway", 25), 0);
	assert_int_equal(strncmp(proc("arp"), "IP address       HW type", 24), 0);
	assert_non_null(
		strstr(proc("if_inet6"), "00000000000000000000000000000001 01 80 10 80       lo"));
	assert_non_null(strstr(proc("snmp"), "\nTcp: 4 300"));
	assert_non_null(strstr(proc("sockstat"), "sockets: used 4\n"));
	assert_non_null(strstr(proc("pnp"), "nameserver"));
	assert_int_equal(world_text("../x", text, 100), -ENOENT);
	assert_true(world_text("tcp", text, 10) <= 10);
	t_close(a);
	t_close(b);
	t_close(l);
	t_close(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(dumps_end_and_count),
		WORLD_TEST(refusals_are_told),
		WORLD_TEST(links_addresses_and_routes_change),
		WORLD_TEST(damaged_requests_do_no_harm),
		WORLD_TEST(interface_ioctls),
		WORLD_TEST(texts_have_the_columns_of_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
