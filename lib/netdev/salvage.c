/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames left in buffers: see salvage.h. Layouts: RFC 791, 8200, 9293, 768, 792, 4443. */
#include <arpa/inet.h>
#include <string.h>

#include "axolotl/net.h"
#include "inetsum/inetsum.h"
#include "netdev/salvage.h"

#define MARK       0xa5c35a3ce1784b2dull
#define MARK_FIRST 8u /* covers the type of the frame */
#define MARK_EVERY 128u

enum { ETHER_BYTES = 14, IP4_BYTES = 20, IP6_BYTES = 40, TCP_BYTES = 20, UDP_BYTES = 8 };
enum { TYPE_IP4 = 0x0800, TYPE_IP6 = 0x86dd };
enum { IS_ICMP = 1, IS_TCP = 6, IS_UDP = 17, IS_ICMP6 = 58 };
#define ALL_ONES 0xffffu /* sum of data and its checksum */

static uint64_t word_at(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

void net_salvage_mark(uint8_t *buffer, uint32_t len_bytes)
{
	const uint64_t mark = MARK;

	for (uint32_t at = MARK_FIRST; at + sizeof(mark) <= len_bytes; at += MARK_EVERY)
		memcpy(buffer + at, &mark, sizeof(mark));
}

bool net_salvage_is_marked(const uint8_t *buffer)
{
	return word_at(buffer + MARK_FIRST) == MARK;
}

static bool has_mark(const uint8_t *buffer, uint32_t frame_bytes)
{
	for (uint32_t at = MARK_FIRST; at < frame_bytes; at += MARK_EVERY)
		if (word_at(buffer + at) == MARK)
			return true;
	return false;
}

/* Is the payload's checksum there and right? `addresses`: source and destination, one after the other. */
static bool is_payload_right(unsigned protocol, const uint8_t *payload, uint32_t bytes,
                             const uint8_t *addresses, unsigned address_bytes)
{
	uint32_t sum = inet_sum(payload, (int)bytes);

	if (protocol == IS_ICMP)
		return address_bytes == 8 && bytes >= UDP_BYTES && sum == ALL_ONES;
	if ((protocol == IS_TCP && bytes < TCP_BYTES) ||
	    (protocol == IS_UDP && (bytes < UDP_BYTES || get16(payload + 6) == 0)) ||
	    (protocol == IS_ICMP6 && (bytes < UDP_BYTES || address_bytes != 32)) ||
	    (protocol != IS_TCP && protocol != IS_UDP && protocol != IS_ICMP6))
		return false;
	sum += inet_sum(addresses, (int)address_bytes);
	sum += htons((uint16_t)protocol) + (uint32_t)htons((uint16_t)bytes);
	sum = (sum & ALL_ONES) + (sum >> 16);
	return (sum & ALL_ONES) + (sum >> 16) == ALL_ONES;
}

/* Bytes of the packet, 0 if it is not whole and right. */
static uint32_t ip4_bytes(const uint8_t *ip, uint32_t room)
{
	uint32_t header = (ip[0] & 15u) * 4, total = get16(ip + 2);

	if (ip[0] >> 4 != 4 || header < IP4_BYTES || total < header || total > room ||
	    (get16(ip + 6) & 0x3fff) != 0 || inet_sum(ip, (int)header) != ALL_ONES)
		return 0;
	return is_payload_right(ip[9], ip + header, total - header, ip + 12, 8) ? total : 0;
}

static uint32_t ip6_bytes(const uint8_t *ip, uint32_t room)
{
	uint32_t payload = get16(ip + 4);

	if (ip[0] >> 4 != 6 || payload == 0 || payload > room - IP6_BYTES)
		return 0;
	return is_payload_right(ip[6], ip + IP6_BYTES, payload, ip + 8, 32) ? IP6_BYTES + payload
	                                                                    : 0;
}

uint32_t net_salvage_frame(const uint8_t *buffer, uint32_t len_bytes)
{
	const uint8_t *ip = buffer + ETHER_BYTES;
	uint32_t packet = 0, room = len_bytes - ETHER_BYTES;

	if (len_bytes < NET_RX_BUFFER || net_salvage_is_marked(buffer))
		return 0;
	if (get16(buffer + 12) == TYPE_IP4)
		packet = ip4_bytes(ip, room);
	else if (get16(buffer + 12) == TYPE_IP6)
		packet = ip6_bytes(ip, room);
	return packet == 0 || has_mark(buffer, ETHER_BYTES + packet) ? 0 : ETHER_BYTES + packet;
}
