/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network protocol between a client (inet, a filter) and a server (driver, filter). Rules N1-N6 and
 * R1-R5 are in docs/protocols.md; names of rules are the ones that complaints carry (enum proto_rule).
 *
 * Control by ASEND both ways, each request with an id and exactly one reply (struct net_rep, type |
 * MSG_REPLY); frames by four rings in one region that the client owns, grants (read, write, map) and
 * names in ATTACH. Payload lives in arenas, granted the same way. A unit has one session at a time:
 * a second client gets -EBUSY as long as the first one lives.
 *
 *   region: [ ring: tx frames, client produces       ][ ring: tx completions, server produces ]
 *           [ ring: rx buffers, client produces      ][ ring: rx completions, server produces ]
 *           [ struct net_element table: NET_ELEMENTS_MAX for each tx frame slot ]
 *
 * All parts start on a page boundary; all four rings have `slots` slots, so the geometry follows from
 * `slots` alone (net_region_*, lib/ring/net_region.h). A frame with more than NET_INLINE elements has
 * them in the table row of its slot (slot = ring index modulo slots).
 *
 * Ids are 32 bits, chosen by the client, unique among pending ones of their direction, and run on over
 * incarnations of the server (N5).
 *
 * Announced in ds: "net.<unit>" STR "<label>:<unit number>" by servers; "netup.<unit>" STR "<upper
 * unit>" by a filter that stands on <unit>, before it attaches. inet takes every unit that nobody
 * stands on.
 */
#ifndef AXOLOTL_NET_H
#define AXOLOTL_NET_H

#include "axolotl/arena.h"
#include "axolotl/blk.h" /* enum proto_rule */
#include "axolotl/ipc.h"

enum net_msg {
	NET_ATTACH = MSG_NET_BASE + 1, /* struct net_attach; value = session; nothing moves yet */
	NET_ARENA,                     /* struct arena_announce: the session learns of an arena */
	NET_INIT, /* struct net_ctl: struct net_info into the grant. N4: same answer in every life */
	NET_CONF,   /* struct net_conf: from here on frames move */
	NET_STATUS, /* struct net_ctl: key=value text into the grant; value = bytes */
	NET_DETACH, /* struct net_ctl: session ends; frames not sent are dropped, everything unmapped */
	NET_LINK, /* server -> client, no reply: struct net_link, on changes and once after CONF */
	NET_MSG_END
};

#define NET_SLOTS_MAX    512 /* of one ring; a power of two */
#define NET_ELEMENTS_MAX 32
#define NET_INLINE       3
#define NET_ARENAS_MAX   8
#define NET_UNITS_MAX    8
#define NET_FRAME_MIN    14u    /* bytes; header of IEEE 802.3 / Ethernet II */
#define NET_FRAME_MAX    65550u /* of one tx frame with segmentation offload */
#define NET_MTU_MAX      9000u
#define NET_RX_BUFFER                                                                              \
	2048u /* smallest receive buffer; buffers are aligned to it and a multiple of it */
#define NET_RX_BUFFER_MAX 65536u
#define NET_MULTICAST_MAX 4

struct net_attach {
	uint32_t id;
	uint32_t unit;
	grant_t region_grant;
	uint32_t slots;
	uint64_t region_bytes;
	uint32_t generation; /* of these rings: R5; changes with every ATTACH */
};
struct net_ctl {
	uint32_t id;
	uint32_t session;
	grant_t grant;
	uint32_t len_bytes;
};
#define NET_MODE_PROMISCUOUS 1u
#define NET_MODE_ALLMULTI    2u
struct net_conf {
	uint32_t id;
	uint32_t session;
	uint32_t mode;     /* NET_MODE_*; broadcast and own address are always on */
	uint32_t offloads; /* NET_OFFLOAD_* of net_info that the client wants to use */
	uint32_t multicast_count;
	uint8_t multicast[NET_MULTICAST_MAX][6]; /* more than that: NET_MODE_ALLMULTI */
};
_Static_assert(sizeof(struct net_conf) <= MSG_PAYLOAD, "conf fits a message");
struct net_rep {
	uint32_t id;
	int32_t result; /* 0 or -errno; -ERESTART: session of an earlier incarnation */
	uint32_t value;
};
struct net_link {
	uint32_t unit;
	uint32_t is_up;
	uint32_t speed_mbit; /* 0: unknown */
	uint32_t is_full_duplex;
};

#define NET_OFFLOAD_TX_CSUM 1u /* NET_TX_CSUM works, for TCP and UDP over IPv4 and IPv6 */
#define NET_OFFLOAD_TSO4    2u /* NET_TX_TSO works for TCP over IPv4 */
#define NET_OFFLOAD_TSO6    4u
#define NET_OFFLOAD_RX_CSUM 8u  /* NET_RX_CSUM_OK is set where it is true */
#define NET_OFFLOAD_RX_LRO  16u /* received frames may be larger than the MTU (NET_RX_MORE) */
struct net_info {
	char name[LABEL_MAX]; /* of the unit */
	char model[40];
	uint8_t mac[6];
	uint16_t mtu;                /* bytes of payload, without the 14 of the header */
	uint32_t tx_depth, rx_depth; /* frames and buffers that the device takes at a time */
	uint32_t tx_elements;   /* largest number of elements of a frame, <= NET_ELEMENTS_MAX */
	uint32_t offloads;      /* NET_OFFLOAD_* */
	uint32_t tso_max_bytes; /* of a frame with NET_TX_TSO */
};

struct net_element {
	uint64_t offset;    /* in the arena; any alignment */
	uint32_t len_bytes; /* > 0 */
	uint16_t arena;
	uint16_t reserved;
};
_Static_assert(sizeof(struct net_element) == 16, "element size");

/* The sum of the pseudo header (not complemented, with the length of this frame's TCP or UDP part) is
 * in the checksum field; the rest of the sum, from csum_start to the end, is wanted (virtio 1.1,
 * 5.1.6.2 says the same). */
#define NET_TX_CSUM 1u
/* Cut a TCP frame into segments of gso_bytes of payload; NET_TX_CSUM is set too; IP header checksums
 * and lengths of the segments are the server's work. */
#define NET_TX_TSO  2u
#define NET_TX_IPV6 4u /* with NET_TX_TSO */
struct net_tx {        /* one ring slot */
	uint32_t id;
	uint16_t flags; /* NET_TX_* */
	uint16_t elements;
	uint16_t csum_start;   /* bytes from the start of the frame */
	uint16_t csum_offset;  /* of the checksum field, from csum_start */
	uint16_t gso_bytes;    /* payload of a segment */
	uint16_t header_bytes; /* Ethernet + IP + TCP, with NET_TX_TSO */
	struct net_element inline_elements[NET_INLINE];
};
_Static_assert(sizeof(struct net_tx) == 64, "tx size");

struct net_tx_done { /* one ring slot */
	uint32_t id;
	int32_t status; /* 0: given to the wire, as far as the device can tell; -errno: dropped (EINVAL, EIO, ENETDOWN) */
	uint64_t reserved[7];
};
_Static_assert(sizeof(struct net_tx_done) == 64, "tx completion size");

struct net_rx { /* one ring slot */
	uint32_t id;
	uint32_t reserved;
	struct net_element buffer; /* NET_RX_BUFFER rules */
	uint64_t reserved2[5];
};
_Static_assert(sizeof(struct net_rx) == 64, "rx size");

/* TCP or UDP checksum was verified by the device. Means nothing without NET_OFFLOAD_RX_CSUM in the CONF. */
#define NET_RX_CSUM_OK 1u
#define NET_RX_MORE    2u /* the frame goes on in the next completion (receive offload) */
struct net_rx_done {      /* one ring slot */
	uint32_t id;
	int32_t status;     /* 0; -ECANCELED: buffer handed back unused */
	uint32_t len_bytes; /* of the frame in this buffer, without FCS: N2 */
	uint32_t flags;     /* NET_RX_* */
	uint64_t t_ns;      /* server's time of arrival */
	uint64_t reserved[5];
};
_Static_assert(sizeof(struct net_rx_done) == 64, "rx completion size");

#endif
