/* SPDX-License-Identifier: BSD-2-Clause */
/* A raw socket or a ping socket. */
#ifndef INET_RAW_IMPL_H
#define INET_RAW_IMPL_H

#include "dgram.h"

#define RAW_ICMP_FILTER  1 /* of SOL_RAW (linux/icmp.h) */
#define RAW_ICMP6_FILTER 1 /* of SOL_ICMPV6 (linux/icmpv6.h) */

struct raw_sock {
	struct raw_pcb *pcb;
	struct dgram_queue queue;
	struct sock_addr peer;
	bool is_connected, rd_shut, wr_shut;
	uint16_t ident;      /* of a ping socket's echo requests */
	int checksum_at;     /* IPv6: offset of the checksum that is filled in; -1: none */
	uint32_t filter4;    /* bit: ICMP type that is not wanted */
	uint32_t filter6[8]; /* the same for ICMPv6 */
};

#endif
