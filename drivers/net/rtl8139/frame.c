/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames in the receive ring, and hashes of group addresses. Pure.
 */
#include "rtl8139.h"

#define ETHERNET_MAX   (1514u + 4u) /* with a VLAN tag */
#define CRC_POLYNOMIAL 0x04c11db7u
#define HASH_SHIFT     26 /* the upper six bits */

/* A frame with an error has its true length all the same; a length that no frame has means that we do
 * not read where a frame starts. */
enum rx_verdict frame_decode(const uint8_t header[RX_HEADER_BYTES], uint32_t *len_bytes)
{
	unsigned status = header[0] | (unsigned)header[1] << 8;
	uint32_t len = header[2] | (uint32_t)header[3] << 8;

	*len_bytes = 0;
	if (len == RX_WRITING)
		return RX_NONE;
	if (len < RX_FCS_BYTES || len > ETHERNET_MAX + RX_FCS_BYTES)
		return RX_LOST;
	*len_bytes = len - RX_FCS_BYTES;
	if (status & RXS_BAD || !(status & RXS_ROK) || *len_bytes < NET_FRAME_MIN)
		return RX_BAD;
	return RX_FRAME;
}

uint32_t frame_next(uint32_t offset, uint32_t len_bytes)
{
	uint32_t end = offset + RX_HEADER_BYTES + len_bytes + RX_FCS_BYTES;

	return ((end + 3) & ~3u) % RX_RING_BYTES;
}

static uint32_t crc_of(const uint8_t address[6])
{
	uint32_t crc = ~0u;

	for (unsigned i = 0; i < 48; i++) {
		unsigned bit = (address[i / 8] >> (i % 8)) & 1u;

		crc = crc << 1 ^ ((crc >> 31 ^ bit) ? CRC_POLYNOMIAL : 0);
	}
	return crc;
}

void frame_multicast(const struct net_conf *conf, uint32_t table[2])
{
	table[0] = table[1] = conf->mode & (NET_MODE_ALLMULTI | NET_MODE_PROMISCUOUS) ? ~0u : 0;
	for (unsigned i = 0; i < conf->multicast_count && i < NET_MULTICAST_MAX; i++) {
		unsigned hash = crc_of(conf->multicast[i]) >> HASH_SHIFT;

		table[hash / 32] |= 1u << hash % 32;
	}
}
