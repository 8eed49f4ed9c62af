/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending on TCP connections: data are copied once, by SAFECOPY, from the application into chunks of the
 * send area (chunk.h), from where drivers read them. A connection fills one chunk after the other; small
 * pieces of data are behind each other in one, so that segments are full and have few elements.
 *
 * Small writes one after the other, with nothing read in between, are a stream: what they leave unsent is
 * held for a moment, so that many of them share segments, frames, acknowledgements and interrupts, which
 * cost much more than the bytes. (Nagle alone does not do that when the acknowledgement comes back before the
 * next write, as it does when driver and inet run before the application.) It goes out when there is enough of it, when
 * nobody has anything to run (k_setalarm_idle), when the moment is over, or when the application wants to read and
 * there is nothing: then it waits for the peer. TCP_NODELAY switches this off.
 */
#include <sys/socket.h>
#include "sys/sys.h"
#include "chunk.h"
#include "sockif.h"
#include "lwip/priv/tcp_priv.h"
#include "tcp_impl.h"

#define CHUNK_GROWN 16384u /* of a connection that keeps sending */
/* Data are held for one to two of these if the CPU is never idle. All deadlines are multiples of it: alarms that
 * move are dear, they end at a device. */
#define HOLD_NS     5000000ull
#define HOLD_BYTES  16384u       /* that many are worth a doorbell */
#define STREAM_NS   200000000ull /* between two writes of a stream */
#define STREAM_FROM 2u           /* writes without reading: the first ones may be a request */

static struct tcp_sock *holding; /* connections with data that are held */

/* ---- room ---- */

uint32_t tcp_send_limit(const struct sock *s)
{
	return s->opt.is_sndbuf_set && s->opt.sndbuf < TCP_SND_BUF ? s->opt.sndbuf : TCP_SND_BUF;
}

uint32_t tcp_send_room(const struct sock *s)
{
	const struct tcp_pcb *pcb = s->tcp->pcb;
	uint32_t limit = tcp_send_limit(s), used;

	if (!pcb || pcb->snd_queuelen >= TCP_SND_QUEUELEN * 3 / 4)
		return 0;
	used = TCP_SND_BUF - pcb->snd_buf;
	return used < limit ? limit - used : 0;
}

/* ---- out ---- */

static void unhold(struct tcp_sock *t)
{
	struct tcp_sock **at = &holding;

	if (t->t_hold_ns == 0)
		return;
	while (*at != t)
		at = &(*at)->next_holding;
	*at = t->next_holding;
	t->t_hold_ns = 0;
}

static void hold(struct tcp_sock *t)
{
	if (t->t_hold_ns)
		return; /* since an earlier write */
	t->t_hold_ns = (now_ns() / HOLD_NS + 2) * HOLD_NS;
	t->next_holding = holding;
	holding = t;
}

void tcp_push(struct tcp_sock *t)
{
	unhold(t);
	if (!t->pcb)
		return;
	(void)tcp_output(t->pcb);
	t->t_last_sent_ns = now_ns();
	if (t->t_rtt_ns == 0 && t->pcb->snd_nxt != t->pcb->lastack) {
		t->t_rtt_ns = t->t_last_sent_ns;
		t->rtt_seq = t->pcb->snd_nxt;
	}
}

uint64_t tcp_hold_deadline(void)
{
	uint64_t first = 0;

	for (const struct tcp_sock *t = holding; t; t = t->next_holding)
		if (first == 0 || t->t_hold_ns < first)
			first = t->t_hold_ns;
	return first;
}

void tcp_hold_run(uint64_t t_now)
{
	struct tcp_sock *next;

	for (struct tcp_sock *t = holding; t; t = next) {
		next = t->next_holding;
		if (t->t_hold_ns <= t_now)
			tcp_push(t);
	}
}

void tcp_send_turn(struct tcp_sock *t, bool has_nothing)
{
	t->writes = 0;
	if (has_nothing && t->t_hold_ns)
		tcp_push(t);
}

/* ---- chunks ---- */

void tcp_send_end(struct tcp_sock *t)
{
	unhold(t);
	chunk_release(t->chunk);
	t->chunk = NULL;
	t->chunk_bytes = 0;
}

/* An idle connection keeps no memory. */
void tcp_send_acked(struct tcp_sock *t)
{
	if (t->chunk && !t->pcb->unsent && !t->pcb->unacked) {
		chunk_release(t->chunk);
		t->chunk = NULL;
		t->chunk_bytes = 0;
	}
}

/* The place for the next of `left` bytes; NULL: no memory. */
static uint8_t *find_room(struct tcp_sock *t, uint32_t left, uint32_t *room)
{
	uint8_t *to = t->chunk ? chunk_room(t->chunk, room) : NULL;

	if (to && *room > 0)
		return to;
	chunk_release(t->chunk);
	t->chunk = chunk_new(left > t->chunk_bytes ? left : t->chunk_bytes);
	/* Whoever fills several while there are data under way gets larger ones. */
	if (t->chunk_bytes < CHUNK_GROWN - CHUNK_HEADER)
		t->chunk_bytes = t->chunk_bytes ? 2 * t->chunk_bytes + CHUNK_HEADER
		                                : CHUNK_BYTES_MIN - CHUNK_HEADER;
	if (t->chunk_bytes > CHUNK_GROWN - CHUNK_HEADER)
		t->chunk_bytes = CHUNK_GROWN - CHUNK_HEADER;
	return t->chunk ? chunk_room(t->chunk, room) : NULL;
}

static int starve(struct sock *s)
{
	sock_starved(s);
	return WOULD_BLOCK;
}

static int send_piece(struct sock *s, struct request *r)
{
	struct tcp_sock *t = s->tcp;
	uint32_t left = r->q.len_bytes - r->done_bytes, room = tcp_send_room(s), space, n;
	bool is_more;
	uint8_t *to;
	int e;

	/* A writer waits until a third is free (as poll tells): not a segment for each acknowledgement. */
	if (room == 0 || (room < left && room < tcp_send_limit(s) / 3))
		return WOULD_BLOCK;
	n = left < room ? left : room;
	to = find_room(t, n, &space);
	if (!to)
		return starve(s);
	if (n > space)
		n = space;
	e = request_in(r, r->done_bytes, to, n);
	if (e < 0)
		return e;
	is_more = n < left || (r->q.flags & SOCK_MORE) || t->cork;
	n = chunk_write(t->chunk, t->pcb, n, is_more ? TCP_WRITE_FLAG_MORE : 0);
	if (n == 0)
		return starve(s);
	r->done_bytes += n;
	t->bytes_sent += n;
	return 0;
}

/* ---- the request ---- */

static int send_error(struct sock *s)
{
	int e = sock_take_error(s);

	return e ? e : -EPIPE;
}

/* Less than a segment may wait for more (MSG_MORE, TCP_CORK); lwIP's slow timer sends it anyway. */
static bool is_held_back(const struct tcp_sock *t, const struct request *r)
{
	const struct tcp_pcb *pcb = t->pcb;

	return ((r->q.flags & SOCK_MORE) || t->cork) && pcb->unsent && !pcb->unsent->next &&
	       pcb->unsent->len < pcb->mss;
}

/* A complete small write of a stream: may what is unsent wait for the next one? */
static bool may_hold(struct tcp_sock *t)
{
	const struct tcp_pcb *pcb = t->pcb;
	uint64_t t_now = now_ns();
	bool is_stream = t_now - t->t_last_write_ns < STREAM_NS && t->writes >= STREAM_FROM;
	uint32_t window = LWIP_MIN(pcb->cwnd, pcb->snd_wnd);

	t->t_last_write_ns = t_now;
	if (t->writes < STREAM_FROM)
		t->writes++;
	return is_stream && !t->nodelay &&
	       pcb->snd_lbb - pcb->snd_nxt < LWIP_MIN(HOLD_BYTES, window / 2);
}

int tcp_send(struct sock *s, struct request *r)
{
	struct tcp_sock *t = s->tcp;
	int e = 0;

	if (r->q.flags & SOCK_OOB)
		return -EOPNOTSUPP;
	if (t->state == TS_CONNECTING && !t->wr_shut && !s->error)
		return WOULD_BLOCK;
	if (t->state != TS_OPEN || t->wr_shut || s->error || !t->pcb)
		return r->done_bytes ? (int)r->done_bytes : send_error(s);
	while (e == 0 && r->done_bytes < r->q.len_bytes)
		e = send_piece(s, r);
	if (r->done_bytes && !is_held_back(t, r)) {
		if (may_hold(t) && e == 0)
			hold(t);
		else
			tcp_push(t);
	}
	if (e == WOULD_BLOCK)
		return e;
	return e < 0 && r->done_bytes == 0 ? e : (int)r->done_bytes;
}
