/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Validation of descriptors and answers: see check.h.
 */
#include <errno.h>
#include <string.h>

#include "netdev/check.h"

#define ERRNO_LAST 4095 /* largest errno that a status may carry */
#define MTU_MIN    68u  /* RFC 791 */
#define HEADER_MIN 54u  /* Ethernet, IPv4, TCP without options */
#define HEADER_MAX 256u

#define TX_FLAGS (NET_TX_CSUM | NET_TX_TSO | NET_TX_IPV6)
#define RX_FLAGS (NET_RX_CSUM_OK | NET_RX_MORE)
#define MODES    (NET_MODE_PROMISCUOUS | NET_MODE_ALLMULTI)
#define OFFLOADS                                                                                   \
	(NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_TSO6 | NET_OFFLOAD_RX_CSUM |         \
	 NET_OFFLOAD_RX_LRO)

bool net_tx_is_sane(const struct net_tx *t)
{
	return t->elements > 0 && t->elements <= NET_ELEMENTS_MAX && (t->flags & ~TX_FLAGS) == 0;
}

static int check_element(const struct net_element *e, const struct net_limits *l, bool is_written)
{
	const struct arena_view *arena;

	if (e->reserved != 0 || e->arena >= NET_ARENAS_MAX || e->len_bytes == 0)
		return -EINVAL;
	arena = &l->arenas[e->arena];
	if (e->len_bytes > arena->len_bytes || e->offset > arena->len_bytes - e->len_bytes)
		return -EINVAL;
	return is_written && arena->is_readonly ? -EINVAL : 0;
}

static int check_csum(const struct net_tx *t, const struct net_limits *l, uint32_t bytes)
{
	if (!(t->flags & NET_TX_CSUM))
		return t->flags & NET_TX_TSO ? -EINVAL : 0;
	if (!(l->offloads & NET_OFFLOAD_TX_CSUM))
		return -EINVAL;
	return t->csum_start >= NET_FRAME_MIN &&
	                       (uint32_t)t->csum_start + t->csum_offset + 2 <= bytes
	               ? 0
	               : -EINVAL;
}

/* The largest frame that this one may be. */
static uint32_t frame_limit(const struct net_tx *t, const struct net_limits *l)
{
	uint32_t mtu = l->info != NULL ? l->info->mtu : NET_MTU_MAX;
	uint32_t tso = l->info != NULL ? l->info->tso_max_bytes : NET_FRAME_MAX;

	if (!(t->flags & NET_TX_TSO))
		return mtu + NET_FRAME_MIN;
	return tso < NET_FRAME_MAX ? tso : NET_FRAME_MAX;
}

static int check_tso(const struct net_tx *t, const struct net_limits *l, uint32_t bytes)
{
	uint32_t needed = t->flags & NET_TX_IPV6 ? NET_OFFLOAD_TSO6 : NET_OFFLOAD_TSO4;
	uint32_t mtu = l->info != NULL ? l->info->mtu : NET_MTU_MAX;

	if (!(t->flags & NET_TX_TSO))
		return 0;
	if (!(l->offloads & needed) || t->header_bytes < HEADER_MIN ||
	    t->header_bytes > HEADER_MAX || t->header_bytes > bytes ||
	    t->csum_start >= t->header_bytes)
		return -EINVAL;
	return t->gso_bytes > 0 && t->gso_bytes + (uint32_t)t->header_bytes - NET_FRAME_MIN <= mtu
	               ? 0
	               : -EINVAL;
}

int net_check_tx(const struct net_tx *t, const struct net_element *elements,
                 const struct net_limits *l, uint32_t *bytes)
{
	uint64_t sum = 0; /* 32 elements of 32 bits each: no overflow */
	unsigned elements_max = l->info != NULL ? l->info->tx_elements : NET_ELEMENTS_MAX;

	if (!net_tx_is_sane(t) || t->elements > elements_max)
		return -EINVAL;
	for (unsigned i = 0; i < t->elements; i++) {
		if (check_element(&elements[i], l, false) != 0)
			return -EINVAL;
		sum += elements[i].len_bytes;
	}
	if (sum < NET_FRAME_MIN || sum > frame_limit(t, l))
		return -EINVAL;
	*bytes = (uint32_t)sum;
	if (check_csum(t, l, *bytes) != 0)
		return -EINVAL;
	return check_tso(t, l, *bytes);
}

int net_check_rx(const struct net_rx *r, const struct net_limits *l)
{
	const struct net_element *b = &r->buffer;

	if (r->reserved != 0 || b->len_bytes % NET_RX_BUFFER != 0 ||
	    b->len_bytes > NET_RX_BUFFER_MAX || b->offset % NET_RX_BUFFER != 0)
		return -EINVAL;
	return check_element(b, l, true);
}

int net_check_conf(const struct net_conf *c, const struct net_info *info)
{
	if (c->mode & ~MODES || c->offloads & ~info->offloads ||
	    c->multicast_count > NET_MULTICAST_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < c->multicast_count; i++)
		if (!(c->multicast[i][0] & 1)) /* not a group address */
			return -EINVAL;
	return 0;
}

static bool is_zero(const uint64_t *words, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (words[i] != 0)
			return false;
	return true;
}

static bool is_status(int32_t status)
{
	return status <= 0 && status >= -ERRNO_LAST;
}

enum proto_rule net_check_tx_done(const struct net_tx_done *d)
{
	return is_status(d->status) && is_zero(d->reserved, 7) ? RULE_NONE : RULE_R4;
}

enum proto_rule net_check_rx_done(const struct net_rx_done *d, uint32_t len_bytes, bool is_rest)
{
	if (!is_status(d->status) || !is_zero(d->reserved, 5) || d->flags & ~RX_FLAGS)
		return RULE_R4;
	if (d->status != 0)
		return d->len_bytes == 0 && d->flags == 0 ? RULE_NONE : RULE_R4;
	return d->len_bytes >= (is_rest ? 1 : NET_FRAME_MIN) && d->len_bytes <= len_bytes
	               ? RULE_NONE
	               : RULE_N2;
}

bool net_info_is_valid(const struct net_info *i)
{
	static const uint8_t none[6];

	if (i->mac[0] & 1 || memcmp(i->mac, none, sizeof(none)) == 0)
		return false;
	if (i->offloads & (NET_OFFLOAD_TSO4 | NET_OFFLOAD_TSO6) &&
	    (!(i->offloads & NET_OFFLOAD_TX_CSUM) || i->tso_max_bytes < i->mtu + NET_FRAME_MIN))
		return false;
	return i->mtu >= MTU_MIN && i->mtu <= NET_MTU_MAX && i->tx_depth > 0 && i->rx_depth > 0 &&
	       i->tx_elements > 0 && i->tx_elements <= NET_ELEMENTS_MAX &&
	       (i->offloads & ~OFFLOADS) == 0;
}

bool net_info_is_same(const struct net_info *before, const struct net_info *now)
{
	return memcmp(before->mac, now->mac, sizeof(now->mac)) == 0 && before->mtu == now->mtu &&
	       before->offloads == now->offloads && before->tx_elements <= now->tx_elements &&
	       before->tso_max_bytes <= now->tso_max_bytes;
}
