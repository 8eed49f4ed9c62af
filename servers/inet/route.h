/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes. lwIP knows connected networks and one gateway an interface; static routes, and default routes
 * that were added by hand, are in a table here, which lwIP asks by its hooks: longest prefix first, then
 * the smallest metric. Connected networks win over the table; interfaces that are down are passed over.
 */
#ifndef INET_ROUTE_H
#define INET_ROUTE_H

#include "axolotl/types.h"
#include "lwip/netif.h"

#define ROUTES_MAX 64

struct route {
	ip_addr_t dst;       /* IPv4 or IPv6; all routes: host bits are zero */
	ip_addr_t gateway;   /* any: on the link */
	struct netif *netif; /* adding: NULL means the one that reaches the gateway */
	uint32_t metric;
	uint8_t prefix_bits;
	bool is_connected; /* view only: follows from an address */
	bool is_learned;   /* view only: by DHCP or router advertisement */
};

/* -EINVAL (host bits, families), -ENETUNREACH (gateway not on a link), -EEXIST, -ENOSPC. */
int route_add(const struct route *r) MUST_CHECK;
/* The first that agrees in dst, prefix, and gateway and netif where these are given; also a gateway
 * that DHCP set. -ESRCH. */
int route_del(const struct route *r) MUST_CHECK;
/* Number i of all routes, connected ones and learned gateways included; false: there are no more. */
bool route_get(unsigned i, struct route *r);
void route_forget(const struct netif *n); /* it goes */

#endif
