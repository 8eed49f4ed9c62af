/* SPDX-License-Identifier: BSD-2-Clause */
/* Merging received segments (merge.h). Headers are in private copies; payload is not looked at. */
#include <string.h>

#include "ack.h"
#include "frame.h"
#include "lwip/inet_chksum.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/ip6.h"
#include "lwip/prot/tcp.h"
#include "merge.h"
#include "rxpool.h"

#define BYTES_MAX 60000u /* lwIP counts in 16 bits */
#define LOOK_AT   4u     /* connections: lwIP has the last ones that received something in front */

/* As lwIP reads them. */
static void get_addresses(const struct iface *i, const uint8_t *frame, const struct segment *s,
                          ip_addr_t *from, ip_addr_t *to)
{
	struct ip_hdr ip4;
	struct ip6_hdr ip6;

	if (!s->is_ipv6) {
		memcpy(&ip4, frame + s->tcp_offset - sizeof(ip4), sizeof(ip4));
		ip_addr_copy_from_ip4(*from, ip4.src);
		ip_addr_copy_from_ip4(*to, ip4.dest);
		return;
	}
	memcpy(&ip6, frame + s->tcp_offset - sizeof(ip6), sizeof(ip6));
	ip_addr_copy_from_ip6_packed(*from, ip6.src);
	ip_addr_copy_from_ip6_packed(*to, ip6.dest);
	ip6_addr_assign_zone(ip_2_ip6(from), IP6_UNICAST, &i->netif);
	ip6_addr_assign_zone(ip_2_ip6(to), IP6_UNKNOWN, &i->netif);
}

static const struct tcp_pcb *find_pcb(const struct iface *i, const uint8_t *frame,
                                      const struct segment *s)
{
	struct tcp_hdr tcp;
	ip_addr_t from, to;
	const struct tcp_pcb *pcb = tcp_active_pcbs;

	get_addresses(i, frame, s, &from, &to);
	memcpy(&tcp, frame + s->tcp_offset, sizeof(tcp));
	for (unsigned n = 0; pcb != NULL && n < LOOK_AT; n++, pcb = pcb->next)
		if (pcb->local_port == lwip_ntohs(tcp.dest) &&
		    pcb->remote_port == lwip_ntohs(tcp.src) &&
		    ip_addr_cmp(&pcb->remote_ip, &from) && ip_addr_cmp(&pcb->local_ip, &to) &&
		    (pcb->netif_idx == NETIF_NO_INDEX ||
		     pcb->netif_idx == netif_get_index(&i->netif)))
			return pcb;
	return NULL;
}

/* As lwIP would look at it; the header of IPv4 is not the device's to verify. */
static bool are_sums_right(const struct iface *i, struct pbuf *p, const struct segment *s,
                           bool is_checked)
{
	ip_addr_t from, to;
	uint16_t sum;

	if (!segment_is_header_right(p->payload, s))
		return false;
	if (is_checked)
		return true;
	get_addresses(i, p->payload, s, &from, &to);
	(void)pbuf_remove_header(p, s->tcp_offset);
	sum = ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &from, &to);
	(void)pbuf_add_header_force(p, s->tcp_offset);
	return sum == 0;
}

static bool begin(struct iface *i, struct pbuf *p, const struct segment *s, bool is_checked)
{
	const struct tcp_pcb *pcb;

	if (i->acks < FRAME_ACKS_PLAIN)
		return false;
	pcb = find_pcb(i, p->payload, s);
	if (pcb == NULL || pcb->state != ESTABLISHED || pcb->rcv_nxt != s->seq ||
	    pcb->ooseq != NULL || pcb->refused_data != NULL || !are_sums_right(i, p, s, is_checked))
		return false;
	i->merge = (struct iface_merge){.first = p,
	                                .last = p,
	                                .segment = *s,
	                                .segments = 1,
	                                .payload_bytes = s->payload_bytes,
	                                .room = pcb->rcv_wnd};
	while (i->merge.last->next != NULL)
		i->merge.last = i->merge.last->next;
	return true;
}

/* The payload alone, in as few pieces as there can be. */
static struct pbuf *strip(struct pbuf *p, const struct segment *s)
{
	struct pbuf *body;

	(void)pbuf_remove_header(p, s->header_bytes);
	rxpool_join(p);
	body = p->next;
	if (p->len > 0 || body == NULL)
		return p;
	p->next = NULL;
	p->tot_len = 0;
	pbuf_free(p);
	return body;
}

static bool append(struct iface *i, struct pbuf *p, const struct segment *s, bool is_checked)
{
	struct iface_merge *m = &i->merge;
	uint32_t bytes = m->payload_bytes + s->payload_bytes;

	if (bytes > BYTES_MAX || bytes > m->room ||
	    !segment_follows(m->first->payload, &m->segment, m->segment.seq + m->payload_bytes,
	                     p->payload, s) ||
	    !are_sums_right(i, p, s, is_checked))
		return false;
	m->has_push |= segment_has_push(p->payload, s);
	m->payload_bytes = bytes;
	m->last->next = strip(p, s);
	while (m->last->next != NULL)
		m->last = m->last->next;
	m->segments++;
	i->rx_merged++;
	return true;
}

bool merge_take(struct iface *i, struct pbuf *p, bool is_checked)
{
	struct segment s;

	if (!segment_parse(p->payload, p->len, p->tot_len, &s) || s.payload_bytes == 0)
		return false;
	if (i->merge.first != NULL) {
		if (append(i, p, &s, is_checked))
			return true;
		merge_flush(i);
	}
	return begin(i, p, &s, is_checked);
}

static void finish(struct iface_merge *m)
{
	uint32_t left = m->segment.header_bytes + m->payload_bytes;

	for (struct pbuf *p = m->first; p != NULL; p = p->next) {
		p->tot_len = (u16_t)left;
		left -= p->len;
	}
	segment_stretch(m->first->payload, &m->segment, m->payload_bytes, m->has_push);
}

void merge_flush(struct iface *i)
{
	struct iface_merge m = i->merge;

	i->merge.first = NULL;
	if (m.first == NULL)
		return;
	if (m.segments > 1)
		finish(&m);
	ack_stands_for(m.segments);
	rxpool_deliver(i, m.first, true);
	ack_stands_for(1);
}

void merge_drop(struct iface *i)
{
	if (i->merge.first != NULL)
		pbuf_free(i->merge.first);
	i->merge.first = NULL;
}
