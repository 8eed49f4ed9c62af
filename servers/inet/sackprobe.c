/* SPDX-License-Identifier: BSD-2-Clause */
/* Tail loss probes, outages, and what is told of a connection (sack.h). */
#include "lwip/priv/tcp_priv.h"
#include "resend.h"
#include "sack_impl.h"
#include "sys/sys.h"

/* Deadlines are multiples of it: alarms that move are dear. */
#define STEP_NS      5000000ull
#define PROBE_MIN_NS 5000000ull
#define PROBES_MAX   2u /* of a silence, the second one after twice the time */

static struct list armed;
static uint64_t t_first_ns; /* not after the first deadline; 0: nothing is armed */

/* ---- the timer ---- */

void sender_disarm(struct sender *s)
{
	list_remove(&s->armed);
}

/* With a single segment the peer may wait with its acknowledgement about as long as lwIP's timer does. */
static bool may_probe(const struct sender *s)
{
	const struct tcp_pcb *pcb = s->pcb;

	return (pcb->flags & (TF_SACK | TF_RTO)) == TF_SACK && pcb->unacked != NULL &&
	       pcb->unacked->next != NULL && s->srtt_us > 0 && s->probes < PROBES_MAX &&
	       !s->is_paused;
}

static void set_timer(struct sender *s)
{
	uint64_t ns = 2000ull * s->srtt_us;

	if (ns < PROBE_MIN_NS)
		ns = PROBE_MIN_NS;
	s->t_probe_ns = ((now_ns() + (ns << s->probes)) / STEP_NS + 1) * STEP_NS;
	list_add(&armed, &s->armed, s);
	if (t_first_ns == 0 || s->t_probe_ns < t_first_ns)
		t_first_ns = s->t_probe_ns;
}

void sender_arm(struct sender *s, bool has_sent)
{
	if (s->has_progress)
		s->probes = 0;
	if (!may_probe(s))
		sender_disarm(s);
	else if (s->has_progress || has_sent || s->armed.at == NULL)
		set_timer(s);
	s->has_progress = false;
}

uint64_t sack_next_deadline(void)
{
	return t_first_ns;
}

/* ---- the probe ---- */

static struct tcp_seg *last_segment(const struct sender *s)
{
	struct tcp_seg *last = s->pcb->unacked;

	while (last->next != NULL)
		last = last->next;
	return last;
}

/* Holes are known: the first one is lost, or was lost again. */
static void probe_holes(struct sender *s)
{
	s->board.old_edge = s->pcb->snd_nxt;
	s->board.has_old = true;
	scoreboard_forget_resent(&s->board, segment_seq(s->pcb->unacked));
	s->must_resend = true;
	sender_look(s);
}

/* RFC 8985, 7.3: new data if there are some, else the last segment. */
static void probe_tail(struct sender *s)
{
	uint32_t next = sender_next(s);
	bool is_new;

	sender_send_new(s, s->pcb->mss);
	is_new = sender_next(s) != next;
	if (!is_new && !sender_resend(s, last_segment(s)))
		return;
	/* When it arrives, what is missing before it was sent long ago. */
	s->board.old_edge = next;
	s->board.has_old = true;
	s->has_probe = !is_new;
	s->probe_edge = next;
	s->probe_seq = segment_seq(last_segment(s));
	s->may_undo = false;
	s->nxt = sender_next(s);
}

static void probe(struct sender *s)
{
	/* The driver has not even told that it sent it. */
	if (!may_probe(s) || segment_is_held(last_segment(s))) {
		sender_arm(s, true);
		return;
	}
	s->probes++;
	sack_counts.probes++;
	if (s->is_recovering || s->board.range_count > 0)
		probe_holes(s);
	else
		probe_tail(s);
	sender_arm(s, true);
}

void sender_run_probes(void)
{
	uint64_t t_now = now_ns(), t_next = 0;
	struct link *next;

	if (t_first_ns == 0 || t_now < t_first_ns)
		return;
	t_first_ns = 0;
	for (struct link *k = armed.first; k != NULL; k = next) {
		next = k->next;
		/* If we are late it was us who slept, and the answer may be waiting. */
		if (k->sender->t_probe_ns + STEP_NS < t_now)
			set_timer(k->sender);
		else if (k->sender->t_probe_ns <= t_now)
			probe(k->sender);
		else if (t_next == 0 || k->sender->t_probe_ns < t_next)
			t_next = k->sender->t_probe_ns;
	}
	if (t_first_ns == 0 || (t_next != 0 && t_next < t_first_ns))
		t_first_ns = t_next;
}

/* RFC 8985, 7.4: when the probe has mended a loss nobody has told of it, and the window is reduced now. If what it repeats
 * was only late, the peer says that it has it twice. */
void sender_probe_answered(struct sender *s)
{
	uint32_t una = s->pcb->lastack;

	if (!s->has_probe || !seq_before(s->probe_edge, una))
		return;
	s->has_probe = false;
	if (!s->is_recovering)
		sender_reduce(s);
}

/* ---- outages ---- */

/* Three duplicates after lwIP's timer: the peer, or the way to it, was away and is back (recover.c asks like that), and the
 * next try need not wait for a timer that has backed off. */
void sender_answer_call(struct sender *s)
{
	if (s->duplicates < DUPLICATE_THRESHOLD || s->pcb->unacked == NULL)
		return;
	s->duplicates = 0;
	if (resend_segment(s->pcb, s->pcb->unacked))
		s->pcb->rtime = 0;
}

void sack_pause(struct tcp_pcb *pcb)
{
	struct sender *s = sender_of(pcb);

	if (s == NULL)
		return;
	s->is_paused = true;
	sender_disarm(s);
}

bool sack_resend_first(struct tcp_pcb *pcb)
{
	struct sender *s = sender_of(pcb);

	if (pcb->unacked == NULL)
		return false;
	return s != NULL ? sender_resend(s, pcb->unacked) : resend_segment(pcb, pcb->unacked);
}

bool sack_resume(struct tcp_pcb *pcb)
{
	struct sender *s = sender_of(pcb);

	if (s == NULL)
		return false;
	s->is_paused = s->has_probe = false;
	s->probes = 0;
	s->is_forgiven = pcb->unacked != NULL;
	s->forgiven_una = pcb->lastack;
	s->forgiven_nxt = pcb->snd_nxt;
	sack_sent(pcb);
	return true;
}

/* ---- what is told ---- */

void sack_get_info(const struct tcp_pcb *pcb, struct sack_info *i)
{
	const struct sender *s = sender_of(pcb);
	struct survey v;

	*i = (struct sack_info){.state = pcb->flags & TF_RTO ? SACK_TIMER : SACK_OPEN};
	if (s == NULL || (pcb->flags & TF_RTO) || pcb->state < ESTABLISHED)
		return;
	sender_survey(s, &v);
	i->sacked = v.sacked;
	i->lost = v.lost;
	i->resent = v.resent;
	if (s->is_recovering)
		i->state = SACK_RECOVERY;
	else if (v.sacked > 0 || s->duplicates > 0)
		i->state = SACK_DISORDER;
}
