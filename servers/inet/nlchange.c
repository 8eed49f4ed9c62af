/* SPDX-License-Identifier: BSD-2-Clause */
/* Netlink requests that change links, addresses, routes and neighbours. Everything is checked first. */
#include <string.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include "lwip/etharp.h"
#include "ifctl.h"
#include "nlmsg.h"
#include "route.h"

/* ---- links ---- */

static struct netif *link_of(const struct nl_request *q, const struct ifinfomsg *i)
{
	char name[16];

	if (i->ifi_index > 0)
		return ifctl_by_index((unsigned)i->ifi_index);
	return nl_attr_name(q, IFLA_IFNAME, name) ? ifctl_find(name) : NULL;
}

static int set_flags(struct netif *n, const struct ifinfomsg *i)
{
	unsigned old = ifctl_flags(n), change = i->ifi_change ? i->ifi_change : i->ifi_flags;

	return change ? ifctl_set_flags(n, (old & ~change) | (i->ifi_flags & change)) : 0;
}

int nl_set_link(const struct nl_request *request)
{
	struct nl_request q = *request;
	const struct ifinfomsg *i;
	struct netif *n;
	char name[16];
	uint32_t mtu;
	int e = nl_parse(&q, sizeof(*i));

	if (e < 0)
		return e;
	i = q.body;
	n = link_of(&q, i);
	if (!n)
		return q.h->nlmsg_flags & NLM_F_CREATE ? -EOPNOTSUPP : -ENODEV;
	if (q.h->nlmsg_flags & NLM_F_EXCL)
		return -EEXIST;
	/* Names and addresses of hardware are given by ds and by the driver. */
	if (q.attrs[IFLA_ADDRESS] || q.attrs[IFLA_TXQLEN] || q.attrs[IFLA_MASTER] ||
	    (nl_attr_name(&q, IFLA_IFNAME, name) && strcmp(name, ifctl_name(n)) != 0))
		return -EOPNOTSUPP;
	mtu = nl_attr_u32(&q, IFLA_MTU, 0);
	e = mtu ? ifctl_set_mtu(n, mtu) : 0;
	return e < 0 ? e : set_flags(n, i);
}

/* ---- addresses ---- */

struct address {
	struct netif *n;
	ip_addr_t ip;
	uint8_t prefix_bits;
	bool has_ip;
};

static int parse_address(struct nl_request *q, struct address *a)
{
	const struct ifaddrmsg *m;
	int e = nl_parse(q, sizeof(*m));

	memset(a, 0, sizeof(*a));
	if (e < 0)
		return e;
	m = q->body;
	if (m->ifa_family != AF_INET && m->ifa_family != AF_INET6)
		return -EAFNOSUPPORT;
	a->n = ifctl_by_index(m->ifa_index);
	if (!a->n)
		return -ENODEV;
	if (m->ifa_prefixlen > (m->ifa_family == AF_INET ? 32 : 128))
		return -EINVAL;
	a->prefix_bits = m->ifa_prefixlen;
	e = nl_attr_ip(q, IFA_LOCAL, m->ifa_family, &a->ip);
	if (e == -ENOENT)
		e = nl_attr_ip(q, IFA_ADDRESS, m->ifa_family, &a->ip);
	a->has_ip = e == 0;
	return e == -ENOENT ? 0 : e;
}

static uint32_t mask_of(uint8_t prefix_bits)
{
	return prefix_bits ? lwip_htonl(~0u << (32 - prefix_bits)) : 0;
}

/* An interface has one IPv4 address: adding replaces only where none is. */
static int new_address4(const struct nl_request *q, const struct address *a)
{
	uint32_t old = netif_ip4_addr(a->n)->addr;
	ip4_addr_t mask;
	int e;

	ip4_addr_set_u32(&mask, mask_of(a->prefix_bits));
	if (old == ip_2_ip4(&a->ip)->addr && !(q->h->nlmsg_flags & NLM_F_REPLACE))
		return -EEXIST;
	if (old && old != ip_2_ip4(&a->ip)->addr && !(q->h->nlmsg_flags & NLM_F_REPLACE))
		return -ENOSPC;
	e = ifctl_set_address4(a->n, ip_2_ip4(&a->ip));
	return e < 0 ? e : ifctl_set_mask4(a->n, &mask);
}

int nl_new_address(const struct nl_request *request)
{
	struct nl_request q = *request;
	struct address a;
	int e = parse_address(&q, &a);

	if (e < 0)
		return e;
	if (!a.has_ip || ip_addr_ismulticast(&a.ip) || addr_is_any(&a.ip))
		return -EINVAL;
	if (IP_IS_V4(&a.ip))
		return new_address4(&q, &a);
	if (a.prefix_bits != 64 && a.prefix_bits != 128)
		return -EOPNOTSUPP; /* lwIP has /64 everywhere */
	return ifctl_add_address6(a.n, ip_2_ip6(&a.ip));
}

int nl_del_address(const struct nl_request *request)
{
	struct nl_request q = *request;
	struct address a;
	ip4_addr_t none = {0};
	int e = parse_address(&q, &a);

	if (e < 0)
		return e;
	if (a.has_ip && IP_IS_V6(&a.ip))
		return ifctl_del_address6(a.n, ip_2_ip6(&a.ip));
	if (netif_ip4_addr(a.n)->addr == 0 ||
	    (a.has_ip && netif_ip4_addr(a.n)->addr != ip_2_ip4(&a.ip)->addr))
		return -EADDRNOTAVAIL;
	return ifctl_set_address4(a.n, &none);
}

/* ---- routes ---- */

static int parse_route(struct nl_request *q, struct route *r)
{
	const struct rtmsg *m;
	uint32_t oif;
	int e = nl_parse(q, sizeof(*m));

	memset(r, 0, sizeof(*r));
	if (e < 0)
		return e;
	m = q->body;
	if (m->rtm_family != AF_INET && m->rtm_family != AF_INET6)
		return -EAFNOSUPPORT;
	if (m->rtm_dst_len > (m->rtm_family == AF_INET ? 32 : 128) || m->rtm_src_len)
		return -EINVAL;
	if ((m->rtm_table != RT_TABLE_MAIN && m->rtm_table != RT_TABLE_UNSPEC) ||
	    (m->rtm_type != RTN_UNICAST && m->rtm_type != RTN_UNSPEC))
		return -EOPNOTSUPP;
	addr_set_any(&r->dst, m->rtm_family == AF_INET6);
	addr_set_any(&r->gateway, m->rtm_family == AF_INET6);
	e = nl_attr_ip(q, RTA_DST, m->rtm_family, &r->dst);
	if (e == -EINVAL || (e == -ENOENT && m->rtm_dst_len))
		return -EINVAL;
	if (nl_attr_ip(q, RTA_GATEWAY, m->rtm_family, &r->gateway) == -EINVAL)
		return -EINVAL;
	r->prefix_bits = m->rtm_dst_len;
	r->metric = nl_attr_u32(q, RTA_PRIORITY, 0);
	oif = nl_attr_u32(q, RTA_OIF, 0);
	r->netif = oif ? ifctl_by_index(oif) : NULL;
	return oif && !r->netif ? -ENODEV : 0;
}

int nl_new_route(const struct nl_request *request)
{
	struct nl_request q = *request;
	struct route r;
	int e = parse_route(&q, &r);

	if (e < 0)
		return e;
	if (!r.netif && addr_is_any(&r.gateway))
		return -ENODEV;
	if (q.h->nlmsg_flags & NLM_F_REPLACE) {
		struct route old = r;

		/* Whatever leads there now. */
		old.netif = NULL;
		addr_set_any(&old.gateway, IP_IS_V6(&r.dst));
		e = route_del(&old);
		if (e < 0 && e != -ESRCH)
			return e;
	}
	return route_add(&r);
}

int nl_del_route(const struct nl_request *request)
{
	struct nl_request q = *request;
	struct route r;
	int e = parse_route(&q, &r);

	return e < 0 ? e : route_del(&r);
}

/* ---- neighbours ---- */

static int parse_neighbour(struct nl_request *q, ip4_addr_t *ip)
{
	const struct ndmsg *m;
	ip_addr_t dst;
	int e = nl_parse(q, sizeof(*m));

	if (e < 0)
		return e;
	m = q->body;
	if (m->ndm_family != AF_INET)
		return m->ndm_family == AF_INET6 ? -EOPNOTSUPP : -EAFNOSUPPORT;
	if (m->ndm_ifindex <= 0 || !ifctl_by_index((unsigned)m->ndm_ifindex))
		return -ENODEV;
	if (nl_attr_ip(q, NDA_DST, AF_INET, &dst) < 0)
		return -EINVAL;
	ip4_addr_copy(*ip, *ip_2_ip4(&dst));
	return 0;
}

int nl_new_neighbour(const struct nl_request *request)
{
	struct nl_request q = *request;
	struct eth_addr hw;
	ip4_addr_t ip;
	int e = parse_neighbour(&q, &ip);

	if (e < 0)
		return e;
	if (!nl_attr(&q, NDA_LLADDR, sizeof(hw)))
		return -EINVAL;
	memcpy(&hw, nl_attr(&q, NDA_LLADDR, sizeof(hw)), sizeof(hw));
	return etharp_add_static_entry(&ip, &hw) == ERR_OK ? 0 : -ENETUNREACH;
}

int nl_del_neighbour(const struct nl_request *request)
{
	struct nl_request q = *request;
	ip4_addr_t ip;
	int e = parse_neighbour(&q, &ip);

	if (e < 0)
		return e;
	return ifctl_del_neighbour4(&ip);
}
