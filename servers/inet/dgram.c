/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagram queues (dgram.h) and what sending of UDP and raw sockets has in common. */
#include <stdlib.h>
#include <sys/socket.h>
#include "sys/sys.h"
#include "dgram.h"

#define DGRAM_OVERHEAD 256u /* of the queue's entry and the pbuf's header */
#define COPY_BELOW     512u /* smaller datagrams move out of the frame's buffer */

/* Small datagrams must not each keep a frame buffer of the receive pool. */
static struct pbuf *shrink(struct pbuf *p)
{
	struct pbuf *small;

	if (p->tot_len >= COPY_BELOW)
		return p;
	small = pbuf_alloc(PBUF_RAW, p->tot_len, PBUF_RAM);
	if (!small)
		return p;
	(void)pbuf_copy(small, p);
	pbuf_free(p);
	return small;
}

void dgram_push(struct sock *s, struct dgram_queue *q, struct pbuf *p, const struct sock_addr *from)
{
	uint32_t charge = p->tot_len + DGRAM_OVERHEAD;
	struct dgram *d = NULL;

	if (q->charged_bytes + charge <= s->opt.rcvbuf)
		d = calloc(1, sizeof(*d));
	if (!d) {
		q->dropped++;
		pbuf_free(p);
		return;
	}
	d->p = shrink(p);
	ip_addr_copy(d->ip, from->ip);
	d->port = from->port;
	if (q->last)
		q->last->next = d;
	else
		q->first = d;
	q->last = d;
	q->charged_bytes += charge;
	sock_changed(s);
}

static void drop_first(struct dgram_queue *q)
{
	struct dgram *d = q->first;

	q->first = d->next;
	if (!q->first)
		q->last = NULL;
	q->charged_bytes -= d->p->tot_len + DGRAM_OVERHEAD;
	pbuf_free(d->p);
	free(d);
}

void dgram_free_all(struct dgram_queue *q)
{
	while (q->first)
		drop_first(q);
}

int dgram_first_bytes(const struct dgram_queue *q)
{
	return q->first ? q->first->p->tot_len : 0;
}

int dgram_recv(struct sock *s, struct dgram_queue *q, const struct request *r, struct sock_rep *rep)
{
	const struct dgram *d = q->first;
	uint32_t full, n;
	int e;

	if (s->error)
		return sock_take_error(s);
	if (!d)
		return WOULD_BLOCK;
	full = d->p->tot_len;
	n = full < r->q.len_bytes ? full : r->q.len_bytes;
	e = request_out_pbuf(r, 0, d->p, 0, n);
	if (e < 0)
		return e;
	addr_put(s, &d->ip, d->port, rep);
	rep->arg = full;
	rep->flags = n < full ? MSG_TRUNC : 0;
	if (!(r->q.flags & SOCK_PEEK))
		drop_first(q);
	return r->q.flags & SOCK_TRUNC ? (int)full : (int)n;
}

static int choose_destination(const struct sock *s, const struct request *r,
                              const struct sock_addr *peer, struct sock_addr *to)
{
	int e;

	if (r->q.addr_len == 0) {
		if (!peer)
			return -EDESTADDRREQ;
		*to = *peer;
		return 0;
	}
	e = addr_parse(s, r->q.addr, r->q.addr_len, to);
	if (e < 0)
		return e;
	if (to->is_unspec && s->domain == AF_INET6)
		return -EAFNOSUPPORT;
	addr_fix_destination(to);
	return 0;
}

int dgram_prepare(struct sock *s, const struct request *r, const struct sock_addr *peer,
                  struct dgram_out *out)
{
	int e;

	if (r->q.flags & SOCK_OOB)
		return -EOPNOTSUPP;
	if (r->q.len_bytes > UINT16_MAX)
		return -EMSGSIZE;
	e = choose_destination(s, r, peer, &out->to);
	if (e < 0)
		return e;
	if (s->error)
		return sock_take_error(s);
	if (addr_is_broadcast(&out->to.ip) && !s->opt.broadcast)
		return -EACCES;
	out->p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)r->q.len_bytes, PBUF_RAM);
	if (!out->p)
		return -ENOBUFS;
	e = request_in_pbuf(r, out->p, r->q.len_bytes);
	if (e < 0)
		pbuf_free(out->p);
	return e;
}

int dgram_send_result(err_t err, uint32_t len)
{
	int e = addr_err(err);

	/* A full queue below loses datagrams silently, as Linux does without IP_RECVERR. */
	if (e == -EINVAL)
		return -ENETUNREACH; /* no address of that family to send from */
	return e == 0 || e == -ENOBUFS ? (int)len : e;
}
