/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ethernet interfaces over lib/netdev. Files: units.c decides which units of ds become interfaces,
 * iface.c makes and unmakes them and follows netdev's events, frame.c sends, rxpool.c receives,
 * recover.c is about what happens to connections when a driver comes back.
 *
 *   FREE --unit in ds--> OPENED --NDEV_UP--> LIVE --NDEV_LOST--> OFFLINE --NDEV_BACK--> LIVE
 *     ^                     ^                  |                    |
 *     |                     +--- NDEV_CHANGED -+--------------------+   (another device: a new netif)
 *     +------------------------- NDEV_GONE, covered by a filter --------+
 *
 * From LIVE on there is a netif; it, its addresses, routes, neighbours and connections stay as they are
 * through OFFLINE.
 */
#ifndef INET_IFACE_H
#define INET_IFACE_H

#include "axolotl/net.h"
#include "ifctl.h"
#include "lwip/netif.h"
#include "lwip/pbuf.h"
#include "netdev/netdev.h"
#include "segments.h"

struct tx_frame;

/* Received segments that are one by now; tot_len of its pbufs is set at the end. */
struct iface_merge {
	struct pbuf *first, *last; /* NULL: none */
	struct segment segment;    /* the first one */
	unsigned segments;
	uint32_t payload_bytes, room;
	bool has_push;
};

#define IFACE_MULTICAST_MAX 32

struct iface_multicast {
	uint8_t mac[6];
	uint16_t uses; /* groups of both families may share an address */
};

enum iface_state { IFACE_FREE, IFACE_OPENED, IFACE_LIVE, IFACE_OFFLINE };

struct iface {
	enum iface_state state;
	unsigned number; /* ethN */
	char name[IF_NAME_MAX];
	char unit[LABEL_MAX];
	struct netdev *dev;
	struct netif netif;

	unsigned device_mtu;
	unsigned offloads; /* NET_OFFLOAD_* that are in use */
	unsigned tx_elements, tso_max_bytes;
	unsigned flags_wanted; /* IFF_PROMISC, IFF_ALLMULTI by ifctl_set_flags() */
	struct iface_multicast multicast[IFACE_MULTICAST_MAX];
	unsigned multicast_count;
	bool has_many_groups; /* more than the table holds: all multicast until the interface goes */

	struct tx_frame *
		collecting; /* frame.c: may still grow by segments, or be outdated by another one */
	unsigned acks;      /* segments without data of this turn */
	uint64_t acks_merged;
	unsigned rx_posted, rx_target; /* rxpool.c */
	struct iface_merge merge;      /* merge.c */
	uint64_t rx_merged;            /* segments that became part of the one before */
	struct pbuf *rx_frame;         /* its pieces so far; NULL: none */
	bool is_rx_checked;            /* by the device, all of them */
	bool is_rx_rest;               /* the next buffer goes on with the frame */
	bool is_rx_bad;                /* it is not wanted any more */
	struct ifctl_counters count;
	uint64_t deaths;
	uint64_t t_lost_ns;
	ip4_addr_t told_address, told_gateway; /* last ones in the log */
};

extern struct iface ifaces[NETDEV_MAX];

/* NULL: lo. */
struct iface *iface_of(const struct netif *n);
/* Starts to serve the unit as ethN; -ENOSPC, -EINVAL (name), -ENOMEM. */
int iface_open(const char *unit, unsigned number) MUST_CHECK;
/* Ends the interface: addresses go, connections on it end with errors. */
void iface_close(struct iface *i);
struct iface *iface_find_unit(const char *unit); /* NULL: none */
/* Tells the unit's server about flags_wanted and groups. */
void iface_configure(struct iface *i);

#endif
