/* SPDX-License-Identifier: BSD-2-Clause */
/* A UDP socket, and membership in multicast groups. */
#ifndef INET_UDP_IMPL_H
#define INET_UDP_IMPL_H

#include "dgram.h"

#define GROUPS_MAX 20u /* of a socket, as Linux' igmp_max_memberships */

struct mcast_group {
	ip_addr_t ip;
	uint8_t netif_idx;  /* 0: by route (lwIP chooses) */
	ip4_addr_t address; /* of the interface, IPv4 */
};

struct udp_sock {
	struct udp_pcb *pcb;
	struct dgram_queue queue;
	struct sock_addr peer;
	ip_addr_t bound_ip; /* connect() narrows the pcb's */
	bool is_connected, rd_shut, wr_shut;
	struct mcast_group groups[GROUPS_MAX];
	unsigned group_count;
};

/* mcast.c: IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP and the IPv6 ones. */
struct mcast_request {
	const void *value;
	uint32_t len;
	struct mcast_group *groups;
	unsigned *count;
};
int mcast_setopt(struct sock *s, int level, int name, const struct mcast_request *r);
void mcast_leave(const struct mcast_group *g);

#endif
