/* SPDX-License-Identifier: BSD-2-Clause */
/* Netlink answers: links, addresses, routes, neighbours, with the attributes that Linux gives and programs read. */
#include <string.h>
#include <net/if_arp.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include "lwip/etharp.h"
#include "lwip/nd6.h"
#include "lwip/priv/nd6_priv.h"
#include "ifctl.h"
#include "nlmsg.h"
#include "route.h"

#define LINK_ATTRS_MAX  768u
#define SMALL_ATTRS_MAX 192u
#define OPER_UNKNOWN    0 /* RFC 2863, as IF_OPER_* */
#define OPER_DOWN       2
#define OPER_UP         6
#define MTU_LOOPBACK    65536u

/* The family that a dump asks for, 0: all. */
static uint8_t family_of(const struct nl_request *q)
{
	return q->h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct rtgenmsg))
	               ? *((const uint8_t *)q->h + NLMSG_LENGTH(0))
	               : 0;
}

/* ---- links ---- */

static void put_stats(struct nl_out *o, const struct netif *n)
{
	struct rtnl_link_stats64 s64 = {0};
	struct rtnl_link_stats s = {0};
	struct ifctl_counters c;

	ifctl_get_counters(n, &c);
	s64.rx_packets = c.rx_frames;
	s64.tx_packets = c.tx_frames;
	s64.rx_bytes = c.rx_bytes;
	s64.tx_bytes = c.tx_bytes;
	s64.rx_errors = c.rx_errors;
	s64.tx_errors = c.tx_errors;
	s64.rx_dropped = c.rx_dropped;
	s64.tx_dropped = c.tx_dropped;
	s64.multicast = c.rx_multicast;
	s.rx_packets = (uint32_t)c.rx_frames;
	s.tx_packets = (uint32_t)c.tx_frames;
	s.rx_bytes = (uint32_t)c.rx_bytes;
	s.tx_bytes = (uint32_t)c.tx_bytes;
	s.rx_errors = (uint32_t)c.rx_errors;
	s.tx_errors = (uint32_t)c.tx_errors;
	s.rx_dropped = (uint32_t)c.rx_dropped;
	s.tx_dropped = (uint32_t)c.tx_dropped;
	s.multicast = (uint32_t)c.rx_multicast;
	nl_put(o, IFLA_STATS64, &s64, sizeof(s64));
	nl_put(o, IFLA_STATS, &s, sizeof(s));
}

static void put_link(struct nl_out *o, const struct netif *n)
{
	struct ifinfomsg *i = nl_begin(o, RTM_NEWLINK, sizeof(*i), LINK_ATTRS_MAX);
	unsigned flags = ifctl_flags(n);
	bool is_lo = (flags & IFF_LOOPBACK) != 0;
	static const uint8_t nobody[6], everybody[6] = {255, 255, 255, 255, 255, 255};
	uint8_t state = OPER_UNKNOWN;

	if (!is_lo)
		state = flags & IFF_RUNNING ? OPER_UP : OPER_DOWN;
	i->ifi_family = AF_UNSPEC;
	i->ifi_type = is_lo ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
	i->ifi_index = (int)ifctl_index(n);
	i->ifi_flags = flags;
	nl_put_str(o, IFLA_IFNAME, ifctl_name(n));
	nl_put_u32(o, IFLA_TXQLEN, 1000);
	nl_put(o, IFLA_OPERSTATE, &state, sizeof(state));
	nl_put_u32(o, IFLA_MTU, n->mtu ? n->mtu : MTU_LOOPBACK);
	nl_put_str(o, IFLA_QDISC, "noqueue");
	nl_put(o, IFLA_ADDRESS, is_lo ? nobody : n->hwaddr, sizeof(nobody));
	nl_put(o, IFLA_BROADCAST, is_lo ? nobody : everybody, sizeof(everybody));
	put_stats(o, n);
	nl_end(o);
}

int nl_dump_links(struct nl_out *o, const struct nl_request *q)
{
	(void)q;
	for (struct netif *n = ifctl_next(NULL); n; n = ifctl_next(n))
		put_link(o, n);
	return 0;
}

int nl_get_link(struct nl_out *o, const struct nl_request *q)
{
	struct nl_request all = *q;
	const struct ifinfomsg *i;
	struct netif *n = NULL;
	char name[16];
	int e = nl_parse(&all, sizeof(*i));

	if (e < 0)
		return e;
	i = all.body;
	if (i->ifi_index > 0)
		n = ifctl_by_index((unsigned)i->ifi_index);
	else if (nl_attr_name(&all, IFLA_IFNAME, name))
		n = ifctl_find(name);
	else
		return -EINVAL;
	if (!n)
		return -ENODEV;
	put_link(o, n);
	return 0;
}

/* ---- addresses ---- */

static struct ifaddrmsg *begin_address(struct nl_out *o, const struct netif *n, uint8_t family)
{
	struct ifaddrmsg *a = nl_begin(o, RTM_NEWADDR, sizeof(*a), SMALL_ATTRS_MAX);

	a->ifa_family = family;
	a->ifa_index = ifctl_index(n);
	a->ifa_flags = IFA_F_PERMANENT;
	return a;
}

static void put_address4(struct nl_out *o, const struct netif *n)
{
	uint32_t address = netif_ip4_addr(n)->addr, mask = netif_ip4_netmask(n)->addr;
	uint32_t broadcast = address | ~mask;
	struct ifaddrmsg *a;

	if (address == 0)
		return;
	a = begin_address(o, n, AF_INET);
	a->ifa_prefixlen = (uint8_t)__builtin_popcount(mask);
	a->ifa_scope = ifctl_flags(n) & IFF_LOOPBACK ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE;
	nl_put_u32(o, IFA_ADDRESS, address);
	nl_put_u32(o, IFA_LOCAL, address);
	if (!(ifctl_flags(n) & IFF_LOOPBACK))
		nl_put_u32(o, IFA_BROADCAST, broadcast);
	nl_put_str(o, IFA_LABEL, ifctl_name(n));
	nl_end(o);
}

static void put_address6(struct nl_out *o, const struct netif *n, int i)
{
	const ip6_addr_t *ip = netif_ip6_addr(n, i);
	uint8_t state = netif_ip6_addr_state(n, i);
	struct ifaddrmsg *a;

	if (ip6_addr_isinvalid(state))
		return;
	a = begin_address(o, n, AF_INET6);
	a->ifa_prefixlen = ip6_addr_isloopback(ip) ? 128 : 64;
	if (ip6_addr_isloopback(ip))
		a->ifa_scope = RT_SCOPE_HOST;
	else
		a->ifa_scope = ip6_addr_islinklocal(ip) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	if (ip6_addr_istentative(state))
		a->ifa_flags = IFA_F_TENTATIVE;
	nl_put(o, IFA_ADDRESS, ip->addr, 16);
	nl_end(o);
}

int nl_dump_addresses(struct nl_out *o, const struct nl_request *q)
{
	uint8_t family = family_of(q);

	for (struct netif *n = ifctl_next(NULL); n; n = ifctl_next(n)) {
		if (family != AF_INET6)
			put_address4(o, n);
		for (int i = 0; family != AF_INET && i < LWIP_IPV6_NUM_ADDRESSES; i++)
			put_address6(o, n, i);
	}
	return 0;
}

/* ---- routes ---- */

static void put_route(struct nl_out *o, const struct route *r)
{
	struct rtmsg *m = nl_begin(o, RTM_NEWROUTE, sizeof(*m), SMALL_ATTRS_MAX);
	bool is_6 = IP_IS_V6(&r->dst), has_gateway = !addr_is_any(&r->gateway);

	m->rtm_family = is_6 ? AF_INET6 : AF_INET;
	m->rtm_dst_len = r->prefix_bits;
	m->rtm_table = RT_TABLE_MAIN;
	if (r->is_connected)
		m->rtm_protocol = RTPROT_KERNEL;
	else if (r->is_learned)
		m->rtm_protocol = is_6 ? RTPROT_RA : RTPROT_DHCP;
	else
		m->rtm_protocol = RTPROT_BOOT;
	m->rtm_scope = has_gateway || is_6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	m->rtm_type = RTN_UNICAST;
	nl_put_u32(o, RTA_TABLE, RT_TABLE_MAIN);
	if (r->prefix_bits)
		nl_put_ip(o, RTA_DST, &r->dst);
	if (has_gateway)
		nl_put_ip(o, RTA_GATEWAY, &r->gateway);
	if (r->metric)
		nl_put_u32(o, RTA_PRIORITY, r->metric);
	if (r->is_connected && !is_6)
		nl_put_u32(o, RTA_PREFSRC, netif_ip4_addr(r->netif)->addr);
	nl_put_u32(o, RTA_OIF, ifctl_index(r->netif));
	nl_end(o);
}

int nl_dump_routes(struct nl_out *o, const struct nl_request *q)
{
	uint8_t family = family_of(q);
	struct route r;

	for (unsigned i = 0; route_get(i, &r); i++)
		if (family == 0 || (family == AF_INET6) == IP_IS_V6(&r.dst))
			put_route(o, &r);
	return 0;
}

/* `ip route get`: the way to one destination. */
int nl_get_route(struct nl_out *o, const struct nl_request *q)
{
	struct nl_request all = *q;
	const ip_addr_t *from;
	const struct rtmsg *m;
	struct rtmsg *out;
	struct netif *n;
	ip_addr_t dst;
	uint8_t family;
	int e = nl_parse(&all, sizeof(*m));

	if (e < 0)
		return e;
	m = all.body;
	family = m->rtm_family;
	if (family != AF_INET && family != AF_INET6)
		return -EAFNOSUPPORT;
	e = nl_attr_ip(&all, RTA_DST, family, &dst);
	if (e < 0)
		return -EINVAL;
	n = ip_route(family == AF_INET6 ? IP6_ADDR_ANY : IP4_ADDR_ANY, &dst);
	if (!n)
		return -ENETUNREACH;
	out = nl_begin(o, RTM_NEWROUTE, sizeof(*out), SMALL_ATTRS_MAX);
	out->rtm_family = family;
	out->rtm_dst_len = family == AF_INET6 ? 128 : 32;
	out->rtm_table = RT_TABLE_MAIN;
	out->rtm_type = ifctl_flags(n) & IFF_LOOPBACK ? RTN_LOCAL : RTN_UNICAST;
	out->rtm_flags = RTM_F_CLONED;
	nl_put_u32(o, RTA_TABLE, RT_TABLE_MAIN);
	nl_put_ip(o, RTA_DST, &dst);
	nl_put_u32(o, RTA_OIF, ifctl_index(n));
	from = ip_netif_get_local_ip(n, &dst);
	if (from)
		nl_put_ip(o, RTA_PREFSRC, from);
	nl_end(o);
	return 0;
}

/* ---- neighbours ---- */

static void put_neighbour(struct nl_out *o, const struct netif *n, const ip_addr_t *ip,
                          const struct ndmsg *as)
{
	struct ndmsg *m = nl_begin(o, RTM_NEWNEIGH, sizeof(*m), SMALL_ATTRS_MAX);

	*m = *as;
	m->ndm_ifindex = (int)ifctl_index(n);
	m->ndm_type = RTN_UNICAST;
	nl_put_ip(o, NDA_DST, ip);
}

static void put_neighbours4(struct nl_out *o)
{
	struct ndmsg as = {.ndm_family = AF_INET, .ndm_state = NUD_REACHABLE};

	for (size_t i = 0; i < ARP_TABLE_SIZE; i++) {
		struct eth_addr *hw;
		struct netif *n;
		ip4_addr_t *ip;
		ip_addr_t dst;

		if (!etharp_get_entry(i, &ip, &n, &hw) || !n)
			continue;
		ip_addr_copy_from_ip4(dst, *ip);
		put_neighbour(o, n, &dst, &as);
		nl_put(o, NDA_LLADDR, hw->addr, sizeof(hw->addr));
		nl_end(o);
	}
}

static uint16_t nud_state(uint8_t nd6_state)
{
	switch (nd6_state) {
	case ND6_INCOMPLETE: return NUD_INCOMPLETE;
	case ND6_REACHABLE: return NUD_REACHABLE;
	case ND6_DELAY: return NUD_DELAY;
	case ND6_PROBE: return NUD_PROBE;
	default: return NUD_STALE;
	}
}

static void put_neighbours6(struct nl_out *o)
{
	for (unsigned i = 0; i < LWIP_ND6_NUM_NEIGHBORS; i++) {
		const struct nd6_neighbor_cache_entry *e = &neighbor_cache[i];
		struct ndmsg as = {.ndm_family = AF_INET6, .ndm_state = nud_state(e->state)};
		ip_addr_t dst;

		if (e->state == ND6_NO_ENTRY || !e->netif)
			continue;
		if (e->isrouter)
			as.ndm_flags = NTF_ROUTER;
		ip_addr_copy_from_ip6(dst, e->next_hop_address);
		put_neighbour(o, e->netif, &dst, &as);
		if (e->state != ND6_INCOMPLETE)
			nl_put(o, NDA_LLADDR, e->lladdr, 6);
		nl_end(o);
	}
}

int nl_dump_neighbours(struct nl_out *o, const struct nl_request *q)
{
	uint8_t family = family_of(q);

	if (family != AF_INET6)
		put_neighbours4(o);
	if (family != AF_INET)
		put_neighbours6(o);
	return 0;
}
