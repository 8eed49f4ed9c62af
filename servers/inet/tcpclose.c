/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends of TCP sockets: shutdown, close with and without SO_LINGER, ICMP errors. */
#include <stdlib.h>
#include <sys/socket.h>
#include "lwip/priv/tcp_priv.h"
#include "tcp_impl.h"

/* ---- shutdown, close ---- */

static void abort_pcb(struct sock *s)
{
	struct tcp_pcb *pcb = s->tcp->pcb;

	tcp_let_go(s);
	tcp_abort(pcb);
}

static void close_listener(struct sock *s)
{
	struct tcp_sock *t = s->tcp;

	while (t->first) {
		struct sock *c;

		if (tcp_do_accept(s, &c) < 0)
			break;
		if (c->tcp->pcb)
			abort_pcb(c);
		tcp_data_free(c->tcp);
		free(c->tcp);
		sock_free(c);
	}
	tcp_arg(t->pcb, NULL);
	(void)tcp_close(t->pcb);
	t->pcb = NULL;
}

/* shutdown() of a listener for reading: it is a socket like a new one, accept() says EINVAL. */
static void stop_listening(struct sock *s)
{
	close_listener(s);
	s->tcp->state = TS_CLOSED;
	s->tcp->local_port = 0;
	sock_changed(s);
}

int tcp_do_shutdown(struct sock *s, uint32_t how)
{
	struct tcp_sock *t = s->tcp;

	switch (t->state) {
	case TS_CLOSED:
	case TS_DEAD: return -ENOTCONN;
	case TS_CONNECTING: return tcp_dissolve(s);
	case TS_LISTEN:
		if (how != SHUT_WR)
			stop_listening(s);
		return 0;
	case TS_OPEN: break;
	}
	if (how != SHUT_WR)
		t->rd_shut = true;
	if (how != SHUT_RD && !t->wr_shut) {
		t->wr_shut = true;
		if (t->pcb)
			(void)tcp_shutdown(t->pcb, 0, 1);
	}
	sock_changed(s);
	return 0;
}

/* Unread data, or SO_LINGER with 0 s, resets the connection (RFC 2525, 2.17, as Linux). */
static void close_connection(struct sock *s)
{
	struct tcp_sock *t = s->tcp;
	struct tcp_pcb *pcb;

	if (t->rx_bytes || (s->opt.linger_on && s->opt.linger_s == 0) ||
	    (t->state == TS_CONNECTING)) {
		abort_pcb(s);
		return;
	}
	tcp_give_window(t); /* lwIP takes a window that is not open for unread data */
	pcb = t->pcb;
	tcp_let_go(s);
	if (tcp_close(pcb) != ERR_OK)
		tcp_abort(pcb);
}

static bool has_unacked(const struct tcp_sock *t)
{
	return t->pcb && (t->pcb->unsent || t->pcb->unacked);
}

/* SO_LINGER: the answer waits until everything was acknowledged; the time is in the request. */
static bool must_linger(struct sock *s, struct request *r)
{
	struct tcp_sock *t = s->tcp;

	if (!s->opt.linger_on || s->opt.linger_s == 0 || t->state != TS_OPEN || t->rx_bytes ||
	    !has_unacked(t))
		return false;
	if (!r->has_started && !t->wr_shut)
		(void)tcp_shutdown(t->pcb, 0, 1);
	r->has_started = true;
	t->wr_shut = true;
	return true;
}

int tcp_do_close(struct sock *s, struct request *r)
{
	struct tcp_sock *t = s->tcp;

	if (must_linger(s, r))
		return WOULD_BLOCK;
	if (t->state == TS_LISTEN)
		close_listener(s);
	else if (t->pcb)
		close_connection(s);
	tcp_data_free(t);
	free(t);
	s->tcp = NULL;
	return 0;
}

static bool is_connection(struct sock *s, const void *arg)
{
	const struct icmp_error *e = arg;
	const struct tcp_sock *t = s->tcp;

	return s->ops == &tcp_ops && t->state == TS_CONNECTING && t->local_port == e->local_port &&
	       t->remote_port == e->remote_port && ip_addr_cmp(&t->remote_ip, e->remote) &&
	       e->seq == t->pcb->lastack + 1;
}

/* Only a connection that is being made ends by an ICMP error, if it quotes our SYN; later ones are hints
 * (RFC 1122, 4.2.3.9). */
void tcp_icmp_error(const struct icmp_error *e)
{
	struct sock *s = sock_find(is_connection, e);

	if (!s)
		return;
	abort_pcb(s);
	s->tcp->state = TS_CLOSED;
	sock_fail(s, e->error);
}
