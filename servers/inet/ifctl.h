/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces as ioctl(SIOC*) and netlink see them: names, flags, addresses, counters. "lo" has index 1;
 * units of ds ("net.<unit>") are ethN, N stable over restarts of drivers and of inet. Plain functions,
 * callers check privileges. Results: 0 or -errno. Addresses are in network order (lwIP's ip4_addr_t).
 *
 * Setting an address by hand ends DHCP on that interface (ifctl_set_dhcp turns it on again).
 */
#ifndef INET_IFCTL_H
#define INET_IFCTL_H

#include "axolotl/types.h"
#include "lwip/netif.h"

#define IF_NAME_MAX 16 /* IFNAMSIZ */

struct netif *ifctl_find(const char *name);   /* NULL: none of that name */
struct netif *ifctl_by_index(unsigned index); /* NULL: none */
struct netif *
ifctl_next(const struct netif *n); /* in order of their index; NULL: first; NULL at the end */
unsigned ifctl_index(const struct netif *n);
const char *ifctl_name(const struct netif *n);
/* Linux IFF_UP, IFF_BROADCAST, IFF_LOOPBACK, IFF_RUNNING, IFF_PROMISC, IFF_ALLMULTI, IFF_MULTICAST, IFF_LOWER_UP. */
unsigned ifctl_flags(const struct netif *n);
/* IFF_UP, IFF_PROMISC and IFF_ALLMULTI are taken from flags, others are ignored. */
int ifctl_set_flags(struct netif *n, unsigned flags) MUST_CHECK;
int ifctl_set_mtu(struct netif *n, unsigned mtu) MUST_CHECK; /* 68 ... of the device */
int ifctl_set_address4(struct netif *n, const ip4_addr_t *address) MUST_CHECK;
int ifctl_set_mask4(struct netif *n, const ip4_addr_t *mask) MUST_CHECK;
int ifctl_set_dhcp(struct netif *n, bool is_on) MUST_CHECK;
int ifctl_add_address6(struct netif *n, const ip6_addr_t *address) MUST_CHECK; /* /64 */
int ifctl_del_address6(struct netif *n, const ip6_addr_t *address) MUST_CHECK;
/* Forgets the hardware address of a neighbour, learned or set by hand; -ENOENT: there is none. */
int ifctl_del_neighbour4(const ip4_addr_t *address) MUST_CHECK;
/* Unit of ds that it stands on, "" for lo; speed of its link, 0: unknown. */
const char *ifctl_unit(const struct netif *n);
unsigned ifctl_speed_mbit(const struct netif *n);

struct ifctl_counters {
	uint64_t rx_frames, rx_bytes, rx_errors, rx_dropped, rx_multicast;
	uint64_t tx_frames, tx_bytes, tx_errors, tx_dropped;
};
void ifctl_get_counters(const struct netif *n, struct ifctl_counters *c);

#endif
