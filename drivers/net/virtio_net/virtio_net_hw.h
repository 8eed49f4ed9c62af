/* SPDX-License-Identifier: BSD-2-Clause */
/* Network device of virtio 1.1, section 5.1: features, configuration, headers, control commands. */
#ifndef VIRTIO_NET_HW_H
#define VIRTIO_NET_HW_H

#include <stdint.h>

#define QUEUE_RX   0
#define QUEUE_TX   1
#define QUEUE_CTRL 2 /* without F_MQ */
#define QUEUES     3

/* 5.1.3 */
#define F_CSUM       (1ull << 0)
#define F_GUEST_CSUM (1ull << 1)
#define F_MTU        (1ull << 3)
#define F_MAC        (1ull << 5)
#define F_GUEST_TSO4 (1ull << 7)
#define F_GUEST_TSO6 (1ull << 8)
#define F_HOST_TSO4  (1ull << 11)
#define F_HOST_TSO6  (1ull << 12)
#define F_MRG_RXBUF  (1ull << 15)
#define F_STATUS     (1ull << 16)
#define F_CTRL_VQ    (1ull << 17)
#define F_CTRL_RX    (1ull << 18)
#define F_SPEED      (1ull << 63)

/* 5.1.4 */
#define CFG_MAC    0
#define CFG_STATUS 6
#define CFG_MTU    10
#define CFG_SPEED  12 /* Mbit/s, 0xffffffff: unknown */
#define CFG_DUPLEX 16

#define STATUS_LINK_UP 1u
#define DUPLEX_HALF    0u

/* 5.1.6: before each frame. */
struct net_header {
	uint8_t flags, gso_type;
	uint16_t header_bytes, gso_bytes, csum_start, csum_offset;
	uint16_t buffers; /* received frames, with F_MRG_RXBUF */
};
#define HEADER_BYTES 12u
_Static_assert(sizeof(struct net_header) == HEADER_BYTES, "header size");
#define HEADER_NEEDS_CSUM 1u
#define HEADER_DATA_VALID 2u
#define GSO_NONE          0u
#define GSO_TCPV4         1u
#define GSO_TCPV6         4u

/* 5.1.6.5 */
#define CTRL_RX          0u
#define CTRL_RX_PROMISC  0u
#define CTRL_RX_ALLMULTI 1u
#define CTRL_MAC         1u
#define CTRL_MAC_TABLE   0u
#define CTRL_OK          0u

#endif
