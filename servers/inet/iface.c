/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, following and unmaking of Ethernet interfaces (iface.h). */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "frame.h"
#include "iface.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "memory.h"
#include "netif/ethernet.h"
#include "recover.h"
#include "route.h"
#include "rxpool.h"
#include "sockif.h"
#include "sys/sys.h"
#include "units.h"

/* What a receive buffer holds without the Ethernet header and a VLAN tag. */
#define MTU_MAX (NET_RX_BUFFER - 14 - 4)
#define OFFLOADS_KNOWN                                                                             \
	(NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_TSO6 | NET_OFFLOAD_RX_CSUM |         \
	 NET_OFFLOAD_RX_LRO)
#define TSO_BYTES_LIMIT 65535u

struct iface ifaces[NETDEV_MAX];

struct iface *iface_of(const struct netif *n)
{
	for (unsigned k = 0; k < NETDEV_MAX; k++)
		if (&ifaces[k].netif == n)
			return &ifaces[k];
	return NULL;
}

struct iface *iface_find_unit(const char *unit)
{
	for (unsigned k = 0; k < NETDEV_MAX; k++)
		if (ifaces[k].state != IFACE_FREE && strcmp(ifaces[k].unit, unit) == 0)
			return &ifaces[k];
	return NULL;
}

static void add_multicast(struct net_conf *c, const uint8_t mac[6])
{
	if (c->multicast_count < NET_MULTICAST_MAX)
		memcpy(c->multicast[c->multicast_count++], mac, 6);
	else
		c->mode |= NET_MODE_ALLMULTI;
}

void iface_configure(struct iface *i)
{
	static const uint8_t all_nodes6[6] = {0x33, 0x33, 0, 0, 0, 1};
	struct net_conf c = {.offloads = i->offloads};

	if (i->flags_wanted & IFF_PROMISC)
		c.mode |= NET_MODE_PROMISCUOUS;
	if ((i->flags_wanted & IFF_ALLMULTI) || i->has_many_groups)
		c.mode |= NET_MODE_ALLMULTI;
	add_multicast(&c, all_nodes6);
	for (unsigned k = 0; k < i->multicast_count; k++)
		add_multicast(&c, i->multicast[k].mac);
	netdev_set_conf(i->dev, &c);
}

static void change_group(struct iface *i, const uint8_t mac[6], bool is_join)
{
	unsigned k = 0;

	while (k < i->multicast_count && memcmp(i->multicast[k].mac, mac, 6) != 0)
		k++;
	if (is_join && k == IFACE_MULTICAST_MAX) {
		i->has_many_groups = true;
	} else if (is_join && k < i->multicast_count) {
		i->multicast[k].uses++;
		return;
	} else if (is_join) {
		memcpy(i->multicast[k].mac, mac, 6);
		i->multicast[k].uses = 1;
		i->multicast_count++;
	} else if (k < i->multicast_count) {
		if (--i->multicast[k].uses > 0)
			return;
		i->multicast[k] = i->multicast[--i->multicast_count];
	}
	iface_configure(i);
}

/* RFC 1112, 6.4: the low 23 bits of the group. */
static err_t filter4(struct netif *n, const ip4_addr_t *group, enum netif_mac_filter_action action)
{
	uint8_t mac[6] = {
		0x01, 0x00, 0x5e, ip4_addr2(group) & 0x7f, ip4_addr3(group), ip4_addr4(group)};

	change_group(n->state, mac, action == NETIF_ADD_MAC_FILTER);
	return ERR_OK;
}

/* RFC 2464, 7: the low 32 bits. */
static err_t filter6(struct netif *n, const ip6_addr_t *group, enum netif_mac_filter_action action)
{
	uint8_t mac[6] = {0x33, 0x33};

	memcpy(mac + 2, &group->addr[3], 4);
	change_group(n->state, mac, action == NETIF_ADD_MAC_FILTER);
	return ERR_OK;
}

static err_t init_netif(struct netif *n)
{
	struct iface *i = n->state;
	const struct net_info *info = netdev_info(i->dev);

	n->name[0] = 'e';
	n->name[1] = 't';
	n->num = (u8_t)(i->number + 1); /* lo is 0; the index is one more */
	n->hwaddr_len = 6;
	memcpy(n->hwaddr, info->mac, 6);
	n->mtu = (u16_t)i->device_mtu;
	n->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
	           NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
	n->output = etharp_output;
	n->output_ip6 = ethip6_output;
	n->linkoutput = frame_linkoutput;
	n->igmp_mac_filter = filter4;
	n->mld_mac_filter = filter6;
	n->hostname = "axolotl";
	n->chksum_flags = NETIF_CHECKSUM_ENABLE_ALL;
	if (i->offloads & NET_OFFLOAD_TX_CSUM)
		n->chksum_flags &= (u16_t)~NETIF_CHECKSUM_GEN_TCP;
	return ERR_OK;
}

static void take_info(struct iface *i)
{
	const struct net_info *info = netdev_info(i->dev);

	i->device_mtu = info->mtu < MTU_MAX ? info->mtu : MTU_MAX;
	i->offloads = info->offloads & OFFLOADS_KNOWN;
	if (!(i->offloads & NET_OFFLOAD_TX_CSUM))
		i->offloads &= ~(NET_OFFLOAD_TSO4 | NET_OFFLOAD_TSO6);
	if (!(i->offloads & NET_OFFLOAD_RX_CSUM)) /* the sums of merged segments are the device's */
		i->offloads &= ~NET_OFFLOAD_RX_LRO;
	i->tso_max_bytes =
		info->tso_max_bytes < TSO_BYTES_LIMIT ? info->tso_max_bytes : TSO_BYTES_LIMIT;
	i->tx_elements =
		info->tx_elements < NET_ELEMENTS_MAX ? info->tx_elements : NET_ELEMENTS_MAX;
	if (i->tx_elements == 0)
		i->tx_elements = 1;
	i->rx_target = info->rx_depth < RX_POSTED_MAX ? info->rx_depth : RX_POSTED_MAX;
	if (i->rx_target == 0)
		i->rx_target = 1;
}

static void update_link(struct iface *i)
{
	if (i->state == IFACE_FREE || i->state == IFACE_OPENED)
		return;
	if (netdev_link(i->dev)->is_up)
		netif_set_link_up(&i->netif);
	else
		netif_set_link_down(&i->netif);
	config_link_changed(&i->netif);
	sock_net_changed(&i->netif);
}

static void go_live(struct iface *i)
{
	take_info(i);
	memset(&i->netif, 0, sizeof(i->netif));
	i->multicast_count = 0;
	i->has_many_groups = false;
	if (netif_add(&i->netif, NULL, NULL, NULL, i, init_netif, ethernet_input) == NULL)
		sys_panic("lwip refuses interface %s", i->name);
	i->state = IFACE_LIVE;
	i->netif.ip6_autoconfig_enabled = 1;
	netif_create_ip6_linklocal_address(&i->netif, 1);
	iface_configure(i);
	rxpool_fill(i);
	netif_set_up(&i->netif);
	config_started(&i->netif);
	sys_log("%s: %s (%s), %02x:%02x:%02x:%02x:%02x:%02x, mtu %u\n", i->name, i->unit,
	        netdev_info(i->dev)->model, i->netif.hwaddr[0], i->netif.hwaddr[1],
	        i->netif.hwaddr[2], i->netif.hwaddr[3], i->netif.hwaddr[4], i->netif.hwaddr[5],
	        i->device_mtu);
	update_link(i);
}

/* Its addresses go, and with them lwIP's connections from them; frames are given up by netdev. */
static void end_netif(struct iface *i)
{
	if (i->state != IFACE_LIVE && i->state != IFACE_OFFLINE)
		return;
	recover_forget(i);
	config_ended(&i->netif);
	route_forget(&i->netif);
	netif_set_down(&i->netif);
	netif_remove(&i->netif);
	i->state = IFACE_OPENED;
	sock_net_changed(NULL);
	if (i->collecting != NULL)
		frame_flush(i);
}

static void back(struct iface *i)
{
	if (i->state != IFACE_OFFLINE)
		return;
	i->state = IFACE_LIVE;
	rxpool_fill(i);
	recover_back(i);
}

static void event(void *ctx, struct netdev *d, enum netdev_event what)
{
	struct iface *i = ctx;

	if (i->dev != d)
		return;
	switch (what) {
	case NDEV_UP: go_live(i); break;
	case NDEV_LOST:
		if (i->state == IFACE_LIVE) {
			i->state = IFACE_OFFLINE;
			recover_lost(i);
		}
		break;
	case NDEV_BACK: back(i); break;
	case NDEV_CHANGED:
		sys_log("%s: unit %s is another device now, its connections end\n", i->name,
		        i->unit);
		end_netif(i);
		go_live(i);
		break;
	case NDEV_LINK: update_link(i); break;
	case NDEV_REFUSED: sys_log("%s: unit %s refuses us\n", i->name, i->unit); break;
	case NDEV_GONE: units_gone(i->unit); break;
	}
}

int iface_open(const char *unit, unsigned number)
{
	static const struct netdev_events events = {event};
	struct iface *i = NULL;

	for (unsigned k = 0; k < NETDEV_MAX && i == NULL; k++)
		if (ifaces[k].state == IFACE_FREE)
			i = &ifaces[k];
	if (i == NULL)
		return -ENOSPC;
	if (strlen(unit) >= LABEL_MAX)
		return -EINVAL;
	if (memory_for_units() != 0)
		return -ENOMEM;
	memset(i, 0, sizeof(*i));
	snprintf(i->unit, sizeof(i->unit), "%s", unit);
	snprintf(i->name, sizeof(i->name), "eth%u", number);
	i->number = number;
	i->state = IFACE_OPENED;
	i->dev = netdev_open(unit, &events, i);
	if (i->dev == NULL) {
		i->state = IFACE_FREE;
		return -ENOSPC;
	}
	return 0;
}

void iface_close(struct iface *i)
{
	struct netdev *d = i->dev;

	end_netif(i);
	frame_forget(i);
	rxpool_forget(i);
	i->dev = NULL;
	i->state = IFACE_FREE;
	netdev_close(d);
}
