/* SPDX-License-Identifier: BSD-2-Clause */
/* See hairpin.h: RFC 826, 791, 1624. */
#include <string.h>

#include "hairpin.h"

enum { ETHER = 14, TYPE = 12 };
enum { ARP_BYTES = 28, ARP_OPERATION = 7, ARP_SENDER = 8, ARP_SENDER_IP = 14, ARP_TARGET_IP = 24 };
enum { IP_BYTES = 20, IP_PROTOCOL = 9, IP_SUM = 10, IP_SOURCE = 12, IP_TARGET = 16 };
enum { TCP_BYTES = 20, TCP_SUM = 16, PROTOCOL_TCP = 6 };
#define HOST_A 2
#define HOST_B 3

static const uint8_t others_mac[6] = {0x02, 'o', 't', 'h', 'e', 'r'};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static bool is_other(const uint8_t *address)
{
	return address[3] == HOST_A || address[3] == HOST_B;
}

/* RFC 1624, 3: a word under a checksum has changed. */
static void update_sum(uint8_t *sum, uint16_t before, uint16_t after)
{
	uint32_t s = (uint16_t)~get16(sum) + (uint32_t)(uint16_t)~before + after;

	s = (s & 0xffff) + (s >> 16);
	s = ~((s & 0xffff) + (s >> 16));
	sum[0] = (uint8_t)(s >> 8);
	sum[1] = (uint8_t)s;
}

/* The last byte of an address, under two checksums. */
static void set_host(uint8_t *ip, size_t at, uint8_t host)
{
	uint16_t before = get16(ip + at + 2), after;

	ip[at + 3] = host;
	after = get16(ip + at + 2);
	update_sum(ip + IP_SUM, before, after);
	update_sum(ip + IP_BYTES + TCP_SUM, before, after);
}

static bool turn_arp(uint8_t *arp)
{
	uint8_t asked[4];

	if (arp[ARP_OPERATION] != 1 || !is_other(arp + ARP_TARGET_IP))
		return false;
	memcpy(asked, arp + ARP_TARGET_IP, 4);
	memcpy(arp + 18, arp + ARP_SENDER, 10); /* who asked is whom it is for */
	memcpy(arp + ARP_SENDER, others_mac, 6);
	memcpy(arp + ARP_SENDER_IP, asked, 4);
	arp[ARP_OPERATION] = 2;
	return true;
}

static bool turn_ip(uint8_t *ip)
{
	uint8_t own = ip[IP_SOURCE + 3], target = ip[IP_TARGET + 3];

	if (ip[0] != 0x45 || ip[IP_PROTOCOL] != PROTOCOL_TCP || !is_other(ip + IP_TARGET))
		return false;
	set_host(ip, IP_SOURCE, target == HOST_A ? HOST_B : HOST_A);
	set_host(ip, IP_TARGET, own);
	return true;
}

bool hairpin_turn(uint8_t *frame, size_t bytes)
{
	memcpy(frame, frame + 6, 6);
	memcpy(frame + 6, others_mac, 6);
	if (get16(frame + TYPE) == 0x0806 && bytes >= ETHER + ARP_BYTES)
		return turn_arp(frame + ETHER);
	return get16(frame + TYPE) == 0x0800 && bytes >= ETHER + IP_BYTES + TCP_BYTES &&
	       turn_ip(frame + ETHER);
}
