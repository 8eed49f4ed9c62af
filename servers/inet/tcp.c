/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP sockets: bind, connect, listen, accept, shutdown, close (states: tcp_impl.h). Errors are those of
 * Linux' net/ipv4/af_inet.c and tcp.c as programs see them.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "sys/sys.h"
#include "halfopen.h"
#include "lwip/priv/tcp_priv.h"
#include "tcp_impl.h"

#define BACKLOG_MAX 255u /* lwIP counts in a byte */

static void on_error(void *arg, err_t err);

int tcp_attach(struct sock *s)
{
	struct tcp_sock *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOBUFS;
	t->keep_idle_s = 7200;
	t->keep_intvl_s = 75;
	t->keep_cnt = 9;
	t->min_rtt_us = UINT32_MAX;
	tcp_data_init(t);
	s->tcp = t;
	return 0;
}

void tcp_apply_options(struct sock *s)
{
	const struct tcp_sock *t = s->tcp;
	struct tcp_pcb *pcb = t->pcb;
	uint8_t so = 0;

	if (!pcb)
		return;
	so |= s->opt.reuseaddr || s->opt.reuseport ? SOF_REUSEADDR : 0;
	so |= s->opt.keepalive ? SOF_KEEPALIVE : 0;
	pcb->so_options = so;
	pcb->ttl = s->opt.ttl;
	pcb->tos = s->opt.tos;
	pcb->netif_idx = s->opt.netif_idx;
	if (t->state == TS_LISTEN)
		return; /* the rest is not in a listening pcb */
	pcb->keep_idle = t->keep_idle_s * 1000u;
	pcb->keep_intvl = t->keep_intvl_s * 1000u;
	pcb->keep_cnt = t->keep_cnt;
	if (t->nodelay)
		tcp_nagle_disable(pcb);
	else
		tcp_nagle_enable(pcb);
}

static void use_pcb(struct sock *s, struct tcp_pcb *pcb)
{
	s->tcp->pcb = pcb;
	tcp_arg(pcb, s);
	tcp_recv(pcb, tcp_on_recv);
	tcp_sent(pcb, tcp_on_sent);
	tcp_err(pcb, on_error);
	tcp_poll(pcb, tcp_on_poll, 1);
	tcp_apply_options(s);
}

static int make_pcb(struct sock *s)
{
	struct tcp_pcb *pcb;

	if (s->tcp->pcb)
		return 0;
	halfopen_spare_one();
	pcb = tcp_new_ip_type(addr_pcb_type(s));
	if (!pcb)
		return -ENOBUFS;
	use_pcb(s, pcb);
	return 0;
}

static void keep_names(struct tcp_sock *t)
{
	const struct tcp_pcb *pcb = t->pcb;

	ip_addr_copy(t->local_ip, pcb->local_ip);
	t->local_port = pcb->local_port;
	if (t->state == TS_LISTEN)
		return;
	ip_addr_copy(t->remote_ip, pcb->remote_ip);
	t->remote_port = pcb->remote_port;
}

void tcp_let_go(struct sock *s)
{
	struct tcp_pcb *pcb = s->tcp->pcb;

	keep_names(s->tcp);
	s->tcp->pcb = NULL;
	tcp_arg(pcb, NULL);
	tcp_recv(pcb, NULL);
	tcp_sent(pcb, NULL);
	tcp_err(pcb, NULL);
	tcp_poll(pcb, NULL, 0);
}

/* lwIP has freed the pcb already. */
static void on_error(void *arg, err_t err)
{
	struct sock *s = arg;
	struct tcp_sock *t;

	if (!s)
		return;
	t = s->tcp;
	t->pcb = NULL;
	tcp_send_end(t);
	if (t->state == TS_CONNECTING) {
		t->state = TS_CLOSED;
		sock_fail(s, err == ERR_RST ? ECONNREFUSED : ETIMEDOUT);
	} else if (err == ERR_CLSD) {
		sock_changed(s); /* LAST_ACK is over: nothing was lost */
	} else {
		t->state = TS_DEAD;
		if (err == ERR_RST)
			sock_fail(s, t->has_fin ? EPIPE : ECONNRESET);
		else
			sock_fail(s, ETIMEDOUT);
	}
}

/* ---- bind ---- */

/* SO_REUSEADDR on both lets two sockets share a port unless one listens. */
static bool is_in_the_way(struct sock *other, const void *arg)
{
	const struct bind_check *b = arg;
	const struct tcp_sock *t = other->tcp;

	if (other->ops != &tcp_ops || !t->local_port || t->listener ||
	    !addr_overlaps(b, other, &t->local_ip, t->local_port))
		return false;
	return !(b->self->opt.reuseaddr && other->opt.reuseaddr && t->state != TS_LISTEN);
}

static int tcp_do_bind(struct sock *s, const struct sock_addr *a)
{
	struct tcp_sock *t = s->tcp;
	struct bind_check check = {s, a};
	const ip_addr_t *ip = &a->ip;
	int e;

	if (t->state != TS_CLOSED || t->local_port)
		return -EINVAL;
	if (a->port && sock_find(is_in_the_way, &check))
		return -EADDRINUSE;
	e = make_pcb(s);
	if (e < 0)
		return e;
	if (s->domain == AF_INET6 && addr_is_any(ip) && !s->opt.v6only)
		ip = IP_ANY_TYPE;
	e = addr_err(tcp_bind(t->pcb, ip, a->port));
	if (e == -ENOBUFS)
		e = -EADDRINUSE; /* no port is left */
	if (e == 0)
		keep_names(t);
	return e;
}

/* ---- connect ---- */

void tcp_limit_mss(struct tcp_sock *t)
{
	if (t->maxseg && t->maxseg < t->pcb->mss)
		t->pcb->mss = t->maxseg;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct sock *s = arg;

	(void)pcb;
	(void)err;
	s->tcp->state = TS_OPEN;
	s->tcp->was_connected = true;
	keep_names(s->tcp);
	tcp_limit_mss(s->tcp);
	sock_changed(s);
	return ERR_OK;
}

/* connect() to AF_UNSPEC: as new, but for the bound port. */
int tcp_dissolve(struct sock *s)
{
	struct tcp_sock *t = s->tcp;
	struct tcp_pcb *pcb = t->pcb;

	if (t->state == TS_LISTEN)
		return -EINVAL;
	if (pcb && t->state != TS_CLOSED) {
		tcp_let_go(s);
		tcp_abort(pcb);
	}
	tcp_data_free(t);
	t->state = TS_CLOSED;
	t->has_fin = t->wr_shut = t->rd_shut = t->was_connected = false;
	if (!t->pcb)
		t->local_port = 0;
	sock_changed(s);
	return 0;
}

static int start_connect(struct sock *s, struct sock_addr *a)
{
	struct tcp_sock *t = s->tcp;
	int e;

	addr_fix_destination(a);
	if (ip_addr_ismulticast(&a->ip) || addr_is_broadcast(&a->ip))
		return -ENETUNREACH;
	if (a->port == 0)
		return -ECONNREFUSED;
	e = make_pcb(s);
	if (e < 0)
		return e;
	if (t->local_port && !addr_is_any(&t->local_ip) &&
	    IP_IS_V6(&t->local_ip) != IP_IS_V6(&a->ip))
		return -ENETUNREACH;
	t->state = TS_CONNECTING;
	e = addr_err(tcp_connect(t->pcb, &a->ip, a->port, on_connected));
	if (e < 0) {
		t->state = TS_CLOSED;
		return e == -EADDRINUSE || e == -ENOBUFS ? -EADDRNOTAVAIL : e;
	}
	keep_names(t);
	return 0;
}

static int tcp_do_connect(struct sock *s, struct request *r)
{
	struct tcp_sock *t = s->tcp;
	struct sock_addr a;
	int e;

	if (r->has_started) {
		if (t->state == TS_CONNECTING)
			return WOULD_BLOCK;
		if (t->state == TS_OPEN)
			return 0;
		e = sock_take_error(s);
		return e ? e : -ECONNABORTED;
	}
	e = addr_parse(s, r->q.addr, r->q.addr_len, &a);
	if (e < 0)
		return e;
	if (a.is_unspec)
		return tcp_dissolve(s);
	if (t->state == TS_OPEN || t->state == TS_LISTEN)
		return -EISCONN;
	r->has_started = true;
	r->busy_errno = EALREADY;
	if (t->state == TS_CONNECTING)
		return WOULD_BLOCK;
	if (s->error)
		return sock_take_error(s);
	t->state = TS_CLOSED;
	r->busy_errno = EINPROGRESS;
	e = start_connect(s, &a);
	return e < 0 ? e : WOULD_BLOCK;
}

/* ---- listen, accept ---- */

static void inherit(struct sock *child, const struct sock *parent)
{
	const struct tcp_sock *from = parent->tcp;
	struct tcp_sock *t = child->tcp;

	child->opt = parent->opt;
	child->domain = parent->domain;
	child->type = parent->type;
	child->protocol = parent->protocol;
	child->is_root = parent->is_root;
	t->nodelay = from->nodelay;
	t->keep_idle_s = from->keep_idle_s;
	t->keep_intvl_s = from->keep_intvl_s;
	t->keep_cnt = from->keep_cnt;
	t->maxseg = from->maxseg;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct sock *s = arg, *child;
	struct tcp_sock *t;

	/* Without the listener, memory or a place in the queue: lwIP resets the connection. */
	if (err != ERR_OK || !pcb || !s || s->tcp->embryo_count > s->tcp->backlog)
		return ERR_MEM;
	child = sock_new(s->owner, &tcp_ops);
	if (!child)
		return ERR_MEM;
	if (tcp_attach(child) < 0) {
		sock_free(child);
		return ERR_MEM;
	}
	inherit(child, s);
	t = child->tcp;
	t->state = TS_OPEN;
	t->was_connected = true;
	t->listener = s;
	child->is_embryo = true;
	use_pcb(child, pcb);
	keep_names(t);
	tcp_limit_mss(t);
	tcp_backlog_delayed(pcb);
	if (s->tcp->last)
		s->tcp->last->tcp->next_embryo = child;
	else
		s->tcp->first = child;
	s->tcp->last = child;
	s->tcp->embryo_count++;
	sock_changed(s);
	return ERR_OK;
}

static void change_backlog(struct tcp_sock *t, uint32_t backlog)
{
	struct tcp_pcb_listen *lpcb = (struct tcp_pcb_listen *)(void *)t->pcb;

	t->backlog = backlog;
	lpcb->backlog = (u8_t)backlog;
}

static int tcp_do_listen(struct sock *s, uint32_t backlog)
{
	struct tcp_sock *t = s->tcp;
	struct sock_addr any = {0};
	struct tcp_pcb *lpcb;
	err_t err = ERR_OK;
	int e;

	if (backlog == 0 || backlog > BACKLOG_MAX)
		backlog = backlog ? BACKLOG_MAX : 1;
	if (t->state == TS_LISTEN) {
		change_backlog(t, backlog);
		return 0;
	}
	if (t->state != TS_CLOSED)
		return -EINVAL;
	if (!t->local_port) {
		addr_set_any(&any.ip, s->domain == AF_INET6);
		e = tcp_do_bind(s, &any);
		if (e < 0)
			return e;
	}
	lpcb = tcp_listen_with_backlog_and_err(t->pcb, (u8_t)backlog, &err);
	if (!lpcb)
		return err == ERR_USE ? -EADDRINUSE : -ENOBUFS;
	t->pcb = lpcb;
	t->state = TS_LISTEN;
	t->backlog = backlog;
	tcp_accept(lpcb, on_accept);
	return 0;
}

int tcp_do_accept(struct sock *s, struct sock **child)
{
	struct tcp_sock *t = s->tcp;
	struct sock *c = t->first;

	if (t->state != TS_LISTEN)
		return -EINVAL;
	if (!c)
		return WOULD_BLOCK;
	t->first = c->tcp->next_embryo;
	if (!t->first)
		t->last = NULL;
	t->embryo_count--;
	c->tcp->next_embryo = NULL;
	c->tcp->listener = NULL;
	if (c->tcp->pcb)
		tcp_backlog_accepted(c->tcp->pcb);
	*child = c;
	return 0;
}

/* ---- names, poll ---- */

bool tcp_is_listening(const struct sock *s)
{
	return s->tcp->state == TS_LISTEN;
}

void tcp_peer_name(const struct sock *s, struct sock_rep *rep)
{
	addr_put(s, &s->tcp->remote_ip, s->tcp->remote_port, rep);
}

static int tcp_name(struct sock *s, bool is_peer, struct sock_rep *rep)
{
	const struct tcp_sock *t = s->tcp;

	if (is_peer && t->state != TS_OPEN)
		return -ENOTCONN;
	if (is_peer)
		tcp_peer_name(s, rep);
	else
		addr_put(s, &t->local_ip, t->local_port, rep);
	return 0;
}

static unsigned tcp_poll_events(struct sock *s)
{
	const struct tcp_sock *t = s->tcp;
	bool is_over = t->state == TS_DEAD || t->state == TS_CLOSED;
	bool no_more_in = t->has_fin || t->rd_shut || is_over;
	bool no_more_out = t->wr_shut || is_over;
	unsigned events = s->error ? POLLERR : 0;

	if (t->state == TS_LISTEN)
		return events | (t->first ? POLLIN | POLLRDNORM : 0);
	if (t->state == TS_CONNECTING)
		return events;
	if (no_more_in && no_more_out)
		events |= POLLHUP;
	if (no_more_in && t->state != TS_CLOSED)
		events |= POLLRDHUP;
	if (t->rx_bytes >= (uint32_t)s->opt.rcvlowat || (no_more_in && t->state != TS_CLOSED) ||
	    s->error)
		events |= POLLIN | POLLRDNORM;
	/* As Linux: a third of the buffer must be free before a writer is woken. */
	if (no_more_out || tcp_send_room(s) >= tcp_send_limit(s) / 3)
		events |= POLLOUT | POLLWRNORM;
	return events;
}

/* While a writer is not woken: what is more than there is room for (tcpsend.c). */
static uint32_t tcp_too_much(struct sock *s)
{
	const struct tcp_sock *t = s->tcp;
	uint32_t room;

	if (t->state != TS_OPEN || t->wr_shut || s->error || !t->pcb)
		return 0;
	room = tcp_send_room(s);
	return room < tcp_send_limit(s) / 3 ? room / 1024 + 1 : 0;
}

/* ---- queues ---- */

static int tcp_inq(struct sock *s)
{
	return s->tcp->state == TS_LISTEN ? -EINVAL : (int)s->tcp->rx_bytes;
}

static int tcp_outq(struct sock *s)
{
	const struct tcp_sock *t = s->tcp;

	if (t->state == TS_LISTEN)
		return -EINVAL;
	return t->pcb ? (int)(TCP_SND_BUF - t->pcb->snd_buf) : 0;
}

const struct sock_ops tcp_ops = {
	.bind = tcp_do_bind,
	.connect = tcp_do_connect,
	.listen = tcp_do_listen,
	.accept = tcp_do_accept,
	.send = tcp_send,
	.recv = tcp_receive_data,
	.shutdown = tcp_do_shutdown,
	.name = tcp_name,
	.poll = tcp_poll_events,
	.too_much_kib = tcp_too_much,
	.close = tcp_do_close,
	.setopt = tcp_setopt,
	.getopt = tcp_getopt,
	.inq = tcp_inq,
	.outq = tcp_outq,
	.options_changed = tcp_apply_options,
};
