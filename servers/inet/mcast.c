/* SPDX-License-Identifier: BSD-2-Clause */
/* Membership in multicast groups: IGMP and MLD are lwIP's, who joined is the socket's. */
#include <string.h>
#include <sys/socket.h>
#include "lwip/igmp.h"
#include "lwip/mld6.h"
#include "ifctl.h"
#include "udp_impl.h"

static err_t change(const struct mcast_group *g, bool is_join)
{
	struct netif *n = netif_get_by_index(g->netif_idx);

	if (!n)
		return ERR_VAL;
	if (IP_IS_V6(&g->ip))
		return is_join ? mld6_joingroup_netif(n, ip_2_ip6(&g->ip))
		               : mld6_leavegroup_netif(n, ip_2_ip6(&g->ip));
	if (!(n->flags & NETIF_FLAG_IGMP))
		return ERR_OK; /* the loopback takes everything */
	return is_join ? igmp_joingroup_netif(n, ip_2_ip4(&g->ip))
	               : igmp_leavegroup_netif(n, ip_2_ip4(&g->ip));
}

void mcast_leave(const struct mcast_group *g)
{
	(void)change(g, false); /* the interface may be gone: then so is its membership */
}

/* The interface that was named, or the one that a packet to the group would take. */
static int choose_netif(struct mcast_group *g, uint32_t index, const ip4_addr_t *address)
{
	struct netif *n = NULL;

	if (index) {
		n = index <= UINT8_MAX ? netif_get_by_index((u8_t)index) : NULL;
	} else if (address && !ip4_addr_isany_val(*address)) {
		NETIF_FOREACH(n)
		if (ip4_addr_cmp(address, netif_ip4_addr(n)))
			break;
	} else {
		n = ip_route(IP_IS_V6(&g->ip) ? IP6_ADDR_ANY : IP4_ADDR_ANY, &g->ip);
		if (!n)
			n = netif_default;
	}
	if (!n)
		return -ENODEV;
	g->netif_idx = netif_get_index(n);
	return 0;
}

static int parse4(const struct mcast_request *r, struct mcast_group *g)
{
	struct ip_mreqn mreq = {0};
	ip4_addr_t address;

	if (r->len < sizeof(struct ip_mreq))
		return -EINVAL;
	memcpy(&mreq, r->value, r->len < sizeof(mreq) ? sizeof(struct ip_mreq) : sizeof(mreq));
	addr_set4(&g->ip, mreq.imr_multiaddr.s_addr);
	if (!ip_addr_ismulticast(&g->ip) || mreq.imr_ifindex < 0)
		return -EINVAL;
	ip4_addr_set_u32(&address, mreq.imr_address.s_addr);
	return choose_netif(g, (uint32_t)mreq.imr_ifindex, &address);
}

static int parse6(const struct mcast_request *r, struct mcast_group *g)
{
	struct ipv6_mreq mreq;
	uint32_t w[4];
	int e;

	if (r->len < sizeof(mreq))
		return -EINVAL;
	memcpy(&mreq, r->value, sizeof(mreq));
	memcpy(w, &mreq.ipv6mr_multiaddr, sizeof(w));
	addr_set6(&g->ip, w);
	if (!ip_addr_ismulticast(&g->ip))
		return -EINVAL;
	e = choose_netif(g, mreq.ipv6mr_interface, NULL);
	if (e == 0)
		ip6_addr_assign_zone(ip_2_ip6(&g->ip), IP6_MULTICAST,
		                     netif_get_by_index(g->netif_idx));
	return e;
}

static int find_group(const struct mcast_request *r, const struct mcast_group *g)
{
	for (unsigned i = 0; i < *r->count; i++)
		if (r->groups[i].netif_idx == g->netif_idx && ip_addr_cmp(&r->groups[i].ip, &g->ip))
			return (int)i;
	return -1;
}

static int join(const struct mcast_request *r, const struct mcast_group *g)
{
	if (find_group(r, g) >= 0)
		return -EADDRINUSE;
	if (*r->count == GROUPS_MAX)
		return -ENOBUFS;
	if (change(g, true) != ERR_OK)
		return -ENOBUFS;
	r->groups[(*r->count)++] = *g;
	return 0;
}

static int leave(const struct mcast_request *r, const struct mcast_group *g)
{
	int i = find_group(r, g);

	if (i < 0)
		return -EADDRNOTAVAIL;
	mcast_leave(g);
	r->groups[i] = r->groups[--*r->count];
	return 0;
}

int mcast_setopt(struct sock *s, int level, int name, const struct mcast_request *r)
{
	struct mcast_group g = {0};
	int e = -ENOPROTOOPT;

	(void)s;
	if (level == IPPROTO_IP && (name == IP_ADD_MEMBERSHIP || name == IP_DROP_MEMBERSHIP))
		e = parse4(r, &g);
	else if (level == IPPROTO_IPV6 && (name == IPV6_JOIN_GROUP || name == IPV6_LEAVE_GROUP))
		e = parse6(r, &g);
	if (e < 0)
		return e;
	return name == (level == IPPROTO_IP ? IP_ADD_MEMBERSHIP : IPV6_JOIN_GROUP) ? join(r, &g)
	                                                                           : leave(r, &g);
}
