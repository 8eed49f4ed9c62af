/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames as bytes. Their payload follows from their number, so a receiver can check each byte. Pure.
 */
#include <string.h>

#include "nettest.h"

#define TYPE_PLAIN 0x88b5 /* IEEE 802: local experiments */
#define TYPE_IPV4  0x0800
#define TYPE_IPV6  0x86dd
#define TYPE_ARP   0x0806
#define ETH_BYTES  14u
#define IPV4_BYTES 20u
#define IPV6_BYTES 40u
#define TCP_BYTES  20u
#define UDP_BYTES  8u
#define ICMP_BYTES 8u
#define ARP_BYTES  28u
#define NUMBER_AT  14 /* of a plain frame */
#define PORT_TO    9
#define TCP_START  0x10000000u /* sequence number of a frame's first byte */
#define TCP_LAST   0x09u       /* FIN, PSH */
#define TCP_ACK    0x10u
#define PROTO_ICMP 1
#define PROTO_TCP  6
#define PROTO_UDP  17
#define ECHO_ID    0x4158

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint64_t add(uint64_t sum, const uint8_t *p, uint32_t len)
{
	uint32_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	return i < len ? sum + ((unsigned)p[i] << 8) : sum;
}

uint8_t frame_byte(uint16_t number, uint32_t index)
{
	return (uint8_t)(number * 151u + index * 7u + (index >> 8) * 13u);
}

static bool is_ipv6(enum frame_kind k)
{
	return k == FRAME_TCP6 || k == FRAME_UDP6;
}

static bool is_tcp(enum frame_kind k)
{
	return k == FRAME_TCP4 || k == FRAME_TCP6;
}

static unsigned ip_bytes(enum frame_kind k)
{
	return is_ipv6(k) ? IPV6_BYTES : IPV4_BYTES;
}

unsigned frame_csum_start(enum frame_kind k)
{
	return ETH_BYTES + ip_bytes(k);
}

unsigned frame_csum_offset(enum frame_kind k)
{
	return is_tcp(k) ? 16 : 6;
}

unsigned frame_header_bytes(enum frame_kind k)
{
	switch (k) {
	case FRAME_PLAIN: return ETH_BYTES + 2;
	case FRAME_ARP: return ETH_BYTES + ARP_BYTES;
	case FRAME_ECHO: return ETH_BYTES + IPV4_BYTES + ICMP_BYTES;
	case FRAME_TCP4:
	case FRAME_TCP6: return frame_csum_start(k) + TCP_BYTES;
	case FRAME_UDP4:
	case FRAME_UDP6: return frame_csum_start(k) + UDP_BYTES;
	}
	return 0;
}

/* ---- making ---- */

static uint64_t pseudo_sum(enum frame_kind k, const uint8_t *ip, uint32_t len)
{
	unsigned addresses = is_ipv6(k) ? 8 : 12;

	return add((is_tcp(k) ? PROTO_TCP : PROTO_UDP) + (uint64_t)(len & 0xffff) + (len >> 16),
	           ip + addresses, ip_bytes(k) - addresses);
}

static void make_ip(const struct frame_spec *s, const struct frame_ends *e, uint8_t *ip,
                    unsigned protocol)
{
	uint32_t len = s->bytes - ETH_BYTES;

	if (is_ipv6(s->kind)) {
		ip[0] = 0x60;
		put16(ip + 4, (uint16_t)(len - IPV6_BYTES));
		ip[6] = (uint8_t)protocol;
		ip[7] = 64;
		ip[8] = ip[24] = 0xfd;
		memcpy(ip + 18, e->from, 6);
		memcpy(ip + 34, e->to, 6);
		return;
	}
	ip[0] = 0x45;
	put16(ip + 2, (uint16_t)len);
	put16(ip + 4, s->number);
	ip[8] = 64;
	ip[9] = (uint8_t)protocol;
	memcpy(ip + 12, e->from_ip, 4);
	memcpy(ip + 16, e->to_ip, 4);
	put16(ip + 10, (uint16_t)~fold(add(0, ip, IPV4_BYTES)));
}

static void make_l4(const struct frame_spec *s, uint8_t *ip)
{
	uint8_t *l4 = ip + ip_bytes(s->kind), *csum = l4 + frame_csum_offset(s->kind);
	uint32_t len = s->bytes - frame_csum_start(s->kind);

	put16(l4, s->number);
	put16(l4 + 2, PORT_TO);
	if (is_tcp(s->kind)) {
		put32(l4 + 4, TCP_START);
		l4[12] = 0x50;
		l4[13] = TCP_ACK | TCP_LAST;
		put16(l4 + 14, 0xffff);
	} else {
		put16(l4 + 4, (uint16_t)len);
	}
	put16(csum, fold(pseudo_sum(s->kind, ip, len)));
	if (!s->is_summed)
		return;
	put16(csum, (uint16_t)~fold(add(0, l4, len)));
	if (get16(csum) == 0)
		put16(csum, 0xffff);
}

static void make_echo(const struct frame_spec *s, uint8_t *icmp)
{
	icmp[0] = 8;
	put16(icmp + 4, ECHO_ID);
	put16(icmp + 6, s->number);
	put16(icmp + 2, (uint16_t)~fold(add(0, icmp, s->bytes - ETH_BYTES - IPV4_BYTES)));
}

static void make_arp(const struct frame_ends *e, uint8_t *out)
{
	uint8_t *arp = out + ETH_BYTES;

	memset(out, 0xff, 6);
	put16(arp, 1);
	put16(arp + 2, TYPE_IPV4);
	arp[4] = 6;
	arp[5] = 4;
	put16(arp + 6, 1);
	memcpy(arp + 8, e->from, 6);
	memcpy(arp + 14, e->from_ip, 4);
	memcpy(arp + 24, e->to_ip, 4);
}

void frame_make(const struct frame_spec *s, const struct frame_ends *e, uint8_t *out)
{
	static const uint16_t types[] = {
		[FRAME_PLAIN] = TYPE_PLAIN, [FRAME_TCP4] = TYPE_IPV4, [FRAME_UDP4] = TYPE_IPV4,
		[FRAME_TCP6] = TYPE_IPV6,   [FRAME_UDP6] = TYPE_IPV6, [FRAME_ECHO] = TYPE_IPV4,
		[FRAME_ARP] = TYPE_ARP};
	unsigned header = frame_header_bytes(s->kind);

	memset(out, 0, header);
	memcpy(out, e->to, 6);
	memcpy(out + 6, e->from, 6);
	put16(out + 12, types[s->kind]);
	for (uint32_t i = header; i < s->bytes; i++)
		out[i] = frame_byte(s->number, i - header);
	switch (s->kind) {
	case FRAME_PLAIN: put16(out + NUMBER_AT, s->number); return;
	case FRAME_ARP: make_arp(e, out); return;
	case FRAME_ECHO:
		make_ip(s, e, out + ETH_BYTES, PROTO_ICMP);
		make_echo(s, out + ETH_BYTES + IPV4_BYTES);
		return;
	case FRAME_TCP4:
	case FRAME_TCP6:
	case FRAME_UDP4:
	case FRAME_UDP6:
		make_ip(s, e, out + ETH_BYTES, is_tcp(s->kind) ? PROTO_TCP : PROTO_UDP);
		make_l4(s, out + ETH_BYTES);
	}
}

/* ---- looking at what came ---- */

static int ip_number(const uint8_t *f, uint32_t len, enum frame_kind *kind)
{
	bool is_v6 = get16(f + 12) == TYPE_IPV6;
	unsigned protocol = is_v6 ? f[20] : f[23];

	*kind = protocol == PROTO_TCP ? (is_v6 ? FRAME_TCP6 : FRAME_TCP4)
	                              : (is_v6 ? FRAME_UDP6 : FRAME_UDP4);
	if (protocol == PROTO_ICMP && !is_v6)
		*kind = FRAME_ECHO;
	else if (protocol != PROTO_TCP && protocol != PROTO_UDP)
		return -1;
	if (len < frame_header_bytes(*kind))
		return -1;
	if (*kind == FRAME_ECHO)
		return get16(f + 38) == ECHO_ID ? get16(f + 40) : -1;
	return get16(f + frame_csum_start(*kind) + 2) == PORT_TO
	               ? get16(f + frame_csum_start(*kind))
	               : -1;
}

int frame_number(const uint8_t *f, uint32_t len, enum frame_kind *kind)
{
	if (len < ETH_BYTES + 2)
		return -1;
	*kind = FRAME_PLAIN;
	if (get16(f + 12) == TYPE_PLAIN)
		return get16(f + NUMBER_AT);
	if (len < ETH_BYTES + ARP_BYTES)
		return -1;
	switch (get16(f + 12)) {
	case TYPE_ARP: *kind = FRAME_ARP; return get16(f + ETH_BYTES + 6) == 2 ? 0 : -1;
	case TYPE_IPV4:
	case TYPE_IPV6: return ip_number(f, len, kind);
	default: return -1;
	}
}

/* Lengths and checksums of a TCP frame; bytes of IP, or 0. */
static uint32_t check_ip(enum frame_kind k, const uint8_t *ip, uint32_t len)
{
	uint32_t bytes = is_ipv6(k) ? get16(ip + 4) + IPV6_BYTES : get16(ip + 2);

	if (bytes > len || bytes < ip_bytes(k) + TCP_BYTES)
		return 0;
	if (!is_ipv6(k) && fold(add(0, ip, IPV4_BYTES)) != 0xffff)
		return 0;
	return fold(add(pseudo_sum(k, ip, bytes - ip_bytes(k)), ip + ip_bytes(k),
	                bytes - ip_bytes(k))) == 0xffff
	               ? bytes
	               : 0;
}

void frame_complete(enum frame_kind kind, uint8_t *f, uint32_t len)
{
	uint8_t *ip = f + ETH_BYTES, *l4 = ip + ip_bytes(kind);
	uint8_t *csum = l4 + frame_csum_offset(kind);
	uint32_t bytes = is_ipv6(kind) ? get16(ip + 4) + IPV6_BYTES : get16(ip + 2);
	uint32_t l4_bytes = bytes - ip_bytes(kind);

	if (kind < FRAME_TCP4 || kind > FRAME_UDP6 || bytes + ETH_BYTES > len ||
	    bytes < frame_header_bytes(kind) - ETH_BYTES ||
	    get16(csum) != fold(pseudo_sum(kind, ip, l4_bytes)))
		return;
	put16(csum, (uint16_t)~fold(add(0, l4, l4_bytes)));
	if (get16(csum) == 0)
		put16(csum, 0xffff);
}

int64_t frame_check_segment(const struct frame_spec *whole, const uint8_t *f, uint32_t len,
                            uint32_t *payload_bytes)
{
	const uint8_t *ip = f + ETH_BYTES, *tcp = ip + ip_bytes(whole->kind);
	unsigned header = frame_header_bytes(whole->kind);
	uint32_t bytes = check_ip(whole->kind, ip, len - ETH_BYTES), offset, total, n;
	bool is_last;

	if (bytes == 0)
		return -1;
	n = bytes + ETH_BYTES - header;
	offset = get32(tcp + 4) - TCP_START;
	total = whole->bytes - header;
	if (n > total || offset > total - n)
		return -1;
	is_last = offset + n == total;
	if ((tcp[13] & TCP_LAST) != (is_last ? TCP_LAST : 0))
		return -1;
	for (uint32_t i = 0; i < n; i++)
		if (f[header + i] != frame_byte(whole->number, offset + i))
			return -1;
	*payload_bytes = n;
	return offset;
}

bool frame_check_echo(const struct frame_spec *request, const struct frame_ends *e,
                      const uint8_t *f, uint32_t len)
{
	const uint8_t *ip = f + ETH_BYTES, *icmp = ip + IPV4_BYTES;
	uint32_t bytes = request->bytes - ETH_BYTES, header = ETH_BYTES + IPV4_BYTES + ICMP_BYTES;

	if (len < request->bytes || get16(ip + 2) != bytes || memcmp(f, e->from, 6) != 0 ||
	    memcmp(f + 6, e->to, 6) != 0 || memcmp(ip + 12, e->to_ip, 4) != 0 ||
	    memcmp(ip + 16, e->from_ip, 4) != 0)
		return false;
	if (icmp[0] != 0 || fold(add(0, ip, IPV4_BYTES)) != 0xffff ||
	    fold(add(0, icmp, bytes - IPV4_BYTES)) != 0xffff)
		return false;
	for (uint32_t i = header; i < request->bytes; i++)
		if (f[i] != frame_byte(request->number, i - header))
			return false;
	return true;
}
