/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes (route.h). */
#include <errno.h>
#include <string.h>

#include "ifctl.h"
#include "lwip/ip.h"
#include "lwip/lwip_hooks.h"
#include "route.h"

static struct route table[ROUTES_MAX];
static unsigned count;

static bool covers4(const struct route *r, const ip4_addr_t *dst)
{
	uint32_t mask = r->prefix_bits == 0 ? 0 : lwip_htonl(UINT32_MAX << (32 - r->prefix_bits));

	return !IP_IS_V6_VAL(r->dst) && (dst->addr & mask) == ip_2_ip4(&r->dst)->addr;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	uint8_t mask = (uint8_t)(0xff00u >> (bits % 8));

	return memcmp(a, b, bits / 8) == 0 &&
	       (bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}

static bool covers6(const struct route *r, const ip6_addr_t *dst)
{
	return IP_IS_V6_VAL(r->dst) && same_bits((const uint8_t *)ip_2_ip6(&r->dst)->addr,
	                                         (const uint8_t *)dst->addr, r->prefix_bits);
}

static bool is_usable(const struct route *r)
{
	return netif_is_up(r->netif) && netif_is_link_up(r->netif);
}

static const struct route *better(const struct route *a, const struct route *b)
{
	if (a == NULL || b->prefix_bits > a->prefix_bits ||
	    (b->prefix_bits == a->prefix_bits && b->metric < a->metric))
		return b;
	return a;
}

static const struct route *find4(const struct netif *n, const ip4_addr_t *dst)
{
	const struct route *best = NULL;

	for (unsigned i = 0; i < count; i++)
		if (covers4(&table[i], dst) && is_usable(&table[i]) &&
		    (n == NULL || table[i].netif == n))
			best = better(best, &table[i]);
	return best;
}

static const struct route *find6(const struct netif *n, const ip6_addr_t *dst)
{
	const struct route *best = NULL;

	for (unsigned i = 0; i < count; i++)
		if (covers6(&table[i], dst) && is_usable(&table[i]) &&
		    (n == NULL || table[i].netif == n))
			best = better(best, &table[i]);
	return best;
}

/* ---- lwIP's hooks ---- */

/* Called with src after nothing else, then again without it, behind the connected networks: only there it answers. */
struct netif *route_ip4(const ip4_addr_t *src, const ip4_addr_t *dst)
{
	const struct route *r = src == NULL ? find4(NULL, dst) : NULL;

	return r != NULL ? r->netif : NULL;
}

const ip4_addr_t *route_gateway4(struct netif *netif, const ip4_addr_t *dst)
{
	const struct route *r = find4(netif, dst);

	if (r == NULL)
		return NULL;
	return ip_addr_isany(&r->gateway) ? dst : ip_2_ip4(&r->gateway);
}

static bool is_on_link6(const ip6_addr_t *dst)
{
	const struct netif *n;

	NETIF_FOREACH(n)
	{
		for (s8_t k = 0; k < LWIP_IPV6_NUM_ADDRESSES; k++)
			if (ip6_addr_isvalid(netif_ip6_addr_state(n, k)) &&
			    ip6_addr_netcmp(dst, netif_ip6_addr(n, k)))
				return true;
	}
	return false;
}

/* lwIP asks before it looks at connected networks. */
struct netif *route_ip6(const ip6_addr_t *src, const ip6_addr_t *dst)
{
	const struct route *r = find6(NULL, dst);

	(void)src;
	if (r == NULL || (r->prefix_bits < 64 && is_on_link6(dst)))
		return NULL;
	return r->netif;
}

const ip6_addr_t *route_gateway6(struct netif *netif, const ip6_addr_t *dst)
{
	const struct route *r = find6(netif, dst);

	if (r == NULL)
		return NULL;
	return ip_addr_isany(&r->gateway) ? dst : ip_2_ip6(&r->gateway);
}

/* ---- the table ---- */

static bool has_host_bits(const struct route *r)
{
	static const uint8_t zero[16];
	const uint8_t *bytes = IP_IS_V6_VAL(r->dst) ? (const uint8_t *)ip_2_ip6(&r->dst)->addr
	                                            : (const uint8_t *)&ip_2_ip4(&r->dst)->addr;
	unsigned size = IP_IS_V6_VAL(r->dst) ? 16 : 4, at = r->prefix_bits / 8;

	if (at >= size)
		return false;
	return (bytes[at] & (0xffu >> (r->prefix_bits % 8))) != 0 ||
	       memcmp(bytes + at + 1, zero, size - at - 1) != 0;
}

static bool is_valid(const struct route *r)
{
	unsigned bits = IP_IS_V6_VAL(r->dst) ? 128 : 32;

	return r->prefix_bits <= bits && !has_host_bits(r) &&
	       (ip_addr_isany(&r->gateway) || IP_IS_V6_VAL(r->gateway) == IP_IS_V6_VAL(r->dst));
}

/* The interface on whose link the gateway is. */
static struct netif *netif_of_gateway(const ip_addr_t *gateway)
{
	struct netif *n;

	NETIF_FOREACH(n)
	{
		if (!netif_is_up(n))
			continue;
		if (!IP_IS_V6(gateway) && !ip4_addr_isany_val(*netif_ip4_addr(n)) &&
		    ip4_addr_netcmp(ip_2_ip4(gateway), netif_ip4_addr(n), netif_ip4_netmask(n)))
			return n;
		for (s8_t k = 0; IP_IS_V6(gateway) && k < LWIP_IPV6_NUM_ADDRESSES; k++)
			if (ip6_addr_isvalid(netif_ip6_addr_state(n, k)) &&
			    ip6_addr_netcmp(ip_2_ip6(gateway), netif_ip6_addr(n, k)))
				return n;
	}
	return NULL;
}

static bool is_same(const struct route *a, const struct route *b)
{
	return ip_addr_cmp(&a->dst, &b->dst) && a->prefix_bits == b->prefix_bits;
}

int route_add(const struct route *r)
{
	struct route new = *r;

	if (!is_valid(r))
		return -EINVAL;
	if (new.netif == NULL && !ip_addr_isany(&r->gateway))
		new.netif = netif_of_gateway(&r->gateway);
	if (new.netif == NULL)
		return ip_addr_isany(&r->gateway) ? -ENODEV : -ENETUNREACH;
	for (unsigned i = 0; i < count; i++)
		if (is_same(&table[i], &new) && table[i].metric == new.metric)
			return -EEXIST;
	if (count == ROUTES_MAX)
		return -ENOSPC;
	new.is_connected = new.is_learned = false;
	table[count++] = new;
	return 0;
}

static bool agrees(const struct route *have, const struct route *want)
{
	return is_same(have, want) &&
	       (ip_addr_isany(&want->gateway) || ip_addr_cmp(&have->gateway, &want->gateway)) &&
	       (want->netif == NULL || have->netif == want->netif);
}

static void remove_at(unsigned i)
{
	table[i] = table[--count];
}

int route_del(const struct route *r)
{
	struct route view;

	for (unsigned i = 0; i < count; i++) {
		if (!agrees(&table[i], r))
			continue;
		remove_at(i);
		return 0;
	}
	for (unsigned i = 0; route_get(i, &view); i++) {
		if (!view.is_learned || IP_IS_V6_VAL(view.dst) || !agrees(&view, r))
			continue;
		netif_set_gw(view.netif, IP4_ADDR_ANY4);
		return 0;
	}
	return -ESRCH;
}

void route_forget(const struct netif *n)
{
	for (unsigned i = count; i > 0; i--)
		if (table[i - 1].netif == n)
			remove_at(i - 1);
}

/* ---- views ---- */

static uint8_t bits_of(const ip4_addr_t *mask)
{
	return (uint8_t)__builtin_popcount(mask->addr);
}

/* Number k of what follows from the addresses of one interface: gateway, network, IPv6 networks. */
static bool implied(struct netif *n, unsigned k, struct route *r)
{
	memset(r, 0, sizeof(*r));
	r->netif = n;
	if (k == 0) {
		r->is_learned = true;
		ip_addr_copy_from_ip4(r->gateway, *netif_ip4_gw(n));
		return !ip4_addr_isany_val(*netif_ip4_gw(n)) &&
		       (n->flags & NETIF_FLAG_ETHERNET) != 0;
	}
	r->is_connected = true;
	if (k == 1) {
		ip4_addr_t net;

		ip4_addr_get_network(&net, netif_ip4_addr(n), netif_ip4_netmask(n));
		ip_addr_copy_from_ip4(r->dst, net);
		r->prefix_bits = bits_of(netif_ip4_netmask(n));
		return !ip4_addr_isany_val(*netif_ip4_addr(n));
	}
	k -= 2;
	if (!ip6_addr_isvalid(netif_ip6_addr_state(n, k)))
		return false;
	ip_addr_copy_from_ip6(r->dst, *netif_ip6_addr(n, k));
	r->prefix_bits = n->flags & NETIF_FLAG_ETHERNET ? 64 : 128;
	if (r->prefix_bits == 64)
		ip_2_ip6(&r->dst)->addr[2] = ip_2_ip6(&r->dst)->addr[3] = 0;
	return true;
}

bool route_get(unsigned i, struct route *r)
{
	if (i < count) {
		*r = table[i];
		return true;
	}
	i -= count;
	for (struct netif *n = ifctl_next(NULL); n != NULL; n = ifctl_next(n))
		for (unsigned k = 0; netif_is_up(n) && k < 2 + LWIP_IPV6_NUM_ADDRESSES; k++)
			if (implied(n, k, r) && i-- == 0)
				return true;
	return false;
}
