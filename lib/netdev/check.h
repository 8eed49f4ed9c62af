/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Validation of what the other side wrote: frames and buffers (by the server half), completions and
 * answers (by the client half). Pure: they look at private copies only (R3) and change nothing.
 */
#ifndef LIB_NETDEV_CHECK_H
#define LIB_NETDEV_CHECK_H

#include "arena/arena.h"
#include "axolotl/net.h"

_Static_assert(NET_ARENAS_MAX == ARENAS_MAX, "tables of lib/arena");

/* What the session allows. */
struct net_limits {
	const struct net_info *info;     /* NULL: not known yet (client half) */
	uint32_t offloads;               /* NET_OFFLOAD_* in force */
	const struct arena_view *arenas; /* NET_ARENAS_MAX of them */
};

/* Can the element list be looked at at all? */
bool net_tx_is_sane(const struct net_tx *t);
/* 0 and the bytes of the frame, or -EINVAL. `elements`: t->elements of them, of a sane t. */
int net_check_tx(const struct net_tx *t, const struct net_element *elements,
                 const struct net_limits *limits, uint32_t *bytes) MUST_CHECK;
/* 0 or -EINVAL. */
int net_check_rx(const struct net_rx *r, const struct net_limits *limits) MUST_CHECK;
int net_check_conf(const struct net_conf *c, const struct net_info *info) MUST_CHECK;

/* RULE_NONE, or the rule that a completion breaks. */
enum proto_rule net_check_tx_done(const struct net_tx_done *d);
/* len_bytes: of the buffer; is_rest: the frame began in an earlier buffer (NET_RX_MORE). */
enum proto_rule net_check_rx_done(const struct net_rx_done *d, uint32_t len_bytes, bool is_rest);
/* May a server say this of itself? */
bool net_info_is_valid(const struct net_info *i);
/* N6: the same interface, and frames that fitted still fit. */
bool net_info_is_same(const struct net_info *before, const struct net_info *now);

#endif
