/* SPDX-License-Identifier: BSD-2-Clause */
/* See resend.h. */
#include "lwip/priv/tcp_priv.h"
#include "resend.h"

u32_t segment_seq(const struct tcp_seg *s)
{
	return lwip_ntohl(s->tcphdr->seqno);
}

u32_t segment_end(const struct tcp_seg *s)
{
	return segment_seq(s) + TCP_TCPLEN(s);
}

bool segment_is_held(const struct tcp_seg *s)
{
	return s->p->ref != 1;
}

/* The segment alone is what is not sent yet, for one tcp_output(), which puts it back into its place. */
static bool send_alone(struct tcp_pcb *pcb, struct tcp_seg *s)
{
	struct tcp_seg *unsent = pcb->unsent;
	u16_t oversize = pcb->unsent_oversize;
	tcpwnd_size_t cwnd = pcb->cwnd;
	bool is_sent;

	pcb->unsent = s;
	pcb->unsent_oversize = 0;
	pcb->cwnd = pcb->snd_wnd;
	(void)tcp_output(pcb);
	is_sent = pcb->unsent == NULL;
	pcb->unsent = unsent;
	pcb->unsent_oversize = oversize;
	pcb->cwnd = cwnd;
	return is_sent;
}

bool resend_segment(struct tcp_pcb *pcb, struct tcp_seg *s)
{
	struct tcp_seg **at = &pcb->unacked;
	tcpflags_t nagle = pcb->flags & TF_NAGLEMEMERR;
	u32_t rttest = pcb->rttest;

	if (segment_is_held(s) || segment_seq(s) - pcb->lastack + s->len > pcb->snd_wnd)
		return false;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->next = NULL;
	tcp_set_flags(pcb, TF_NAGLEMEMERR); /* now, whatever Nagle says */
	pcb->rttest = 1;                    /* not by this segment */
	if (!send_alone(pcb, s)) {
		s->next = *at;
		*at = s;
		pcb->rttest = rttest;
		return false;
	}
	tcp_set_flags(pcb, nagle);
	pcb->rttest = 0; /* Karn */
	return true;
}
