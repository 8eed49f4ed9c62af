/* SPDX-License-Identifier: BSD-2-Clause */
/* See sack.h. */
#include <stdlib.h>
#include <string.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"
#include "resend.h"
#include "retrans.h"
#include "sack_impl.h"
#include "sys/sys.h"

#define TICK_US   (TCP_SLOW_INTERVAL * 1000u)
#define TICKS_MIN 3u /* of lwIP's timer: it ticks some time in the first one */
#define TICKS_MAX 1000u

static struct list due;
struct sack_counts sack_counts;

void list_add(struct list *l, struct link *k, struct sender *s)
{
	if (k->at != NULL)
		return;
	k->sender = s;
	k->next = l->first;
	k->at = &l->first;
	if (k->next != NULL)
		k->next->at = &k->next;
	l->first = k;
}

void list_remove(struct link *k)
{
	if (k->at == NULL)
		return;
	*k->at = k->next;
	if (k->next != NULL)
		k->next->at = k->at;
	k->at = NULL;
}

static uint32_t at_least(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* ---- a connection's sender ---- */

struct sender *sender_of(const struct tcp_pcb *pcb)
{
	return tcp_ext_arg_get(pcb, EXT_SENDER);
}

static void destroy(u8_t id, void *data)
{
	struct sender *s = data;

	(void)id;
	if (s == NULL)
		return;
	list_remove(&s->due);
	list_remove(&s->armed);
	free(s);
}

static const struct tcp_ext_arg_callbacks callbacks = {.destroy = destroy};

static struct sender *new_sender(struct tcp_pcb *pcb)
{
	struct sender *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->pcb = pcb;
	s->una = s->duplicates_una = pcb->lastack;
	s->nxt = pcb->snd_nxt;
	scoreboard_reset(&s->board, s->una);
	tcp_ext_arg_set(pcb, EXT_SENDER, s);
	tcp_ext_arg_set_callbacks(pcb, EXT_SENDER, &callbacks);
	return s;
}

/* ---- what comes in ---- */

/* lwIP has counted the segment before this one if it was a duplicate; three would make it act. One with blocks says
 * itself what has arrived. */
static void take_duplicates(struct sender *s)
{
	struct tcp_pcb *pcb = s->pcb;
	uint32_t acked = pcb->lastack - s->duplicates_una;

	/* In recovery those that it took for arrived were among these (RFC 6582, 3.2 step 3). */
	if (acked > 0)
		s->duplicates -= s->is_recovering ? LWIP_MIN(s->duplicates,
		                                             (acked + pcb->mss - 1) / pcb->mss - 1)
		                                  : s->duplicates;
	s->duplicates_una = pcb->lastack;
	/* A peer without D-SACK has the probe twice. */
	if (pcb->dupacks > 0 && pcb->lastack == s->probe_edge)
		s->has_probe = false;
	if (!s->had_blocks)
		s->duplicates += pcb->dupacks;
	pcb->dupacks = 0;
}

/* Only what was resent counts: networks make duplicates, too. */
static void note_twice(struct sender *s)
{
	const struct scoreboard *b = &s->board;

	for (unsigned i = 0; i < s->resends && i < UNDO_RESENDS; i++)
		if (!seq_before(s->resent_seqs[i], b->twice_left) &&
		    seq_before(s->resent_seqs[i], b->twice_right))
			s->resent_twice |= 1u << i;
	if (!seq_before(s->probe_seq, b->twice_left) && seq_before(s->probe_seq, b->twice_right))
		s->has_probe = false;
}

void sack_segment(struct tcp_pcb *pcb, const struct tcp_hdr *header, u16_t options)
{
	struct sender *s = sender_of(pcb);
	unsigned news = 0;

	if (pcb->state < ESTABLISHED || pcb->state == TIME_WAIT)
		return;
	if (s == NULL && pcb->unacked != NULL)
		s = new_sender(pcb);
	if (s == NULL)
		return;
	take_duplicates(s);
	if ((pcb->flags & (TF_SACK | TF_RTO)) == TF_SACK &&
	    !seq_before(header->ackno, pcb->lastack))
		news = scoreboard_take(&s->board, (const uint8_t *)(header + 1), options,
		                       header->ackno, pcb->snd_nxt);
	s->had_blocks = (news & SACK_BLOCKS) != 0;
	if (news & SACK_TWICE)
		note_twice(s);
	s->has_acks = true;
	if (s->is_recovering)
		pcb->bytes_acked = 0; /* the window does not grow */
	list_add(&due, &s->due, s);
}

void sack_sent(struct tcp_pcb *pcb)
{
	struct sender *s = sender_of(pcb);

	if (s != NULL)
		list_add(&due, &s->due, s);
}

/* lwIP's estimates: an eighth of `sa` and `sv` make the timer, in ticks. */
static void set_timer(struct tcp_pcb *pcb, uint32_t srtt_us, uint32_t rttvar_us)
{
	uint32_t sa = srtt_us / TICK_US, sv = (4 * rttvar_us + TICK_US - 1) / TICK_US;

	if (sa > TICKS_MAX || sv > TICKS_MAX)
		return;
	pcb->sa = (s16_t)(8 * sa);
	pcb->sv = (s16_t)at_least(sv, TICKS_MIN);
	if (pcb->nrtx == 0)
		pcb->rto = (s16_t)(sa + (uint32_t)pcb->sv);
}

void sack_set_rtt(struct tcp_pcb *pcb, uint32_t srtt_us, uint32_t rttvar_us)
{
	struct sender *s = sender_of(pcb);

	if (s == NULL)
		return;
	if (s->srtt_us == 0)
		set_timer(pcb, srtt_us, rttvar_us);
	s->srtt_us = srtt_us;
}

/* ---- what is under way ---- */

/* What lwIP sends next: after its timer that may have been sent before. */
uint32_t sender_next(const struct sender *s)
{
	return s->pcb->unsent != NULL ? segment_seq(s->pcb->unsent) : s->pcb->snd_nxt;
}

static uint32_t flight(const struct sender *s)
{
	return sender_next(s) - s->pcb->lastack;
}

/* Of a peer without SACK each duplicate is a segment that has arrived, of those behind the first. */
static uint32_t bytes_by_duplicates(const struct sender *s)
{
	uint32_t bytes = s->duplicates * s->pcb->mss, first = s->pcb->mss, all = flight(s);

	if (s->board.range_count > 0 || all <= first)
		return 0;
	return bytes < all - first ? bytes : all - first;
}

static uint32_t arrived_bytes(const struct sender *s)
{
	return s->board.sacked_bytes + bytes_by_duplicates(s);
}

/* In recovery what is acknowledged last ends at a hole (RFC 6582, 3.2). */
static bool is_first_hole(const struct sender *s, const struct tcp_seg *seg)
{
	return s->is_recovering && seg == s->pcb->unacked &&
	       !seq_before(s->recover, segment_end(seg));
}

static enum fate fate_of(const struct sender *s, struct scoreboard_walk *walk,
                         const struct tcp_seg *seg)
{
	enum fate fate =
		scoreboard_fate(&s->board, walk, segment_seq(seg), segment_end(seg), s->pcb->mss);

	return fate == FATE_UNDER_WAY && is_first_hole(s, seg) ? FATE_LOST : fate;
}

void sender_survey(const struct sender *s, struct survey *v)
{
	struct scoreboard_walk walk = {0};

	*v = (struct survey){0};
	for (const struct tcp_seg *seg = s->pcb->unacked; seg != NULL; seg = seg->next) {
		uint32_t seq = segment_seq(seg), bytes = segment_end(seg) - seq;
		enum fate fate = fate_of(s, &walk, seg);
		bool is_resent = fate == FATE_LOST && scoreboard_is_resent(&s->board, seq);

		v->sacked += fate == FATE_ARRIVED;
		v->lost += fate == FATE_LOST;
		v->resent += is_resent;
		if (fate == FATE_UNDER_WAY || is_resent)
			v->pipe += bytes;
	}
	v->pipe -= LWIP_MIN(v->pipe, bytes_by_duplicates(s));
}

/* ---- an episode ---- */

/* What was under way when the driver died is not the network's fault. */
static bool is_forgiven(const struct sender *s)
{
	return s->is_forgiven && seq_before(s->pcb->lastack, s->forgiven_nxt);
}

void sender_reduce(struct sender *s)
{
	struct tcp_pcb *pcb = s->pcb;

	s->cwnd_before = pcb->cwnd;
	s->ssthresh_before = pcb->ssthresh;
	s->resends = s->resent_twice = 0;
	s->may_undo = !is_forgiven(s);
	if (s->may_undo) {
		pcb->ssthresh = at_least(LWIP_MIN(pcb->cwnd, flight(s)) / 2, 2u * pcb->mss);
		pcb->cwnd = pcb->ssthresh;
	}
	pcb->bytes_acked = 0;
}

static void enter(struct sender *s)
{
	sack_counts.recoveries++;
	sender_reduce(s);
	s->is_recovering = true;
	s->recover = s->pcb->snd_nxt;
	s->has_recover = s->must_resend = true;
	s->has_probe = false;
	prr_start(&s->prr, flight(s), s->pcb->cwnd);
	s->pcb->rtime = 0;
}

/* Three duplicates without blocks (RFC 6582, 3.2 step 1): not for those that follow an episode, nor for those that our
 * own repetition after an outage has made. */
static bool is_told_by_duplicates(const struct sender *s)
{
	uint32_t una = s->pcb->lastack;

	if (s->duplicates < DUPLICATE_THRESHOLD || s->board.range_count > 0)
		return false;
	if (s->is_forgiven && una == s->forgiven_una)
		return false;
	return !s->has_recover || seq_before(s->recover, una) ||
	       (una == s->recover && (s->pcb->flags & TF_SACK));
}

/* Each that was resent has arrived twice: the first ones were late, not lost. */
static void undo(struct sender *s)
{
	struct tcp_pcb *pcb = s->pcb;

	if (!s->may_undo || s->resends == 0 || s->resends > UNDO_RESENDS ||
	    s->resent_twice != (1u << s->resends) - 1)
		return;
	s->may_undo = false;
	s->is_recovering = false;
	pcb->cwnd = at_least(pcb->cwnd, s->cwnd_before);
	pcb->ssthresh = at_least(pcb->ssthresh, s->ssthresh_before);
	sack_counts.undone++;
}

/* ---- sending ---- */

bool sender_resend(struct sender *s, struct tcp_seg *seg)
{
	uint32_t seq = segment_seq(seg);

	if (!scoreboard_may_resend(&s->board) || !resend_segment(s->pcb, seg))
		return false;
	scoreboard_note_resent(&s->board, seq, s->pcb->snd_nxt);
	if (s->resends < UNDO_RESENDS)
		s->resent_seqs[s->resends] = seq;
	s->resends++;
	if (seg == s->pcb->unacked)
		s->pcb->rtime = 0;
	return true;
}

/* Holes from the first one on; what is left of the allowance. */
static uint32_t fill_holes(struct sender *s, uint32_t allowance)
{
	struct scoreboard_walk walk = {0};
	struct tcp_seg *next;

	for (struct tcp_seg *seg = s->pcb->unacked; seg != NULL && allowance > 0; seg = next) {
		uint32_t bytes = segment_end(seg) - segment_seq(seg);

		next = seg->next;
		if (fate_of(s, &walk, seg) != FATE_LOST ||
		    scoreboard_is_resent(&s->board, segment_seq(seg)))
			continue;
		if (!sender_resend(s, seg)) {
			s->must_resend = true;
			continue;
		}
		prr_sent(&s->prr, bytes);
		allowance -= bytes < allowance ? bytes : allowance;
	}
	return allowance;
}

/* New data beyond the window: so many bytes more than are under way. */
void sender_send_new(struct sender *s, uint32_t allowance)
{
	struct tcp_pcb *pcb = s->pcb;
	tcpwnd_size_t cwnd = pcb->cwnd;
	uint32_t nxt = sender_next(s);

	if (pcb->unsent == NULL || allowance < LWIP_MIN(pcb->unsent->len, pcb->mss))
		return;
	pcb->cwnd = at_least(cwnd, flight(s) + allowance);
	(void)tcp_output(pcb);
	pcb->cwnd = cwnd;
	if (s->is_recovering)
		prr_sent(&s->prr, sender_next(s) - nxt);
}

static void recover(struct sender *s, const struct survey *v, uint32_t delivered)
{
	uint32_t allowance = 0;

	if (s->has_acks)
		allowance = prr_allow(&s->prr, delivered, v->pipe, s->pcb->mss);
	if (s->must_resend)
		allowance = at_least(allowance, s->pcb->mss);
	s->must_resend = false;
	s->pcb->cwnd = s->prr.target;
	sender_send_new(s, fill_holes(s, allowance));
}

/* RFC 3042: two segments more than the window while it is not known whether something was lost. */
static void limited_transmit(struct sender *s)
{
	uint32_t more = LWIP_MIN(arrived_bytes(s), 2u * s->pcb->mss), all = flight(s);

	if (more > 0 && s->pcb->cwnd + more > all)
		sender_send_new(s, s->pcb->cwnd + more - all);
}

/* ---- the end of a turn ---- */

/* lwIP has sent all again, from the first byte on: what the peer has told may not be true any more. */
static void note_timer(struct sender *s)
{
	sack_counts.timers += !s->has_timer;
	s->duplicates *= s->has_timer;
	s->has_timer = true;
	s->una = s->pcb->lastack;
	s->nxt = sender_next(s);
	s->arrived = 0;
	scoreboard_reset(&s->board, s->una);
	s->is_recovering = s->must_resend = s->may_undo = false;
	s->has_recover = true;
	s->recover = s->pcb->rto_end;
	s->has_probe = false;
	sender_disarm(s);
}

/* Bytes that have arrived since the last look. */
static uint32_t advance(struct sender *s)
{
	struct tcp_pcb *pcb = s->pcb;
	uint32_t acked = pcb->lastack - s->una, before = s->arrived, now;

	scoreboard_acknowledge(&s->board, pcb->lastack);
	scoreboard_sift_resent(&s->board, pcb->mss);
	if (s->is_forgiven && !seq_before(pcb->lastack, s->forgiven_nxt))
		s->is_forgiven = false;
	if (s->has_recover && seq_before(s->recover, pcb->lastack))
		s->has_recover = s->is_recovering; /* numbers wrap: not for ever */
	now = arrived_bytes(s);
	s->has_progress = acked > 0 || now != before;
	if (s->is_recovering)
		prr_sent(&s->prr, sender_next(s) - s->nxt);
	/* Without blocks nothing tells how much is under way: the next hole is filled in any case (RFC 6582, 3.2). */
	if (s->is_recovering && acked > 0 && s->board.range_count == 0)
		s->must_resend = true;
	s->una = pcb->lastack;
	return acked + now > before ? acked + now - before : 0;
}

static bool has_ended(const struct sender *s)
{
	return s->is_recovering && !seq_before(s->pcb->lastack, s->recover);
}

void sender_look(struct sender *s)
{
	uint32_t delivered;
	struct survey v;

	take_duplicates(s);
	if (s->pcb->flags & TF_RTO) {
		note_timer(s);
		sender_answer_call(s);
		return;
	}
	s->has_timer = false;
	delivered = advance(s);
	undo(s);
	if (has_ended(s)) {
		s->is_recovering = s->must_resend = false;
		s->duplicates = 0;
		s->pcb->cwnd = s->prr.target;
	}
	sender_probe_answered(s);
	if (s->is_recovering || arrived_bytes(s) > 0) {
		sender_survey(s, &v);
		if (!s->is_recovering && (v.lost > v.resent || is_told_by_duplicates(s))) {
			enter(s);
			sender_survey(s, &v);
			/* What was acknowledged has made room for new data already. */
			delivered = LWIP_MIN(delivered, arrived_bytes(s));
		}
		if (s->is_recovering)
			recover(s, &v, delivered);
		else
			limited_transmit(s);
	}
	s->arrived = arrived_bytes(s);
	s->has_acks = false;
	s->must_resend = s->must_resend && s->is_recovering;
	sender_arm(s, s->nxt != sender_next(s));
	s->nxt = sender_next(s);
}

/* What could not be sent, for want of frames or because one holds it, is tried again at the end of the next turn; any
 * confirmation makes one. */
void sack_idle(void)
{
	struct list again = {NULL};

	sender_run_probes();
	while (due.first != NULL) {
		struct sender *s = due.first->sender;

		sender_look(s); /* what it sends puts it into the list */
		list_remove(&s->due);
		if (s->must_resend)
			list_add(&again, &s->due, s);
	}
	due = again;
	if (due.first != NULL)
		due.first->at = &due.first;
}

void sack_get_counts(struct sack_counts *c)
{
	*c = sack_counts;
}
