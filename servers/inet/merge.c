/* SPDX-License-Identifier: BSD-2-Clause */
/* Received segments in one piece (merge.h). It looks into lwIP's connections and changes nothing but their
 * delayed acknowledgement. */
#include <string.h>

#include "inetsum/inetsum.h"
#include "lwip/inet_chksum.h"
#include "lwip/priv/tcp_priv.h"
#include "merge.h"
#include "retrans.h"
#include "segments.h"

enum { ETHER_BYTES = 14, IP4_BYTES = 20, IP6_BYTES = 40, IP4_SOURCE = 12, IP6_SOURCE = 8 };
/* A pbuf counts its bytes in 16 bits. */
#define FRAME_MAX        UINT16_MAX
/* lwIP moves a connection that receives to the front of its list: one that streams is among the first. */
#define CONNECTIONS_SEEN 4
#define SETTLED_BYTES    (2u << 20)
/* EXT_MERGE_FROM of a connection: 0 at first, HAS_SETTLED, or FROM_IS_SET and a sequence number. */
#define HAS_SETTLED      1ul
#define FROM_IS_SET      (1ul << 32)

static struct {
	struct iface *owner; /* NULL: nothing is held */
	struct pbuf *first, *last;
	struct segment segment; /* of the first frame */
	uint32_t payload_bytes, room_bytes;
	unsigned count;
	bool is_push;
} held;
static bool is_open;

static void pass_up(struct iface *i, struct pbuf *p, bool is_checked)
{
	uint16_t mask = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;

	i->netif.chksum_flags = (uint16_t)(is_checked ? i->netif.chksum_flags & ~mask
	                                              : i->netif.chksum_flags | mask);
	if (i->netif.input(p, &i->netif) != ERR_OK)
		pbuf_free(p);
}

static bool is_for(const struct tcp_pcb *pcb, const uint8_t *frame, const struct segment *s)
{
	const uint8_t *ip = frame + ETHER_BYTES;
	uint16_t ports[2] = {lwip_htons(pcb->remote_port), lwip_htons(pcb->local_port)};

	if (memcmp(frame + s->tcp_offset, ports, sizeof(ports)) != 0 ||
	    (bool)IP_IS_V6(&pcb->remote_ip) != s->is_ipv6)
		return false;
	if (s->is_ipv6)
		return memcmp(ip + IP6_SOURCE, ip_2_ip6(&pcb->remote_ip)->addr, 16) == 0 &&
		       memcmp(ip + IP6_SOURCE + 16, ip_2_ip6(&pcb->local_ip)->addr, 16) == 0;
	return memcmp(ip + IP4_SOURCE, &ip_2_ip4(&pcb->remote_ip)->addr, 4) == 0 &&
	       memcmp(ip + IP4_SOURCE + 4, &ip_2_ip4(&pcb->local_ip)->addr, 4) == 0;
}

static struct tcp_pcb *find(const uint8_t *frame, const struct segment *s)
{
	struct tcp_pcb *pcb = tcp_active_pcbs;

	for (unsigned n = 0; pcb != NULL && n < CONNECTIONS_SEEN; n++, pcb = pcb->next)
		if (is_for(pcb, frame, s))
			return pcb;
	return NULL;
}

/* The chain is as lwIP wants chains: each pbuf knows the bytes from itself on. */
static void count_chain(struct pbuf *first, uint32_t bytes)
{
	for (struct pbuf *q = first; q != NULL; q = q->next) {
		q->tot_len = (u16_t)bytes;
		bytes -= q->len;
	}
}

/* As if it were the second segment: two full ones are acknowledged at once (RFC 9293, 3.8.6.3). */
static void acknowledge_at_once(void)
{
	struct tcp_pcb *pcb = find(held.first->payload, &held.segment);

	if (pcb != NULL)
		tcp_set_flags(pcb, TF_ACK_DELAY);
}

static void flush(void)
{
	struct iface *i = held.owner;

	if (i == NULL)
		return;
	held.owner = NULL;
	if (held.count > 1) {
		segment_stretch(held.first->payload, &held.segment, held.payload_bytes,
		                held.is_push);
		count_chain(held.first, held.segment.header_bytes + held.payload_bytes);
		acknowledge_at_once();
	}
	pass_up(i, held.first, true);
}

void merge_begin(void)
{
	is_open = true;
}

void merge_end(void)
{
	flush();
	is_open = false;
}

void merge_forget(const struct iface *i)
{
	if (held.owner != i)
		return;
	held.owner = NULL;
	count_chain(held.first, held.segment.header_bytes + held.payload_bytes);
	pbuf_free(held.first);
}

/* ---- is it what a connection waits for? ---- */

/* Many senders let their window grow by the number of acknowledgements, so they get one for each second
 * segment until so much has come without a hole. */
static bool has_settled(struct tcp_pcb *pcb, bool is_in_order)
{
	uintptr_t from = (uintptr_t)tcp_ext_arg_get(pcb, EXT_MERGE_FROM);

	if (from == HAS_SETTLED && is_in_order)
		return true;
	if (from <= HAS_SETTLED || !is_in_order)
		from = FROM_IS_SET | (u32_t)(pcb->rcv_nxt + SETTLED_BYTES);
	else if (TCP_SEQ_GEQ(pcb->rcv_nxt, (u32_t)from))
		from = HAS_SETTLED;
	tcp_ext_arg_set(pcb, EXT_MERGE_FROM, (void *)from);
	return from == HAS_SETTLED;
}

static bool is_next(struct tcp_pcb *pcb, const struct segment *s)
{
	if (pcb->state != ESTABLISHED || s->payload_bytes == 0)
		return false;
	return has_settled(pcb, pcb->ooseq == NULL && s->seq == pcb->rcv_nxt) &&
	       s->payload_bytes <= pcb->rcv_wnd;
}

/* lwIP could not check the parts of what was merged. */
static bool is_right(struct pbuf *p, const struct segment *s, const struct tcp_pcb *pcb,
                     bool is_checked)
{
	u16_t sum;

	if (!s->is_ipv6 && inet_sum((const uint8_t *)p->payload + ETHER_BYTES, IP4_BYTES) != 0xffff)
		return false;
	if (is_checked)
		return true;
	if (pbuf_remove_header(p, s->tcp_offset) != 0)
		return false;
	sum = ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &pcb->remote_ip, &pcb->local_ip);
	(void)pbuf_add_header_force(p, s->tcp_offset);
	return sum == 0;
}

/* ---- frames ---- */

static void hold(struct iface *i, struct pbuf *p, const struct segment *s,
                 const struct tcp_pcb *pcb)
{
	uint32_t room = FRAME_MAX - s->header_bytes;

	held.owner = i;
	held.first = p;
	held.last = p;
	while (held.last->next != NULL)
		held.last = held.last->next;
	held.segment = *s;
	held.payload_bytes = s->payload_bytes;
	held.room_bytes = room < pcb->rcv_wnd ? room : pcb->rcv_wnd;
	held.count = 1;
	held.is_push = segment_has_push(p->payload, s);
}

static bool fits(const struct iface *i, const struct pbuf *p, const struct segment *s)
{
	uint32_t next_seq = held.segment.seq + held.payload_bytes;

	return held.owner == i && s->payload_bytes > 0 &&
	       held.payload_bytes + s->payload_bytes <= held.room_bytes &&
	       segment_follows(held.first->payload, &held.segment, next_seq, p->payload, s);
}

/* p's payload goes to the end of what is held. */
static void append(struct pbuf *p, const struct segment *s)
{
	held.is_push = held.is_push || segment_has_push(p->payload, s);
	held.payload_bytes += s->payload_bytes;
	held.count++;
	p = pbuf_free_header(p, s->header_bytes);
	held.last->next = p;
	while (held.last->next != NULL)
		held.last = held.last->next;
}

void merge_input(struct iface *i, struct pbuf *p, bool is_checked)
{
	struct segment s;
	struct tcp_pcb *pcb = NULL;
	bool is_ours = is_open && segment_parse(p->payload, p->len, p->tot_len, &s) &&
	               (pcb = find(p->payload, &s)) != NULL && is_right(p, &s, pcb, is_checked);

	if (is_ours && fits(i, p, &s)) {
		append(p, &s);
		return;
	}
	flush();
	/* lwIP has seen what was before: now it may be what comes next, or the connection may be gone. */
	if (is_ours && find(p->payload, &s) == pcb && is_next(pcb, &s))
		hold(i, p, &s, pcb);
	else
		pass_up(i, p, is_checked || is_ours);
}
