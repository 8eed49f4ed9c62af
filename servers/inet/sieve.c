/* SPDX-License-Identifier: BSD-2-Clause */
/* What does not reach lwIP (sieve.h). */
#include <arpa/inet.h>
#include <string.h>

#include "lwip/lwip_hooks.h"
#include "lwip/prot/ip.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "recover.h"
#include "sack.h"
#include "sieve.h"
#include "sys/sys.h"

enum { ETHER_BYTES = 14, ARP_BYTES = 28, ARP_SENDER = 8, IP4_BYTES = 20, IP6_BYTES = 40 };
enum { IP4_PROTOCOL = 9, IP4_SOURCE = 12, IP6_SOURCE = 8 };
enum { NEXT_HOP_BY_HOP = 0, NEXT_ROUTING = 43, NEXT_FRAGMENT = 44, NEXT_AH = 51, NEXT_NONE = 59 };
enum { NEXT_OPTIONS = 60, NEXT_ICMP6 = 58 };
enum { ICMP6_TOO_BIG = 2, ICMP6_SOLICIT_ROUTER = 133, ICMP6_SOLICIT_NEIGHBOUR = 135 };
enum { ICMP6_ADVERTISE_NEIGHBOUR = 136, ICMP6_REDIRECT = 137, ND_NEIGHBOUR_BYTES = 24 };
enum { ND_SOURCE_ADDRESS = 1, ND_TARGET_ADDRESS = 2 };
#define ICMP6_BYTES      8u
#define IP6_MTU_MIN      1280u
/* Linux' tcp_min_snd_mss: smaller ones are only good for making us send many packets. */
#define MSS_MIN          48u
/* RFC 5961, 7: answers to what is not acceptable, a second. */
#define CHALLENGES_MAX   200u
#define SECOND_NS        1000000000ull
/* Segments that one connection may keep out of order: a window of full ones, each in two pieces... */
#define OUT_OF_ORDER_MAX 1536u
/* ... and when few are left for everybody. */
#define OUT_OF_ORDER_FEW 16u

static struct sieve_counts counts;
static uint64_t t_second_ns;
static unsigned challenges;

void sieve_get_counts(struct sieve_counts *c)
{
	*c = counts;
}

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* ---- frames ---- */

static bool is_own4(const uint8_t *address)
{
	ip4_addr_t a;
	const struct netif *n;

	memcpy(&a.addr, address, sizeof(a.addr));
	if (ip4_addr_isloopback(&a))
		return true;
	NETIF_FOREACH(n)
	{
		if (!ip4_addr_isany_val(*netif_ip4_addr(n)) && ip4_addr_cmp(netif_ip4_addr(n), &a))
			return true;
	}
	return false;
}

/* Nobody can be answered there: only what asks for an address and IGMP come from it (RFC 1122, 3.2.1.3). */
static bool is_nowhere4(const uint8_t *packet)
{
	static const uint8_t nowhere[4];

	return memcmp(packet + IP4_SOURCE, nowhere, sizeof(nowhere)) == 0 &&
	       packet[IP4_PROTOCOL] != IP_PROTO_UDP && packet[IP4_PROTOCOL] != IP_PROTO_IGMP;
}

static bool is_own6(const uint8_t *address)
{
	ip6_addr_t a = {.zone = IP6_NO_ZONE};
	const struct netif *n;

	memcpy(a.addr, address, sizeof(a.addr));
	if (ip6_addr_isloopback(&a))
		return true;
	NETIF_FOREACH(n)
	{
		for (int i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++)
			if (!ip6_addr_isinvalid(netif_ip6_addr_state(n, i)) &&
			    ip6_addr_cmp_zoneless(netif_ip6_addr(n, i), &a))
				return true;
	}
	return false;
}

static bool is_extension(uint8_t next)
{
	return next == NEXT_HOP_BY_HOP || next == NEXT_ROUTING || next == NEXT_FRAGMENT ||
	       next == NEXT_AH || next == NEXT_OPTIONS;
}

static size_t extension_bytes(uint8_t next, const uint8_t *header)
{
	if (next == NEXT_FRAGMENT)
		return 8;
	return next == NEXT_AH ? (header[1] + 2u) * 4 : (header[1] + 1u) * 8;
}

/* Bytes of a neighbour discovery message before its options; 0: it is another message. */
static size_t discovery_bytes(uint8_t type)
{
	static const uint8_t bytes[] = {8, 16, 24, 24, 40};

	return type >= ICMP6_SOLICIT_ROUTER && type <= ICMP6_REDIRECT
	               ? bytes[type - ICMP6_SOLICIT_ROUTER]
	               : 0;
}

/* RFC 4861, 4.6: none is empty, none ends behind the message; a link-layer address is that of one station. */
static bool is_option_sane(const uint8_t *option, size_t head_bytes, size_t bytes)
{
	if (option[1] == 0 || option[1] * 8u > bytes)
		return false;
	if (option[0] != ND_SOURCE_ADDRESS && option[0] != ND_TARGET_ADDRESS)
		return true;
	return option[1] == 1 && head_bytes > 2 && !(option[2] & 1);
}

static bool are_options_sane(const uint8_t *message, size_t at, size_t head_bytes, size_t bytes)
{
	while (at < bytes && at + 2 <= head_bytes) {
		if (!is_option_sane(message + at, head_bytes - at, bytes - at))
			return false;
		at += message[at + 1] * 8u;
	}
	return true;
}

/* lwIP takes the first option of solicitations and advertisements for an address, whatever it is. */
static bool is_address_first(const uint8_t *message, size_t head_bytes, size_t bytes)
{
	const uint8_t *option = message + ND_NEIGHBOUR_BYTES;

	if (message[0] != ICMP6_SOLICIT_NEIGHBOUR && message[0] != ICMP6_ADVERTISE_NEIGHBOUR)
		return true;
	return bytes <= ND_NEIGHBOUR_BYTES || head_bytes <= ND_NEIGHBOUR_BYTES ||
	       option[0] == ND_SOURCE_ADDRESS || option[0] == ND_TARGET_ADDRESS;
}

static bool is_icmp6_sane(const uint8_t *message, size_t head_bytes, size_t bytes)
{
	size_t options = discovery_bytes(message[0]);

	if (message[0] == ICMP6_TOO_BIG)
		return get32(message + 4) >= IP6_MTU_MIN;
	return options == 0 || (is_address_first(message, head_bytes, bytes) &&
	                        are_options_sane(message, options, head_bytes, bytes));
}

/* Headers up to the transport's are in what was copied, and do not say what must not be believed. */
static bool is_chain_sane(const uint8_t *packet, size_t head_bytes, size_t packet_bytes)
{
	size_t at = IP6_BYTES, end = IP6_BYTES + (size_t)get16(packet + 4);
	bool is_fragment = false;
	uint8_t next = packet[6];

	while (is_extension(next)) {
		const uint8_t *header = packet + at;

		if (at + 8 > head_bytes)
			return false;
		if (next == NEXT_FRAGMENT && (get16(header + 2) & 0xfff8) != 0)
			return true; /* the chain was in the first one */
		is_fragment |= next == NEXT_FRAGMENT;
		at += extension_bytes(next, header);
		next = header[0];
	}
	if (end > packet_bytes)
		end = packet_bytes;
	if (next == NEXT_NONE)
		return true;
	if (next != NEXT_ICMP6)
		return at <= head_bytes;
	if (at + ICMP6_BYTES > end)
		return true; /* lwIP refuses it */
	if (at + ICMP6_BYTES > head_bytes)
		return false;
	if (is_fragment && discovery_bytes(packet[at]) != 0) /* RFC 6980 */
		return false;
	return is_icmp6_sane(packet + at, head_bytes - at, end - at);
}

static bool is_sane(const uint8_t *frame, size_t head_bytes, size_t frame_bytes)
{
	const uint8_t *packet = frame + ETHER_BYTES;
	size_t left = head_bytes - ETHER_BYTES;

	switch (get16(frame + 12)) {
	case 0x0806: /* RFC 1812, 3.3.2: no neighbour has a group's address */
		return left >= ARP_BYTES && !(packet[ARP_SENDER] & 1);
	case 0x0800:
		return left >= IP4_BYTES && !is_own4(packet + IP4_SOURCE) && !is_nowhere4(packet);
	case 0x86dd:
		/* Who defends an address that we want sends from it. */
		return left >= IP6_BYTES &&
		       (packet[6] == NEXT_ICMP6 || !is_own6(packet + IP6_SOURCE)) &&
		       is_chain_sane(packet, left, frame_bytes - ETHER_BYTES);
	default: return true; /* lwIP knows no others */
	}
}

bool sieve_admits(const uint8_t *frame, size_t head_bytes, size_t frame_bytes)
{
	bool is_good = head_bytes >= ETHER_BYTES && is_sane(frame, head_bytes, frame_bytes);

	counts.frames += !is_good;
	return is_good;
}

/* ---- segments ---- */

/* No room for a full segment of data behind headers: raised. On other segments than a SYN (RFC 9293, 3.7.1)
 * it would change what is already cut: blanked out. */
static void tame_options(uint8_t *options, unsigned len, bool is_syn)
{
	for (unsigned at = 0; at + 1 < len && options[at] != LWIP_TCP_OPT_EOL;) {
		if (options[at] == LWIP_TCP_OPT_NOP) {
			at++;
			continue;
		}
		if (options[at + 1] < 2 || at + options[at + 1] > len)
			return;
		if (options[at] == LWIP_TCP_OPT_MSS && options[at + 1] == LWIP_TCP_OPT_LEN_MSS) {
			if (!is_syn)
				memset(options + at, LWIP_TCP_OPT_NOP, LWIP_TCP_OPT_LEN_MSS);
			else if (get16(options + at + 2) < MSS_MIN)
				memcpy(options + at + 2, (uint8_t[]){0, MSS_MIN}, 2);
			at += LWIP_TCP_OPT_LEN_MSS;
			continue;
		}
		at += options[at + 1];
	}
}

/* As Linux does: old ones may pass, lwIP cuts them and answers; what begins beyond the window may not. lwIP
 * queues what is out of order without cutting it, and stumbles over it later. */
static bool is_in_window(const struct tcp_pcb *pcb, u32_t seq, u32_t len)
{
	u32_t edge = pcb->rcv_nxt + pcb->rcv_wnd;

	if (TCP_SEQ_GT(seq, edge) || TCP_SEQ_LT(seq + len, pcb->rcv_nxt - TCP_WND))
		return false;
	return !TCP_SEQ_GT(seq, pcb->rcv_nxt) || !TCP_SEQ_GT(seq + len, edge);
}

/* lwIP cuts data into halves of the largest window that it has seen, and trips when that is small at first and
 * then less small. It splits what does not fit into the window anyway. */
static void widen(struct tcp_pcb *pcb)
{
	if (pcb->state > SYN_SENT && pcb->snd_wnd_max < 2 * TCP_MSS)
		pcb->snd_wnd_max = 2 * TCP_MSS;
}

/* RFC 5961, 5.2. */
static bool is_ack_sane(const struct tcp_pcb *pcb, u32_t ack)
{
	return TCP_SEQ_BETWEEN(ack, pcb->lastack - pcb->snd_wnd_max, pcb->snd_nxt);
}

/* A FIN right behind data that fill the window, or at a closed one: it takes no memory, and others take it. lwIP would
 * drop it, and the peer repeat it a second later. */
static void make_room_for_fin(struct tcp_pcb *pcb, u32_t seq, u32_t bytes)
{
	if (seq == pcb->rcv_nxt && bytes == pcb->rcv_wnd)
		pcb->rcv_wnd++;
}

static err_t challenge(struct tcp_pcb *pcb)
{
	uint64_t now = now_ns();

	if (now - t_second_ns >= SECOND_NS) {
		t_second_ns = now;
		challenges = 0;
	}
	counts.segments++;
	if (challenges < CHALLENGES_MAX) {
		challenges++;
		counts.challenges++;
		(void)tcp_send_empty_ack(pcb);
	}
	return ERR_VAL;
}

static err_t drop(void)
{
	counts.segments++;
	return ERR_VAL;
}

err_t sieve_segment(struct tcp_pcb *pcb, struct tcp_hdr *header, u16_t options, u16_t options_first,
                    u8_t *options_rest, struct pbuf *p)
{
	unsigned flags = TCPH_FLAGS(header);
	u32_t len = p->tot_len + ((flags & TCP_FIN) != 0);

	(void)options_first;
	if (options_rest != NULL) /* in memory that a driver may write */
		return drop();
	tame_options((uint8_t *)(header + 1), options, (flags & TCP_SYN) != 0);
	widen(pcb);
	if (pcb->state >= SYN_SENT && !(flags & TCP_RST))
		recover_segment(pcb, header, len);
	/* RFC 5961, 3 and 4, are lwIP's. */
	if (pcb->state < SYN_RCVD || pcb->state == TIME_WAIT || (flags & (TCP_RST | TCP_SYN)) != 0)
		return ERR_OK;
	if (!(flags & TCP_ACK))
		return drop();
	if (!is_in_window(pcb, header->seqno, len))
		return challenge(pcb);
	if (pcb->state != SYN_RCVD && !is_ack_sane(pcb, header->ackno))
		return challenge(pcb);
	sack_segment(pcb, header, options, len);
	if (flags & TCP_FIN)
		make_room_for_fin(pcb, header->seqno, p->tot_len);
	/* RFC 5681, 4.2: for every second segment. Devices put many into one. */
	if (p->tot_len >= 2 * pcb->mss)
		tcp_ack_now(pcb);
	return ERR_OK;
}

u16_t sieve_out_of_order_limit(const struct tcp_pcb *pcb)
{
	unsigned used = (unsigned)lwip_stats.memp[MEMP_TCP_SEG]->used;

	(void)pcb;
	return used < MEMP_NUM_TCP_SEG / 2 ? OUT_OF_ORDER_MAX : OUT_OF_ORDER_FEW;
}
