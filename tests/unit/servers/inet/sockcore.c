/* SPDX-License-Identifier: BSD-2-Clause */
/* Stand-ins of inet's core for the tests of its socket layer (sockworld.h): memory, one interface, routes. */
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/dns.h"
#include "lwip/netif.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/sys.h"
#include "servers/inet/lwip/lwip_hooks.h"
#include "servers/inet/ifctl.h"
#include "servers/inet/route.h"
#include "servers/inet/rxpool.h"
#include "servers/inet/sockif.h"
#include "sockworld.h"

size_t world_arena_used;
bool world_memory_denied;

/* ---- the core of inet ---- */

void *arena_alloc(size_t len)
{
	size_t *p = world_memory_denied ? NULL : malloc(len + 16);

	if (!p)
		return NULL;
	*p = len;
	world_arena_used += len;
	return p + 2;
}

void *arena_calloc(size_t count, size_t len)
{
	void *p = arena_alloc(count * len);

	return p ? memset(p, 0, count * len) : NULL;
}

void arena_free(void *ptr)
{
	size_t *p = (size_t *)ptr - 2;

	world_arena_used -= *p;
	free(p);
}

uint16_t inet_sum(const void *data, int len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (int i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] | p[i + 1] << 8);
	if (len & 1)
		sum += p[len - 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

void rxpool_join(struct pbuf *p)
{
	(void)p;
}

uint32_t inet_random(void)
{
	static uint32_t x = 12345;

	x = x * 1664525u + 1013904223u;
	return x;
}

u32_t inet_tcp_isn(const ip_addr_t *local_ip, u16_t local_port, const ip_addr_t *remote_ip,
                   u16_t remote_port)
{
	(void)local_ip;
	(void)remote_ip;
	return inet_random() + local_port + remote_port;
}

u32_t sys_now(void)
{
	return (u32_t)(world_now / 1000000u);
}

struct netif *route_ip4(const ip4_addr_t *src, const ip4_addr_t *dst)
{
	(void)src;
	(void)dst;
	return NULL;
}

const ip4_addr_t *route_gateway4(struct netif *netif, const ip4_addr_t *dst)
{
	(void)netif;
	(void)dst;
	return NULL;
}

struct netif *route_ip6(const ip6_addr_t *src, const ip6_addr_t *dst)
{
	(void)src;
	return ip6_addr_isloopback(dst) ? netif_list : NULL;
}

const ip6_addr_t *route_gateway6(struct netif *netif, const ip6_addr_t *dst)
{
	(void)netif;
	(void)dst;
	return NULL;
}

void tcp_timer_needed(void)
{
	/* world_tick() runs it always */
}

void dns_init(void)
{
}

void dns_setserver(u8_t number, const ip_addr_t *ip)
{
	(void)number;
	(void)ip;
}

const ip_addr_t *dns_getserver(u8_t number)
{
	(void)number;
	return IP_ADDR_ANY;
}

/* ---- interfaces: the loopback alone ---- */

static struct route routes[8];
static unsigned route_count;

struct netif *ifctl_find(const char *name)
{
	return strcmp(name, "lo") == 0 ? netif_list : NULL;
}

struct netif *ifctl_by_index(unsigned index)
{
	return index == 1 ? netif_list : NULL;
}

struct netif *ifctl_next(const struct netif *n)
{
	return n ? NULL : netif_list;
}

unsigned ifctl_index(const struct netif *n)
{
	return netif_get_index(n);
}

const char *ifctl_name(const struct netif *n)
{
	(void)n;
	return "lo";
}

unsigned ifctl_flags(const struct netif *n)
{
	return IFF_LOOPBACK | (netif_is_up(n) ? IFF_UP | IFF_RUNNING : 0);
}

int ifctl_set_flags(struct netif *n, unsigned flags)
{
	if (flags & IFF_UP)
		netif_set_up(n);
	else
		netif_set_down(n);
	return 0;
}

int ifctl_set_mtu(struct netif *n, unsigned mtu)
{
	if (mtu < 68 || mtu > 65535)
		return -EINVAL;
	n->mtu = (u16_t)mtu;
	return 0;
}

int ifctl_set_address4(struct netif *n, const ip4_addr_t *address)
{
	netif_set_ipaddr(n, address);
	return 0;
}

int ifctl_set_mask4(struct netif *n, const ip4_addr_t *mask)
{
	netif_set_netmask(n, mask);
	return 0;
}

int ifctl_add_address6(struct netif *n, const ip6_addr_t *address)
{
	return netif_add_ip6_address(n, address, NULL) == ERR_OK ? 0 : -ENOSPC;
}

int ifctl_del_address6(struct netif *n, const ip6_addr_t *address)
{
	s8_t i = netif_get_ip6_addr_match(n, address);

	if (i < 0)
		return -EADDRNOTAVAIL;
	netif_ip6_addr_set_state(n, i, IP6_ADDR_INVALID);
	return 0;
}

int ifctl_del_neighbour4(const ip4_addr_t *address)
{
	(void)address;
	return -ENOENT;
}

void ifctl_get_counters(const struct netif *n, struct ifctl_counters *c)
{
	memset(c, 0, sizeof(*c));
	c->rx_bytes = n->mib2_counters.ifinoctets;
	c->tx_bytes = n->mib2_counters.ifoutoctets;
}

int route_add(const struct route *r)
{
	assert_true(route_count < 8);
	routes[route_count] = *r;
	if (!r->netif)
		routes[route_count].netif = netif_list;
	route_count++;
	return 0;
}

int route_del(const struct route *r)
{
	for (unsigned i = 0; i < route_count; i++)
		if (ip_addr_cmp(&routes[i].dst, &r->dst) &&
		    routes[i].prefix_bits == r->prefix_bits) {
			routes[i] = routes[--route_count];
			return 0;
		}
	return -ESRCH;
}

bool route_get(unsigned i, struct route *r)
{
	if (i < route_count)
		*r = routes[i];
	return i < route_count;
}

int config_pnp_text(char *buf, size_t len)
{
	return snprintf(buf, len, "#PROTO: DHCP\nnameserver 10.0.2.3\n");
}
