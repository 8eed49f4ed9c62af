/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw sockets, and datagram sockets of ICMP ("ping sockets"). Every socket that matches gets a copy of a
 * packet; lwIP handles it all the same. As in Linux, raw IPv4 sockets see the IP header, the others do
 * not; a ping socket sends echo requests with an identifier of its own and sees the replies to it.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "lwip/inet_chksum.h"
#include "lwip/prot/icmp.h"
#include "lwip/prot/icmp6.h"
#include "lwip/prot/ip4.h"
#include "lwip/raw.h"
#include "dgram.h"
#include "raw_impl.h"

#define ICMP_BYTES_MIN 8u

static bool is_ping(const struct sock *s)
{
	return s->type == SOCK_DGRAM;
}

static bool is_filtered(const struct sock *s, uint8_t type)
{
	const struct raw_sock *w = s->raw;

	if (s->protocol == IPPROTO_ICMPV6 && s->domain == AF_INET6)
		return w->filter6[type >> 5] >> (type & 31) & 1;
	return s->protocol == IPPROTO_ICMP && type < 32 && (w->filter4 >> type & 1);
}

/* Does the ICMP message at `at` belong to this socket? */
static bool wants_icmp(const struct sock *s, const struct pbuf *p, uint16_t at)
{
	uint8_t reply = s->domain == AF_INET6 ? ICMP6_TYPE_EREP : ICMP_ER, h[ICMP_BYTES_MIN];

	if (s->protocol != IPPROTO_ICMP && s->protocol != IPPROTO_ICMPV6)
		return true;
	if (pbuf_copy_partial(p, h, sizeof(h), at) != sizeof(h))
		return false;
	if (is_ping(s))
		return h[0] == reply && (h[4] << 8 | h[5]) == s->raw->ident;
	return !is_filtered(s, h[0]);
}

static u8_t on_recv(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *ip)
{
	struct sock *s = arg;
	struct sock_addr from = {0};
	uint16_t header = ip_current_header_tot_len(), skip;
	struct pbuf *copy;

	(void)pcb;
	if (s->raw->rd_shut || p->tot_len < header || !wants_icmp(s, p, header))
		return 0;
	skip = s->domain == AF_INET && !is_ping(s) ? 0 : header;
	copy = pbuf_alloc(PBUF_RAW, (u16_t)(p->tot_len - skip), PBUF_RAM);
	if (!copy)
		return 0;
	(void)pbuf_copy_partial(p, copy->payload, copy->len, skip);
	ip_addr_copy(from.ip, *ip);
	dgram_push(s, &s->raw->queue, copy, &from);
	return 0;
}

static void apply_options(struct sock *s)
{
	struct raw_pcb *pcb = s->raw->pcb;

	pcb->so_options = SOF_BROADCAST;
	pcb->ttl = s->opt.ttl;
	pcb->tos = s->opt.tos;
	pcb->netif_idx = s->opt.netif_idx;
	raw_set_multicast_ttl(pcb, s->opt.mcast_ttl);
	raw_set_multicast_netif_index(pcb, s->opt.mcast_if);
	if (s->opt.hdrincl && s->domain == AF_INET)
		raw_set_flags(pcb, RAW_FLAGS_HDRINCL);
	else
		raw_clear_flags(pcb, RAW_FLAGS_HDRINCL);
}

int raw_attach(struct sock *s)
{
	static uint16_t next_ident = 1;
	struct raw_sock *w = calloc(1, sizeof(*w));
	uint8_t type = s->domain == AF_INET ? IPADDR_TYPE_V4 : IPADDR_TYPE_V6;

	if (!w)
		return -ENOBUFS;
	w->pcb = raw_new_ip_type(type, (u8_t)s->protocol);
	if (!w->pcb) {
		free(w);
		return -ENOBUFS;
	}
	s->raw = w;
	s->opt.hdrincl = s->protocol == IPPROTO_RAW;
	w->checksum_at = -1;
	if (is_ping(s))
		w->ident = next_ident++;
	if (s->domain == AF_INET6 && s->protocol == IPPROTO_ICMPV6)
		w->checksum_at = 2;
	raw_recv(w->pcb, on_recv, s);
	apply_options(s);
	return 0;
}

static bool has_ident(struct sock *s, const void *arg)
{
	const struct bind_check *b = arg;

	return s != b->self && s->ops == &raw_ops && is_ping(s) && s->domain == b->self->domain &&
	       s->raw->ident == b->a->port;
}

static int raw_do_bind(struct sock *s, const struct sock_addr *a)
{
	struct bind_check check = {s, a};
	ip_addr_t ip;

	if (is_ping(s) && a->port) {
		if (sock_find(has_ident, &check))
			return -EADDRINUSE;
		s->raw->ident = a->port;
	}
	ip_addr_copy(ip, a->ip);
	if (IP_IS_V4(&ip) != (s->domain == AF_INET))
		return -EADDRNOTAVAIL;
	return addr_err(raw_bind(s->raw->pcb, &ip));
}

static int raw_do_connect(struct sock *s, struct request *r)
{
	struct raw_sock *w = s->raw;
	struct sock_addr a;
	int e = addr_parse(s, r->q.addr, r->q.addr_len, &a);

	if (e < 0)
		return e;
	if (a.is_unspec) {
		raw_disconnect(w->pcb);
		w->pcb->netif_idx = s->opt.netif_idx;
		w->is_connected = false;
		return 0;
	}
	addr_fix_destination(&a);
	if (IP_IS_V4(&a.ip) != (s->domain == AF_INET))
		return -ENETUNREACH;
	if (addr_is_broadcast(&a.ip) && !s->opt.broadcast)
		return -EACCES;
	if (!ip_route(&w->pcb->local_ip, &a.ip))
		return -ENETUNREACH;
	w->peer = a;
	w->is_connected = true;
	return addr_err(raw_connect(w->pcb, &a.ip));
}

/* A ping socket's message: echo requests only, with our identifier and checksum. */
static int make_echo(const struct sock *s, struct pbuf *p)
{
	uint8_t *h = p->payload;
	uint16_t sum;

	if (p->tot_len < ICMP_BYTES_MIN ||
	    h[0] != (s->domain == AF_INET6 ? ICMP6_TYPE_EREQ : ICMP_ECHO) || h[1] != 0)
		return -EINVAL;
	h[2] = h[3] = 0;
	h[4] = (uint8_t)(s->raw->ident >> 8);
	h[5] = (uint8_t)s->raw->ident;
	if (s->domain == AF_INET) {
		sum = inet_chksum(p->payload, p->len);
		memcpy(h + 2, &sum, sizeof(sum));
	}
	return 0;
}

/* IP_HDRINCL: length and checksum are always filled in, source and identification when zero is given. */
static int fix_header(const struct sock *s, struct pbuf *p, const ip_addr_t *to)
{
	struct ip_hdr *h = p->payload;
	struct netif *n = ip_route(&s->raw->pcb->local_ip, to);

	if (p->len < IP_HLEN || IPH_V(h) != 4 || IPH_HL_BYTES(h) < IP_HLEN ||
	    IPH_HL_BYTES(h) > p->len)
		return -EINVAL;
	if (!n)
		return -ENETUNREACH;
	IPH_LEN_SET(h, lwip_htons(p->tot_len));
	if (h->src.addr == 0)
		h->src.addr = netif_ip4_addr(n)->addr;
	IPH_CHKSUM_SET(h, 0);
	IPH_CHKSUM_SET(h, inet_chksum(h, IPH_HL_BYTES(h)));
	return 0;
}

static int complete(const struct sock *s, struct dgram_out *out)
{
	struct raw_sock *w = s->raw;

	if (IP_IS_V4(&out->to.ip) != (s->domain == AF_INET))
		return -ENETUNREACH;
	w->pcb->chksum_reqd = w->checksum_at >= 0;
	w->pcb->chksum_offset = w->checksum_at >= 0 ? (u16_t)w->checksum_at : 0;
	if (w->checksum_at >= 0 && out->p->tot_len < w->checksum_at + 2)
		return -EINVAL;
	if (is_ping(s))
		return make_echo(s, out->p);
	if (s->opt.hdrincl && s->domain == AF_INET)
		return fix_header(s, out->p, &out->to.ip);
	return 0;
}

static int raw_do_send(struct sock *s, struct request *r)
{
	struct raw_sock *w = s->raw;
	struct dgram_out out;
	err_t err;
	int e;

	if (w->wr_shut)
		return -EPIPE;
	e = dgram_prepare(s, r, w->is_connected ? &w->peer : NULL, &out);
	if (e < 0)
		return e;
	e = complete(s, &out);
	if (e < 0) {
		pbuf_free(out.p);
		return e;
	}
	if (w->checksum_at >= 0) /* lwIP adds to what is there */
		memset((uint8_t *)out.p->payload + w->checksum_at, 0, 2);
	err = raw_sendto(w->pcb, out.p, &out.to.ip);
	pbuf_free(out.p);
	return dgram_send_result(err, r->q.len_bytes);
}

static int raw_do_recv(struct sock *s, struct request *r, struct sock_rep *rep)
{
	int e = dgram_recv(s, &s->raw->queue, r, rep);

	return e == WOULD_BLOCK && s->raw->rd_shut ? 0 : e;
}

static int raw_do_shutdown(struct sock *s, uint32_t how)
{
	struct raw_sock *w = s->raw;

	if (how != SHUT_WR)
		w->rd_shut = true;
	if (how != SHUT_RD)
		w->wr_shut = true;
	sock_changed(s);
	return w->is_connected ? 0 : -ENOTCONN;
}

static int raw_name(struct sock *s, bool is_peer, struct sock_rep *rep)
{
	const struct raw_sock *w = s->raw;

	if (is_peer && !w->is_connected)
		return -ENOTCONN;
	if (is_peer)
		addr_put(s, &w->peer.ip, 0, rep);
	else
		addr_put(s, &w->pcb->local_ip, is_ping(s) ? w->ident : (uint16_t)s->protocol, rep);
	return 0;
}

static unsigned raw_poll_events(struct sock *s)
{
	const struct raw_sock *w = s->raw;
	unsigned events = POLLOUT | POLLWRNORM | (s->error ? POLLERR : 0);

	if (w->queue.first || w->rd_shut)
		events |= POLLIN | POLLRDNORM;
	return events | (w->rd_shut && w->wr_shut ? POLLHUP : 0);
}

static int raw_do_close(struct sock *s, struct request *r)
{
	(void)r;
	raw_remove(s->raw->pcb);
	dgram_free_all(&s->raw->queue);
	free(s->raw);
	s->raw = NULL;
	return 0;
}

static int raw_inq(struct sock *s)
{
	return dgram_first_bytes(&s->raw->queue);
}

static int raw_outq(struct sock *s)
{
	(void)s;
	return 0;
}

static int set_filter(void *filter, size_t size, const void *value, uint32_t len)
{
	if (len < size)
		return -EINVAL;
	memcpy(filter, value, size);
	return 0;
}

/* IPV6_CHECKSUM: where the sum of what is sent goes; for ICMPv6 it is always 2. */
static int set_checksum(struct sock *s, const void *value, uint32_t len)
{
	int v;

	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	if (s->protocol == IPPROTO_ICMPV6)
		return v == 2 ? 0 : -EINVAL;
	if (v > 0 && (v & 1 || v > 0xffff))
		return -EINVAL;
	s->raw->checksum_at = v < 0 ? -1 : v;
	return 0;
}

static int raw_setopt(struct sock *s, int level, int name, const void *value, uint32_t len)
{
	struct raw_sock *w = s->raw;

	if (level == SOL_RAW && name == RAW_ICMP_FILTER && s->protocol == IPPROTO_ICMP)
		return set_filter(&w->filter4, sizeof(w->filter4), value, len);
	if (level == IPPROTO_ICMPV6 && name == RAW_ICMP6_FILTER && s->protocol == IPPROTO_ICMPV6)
		return set_filter(w->filter6, sizeof(w->filter6), value, len);
	if ((level == IPPROTO_IPV6 || level == SOL_RAW) && name == IPV6_CHECKSUM &&
	    s->domain == AF_INET6)
		return set_checksum(s, value, len);
	return -ENOPROTOOPT;
}

static int raw_getopt(struct sock *s, int level, int name, void *value, uint32_t len)
{
	const struct raw_sock *w = s->raw;

	if (level != SOL_RAW || name != RAW_ICMP_FILTER || s->protocol != IPPROTO_ICMP)
		return -ENOPROTOOPT;
	if (len > sizeof(w->filter4))
		len = sizeof(w->filter4);
	memcpy(value, &w->filter4, len);
	return (int)len;
}

const struct sock_ops raw_ops = {
	.bind = raw_do_bind,
	.connect = raw_do_connect,
	.send = raw_do_send,
	.recv = raw_do_recv,
	.shutdown = raw_do_shutdown,
	.name = raw_name,
	.poll = raw_poll_events,
	.close = raw_do_close,
	.setopt = raw_setopt,
	.getopt = raw_getopt,
	.inq = raw_inq,
	.outq = raw_outq,
	.options_changed = apply_options,
};
