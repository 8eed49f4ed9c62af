/* SPDX-License-Identifier: BSD-2-Clause */
/* What sack.c (episodes of recovery) and sackprobe.c (tail loss probes) share. */
#ifndef INET_SACK_IMPL_H
#define INET_SACK_IMPL_H

#include "prr.h"
#include "sack.h"
#include "scoreboard.h"

/* After more repetitions a reduction is not undone. */
#define UNDO_RESENDS 16u

struct link {
	struct sender *sender;
	struct link *next, **at; /* at: NULL if it is in no list */
};

struct list {
	struct link *first;
};

struct sender {
	struct tcp_pcb *pcb;
	struct link due;   /* acknowledgements or data since the last look */
	struct link armed; /* t_probe_ns */
	struct scoreboard board;

	bool has_timer; /* lwIP's has fired, and not all that was sent then is acknowledged */
	/* Since the last look. */
	bool has_acks;
	bool had_blocks; /* the last segment, of which lwIP may still count a duplicate */
	/* As of the last look. */
	uint32_t una, nxt;
	uint32_t arrived; /* bytes behind una */
	bool has_progress;

	uint32_t duplicates; /* without blocks, for duplicates_una */
	uint32_t duplicates_una;

	/* The episode, or the last one. */
	bool is_recovering;
	bool must_resend; /* its first segment, whatever the window says */
	bool has_recover;
	uint32_t recover; /* it ends when all before is acknowledged */
	struct prr prr;
	bool may_undo;
	uint32_t resends; /* segments */
	uint32_t resent_seqs[UNDO_RESENDS];
	uint32_t resent_twice; /* a bit for each of these that the peer has twice */
	tcpwnd_size_t cwnd_before, ssthresh_before;

	/* The last outage. */
	bool is_paused, is_forgiven;
	uint32_t forgiven_una, forgiven_nxt; /* what was under way */

	/* Tail loss probe. */
	uint32_t srtt_us;
	uint64_t t_probe_ns;
	unsigned probes; /* since something was heard */
	bool has_probe;  /* a repetition that no episode has followed */
	uint32_t probe_seq, probe_edge;
};

/* Of all that is not acknowledged. */
struct survey {
	uint32_t pipe;                 /* bytes under way (RFC 6675, 4) */
	uint32_t sacked, lost, resent; /* segments; resent: of those lost, those under way again */
};

void list_add(struct list *l, struct link *k, struct sender *s);
void list_remove(struct link *k);

extern struct sack_counts sack_counts;

/* sack.c */
struct sender *sender_of(const struct tcp_pcb *pcb); /* NULL: none */
uint32_t sender_next(const struct sender *s);
void sender_survey(const struct sender *s, struct survey *v);
void sender_look(struct sender *s);
void sender_reduce(struct sender *s); /* the window */
bool sender_resend(struct sender *s, struct tcp_seg *seg);
void sender_send_new(struct sender *s, uint32_t allowance);

/* sackprobe.c */
void sender_arm(struct sender *s, bool has_sent);
void sender_disarm(struct sender *s);
void sender_probe_answered(struct sender *s); /* after each look at acknowledgements */
void sender_run_probes(void);
void sender_answer_call(struct sender *s); /* while lwIP's timer backs off */

#endif
