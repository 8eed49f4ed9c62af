/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP segments in frames (segments.h): RFC 791, 8200, 9293. */
#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

#include "segments.h"
#include "inetsum/inetsum.h"

enum {
	ETHER_BYTES = 14,
	IP4_BYTES = 20,
	IP6_BYTES = 40,
	TCP_BYTES = 20,
	PROTOCOL_TCP = 6,
	FLAG_PSH = 0x08,
	FLAG_ACK = 0x10
};
/* Offsets in the headers. */
enum {
	IP4_LENGTH = 2,
	IP4_ID = 4,
	IP4_FRAGMENT = 6,
	IP4_PROTOCOL = 9,
	IP4_SUM = 10,
	IP4_ADDRESSES = 12
};
enum { IP6_LENGTH = 4, IP6_NEXT = 6, IP6_ADDRESSES = 8 };
enum { TCP_SEQ = 4, TCP_ACK = 8, TCP_OFFSET = 12, TCP_FLAGS = 13, TCP_WINDOW = 14, TCP_SUM = 16 };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* Bytes up to the TCP header, 0 if there is none; *ip_total: bytes of the packet. */
static size_t find_tcp(const uint8_t *frame, size_t head_bytes, size_t *ip_total, bool *is_ipv6)
{
	const uint8_t *ip = frame + ETHER_BYTES;

	if (head_bytes < ETHER_BYTES + IP4_BYTES + TCP_BYTES)
		return 0;
	*is_ipv6 = get16(frame + 12) == 0x86dd;
	if (*is_ipv6) {
		*ip_total = (size_t)get16(ip + IP6_LENGTH) + IP6_BYTES;
		return ip[IP6_NEXT] == PROTOCOL_TCP ? ETHER_BYTES + IP6_BYTES : 0;
	}
	*ip_total = get16(ip + IP4_LENGTH);
	if (get16(frame + 12) != 0x0800 || ip[0] != 0x45 || ip[IP4_PROTOCOL] != PROTOCOL_TCP ||
	    (get16(ip + IP4_FRAGMENT) & 0x3fff) != 0)
		return 0;
	return ETHER_BYTES + IP4_BYTES;
}

bool segment_parse(const uint8_t *frame, size_t head_bytes, size_t frame_bytes, struct segment *s)
{
	size_t ip_total, at = find_tcp(frame, head_bytes, &ip_total, &s->is_ipv6), headers;

	if (at == 0 || at + TCP_BYTES > head_bytes || ip_total + ETHER_BYTES != frame_bytes)
		return false;
	headers = at + (size_t)(frame[at + TCP_OFFSET] >> 4) * 4;
	if (headers < at + TCP_BYTES || headers > head_bytes)
		return false;
	s->tcp_offset = (uint16_t)at;
	s->header_bytes = (uint16_t)headers;
	s->payload_bytes = (uint32_t)(frame_bytes - headers);
	s->seq = get32(frame + at + TCP_SEQ);
	return true;
}

bool segment_is_header_right(const uint8_t *frame, const struct segment *s)
{
	return s->is_ipv6 || inet_sum(frame + ETHER_BYTES, IP4_BYTES) == UINT16_MAX;
}

void segment_seed_sum(uint8_t *frame, const struct segment *s)
{
	uint32_t tcp_bytes = s->header_bytes - s->tcp_offset + s->payload_bytes;
	const uint8_t *addresses =
		frame + ETHER_BYTES + (s->is_ipv6 ? IP6_ADDRESSES : IP4_ADDRESSES);
	uint32_t sum = inet_sum(addresses, s->is_ipv6 ? 32 : 8);
	uint16_t folded;

	/* The sum is in the order of the bytes in memory; so are these. */
	sum += htons(PROTOCOL_TCP) + (uint32_t)htons((uint16_t)tcp_bytes) +
	       htons((uint16_t)(tcp_bytes >> 16));
	sum = (sum & UINT16_MAX) + (sum >> 16);
	folded = (uint16_t)((sum & UINT16_MAX) + (sum >> 16));
	memcpy(frame + s->tcp_offset + TCP_SUM, &folded, sizeof(folded));
}

/* Ethernet header, addresses and ports. */
static bool is_same_flow(const uint8_t *first, const struct segment *s, const uint8_t *next,
                         const struct segment *n)
{
	size_t addresses = s->is_ipv6 ? ETHER_BYTES + IP6_ADDRESSES : ETHER_BYTES + IP4_ADDRESSES;

	return s->is_ipv6 == n->is_ipv6 && s->header_bytes == n->header_bytes &&
	       memcmp(first, next, ETHER_BYTES + 2) == 0 &&
	       memcmp(first + addresses, next + addresses, s->tcp_offset + TCP_SEQ - addresses) ==
	               0;
}

bool segment_replaces(const uint8_t *first, const struct segment *s, const uint8_t *next,
                      const struct segment *n)
{
	const uint8_t *a = first + s->tcp_offset, *b = next + n->tcp_offset;

	return s->payload_bytes == 0 && n->payload_bytes == 0 && s->seq == n->seq &&
	       is_same_flow(first, s, next, n) && a[TCP_FLAGS] == FLAG_ACK &&
	       b[TCP_FLAGS] == FLAG_ACK && (int32_t)(get32(b + TCP_ACK) - get32(a + TCP_ACK)) > 0;
}

bool segment_follows(const uint8_t *first, const struct segment *s, uint32_t next_seq,
                     const uint8_t *next, const struct segment *n)
{
	const uint8_t *a = first + s->tcp_offset, *b = next + n->tcp_offset;
	uint8_t other_flags = (uint8_t) ~(FLAG_ACK | FLAG_PSH);

	if (n->seq != next_seq || ((a[TCP_FLAGS] | b[TCP_FLAGS]) & other_flags) != 0)
		return false;
	/* Acknowledgement; window; options. */
	return is_same_flow(first, s, next, n) &&
	       memcmp(a + TCP_ACK, b + TCP_ACK, TCP_FLAGS - TCP_ACK) == 0 &&
	       memcmp(a + TCP_WINDOW, b + TCP_WINDOW, 2) == 0 &&
	       memcmp(a + TCP_BYTES, b + TCP_BYTES,
	              (size_t)s->header_bytes - s->tcp_offset - TCP_BYTES) == 0;
}

void segment_stretch(uint8_t *frame, struct segment *s, uint32_t payload_bytes, bool is_push)
{
	uint8_t *ip = frame + ETHER_BYTES;
	uint32_t packet = s->header_bytes - ETHER_BYTES + payload_bytes;
	uint16_t sum;

	s->payload_bytes = payload_bytes;
	if (is_push)
		frame[s->tcp_offset + TCP_FLAGS] |= FLAG_PSH;
	if (s->is_ipv6) {
		put16(ip + IP6_LENGTH, packet - IP6_BYTES);
		return;
	}
	put16(ip + IP4_LENGTH, packet);
	memset(ip + IP4_SUM, 0, 2);
	sum = (uint16_t)~inet_sum(ip, IP4_BYTES);
	memcpy(ip + IP4_SUM, &sum, 2);
}

bool segment_has_push(const uint8_t *frame, const struct segment *s)
{
	return (frame[s->tcp_offset + TCP_FLAGS] & FLAG_PSH) != 0;
}
