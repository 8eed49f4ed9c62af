/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers of local sockets. A copy from or to an application may wait for a page, so a sender fills a
 * packet before it belongs to anybody and then looks again whether it may go; a reader keeps others
 * from the queue while it copies (is_read), and takes away what it has copied afterwards.
 */
#include <string.h>
#include <sys/socket.h>
#include "unix.h"

/* ---- send ---- */

struct sending {
	struct unix_sock *s, *to;
	struct xfer *x;
	uint64_t deadline_ns;
};

static int wait_for_room(struct call *c, struct sending *q, struct waitq *wq)
{
	if (q->x->flags & MSG_DONTWAIT)
		return -EAGAIN;
	return sock_sleep(c, wq, q->deadline_ns);
}

/* A packet of len bytes, filled; waits for blocks. */
static int make_packet(struct call *c, struct sending *q, uint32_t len, struct packet **out)
{
	struct packet *p;
	int64_t n;
	int r;

	while (!(p = packet_new(len))) {
		r = wait_for_room(c, q, &unix_room_wq);
		if (r)
			return r;
	}
	n = packet_fill(c, p, q->x);
	if (n < 0) {
		packet_free(p);
		return (int)n;
	}
	p->cred = q->x->has_cred ? q->x->cred : unix_cred_of(c->proc);
	p->from = q->s->addr;
	*out = p;
	return 0;
}

static void deliver(struct sending *q, struct packet *p)
{
	p->rights = q->x->rights;
	q->x->rights = NULL;
	queue_add(q->to, p);
	waitq_wake(&q->to->wq);
}

/* May a stream go on? Sets q->to. */
static int check_stream(struct sending *q)
{
	if (q->s->shut & SHUT_OUT)
		return -EPIPE;
	q->to = q->s->peer;
	return !q->to || (q->to->shut & SHUT_IN) ? -EPIPE : 0;
}

static int send_chunk(struct call *c, struct sending *q, uint32_t len)
{
	struct packet *p;
	int r;

	while ((r = check_stream(q)) == 0 && !unix_has_room(q->s, q->to, len)) {
		r = wait_for_room(c, q, &q->s->wq);
		if (r)
			return r;
	}
	if (!r)
		r = make_packet(c, q, len, &p);
	if (r)
		return r;
	r = check_stream(q); /* it may have taken a while */
	if (r)
		packet_free(p);
	else
		deliver(q, p);
	return r;
}

static int64_t send_stream(struct call *c, struct unix_sock *s, struct xfer *x)
{
	struct sending q = {.s = s, .x = x, .deadline_ns = unix_deadline(s->send_timeout_ns)};
	uint64_t done = 0;
	int r = 0;

	if (x->addr.len)
		return s->state == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
	if (s->state != UNIX_CONNECTED)
		return sock_epipe(c, x, s->shut & SHUT_OUT ? -EPIPE : -ENOTCONN);
	if (s->error)
		return unix_take_error(s);
	if (x->total == 0)
		return sock_epipe(c, x, check_stream(&q));
	while (!r && done < x->total) {
		uint64_t left = x->total - done;
		uint32_t len =
			s->send_buffer / 2 < STREAM_CHUNK ? s->send_buffer / 2 : STREAM_CHUNK;

		if (left < len)
			len = (uint32_t)left;
		r = send_chunk(c, &q, len);
		done += r ? 0 : len;
	}
	return done ? (int64_t)done : sock_epipe(c, x, r);
}

/* Where a datagram goes, with a reference on its file; an unaccepted connection has none. */
static int find_target(struct call *c, struct sending *q, struct file **out)
{
	struct unix_sock *s = q->s;

	*out = NULL;
	if (q->x->addr.len && s->type == SOCK_DGRAM) {
		int r = unix_find(c, &q->x->addr, s->type, out);

		q->to = r ? NULL : (*out)->obj;
		return r;
	}
	q->to = s->peer;
	if (!q->to) {
		bool was_refused = s->is_refused;

		s->is_refused = false;
		if (s->type == SOCK_SEQPACKET)
			return s->state == UNIX_CONNECTED ? -EPIPE : -ENOTCONN;
		return was_refused ? -ECONNREFUSED : -ENOTCONN;
	}
	if (q->to->file) {
		file_ref(q->to->file);
		*out = q->to->file;
	}
	return 0;
}

static int check_datagram(const struct sending *q)
{
	const struct unix_sock *s = q->s, *to = q->to;

	if (s->type == SOCK_SEQPACKET && s->peer != to)
		return -EPIPE;
	if (to->peer && to->peer != s)
		return -EPERM;
	return (s->shut & SHUT_OUT) || (to->shut & SHUT_IN) ? -EPIPE : 0;
}

static int send_to(struct call *c, struct sending *q)
{
	uint32_t len = (uint32_t)q->x->total;
	struct packet *p;
	int r = make_packet(c, q, len, &p);

	if (r)
		return r;
	while ((r = check_datagram(q)) == 0 && !unix_has_room(q->s, q->to, len)) {
		r = wait_for_room(c, q, &unix_room_wq);
		if (r)
			break;
	}
	if (r)
		packet_free(p);
	else
		deliver(q, p);
	return r;
}

static int64_t send_datagram(struct call *c, struct unix_sock *s, struct xfer *x)
{
	struct sending q = {.s = s, .x = x, .deadline_ns = unix_deadline(s->send_timeout_ns)};
	struct file *target;
	int r;

	if (s->error)
		return unix_take_error(s);
	if (s->type == SOCK_SEQPACKET && s->state != UNIX_CONNECTED)
		return -ENOTCONN;
	if (x->total > s->send_buffer - PACKET_COST)
		return -EMSGSIZE;
	r = find_target(c, &q, &target);
	if (r)
		return r;
	r = send_to(c, &q);
	if (target)
		file_unref(target);
	return r ? r : (int64_t)x->total;
}

int64_t unix_send(struct call *c, struct file *f, struct xfer *x)
{
	struct unix_sock *s = f->obj;

	if (x->flags & MSG_OOB)
		return -EOPNOTSUPP;
	return s->type == SOCK_STREAM ? send_stream(c, s, x) : send_datagram(c, s, x);
}

/* ---- receive ---- */

/* The first packet is ours until end_reading(). */
static int begin_reading(struct call *c, struct unix_sock *s, const struct xfer *x,
                         uint64_t deadline_ns)
{
	while (s->is_read || !s->first) {
		int r;

		if (s->is_read) { /* for the time of a copy */
			(void)waitq_sleep(c, &s->wq, false);
			continue;
		}
		if (s->error)
			return unix_take_error(s);
		if (s->shut & SHUT_IN)
			return 0;
		if (x->flags & MSG_DONTWAIT)
			return -EAGAIN;
		r = sock_sleep(c, &s->wq, deadline_ns);
		if (r)
			return r;
	}
	s->is_read = true;
	return 1;
}

static void end_reading(struct unix_sock *s, bool was_taken)
{
	s->is_read = false;
	if (was_taken)
		unix_wake(s);
	else
		waitq_wake(&s->wq);
}

/* What comes along with a packet; files only once. A peek copies them, if there is a place for it. */
static void take_company(struct unix_sock *s, struct packet *p, struct xfer *x)
{
	x->has_cred = s->pass_cred;
	x->cred = p->cred;
	if (p->from.len)
		unix_put_name(&p->from, &x->addr);
	if (!p->rights)
		return;
	if (x->flags & MSG_PEEK) {
		x->rights = rights_copy(p->rights);
		if (!x->rights)
			x->out_flags |= MSG_CTRUNC;
		return;
	}
	flight_end(p->rights);
	x->rights = p->rights;
	p->rights = NULL;
}

static bool is_same_sender(const struct unix_sock *s, const struct packet *p, const struct xfer *x)
{
	return !s->pass_cred || memcmp(&p->cred, &x->cred, sizeof(p->cred)) == 0;
}

/* Copies from the queue what is there: bytes or -errno. is_more: this is not the first part. */
static int64_t read_queue(struct call *c, struct unix_sock *s, struct xfer *x, bool is_more)
{
	struct packet *p = s->first;
	int64_t done = 0;

	while (p) {
		bool has_rights = p->rights != NULL;
		int64_t n;

		if ((is_more || done) && !is_same_sender(s, p, x))
			break;
		n = packet_drain(c, p, p->taken, x);
		if (n < 0)
			return done ? done : n;
		if (n == 0 && p->len > p->taken)
			break; /* the vector is full */
		take_company(s, p, x);
		done += n;
		if (x->flags & MSG_PEEK) {
			p = p->next;
		} else {
			p->taken += (uint32_t)n;
			s->bytes -= (uint32_t)n;
			if (p->taken < p->len)
				break;
			queue_remove_first(s);
			p = s->first;
		}
		if (has_rights)
			break;
	}
	return done;
}

static int64_t recv_stream(struct call *c, struct unix_sock *s, struct xfer *x)
{
	uint64_t deadline_ns = unix_deadline(s->recv_timeout_ns);
	uint64_t wanted = x->flags & MSG_WAITALL ? x->total : 1;
	int64_t done = 0;

	if (s->state != UNIX_CONNECTED)
		return -EINVAL;
	do {
		int64_t n = begin_reading(c, s, x, deadline_ns);

		if (n <= 0)
			return done ? done : n;
		n = read_queue(c, s, x, done > 0);
		end_reading(s, n > 0 && !(x->flags & MSG_PEEK));
		if (n < 0)
			return done ? done : n;
		if (n == 0 || x->rights || (x->flags & MSG_PEEK))
			return done + n;
		done += n;
	} while ((uint64_t)done < wanted);
	return done;
}

static int64_t recv_datagram(struct call *c, struct unix_sock *s, struct xfer *x)
{
	struct packet *p;
	int64_t n;
	uint32_t len;

	if (s->type == SOCK_SEQPACKET && s->state != UNIX_CONNECTED)
		return -ENOTCONN;
	n = begin_reading(c, s, x, unix_deadline(s->recv_timeout_ns));
	if (n <= 0)
		return n == 0 && s->type == SOCK_DGRAM && (x->flags & MSG_DONTWAIT) ? -EAGAIN : n;
	p = s->first;
	len = p->len;
	n = packet_drain(c, p, 0, x);
	if (n >= 0) {
		take_company(s, p, x);
		if ((uint32_t)n < len)
			x->out_flags |= MSG_TRUNC;
	}
	if (n >= 0 && !(x->flags & MSG_PEEK))
		queue_remove_first(s);
	end_reading(s, n >= 0 && !(x->flags & MSG_PEEK));
	if (n >= 0 && (x->flags & MSG_TRUNC))
		n = len;
	return n;
}

int64_t unix_recv(struct call *c, struct file *f, struct xfer *x)
{
	struct unix_sock *s = f->obj;

	if (x->flags & MSG_OOB)
		return -EOPNOTSUPP;
	return s->type == SOCK_STREAM ? recv_stream(c, s, x) : recv_datagram(c, s, x);
}
