/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP sockets. One udp_pcb each, made with the socket. ICMP errors reach connected sockets as SO_ERROR
 * (icmp.c), so a send to a closed port is followed by ECONNREFUSED.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include "lwip/igmp.h"
#include "lwip/udp.h"
#include "udp_impl.h"

static void on_recv(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *ip, u16_t port)
{
	struct sock *s = arg;
	struct sock_addr from = {.port = port};

	(void)pcb;
	ip_addr_copy(from.ip, *ip);
	if (s->udp->rd_shut)
		pbuf_free(p);
	else
		dgram_push(s, &s->udp->queue, p, &from);
}

static void apply_options(struct sock *s)
{
	struct udp_pcb *pcb = s->udp->pcb;
	uint8_t so = 0;

	so |= s->opt.reuseaddr || s->opt.reuseport ? SOF_REUSEADDR : 0;
	so |= SOF_BROADCAST; /* receiving needs no permission; sending is checked by dgram_prepare() */
	pcb->so_options = so;
	pcb->ttl = s->opt.ttl;
	pcb->tos = s->opt.tos;
	pcb->netif_idx = s->opt.netif_idx;
	if (!pcb->local_port && s->domain == AF_INET6) {
		IP_SET_TYPE_VAL(pcb->local_ip, addr_pcb_type(s)); /* IPV6_V6ONLY */
		IP_SET_TYPE_VAL(pcb->remote_ip, addr_pcb_type(s));
	}
	udp_set_multicast_ttl(pcb, s->opt.mcast_ttl);
	udp_set_multicast_netif_index(pcb, s->opt.mcast_if);
	if (s->opt.mcast_loop)
		udp_set_flags(pcb, UDP_FLAGS_MULTICAST_LOOP);
	else
		udp_clear_flags(pcb, UDP_FLAGS_MULTICAST_LOOP);
}

int udp_attach(struct sock *s)
{
	struct udp_sock *u = calloc(1, sizeof(*u));

	if (!u)
		return -ENOBUFS;
	u->pcb = udp_new_ip_type(addr_pcb_type(s));
	if (!u->pcb) {
		free(u);
		return -ENOBUFS;
	}
	s->udp = u;
	udp_recv(u->pcb, on_recv, s);
	apply_options(s);
	return 0;
}

static bool is_in_the_way(struct sock *other, const void *arg)
{
	const struct bind_check *b = arg;

	if (other->ops != &udp_ops || !other->udp->pcb->local_port ||
	    !addr_overlaps(b, other, &other->udp->pcb->local_ip, other->udp->pcb->local_port))
		return false;
	return !(b->self->opt.reuseaddr && other->opt.reuseaddr) &&
	       !(b->self->opt.reuseport && other->opt.reuseport);
}

static int udp_do_bind(struct sock *s, const struct sock_addr *a)
{
	struct bind_check check = {s, a};
	struct udp_pcb *pcb = s->udp->pcb;
	const ip_addr_t *ip = &a->ip;
	int e;

	if (pcb->local_port)
		return -EINVAL;
	if (a->port && sock_find(is_in_the_way, &check))
		return -EADDRINUSE;
	if (s->domain == AF_INET6 && addr_is_any(ip) && !s->opt.v6only)
		ip = IP_ANY_TYPE;
	e = addr_err(udp_bind(pcb, ip, a->port));
	if (e == 0)
		ip_addr_copy(s->udp->bound_ip, *ip);
	return e;
}

/* A port before the first packet leaves; lwIP would take one in connect and sendto too, but not for
 * getsockname() and not bound to both families. */
static int bind_any(struct sock *s)
{
	struct sock_addr any = {0};

	if (s->udp->pcb->local_port)
		return 0;
	addr_set_any(&any.ip, s->domain == AF_INET6);
	return udp_do_bind(s, &any);
}

static int disconnect(struct sock *s)
{
	struct udp_sock *u = s->udp;

	udp_disconnect(u->pcb);
	ip_addr_copy(u->pcb->local_ip, u->bound_ip);
	u->pcb->netif_idx = s->opt.netif_idx;
	u->is_connected = false;
	return 0;
}

/* Packets of a connected socket carry, and getsockname() says, the address of the interface that
 * leads there. */
static int choose_source(struct udp_pcb *pcb, const ip_addr_t *to)
{
	struct netif *n =
		pcb->netif_idx ? netif_get_by_index(pcb->netif_idx) : ip_route(&pcb->local_ip, to);
	const ip_addr_t *from = n ? ip_netif_get_local_ip(n, to) : NULL;

	if (!from)
		return -ENETUNREACH;
	if (addr_is_any(&pcb->local_ip) && !ip_addr_ismulticast(to))
		ip_addr_copy(pcb->local_ip, *from);
	return 0;
}

static int udp_do_connect(struct sock *s, struct request *r)
{
	struct udp_sock *u = s->udp;
	struct sock_addr a;
	int e = addr_parse(s, r->q.addr, r->q.addr_len, &a);

	if (e < 0)
		return e;
	if (a.is_unspec)
		return disconnect(s);
	addr_fix_destination(&a);
	if (addr_is_broadcast(&a.ip) && !s->opt.broadcast)
		return -EACCES;
	e = bind_any(s);
	if (e < 0)
		return e;
	if (u->is_connected)
		disconnect(s);
	e = choose_source(u->pcb, &a.ip);
	if (e == 0)
		e = addr_err(udp_connect(u->pcb, &a.ip, a.port));
	if (e < 0) {
		disconnect(s);
		return e;
	}
	u->peer = a;
	u->is_connected = true;
	return 0;
}

static int udp_do_send(struct sock *s, struct request *r)
{
	struct udp_sock *u = s->udp;
	struct dgram_out out;
	int e;
	err_t err;

	if (u->wr_shut)
		return -EPIPE;
	if (r->q.len_bytes > DATAGRAM_MAX)
		return -EMSGSIZE;
	e = bind_any(s);
	if (e != 0)
		return e;
	e = dgram_prepare(s, r, u->is_connected ? &u->peer : NULL, &out);
	if (e != 0)
		return e;
	if (out.to.port == 0 ||
	    (u->pcb->remote_port == 0 && u->is_connected && r->q.addr_len == 0)) {
		pbuf_free(out.p);
		return -EINVAL;
	}
	err = udp_sendto(u->pcb, out.p, &out.to.ip, out.to.port);
	pbuf_free(out.p);
	return dgram_send_result(err, r->q.len_bytes);
}

static int udp_do_recv(struct sock *s, struct request *r, struct sock_rep *rep)
{
	int e = dgram_recv(s, &s->udp->queue, r, rep);

	return e == WOULD_BLOCK && s->udp->rd_shut ? 0 : e;
}

static int udp_do_shutdown(struct sock *s, uint32_t how)
{
	struct udp_sock *u = s->udp;

	if (how != SHUT_WR)
		u->rd_shut = true;
	if (how != SHUT_RD)
		u->wr_shut = true;
	sock_changed(s);
	return u->is_connected ? 0 : -ENOTCONN;
}

static int udp_name(struct sock *s, bool is_peer, struct sock_rep *rep)
{
	const struct udp_sock *u = s->udp;

	if (is_peer && !u->is_connected)
		return -ENOTCONN;
	if (is_peer)
		addr_put(s, &u->peer.ip, u->peer.port, rep);
	else
		addr_put(s, &u->pcb->local_ip, u->pcb->local_port, rep);
	return 0;
}

static unsigned udp_poll_events(struct sock *s)
{
	const struct udp_sock *u = s->udp;
	unsigned events = POLLOUT | POLLWRNORM;

	if (u->queue.first || u->rd_shut)
		events |= POLLIN | POLLRDNORM;
	if (u->rd_shut)
		events |= POLLRDHUP;
	if (u->rd_shut && u->wr_shut)
		events |= POLLHUP;
	return events | (s->error ? POLLERR : 0);
}

static void leave_all(struct udp_sock *u)
{
	for (unsigned i = 0; i < u->group_count; i++)
		mcast_leave(&u->groups[i]);
	u->group_count = 0;
}

static int udp_do_close(struct sock *s, struct request *r)
{
	struct udp_sock *u = s->udp;

	(void)r;
	leave_all(u);
	udp_remove(u->pcb);
	dgram_free_all(&u->queue);
	free(u);
	s->udp = NULL;
	return 0;
}

static int udp_inq(struct sock *s)
{
	return dgram_first_bytes(&s->udp->queue);
}

static int udp_outq(struct sock *s)
{
	(void)s;
	return 0; /* datagrams leave the socket at once */
}

static int udp_setopt(struct sock *s, int level, int name, const void *value, uint32_t len)
{
	struct udp_sock *u = s->udp;

	return mcast_setopt(s, level, name,
	                    &(struct mcast_request){value, len, u->groups, &u->group_count});
}

static int udp_getopt(struct sock *s, int level, int name, void *value, uint32_t len)
{
	(void)s;
	(void)level;
	(void)name;
	(void)value;
	(void)len;
	return -ENOPROTOOPT;
}

static bool is_for(struct sock *s, const void *arg)
{
	const struct icmp_error *e = arg;

	return s->ops == &udp_ops && s->udp->is_connected &&
	       s->udp->pcb->local_port == e->local_port && s->udp->peer.port == e->remote_port &&
	       ip_addr_cmp(&s->udp->peer.ip, e->remote);
}

void udp_icmp_error(const struct icmp_error *e)
{
	struct sock *s = sock_find(is_for, e);

	if (s && (e->is_hard || s->opt.recverr))
		sock_fail(s, e->error);
}

const struct sock_ops udp_ops = {
	.bind = udp_do_bind,
	.connect = udp_do_connect,
	.send = udp_do_send,
	.recv = udp_do_recv,
	.shutdown = udp_do_shutdown,
	.name = udp_name,
	.poll = udp_poll_events,
	.close = udp_do_close,
	.setopt = udp_setopt,
	.getopt = udp_getopt,
	.inq = udp_inq,
	.outq = udp_outq,
	.options_changed = apply_options,
};
