/* SPDX-License-Identifier: BSD-2-Clause */
/* Merging received segments (merge.h). Headers are in private copies; payload is not looked at. */
#include <string.h>

#include "frame.h"
#include "lwip/inet_chksum.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip4.h"
#include "lwip/prot/tcp.h"
#include "merge.h"
#include "rxpool.h"

#define BYTES_MAX 60000u /* lwIP counts in 16 bits */
#define LOOK_AT   4u     /* connections: lwIP has the last ones that received something in front */

static struct tcp_pcb *find_pcb(const uint8_t *frame, const struct segment *s)
{
	struct ip_hdr ip;
	struct tcp_hdr tcp;
	struct tcp_pcb *pcb = tcp_active_pcbs;

	memcpy(&ip, frame + s->tcp_offset - sizeof(ip), sizeof(ip));
	memcpy(&tcp, frame + s->tcp_offset, sizeof(tcp));
	for (unsigned n = 0; pcb != NULL && n < LOOK_AT; n++, pcb = pcb->next)
		if (pcb->local_port == lwip_ntohs(tcp.dest) &&
		    pcb->remote_port == lwip_ntohs(tcp.src) && IP_IS_V4(&pcb->remote_ip) &&
		    ip_2_ip4(&pcb->remote_ip)->addr == ip.src.addr &&
		    ip_2_ip4(&pcb->local_ip)->addr == ip.dest.addr)
			return pcb;
	return NULL;
}

/* As lwIP would look at it. */
static bool is_sum_right(struct pbuf *p, const struct segment *s)
{
	struct ip_hdr ip;
	ip_addr_t from, to;
	uint16_t sum;

	memcpy(&ip, (const uint8_t *)p->payload + s->tcp_offset - sizeof(ip), sizeof(ip));
	ip_addr_copy_from_ip4(from, ip.src);
	ip_addr_copy_from_ip4(to, ip.dest);
	(void)pbuf_remove_header(p, s->tcp_offset);
	sum = ip_chksum_pseudo(p, IP_PROTO_TCP, p->tot_len, &from, &to);
	(void)pbuf_add_header_force(p, s->tcp_offset);
	return sum == 0;
}

static bool begin(struct iface *i, struct pbuf *p, const struct segment *s, bool is_checked)
{
	const struct tcp_pcb *pcb;

	if (i->acks < FRAME_ACKS_PLAIN || s->is_ipv6)
		return false;
	pcb = find_pcb(p->payload, s);
	if (pcb == NULL || pcb->state != ESTABLISHED || pcb->rcv_nxt != s->seq ||
	    pcb->ooseq != NULL || pcb->refused_data != NULL)
		return false;
	if (!is_checked && !is_sum_right(p, s))
		return false;
	i->merge = (struct iface_merge){.first = p,
	                                .last = p,
	                                .segment = *s,
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
	    (!is_checked && !is_sum_right(p, s)))
		return false;
	m->has_push |= segment_has_push(p->payload, s);
	m->payload_bytes = bytes;
	m->last->next = strip(p, s);
	while (m->last->next != NULL)
		m->last = m->last->next;
	m->is_several = true;
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
	struct tcp_pcb *pcb = find_pcb(m->first->payload, &m->segment);

	for (struct pbuf *p = m->first; p != NULL; p = p->next) {
		p->tot_len = (u16_t)left;
		left -= p->len;
	}
	segment_stretch(m->first->payload, &m->segment, m->payload_bytes, m->has_push);
	/* It is more than one: the acknowledgement is due. */
	if (pcb != NULL)
		tcp_set_flags(pcb, TF_ACK_DELAY);
}

void merge_flush(struct iface *i)
{
	struct iface_merge m = i->merge;

	i->merge.first = NULL;
	if (m.first == NULL)
		return;
	if (m.is_several)
		finish(&m);
	rxpool_deliver(i, m.first, true);
}

void merge_drop(struct iface *i)
{
	struct iface_merge *m = &i->merge;

	if (m->first == NULL)
		return;
	if (m->is_several)
		finish(m);
	pbuf_free(m->first);
	m->first = NULL;
}
