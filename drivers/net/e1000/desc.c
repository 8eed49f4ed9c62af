/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors, headers of segmented frames, multicast hashes. Pure; sections of the 8254x manual.
 */
#include <errno.h>
#include <string.h>

#include "e1000.h"

#define ETH_TYPE_AT   12
#define ETH_HEADER    14u
#define VLAN_BYTES    4u
#define TYPE_VLAN     0x8100
#define TYPE_IPV4     0x0800
#define TYPE_IPV6     0x86dd
#define IPV4_LENGTH   2
#define IPV4_PROTOCOL 9
#define IPV4_CSUM     10
#define IPV6_LENGTH   4
#define IPV6_HEADER   40u
#define TCP_CSUM      16
#define TCP_HEADER    20u
#define PROTOCOL_TCP  6

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* 3.5.7: the device adds the length of each segment to the sum of the pseudo header, so that of the
 * whole frame is taken out. */
static void remove_length(uint8_t *csum, uint32_t tcp_bytes)
{
	uint16_t length = fold((tcp_bytes & 0xffff) + (tcp_bytes >> 16));

	put16(csum, fold((uint32_t)get16(csum) + (uint16_t)~length));
}

static bool is_ipv4_tcp(const struct nserver_tx *t, const uint8_t *ip, unsigned ip_start)
{
	return ip[0] >> 4 == 4 && ip[IPV4_PROTOCOL] == PROTOCOL_TCP &&
	       ip_start + (ip[0] & 15u) * 4 == t->csum_start && !(t->flags & NET_TX_IPV6);
}

int desc_tso_header(const struct nserver_tx *t, uint8_t *header)
{
	unsigned ip_start = ETH_HEADER;
	uint16_t type = get16(header + ETH_TYPE_AT);
	uint8_t *ip;

	if (type == TYPE_VLAN) {
		type = get16(header + ETH_TYPE_AT + VLAN_BYTES);
		ip_start += VLAN_BYTES;
	}
	ip = header + ip_start;
	if (t->csum_offset != TCP_CSUM || t->csum_start + TCP_HEADER > t->header_bytes ||
	    t->csum_start < ip_start + TCP_HEADER || t->header_bytes > t->bytes)
		return -EINVAL;
	if (type == TYPE_IPV4 && is_ipv4_tcp(t, ip, ip_start)) {
		put16(ip + IPV4_LENGTH, 0);
		put16(ip + IPV4_CSUM, 0);
	} else if (type == TYPE_IPV6 && ip[0] >> 4 == 6 && t->flags & NET_TX_IPV6 &&
	           t->csum_start >= ip_start + IPV6_HEADER) {
		put16(ip + IPV6_LENGTH, 0);
	} else {
		return -EINVAL;
	}
	remove_length(header + t->csum_start + TCP_CSUM, t->bytes - t->csum_start);
	return (int)ip_start;
}

int desc_context(const struct nserver_tx *t, unsigned ip_start, struct tx_desc *c)
{
	unsigned csum_at = t->csum_start + (unsigned)t->csum_offset;
	bool is_ipv4 = !(t->flags & NET_TX_IPV6);
	uint64_t ip = 0;

	if (csum_at > TXC_BYTE_MAX || t->header_bytes > TXC_BYTE_MAX)
		return -EINVAL;
	c->high = TXD_DEXT | (t->csum_offset == TCP_CSUM ? TXC_TCP : 0);
	if (t->flags & NET_TX_TSO) {
		if (t->bytes - t->header_bytes > TXC_PAYLEN_MAX)
			return -EINVAL;
		ip = ip_start;
		if (is_ipv4)
			ip |= (ip_start + IPV4_CSUM) << 8 | (t->csum_start - 1u) << 16;
		c->high |= (t->bytes - t->header_bytes) | TXC_TSE | (is_ipv4 ? TXC_IPV4 : 0) |
		           (uint64_t)t->header_bytes << 40 | (uint64_t)t->gso_bytes << 48;
	}
	c->low = ip | (uint64_t)t->csum_start << 32 | (uint64_t)csum_at << 40;
	return 0;
}

struct tx_desc desc_data(uint64_t bus, uint32_t len_bytes, unsigned tx_flags)
{
	uint64_t high = len_bytes | TXD_DATA | TXD_DEXT | TXD_IFCS;

	if (tx_flags & NET_TX_CSUM)
		high |= TXD_POPTS_TXSM;
	if (tx_flags & NET_TX_TSO)
		high |= TXD_TSE | (tx_flags & NET_TX_IPV6 ? 0 : TXD_POPTS_IXSM);
	return (struct tx_desc){.low = bus, .high = high};
}

enum rx_verdict desc_rx(const struct rx_desc *d, unsigned *rx_flags)
{
	unsigned summed = d->status & (RXS_TCPCS | RXS_UDPCS);

	*rx_flags = 0;
	if (!(d->status & RXS_EOP))
		return RX_PART;
	if (d->errors & RXE_FRAME || d->len_bytes < NET_FRAME_MIN || d->len_bytes > RX_BYTES)
		return RX_BAD;
	if (summed != 0 && !(d->status & RXS_IXSM) && !(d->errors & (RXE_TCPE | RXE_IPE)))
		*rx_flags = NET_RX_CSUM_OK;
	return RX_FRAME;
}

/* 13.5.1 with RCTL.MO = 0: bits 47:36 of the address, of which byte 5 is the last. */
void desc_multicast(const struct net_conf *conf, uint32_t table[MTA_WORDS])
{
	memset(table, 0, MTA_WORDS * sizeof(table[0]));
	for (unsigned i = 0; i < conf->multicast_count && i < NET_MULTICAST_MAX; i++) {
		const uint8_t *a = conf->multicast[i];
		unsigned hash = a[4] >> 4 | (unsigned)a[5] << 4;

		table[hash / 32] |= 1u << hash % 32;
	}
}
