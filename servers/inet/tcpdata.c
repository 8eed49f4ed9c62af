/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Data of TCP connections that are received, and what lwIP tells of all connections (sending: tcpsend.c).
 *
 * Chains of pbufs are kept as they came and copied once, by a vector SAFECOPY, straight to the application.
 * The window opens when data was read; SO_RCVBUF smaller than it keeps back the difference. That of a peer
 * without window scaling opens as data come, while there is room.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "sys/sys.h"
#include "lwip/priv/tcp_priv.h"
#include "retrans.h"
#include "rxpool.h"
#include "sack.h"
#include "tcp_impl.h"

#define GATHER_BELOW  512u  /* smaller pieces are gathered */
#define GATHER_BYTES  2048u /* in buffers of this size */
#define UNSCALED_ROOM (256u << 10)
#define SPARE_MAX     1024u /* pieces */

void tcp_data_init(struct tcp_sock *t)
{
	t->rx_end = &t->rx;
}

/* Used ones: malloc gives pages back to vm, and takes them again. */
static struct rx_piece *spare_pieces;
static unsigned spare_count;

static struct rx_piece *make_piece(void)
{
	struct rx_piece *piece = spare_pieces;

	if (!piece)
		return calloc(1, sizeof(*piece));
	spare_pieces = piece->next;
	spare_count--;
	*piece = (struct rx_piece){.next = NULL};
	return piece;
}

static void drop_piece(struct rx_piece *piece)
{
	if (spare_count == SPARE_MAX) {
		free(piece);
		return;
	}
	piece->next = spare_pieces;
	spare_pieces = piece;
	spare_count++;
}

static void drop_first(struct tcp_sock *t)
{
	struct rx_piece *piece = t->rx;

	t->rx = piece->next;
	if (!t->rx)
		t->rx_end = &t->rx;
	pbuf_free(piece->p);
	drop_piece(piece);
}

void tcp_data_free(struct tcp_sock *t)
{
	while (t->rx)
		drop_first(t);
	t->rx_bytes = 0;
	tcp_send_end(t);
}

/* ---- receiving ---- */

static struct rx_piece *last_piece(struct tcp_sock *t)
{
	return t->rx ? (struct rx_piece *)(void *)((uint8_t *)t->rx_end -
	                                           offsetof(struct rx_piece, next))
	             : NULL;
}

/* Copies a small piece behind the last one; false: no room there. */
static bool gather(struct tcp_sock *t, const struct pbuf *p)
{
	struct rx_piece *tail = last_piece(t);

	if (!tail || tail->room < p->tot_len)
		return false;
	(void)pbuf_copy_partial(p, (uint8_t *)tail->p->payload + tail->p->len, p->tot_len, 0);
	tail->p->len = (u16_t)(tail->p->len + p->tot_len);
	tail->p->tot_len = tail->p->len;
	tail->room -= p->tot_len;
	return true;
}

/* A gathering buffer with p's bytes in it, or p itself when there is no memory for one. */
static struct pbuf *start_gathering(struct pbuf *p, uint32_t *room)
{
	struct pbuf *g = pbuf_alloc(PBUF_RAW, GATHER_BYTES, PBUF_RAM);

	*room = 0;
	if (!g)
		return p;
	(void)pbuf_copy_partial(p, g->payload, p->tot_len, 0);
	g->len = g->tot_len = p->tot_len;
	*room = GATHER_BYTES - g->len;
	pbuf_free(p);
	return g;
}

static bool append(struct tcp_sock *t, struct pbuf *p)
{
	bool is_small = p->tot_len < GATHER_BELOW;
	struct rx_piece *piece;

	if (is_small && gather(t, p)) {
		pbuf_free(p);
		return true;
	}
	piece = make_piece();
	if (!piece)
		return false;
	rxpool_join(p);
	piece->p = is_small ? start_gathering(p, &piece->room) : p;
	*t->rx_end = piece;
	t->rx_end = &piece->next;
	return true;
}

static void open_window(struct tcp_sock *t, uint32_t n)
{
	while (n) {
		u16_t step = (u16_t)(n > 0xffff ? 0xffff : n);

		tcp_recved(t->pcb, step);
		n -= step;
	}
}

void tcp_give_window(struct tcp_sock *t)
{
	if (t->pcb->state != CLOSED && t->pcb->rcv_wnd < TCP_WND_MAX(t->pcb))
		open_window(t, TCP_WND_MAX(t->pcb) - t->pcb->rcv_wnd);
}

/* Bytes that may wait to be read. Without window scaling a peer learns of 64 KB at most at a time: what has come
 * is not taken off them as long as the rest fits as well. */
static uint32_t room_of(const struct sock *s)
{
	uint32_t room = s->tcp->pcb->flags & TF_WND_SCALE ? TCP_WND : UNSCALED_ROOM;

	return s->opt.is_rcvbuf_set && s->opt.rcvbuf < room ? s->opt.rcvbuf : room;
}

/* After data came or were read: the window as far as there is room. */
static void offer_window(const struct sock *s)
{
	struct tcp_sock *t = s->tcp;
	uint32_t room, window;

	if (!t->pcb || t->pcb->state == CLOSED)
		return;
	room = room_of(s);
	window = room > t->rx_bytes ? room - t->rx_bytes : 0;
	if (window > TCP_WND_MAX(t->pcb))
		window = TCP_WND_MAX(t->pcb);
	if (window > t->pcb->rcv_wnd)
		open_window(t, window - t->pcb->rcv_wnd);
}

err_t tcp_on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct sock *s = arg;
	struct tcp_sock *t = s->tcp;

	(void)err;
	if (!p) {
		t->has_fin = true;
		/* Both FINs have passed: lwIP will free the pcb without telling. */
		if (pcb->state == CLOSING || pcb->state == TIME_WAIT)
			tcp_let_go(s);
	} else {
		uint32_t n = p->tot_len;

		if (!append(t, p))
			return ERR_MEM; /* lwIP keeps it and asks again */
		t->rx_bytes += n;
		t->bytes_received += n;
		t->t_last_recv_ns = now_ns();
		if (!(pcb->flags & TF_WND_SCALE))
			offer_window(s);
	}
	sock_changed(s);
	return ERR_OK;
}

/* Copies up to `len` bytes of the queue to the request, from byte `at` of it on. */
static int copy_out(const struct tcp_sock *t, const struct request *r, uint32_t at, uint32_t len)
{
	uint32_t done = 0;

	for (const struct rx_piece *piece = t->rx; piece && done < len; piece = piece->next) {
		uint32_t n = piece->p->tot_len - piece->taken;
		int e;

		if (n > len - done)
			n = len - done;
		e = request_out_pbuf(r, at + done, piece->p, piece->taken, n);
		if (e < 0)
			return done ? (int)done : e;
		done += n;
	}
	return (int)done;
}

static void take(struct tcp_sock *t, uint32_t n)
{
	t->rx_bytes -= n;
	while (n) {
		uint32_t left = t->rx->p->tot_len - t->rx->taken;

		if (n < left) {
			t->rx->taken += n;
			return;
		}
		n -= left;
		drop_first(t);
	}
}

/* Nothing is left to read: what does the reader get? */
static int nothing_to_read(struct sock *s, const struct request *r)
{
	const struct tcp_sock *t = s->tcp;

	if (r->done_bytes)
		return t->has_fin || t->rd_shut || s->error || t->state != TS_OPEN
		               ? (int)r->done_bytes
		               : WOULD_BLOCK;
	if (s->error)
		return sock_take_error(s);
	if (t->has_fin || t->rd_shut || t->state == TS_DEAD)
		return 0;
	return t->state == TS_CLOSED ? -ENOTCONN : WOULD_BLOCK;
}

static int peek(struct sock *s, const struct request *r)
{
	const struct tcp_sock *t = s->tcp;
	uint32_t want = r->q.flags & SOCK_WAITALL ? r->q.len_bytes : 1;

	if (t->rx_bytes == 0) {
		tcp_send_turn(s->tcp, true);
		return nothing_to_read(s, r);
	}
	if (t->rx_bytes < want && !t->has_fin && !t->rd_shut && !s->error && t->state == TS_OPEN &&
	    !(r->q.flags & SOCK_NOWAIT))
		return WOULD_BLOCK;
	return copy_out(t, r, 0, r->q.len_bytes);
}

static uint32_t wanted_bytes(const struct sock *s, const struct request *r)
{
	uint32_t low = (uint32_t)s->opt.rcvlowat;

	if (r->q.flags & SOCK_WAITALL || low > r->q.len_bytes)
		return r->q.len_bytes;
	return low;
}

int tcp_receive_data(struct sock *s, struct request *r, struct sock_rep *rep)
{
	struct tcp_sock *t = s->tcp;
	int n;

	(void)rep;
	if (t->state == TS_LISTEN)
		return -ENOTCONN;
	if (r->q.len_bytes == 0)
		return 0;
	if (r->q.flags & SOCK_PEEK)
		return peek(s, r);
	n = (int)(r->q.len_bytes - r->done_bytes);
	if ((uint32_t)n > t->rx_bytes)
		n = (int)t->rx_bytes;
	/* MSG_TRUNC of a stream: thrown away unread. */
	if (!(r->q.flags & SOCK_TRUNC))
		n = copy_out(t, r, r->done_bytes, (uint32_t)n);
	if (n < 0)
		return r->done_bytes ? (int)r->done_bytes : n;
	take(t, (uint32_t)n);
	if (n > 0)
		offer_window(s);
	tcp_send_turn(t, n == 0);
	r->done_bytes += (uint32_t)n;
	return r->done_bytes >= wanted_bytes(s, r) ? (int)r->done_bytes : nothing_to_read(s, r);
}

/* ---- what lwIP tells ---- */

/* Smoothed as in RFC 6298, in microseconds: lwIP's own estimate counts timer ticks. */
static void measure_rtt(struct tcp_sock *t, uint64_t t_now)
{
	uint64_t ns = t_now - t->t_rtt_ns;
	uint32_t us = ns / 1000 > 60000000 ? 60000000u : (uint32_t)(ns / 1000);
	uint32_t off;

	if (us == 0)
		us = 1;
	if (us < t->min_rtt_us)
		t->min_rtt_us = us;
	if (t->srtt_us == 0) {
		t->srtt_us = us;
		t->rttvar_us = us / 2;
		return;
	}
	off = us > t->srtt_us ? us - t->srtt_us : t->srtt_us - us;
	t->rttvar_us = t->rttvar_us - t->rttvar_us / 4 + off / 4;
	t->srtt_us = t->srtt_us - t->srtt_us / 8 + us / 8;
}

static void count_retransmissions(struct tcp_sock *t, const struct tcp_pcb *pcb)
{
	if (t->retrans_total != retrans_of(pcb))
		t->t_rtt_ns = 0; /* Karn: no sample from what was sent twice */
	t->retrans_total = retrans_of(pcb);
}

err_t tcp_on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	struct sock *s = arg;
	struct tcp_sock *t = s->tcp;
	uint64_t t_now = now_ns();

	t->bytes_acked += len;
	t->t_last_ack_ns = t_now;
	count_retransmissions(t, pcb);
	tcp_send_acked(t);
	if (t->t_rtt_ns && TCP_SEQ_GEQ(pcb->lastack, t->rtt_seq)) {
		measure_rtt(t, t_now);
		sack_set_rtt(pcb, t->srtt_us, t->rttvar_us);
		t->t_rtt_ns = 0;
	}
	sock_changed(s);
	return ERR_OK;
}

err_t tcp_on_poll(void *arg, struct tcp_pcb *pcb)
{
	struct sock *s = arg;

	if (s)
		count_retransmissions(s->tcp, pcb);
	return ERR_OK;
}
