/* SPDX-License-Identifier: BSD-2-Clause */
/* See packets.h. RFC 791, 8200, 9293, 768, 792, 4443, 4861, 826, 2131. */
#include <stdint.h>
#include <string.h>

#include "inetsum/inetsum.h"
#include "tests/fuzz/inet/packets.h"

enum { ETHER = 14, IP4 = 20, IP6 = 40, TCP = 20, UDP = 8, MTU = 1500 };
enum { P_ICMP = 1, P_TCP = 6, P_UDP = 17, P_FRAGMENT = 44, P_ICMP6 = 58 };

/* A packet while it is made. */
struct packet {
	uint8_t *frame;
	size_t at; /* bytes so far */
	size_t network, transport;
	bool is_ipv6;
};

/* ---- pieces ---- */

static void put8(struct packet *p, uint32_t v)
{
	p->frame[p->at++] = (uint8_t)v;
}

static void put16(struct packet *p, uint32_t v)
{
	put8(p, v >> 8);
	put8(p, v);
}

static void put32(struct packet *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p, v);
}

static void put(struct packet *p, const void *bytes, size_t n)
{
	memcpy(p->frame + p->at, bytes, n);
	p->at += n;
}

static void put_input(struct packet *p, struct input *in, size_t max)
{
	size_t room = ETHER + MTU - p->at;

	p->at += take_bytes(in, p->frame + p->at, max < room ? max : room);
}

static void ethernet(struct packet *p, const struct peer *peer, uint16_t type)
{
	put(p, peer->mac, 6);
	put(p, peer->hardware, 6);
	put16(p, type);
	p->network = p->at;
}

static void set16(const struct packet *p, size_t at, size_t v)
{
	p->frame[at] = (uint8_t)(v >> 8);
	p->frame[at + 1] = (uint8_t)v;
}

static void set_sum(const struct packet *p, size_t at, uint32_t sum)
{
	uint16_t folded;

	while (sum >> 16)
		sum = (sum & UINT16_MAX) + (sum >> 16);
	folded = (uint16_t)~sum;
	memcpy(p->frame + at, &folded, 2);
}

/* options: a multiple of 4 bytes, out of the input. */
static void ip4(struct packet *p, const struct peer *peer, uint8_t protocol, struct input *options)
{
	unsigned words = options != NULL ? take8(options) % 11 : 0;

	p->is_ipv6 = false;
	put8(p, 0x45 + words);
	put8(p, 0);
	put16(p, 0);
	put16(p, 77);
	put16(p, 0);
	put8(p, 64);
	put8(p, protocol);
	put16(p, 0);
	put(p, peer->address4[0], 4);
	put(p, peer->address4[1], 4);
	for (unsigned i = 0; i < words * 4; i++)
		put8(p, take8(options));
	p->transport = p->at;
}

static void ip6(struct packet *p, const struct peer *peer, uint8_t next, uint8_t hops)
{
	p->is_ipv6 = true;
	put32(p, 0x60000000);
	put16(p, 0);
	put8(p, next);
	put8(p, hops);
	put(p, peer->address6[0], 16);
	put(p, peer->address6[1], 16);
	p->transport = p->at;
}

static void network(struct packet *p, const struct peer *peer, uint8_t protocol)
{
	ethernet(p, peer, peer->is_ipv6 ? 0x86dd : 0x0800);
	if (peer->is_ipv6)
		ip6(p, peer, protocol, 64);
	else
		ip4(p, peer, protocol, NULL);
}

static void finish_sum4(const struct packet *p)
{
	set16(p, p->network + 10, 0);
	set_sum(p, p->network + 10,
	        inet_sum(p->frame + p->network, (p->frame[p->network] & 15) * 4));
}

/* Lengths and the header's checksum. */
static void finish_network(const struct packet *p)
{
	if (p->is_ipv6) {
		set16(p, p->network + 4, p->at - p->network - IP6);
		return;
	}
	set16(p, p->network + 2, p->at - p->network);
	finish_sum4(p);
}

/* The checksum of what is behind the network header, with a pseudo header. */
static void finish_transport(const struct packet *p, uint8_t protocol, size_t field)
{
	size_t bytes = p->at - p->transport;
	size_t addresses = p->is_ipv6 ? p->network + 8 : p->network + 12;
	uint8_t rest[4] = {0, protocol, (uint8_t)(bytes >> 8), (uint8_t)bytes};
	uint32_t sum = inet_sum(p->frame + addresses, p->is_ipv6 ? 32 : 8);

	set16(p, p->transport + field, 0);
	sum += (uint32_t)inet_sum(rest, 4) + inet_sum(p->frame + p->transport, (int)bytes);
	set_sum(p, p->transport + field, sum);
}

static void tcp_header(struct packet *p, const struct peer *peer, uint8_t flags)
{
	put16(p, peer->port);
	put16(p, peer->local_port);
	put32(p, peer->seq);
	put32(p, peer->ack);
	put8(p, 0x50);
	put8(p, flags);
	put16(p, 0x7fff);
	put32(p, 0);
}

size_t packet_segment(const struct peer *peer, uint8_t flags, uint8_t frame[PACKET_MAX])
{
	struct packet p = {.frame = frame};

	network(&p, peer, P_TCP);
	tcp_header(&p, peer, flags);
	finish_network(&p);
	finish_transport(&p, P_TCP, 16);
	return p.at;
}

/* ---- kinds ---- */

/* A small step, or any. */
static uint32_t take_step(struct input *in)
{
	uint8_t how = take8(in);

	if (how < 96)
		return 0;
	if (how < 160)
		return (uint32_t)(int8_t)take8(in);
	if (how < 236) /* back, or as far as a window goes */
		return how < 216 ? (uint32_t)(int16_t)take16(in) : take16(in);
	return take32(in);
}

static void make_raw(struct packet *p, struct input *in, const struct peer *peer)
{
	static const uint16_t types[] = {0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x05dc, 0};

	if (take8(in) & 1)
		ethernet(p, peer, types[take8(in) % (sizeof(types) / sizeof(types[0]))]);
	put_input(p, in, MTU);
}

static void make_ip4(struct packet *p, struct input *in, const struct peer *peer)
{
	uint8_t how = take8(in);

	ethernet(p, peer, 0x0800);
	ip4(p, peer, take8(in), in);
	put_input(p, in, MTU);
	if (how & 1)
		p->frame[p->network] = take8(in);
	finish_network(p);
	if (how & 2)
		set16(p, p->network + 2, take16(in));
	if (how & 4)
		memcpy(p->frame + p->network + 12, peer->address4[1], 4); /* from itself */
	if (how & 8)
		memset(p->frame + p->network + 16, 0xff, 4);
	finish_sum4(p);
}

/* Of few packets, so that pieces meet. */
static void make_fragment4(struct packet *p, struct input *in, const struct peer *peer)
{
	static const uint8_t protocols[] = {P_ICMP, P_TCP, P_UDP, 200};
	uint8_t how = take8(in);

	ethernet(p, peer, 0x0800);
	ip4(p, peer, protocols[how & 3], how & 4 ? in : NULL);
	put_input(p, in, MTU);
	if (how & 8) /* but for the last one they are of whole words */
		p->at = p->transport + ((p->at - p->transport) & ~(size_t)7);
	finish_network(p);
	set16(p, p->network + 4, how >> 6);
	set16(p, p->network + 6,
	      (how & 16 ? 0x2000u : 0) | (how & 32 ? take16(in) & 0x1fff : take8(in)));
	finish_sum4(p);
}

/* Options out of the input, or blocks of SACK around what the stack sends. */
static void put_tcp_options(struct packet *p, struct input *in, const struct peer *peer)
{
	uint8_t how = take8(in), blocks = how & 3;
	unsigned words = how % 11;

	if (how & 0x80) {
		words = 1 + 2 * blocks;
		put32(p, 0x01010500u + 2 + 8u * blocks);
		for (unsigned i = 0; i < 2 * blocks; i++)
			put32(p, peer->ack + take_step(in));
	} else {
		for (unsigned i = 0; i < words * 4u; i++)
			put8(p, take8(in));
	}
	p->frame[p->transport + 12] = (uint8_t)((5 + words) << 4);
}

static void make_tcp(struct packet *p, struct input *in, const struct peer *peer)
{
	uint8_t how = take8(in), flags = take8(in);

	network(p, peer, P_TCP);
	tcp_header(p, peer, how & 1 ? 0x10 : flags);
	if (how & 2) {
		uint32_t seq = peer->seq + take_step(in), ack = peer->ack + take_step(in);

		set16(p, p->transport + 4, seq >> 16);
		set16(p, p->transport + 6, seq);
		set16(p, p->transport + 8, ack >> 16);
		set16(p, p->transport + 10, ack);
	}
	if (how & 4)
		set16(p, p->transport + 14, take16(in));
	if (how & 8)
		put_tcp_options(p, in, peer);
	if (how & 16)
		put_input(p, in, MTU);
	if (how & 32)
		p->frame[p->transport + 12] = take8(in);
	if (how & 64)
		set16(p, p->transport + 18, take16(in));
	if (how & 128) /* another connection */
		set16(p, p->transport, take16(in));
	finish_network(p);
	finish_transport(p, P_TCP, 16);
}

static void make_udp(struct packet *p, struct input *in, const struct peer *peer)
{
	uint8_t how = take8(in);

	network(p, peer, P_UDP);
	put16(p, how & 1 ? take16(in) : 53);
	put16(p, how & 2 ? take16(in) : 7);
	put32(p, 0);
	put_input(p, in, MTU);
	set16(p, p->transport + 4, how & 4 ? take16(in) : p->at - p->transport);
	finish_network(p);
	if (!(how & 8))
		finish_transport(p, P_UDP, 6);
}

/* Errors quote a packet of the stack's. */
static void put_quote(struct packet *p, struct input *in, const struct peer *peer)
{
	struct peer reverse = *peer;
	struct packet q = {.frame = p->frame + p->at, .network = 0};

	memcpy(reverse.address4[0], peer->address4[1], 4);
	memcpy(reverse.address4[1], peer->address4[0], 4);
	memcpy(reverse.address6[0], peer->address6[1], 16);
	memcpy(reverse.address6[1], peer->address6[0], 16);
	reverse.port = peer->local_port;
	reverse.local_port = peer->port;
	if (peer->is_ipv6)
		ip6(&q, &reverse, take8(in) & 1 ? P_TCP : P_UDP, 64);
	else
		ip4(&q, &reverse, take8(in) & 1 ? P_TCP : P_UDP, NULL);
	tcp_header(&q, &reverse, 0x10);
	finish_network(&q);
	p->at += take8(in) % (q.at + 1);
}

static void make_icmp(struct packet *p, struct input *in, const struct peer *peer)
{
	uint8_t how = take8(in);

	ethernet(p, peer, 0x0800);
	ip4(p, peer, P_ICMP, how & 1 ? in : NULL);
	put8(p, how & 2 ? take8(in) : how >> 4);
	put8(p, take8(in));
	put16(p, 0);
	put32(p, how & 4 ? take32(in) : 0);
	if (how & 8)
		put_quote(p, in, peer);
	else
		put_input(p, in, MTU);
	finish_network(p);
	set16(p, p->transport + 2, 0);
	set_sum(p, p->transport + 2,
	        inet_sum(p->frame + p->transport, (int)(p->at - p->transport)));
}

/* A chain of extension headers with something behind it. */
static void make_ip6(struct packet *p, struct input *in, const struct peer *peer)
{
	static const uint8_t nexts[] = {0, 43, 44, 51, 59, 60, P_TCP, P_UDP, P_ICMP6, 135, 200};
	uint8_t how = take8(in), count = take8(in) % 8;

	ethernet(p, peer, 0x86dd);
	ip6(p, peer, nexts[take8(in) % sizeof(nexts)], how & 1 ? take8(in) : 64);
	for (unsigned i = 0; i < count && p->at < 1000; i++) {
		uint8_t words = take8(in);

		put8(p, nexts[take8(in) % sizeof(nexts)]);
		put8(p, words < 250 ? words % 3 : words);
		for (unsigned k = 0; k < (words % 3) * 8u + 6; k++)
			put8(p, take8(in));
	}
	put_input(p, in, MTU);
	finish_network(p);
	if (how & 2)
		set16(p, p->network + 4, take16(in));
	if (how & 4)
		memcpy(p->frame + p->network + 8, peer->address6[1], 16);
}

static void make_fragment6(struct packet *p, struct input *in, const struct peer *peer)
{
	static const uint8_t protocols[] = {P_ICMP6, P_TCP, P_UDP, P_FRAGMENT};
	uint8_t how = take8(in);

	ethernet(p, peer, 0x86dd);
	ip6(p, peer, P_FRAGMENT, 64);
	put8(p, protocols[how & 3]);
	put8(p, how & 4 ? take8(in) : 0);
	put16(p, (how & 32 ? take16(in) & 0xfff8u : take8(in) * 8u) | (how & 16 ? 1 : 0));
	put32(p, how >> 6);
	put_input(p, in, MTU);
	if (how & 8)
		p->at = p->transport + ((p->at - p->transport) & ~(size_t)7);
	finish_network(p);
}

/* Echoes, errors, multicast listeners, neighbours, routers, and their options. */
static void make_icmp6(struct packet *p, struct input *in, const struct peer *peer)
{
	static const uint8_t types[] = {1,   2,   3,   4,   128, 129, 130, 131,
	                                132, 133, 134, 135, 136, 137, 143};
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
	uint8_t how = take8(in), type = types[take8(in) % sizeof(types)];

	ethernet(p, peer, 0x86dd);
	ip6(p, peer, P_ICMP6, how & 1 ? take8(in) : 255);
	if (how & 2)
		memcpy(p->frame + p->network + 24, all_nodes, 16);
	put8(p, type);
	put8(p, how & 4 ? take8(in) : 0);
	put16(p, 0);
	put32(p, how & 8 ? take32(in) : 0x40000000);
	if (type < 128)
		put_quote(p, in, peer);
	if (how & 16) /* target */
		put(p, peer->address6[how >> 5 & 1], 16);
	if (how & 64) /* an option */
		for (unsigned n = take8(in) % 4; n > 0; n--) {
			put8(p, take8(in) % 32);
			put8(p, take8(in) % 8);
			put_input(p, in, 64);
		}
	put_input(p, in, MTU);
	finish_network(p);
	finish_transport(p, P_ICMP6, 2);
}

static void make_arp(struct packet *p, struct input *in, const struct peer *peer)
{
	uint8_t how = take8(in);

	ethernet(p, peer, 0x0806);
	put16(p, how & 1 ? take16(in) : 1);
	put16(p, how & 2 ? take16(in) : 0x0800);
	put8(p, how & 4 ? take8(in) : 6);
	put8(p, how & 8 ? take8(in) : 4);
	put16(p, how & 16 ? take16(in) : 1 + (how >> 7));
	put(p, peer->hardware, 6);
	put32(p, how & 32 ? take32(in) : 0x0a00004e);
	put(p, peer->mac, 6);
	put(p, peer->address4[1], 4);
	if (how & 64)
		p->at = p->network + take8(in) % (p->at - p->network);
}

static void make_dhcp(struct packet *p, struct input *in, const struct peer *peer)
{
	uint8_t how = take8(in);
	struct peer server = *peer;

	server.is_ipv6 = false;
	network(p, &server, P_UDP);
	memset(p->frame + p->network + 16, 0xff, 4);
	put16(p, 67);
	put16(p, 68);
	put32(p, 0);
	put32(p, how & 1 ? take32(in) : 0x02010600);
	put32(p, how & 2 ? take32(in) : peer->dhcp_id);
	memset(p->frame + p->at, 0, 228);
	memcpy(p->frame + p->at + 8, "\x0a\0\0\x63", 4);
	memcpy(p->frame + p->at + 20, peer->mac, 6);
	p->at += 228;
	put32(p, 0x63825363);
	put8(p, 53);
	put8(p, 1);
	put8(p, how & 4 ? take8(in) : 2 + (how & 8 ? 3 : 0));
	if (how & 16)
		put(p, "\x36\4\x0a\0\0\x4d\x33\4\0\0\1\0\1\4\xff\xff\xff\0", 18);
	put_input(p, in, MTU);
	if (how & 32)
		put8(p, 255);
	if (how & 64)
		p->at -= take16(in) % (p->at - p->transport - UDP);
	set16(p, p->transport + 4, p->at - p->transport);
	finish_network(p);
	finish_transport(p, P_UDP, 6);
}

size_t packet_make(enum packet_kind kind, struct input *in, const struct peer *peer,
                   uint8_t frame[PACKET_MAX])
{
	static void (*const makers[PACKET_KINDS])(struct packet *, struct input *,
	                                          const struct peer *) = {
		[PACKET_RAW] = make_raw,
		[PACKET_IP4] = make_ip4,
		[PACKET_FRAGMENT4] = make_fragment4,
		[PACKET_TCP] = make_tcp,
		[PACKET_UDP] = make_udp,
		[PACKET_ICMP] = make_icmp,
		[PACKET_IP6] = make_ip6,
		[PACKET_FRAGMENT6] = make_fragment6,
		[PACKET_ICMP6] = make_icmp6,
		[PACKET_ARP] = make_arp,
		[PACKET_DHCP] = make_dhcp,
	};
	struct packet p = {.frame = frame};

	makers[kind](&p, in, peer);
	return p.at;
}
