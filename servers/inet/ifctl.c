/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces as ioctl and netlink see them (ifctl.h). */
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "config.h"
#include "iface.h"
#include "ifctl.h"
#include "lwip/etharp.h"

#define IFF_LOWER_UP_BIT 0x10000u /* linux/if.h has it; musl's net/if.h has not */
#define MTU_MIN          68u      /* RFC 791 */

struct netif *ifctl_next(const struct netif *n)
{
	unsigned after = n != NULL ? ifctl_index(n) : 0;
	struct netif *best = NULL, *each;

	NETIF_FOREACH(each)
	{
		if (ifctl_index(each) > after &&
		    (best == NULL || ifctl_index(each) < ifctl_index(best)))
			best = each;
	}
	return best;
}

struct netif *ifctl_find(const char *name)
{
	struct netif *n = NULL;

	while ((n = ifctl_next(n)) != NULL)
		if (strcmp(ifctl_name(n), name) == 0)
			return n;
	return NULL;
}

struct netif *ifctl_by_index(unsigned index)
{
	return index > 0 && index <= UINT8_MAX ? netif_get_by_index((u8_t)index) : NULL;
}

unsigned ifctl_index(const struct netif *n)
{
	return netif_get_index(n);
}

const char *ifctl_name(const struct netif *n)
{
	const struct iface *i = iface_of(n);

	return i != NULL ? i->name : "lo";
}

const char *ifctl_unit(const struct netif *n)
{
	const struct iface *i = iface_of(n);

	return i != NULL ? i->unit : "";
}

unsigned ifctl_speed_mbit(const struct netif *n)
{
	const struct iface *i = iface_of(n);

	return i != NULL ? netdev_link(i->dev)->speed_mbit : 0;
}

unsigned ifctl_flags(const struct netif *n)
{
	const struct iface *i = iface_of(n);
	unsigned flags = netif_is_up(n) ? IFF_UP : 0;

	if (netif_is_link_up(n))
		flags |= IFF_LOWER_UP_BIT | (netif_is_up(n) ? IFF_RUNNING : 0);
	if (i == NULL)
		return flags | IFF_LOOPBACK;
	return flags | IFF_BROADCAST | IFF_MULTICAST | i->flags_wanted;
}

int ifctl_set_flags(struct netif *n, unsigned flags)
{
	struct iface *i = iface_of(n);
	unsigned wanted = flags & (IFF_PROMISC | IFF_ALLMULTI);

	if (i != NULL && wanted != i->flags_wanted) {
		i->flags_wanted = wanted;
		iface_configure(i);
	}
	if ((flags & IFF_UP) && !netif_is_up(n))
		netif_set_up(n);
	else if (!(flags & IFF_UP) && netif_is_up(n))
		netif_set_down(n);
	return 0;
}

int ifctl_set_mtu(struct netif *n, unsigned mtu)
{
	const struct iface *i = iface_of(n);

	if (i == NULL)
		return -EOPNOTSUPP;
	if (mtu < MTU_MIN || mtu > i->device_mtu)
		return -EINVAL;
	n->mtu = (u16_t)mtu;
	n->mtu6 = (u16_t)mtu;
	return 0;
}

/* What SIOCSIFADDR alone means: the network class of old. */
static void class_mask(const ip4_addr_t *address, ip4_addr_t *mask)
{
	u8_t first = ip4_addr1(address);

	if (first < 128)
		IP4_ADDR(mask, 255, 0, 0, 0);
	else if (first < 192)
		IP4_ADDR(mask, 255, 255, 0, 0);
	else
		IP4_ADDR(mask, 255, 255, 255, 0);
}

int ifctl_set_address4(struct netif *n, const ip4_addr_t *address)
{
	ip4_addr_t mask;

	if (ip4_addr_ismulticast(address) || address->addr == IPADDR_BROADCAST)
		return -EINVAL;
	if (config_uses_dhcp(n)) {
		int r = config_set_dhcp(n, false);

		if (r != 0)
			return r;
	}
	class_mask(address, &mask);
	netif_set_addr(n, address, &mask, netif_ip4_gw(n));
	return 0;
}

int ifctl_set_mask4(struct netif *n, const ip4_addr_t *mask)
{
	if (!ip4_addr_netmask_valid(mask->addr))
		return -EINVAL;
	if (ip4_addr_isany_val(*netif_ip4_addr(n)))
		return -EADDRNOTAVAIL;
	netif_set_netmask(n, mask);
	return 0;
}

int ifctl_set_dhcp(struct netif *n, bool is_on)
{
	return config_set_dhcp(n, is_on);
}

int ifctl_add_address6(struct netif *n, const ip6_addr_t *address)
{
	s8_t index;

	if (ip6_addr_ismulticast(address) || ip6_addr_isany(address))
		return -EINVAL;
	if (netif_get_ip6_addr_match(n, address) >= 0)
		return -EEXIST;
	if (netif_add_ip6_address(n, address, &index) != ERR_OK)
		return -ENOBUFS;
	netif_ip6_addr_set_state(n, index, IP6_ADDR_TENTATIVE);
	return 0;
}

int ifctl_del_address6(struct netif *n, const ip6_addr_t *address)
{
	s8_t index = netif_get_ip6_addr_match(n, address);

	if (index < 0)
		return -EADDRNOTAVAIL;
	netif_ip6_addr_set_state(n, index, IP6_ADDR_INVALID);
	return 0;
}

/* lwIP removes only static entries, so the learned one becomes one first. */
int ifctl_del_neighbour4(const ip4_addr_t *address)
{
	for (size_t k = 0; k < ARP_TABLE_SIZE; k++) {
		struct eth_addr hw, *found;
		struct netif *n;
		ip4_addr_t *at;

		if (!etharp_get_entry(k, &at, &n, &found) || !ip4_addr_cmp(at, address))
			continue;
		hw = *found;
		if (etharp_remove_static_entry(address) == ERR_OK ||
		    (etharp_add_static_entry(address, &hw) == ERR_OK &&
		     etharp_remove_static_entry(address) == ERR_OK))
			return 0;
	}
	return -ENOENT;
}

void ifctl_get_counters(const struct netif *n, struct ifctl_counters *c)
{
	const struct iface *i = iface_of(n);

	if (i != NULL) {
		*c = i->count;
		return;
	}
	*c = (struct ifctl_counters){
		.rx_frames = n->mib2_counters.ifinucastpkts + n->mib2_counters.ifinnucastpkts,
		.rx_bytes = n->mib2_counters.ifinoctets,
		.rx_dropped = n->mib2_counters.ifindiscards,
		.tx_frames = n->mib2_counters.ifoutucastpkts + n->mib2_counters.ifoutnucastpkts,
		.tx_bytes = n->mib2_counters.ifoutoctets,
		.tx_dropped = n->mib2_counters.ifoutdiscards,
	};
}
