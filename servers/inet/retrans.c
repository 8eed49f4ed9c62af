/* SPDX-License-Identifier: BSD-2-Clause */
/* A look at each segment that goes out (retrans.h). */
#include <stdbool.h>

#include "lwip/opt.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"
#include "lwip/lwip_hooks.h"
#include "retrans.h"
#include "sack.h"

static uint64_t total;
static struct tcp_pcb *last; /* whose segment is on its way out and was counted; NULL: was not */

/* The extra word: how many, and a bit that a SYN went out. */
#define SYN_SENT_ONCE (1ull << 32)

static uint64_t word_of(const struct tcp_pcb *pcb)
{
	return (uintptr_t)tcp_ext_arg_get(pcb, EXT_RETRANS);
}

static void set_word(struct tcp_pcb *pcb, uint64_t word)
{
	tcp_ext_arg_set(pcb, EXT_RETRANS, (void *)(uintptr_t)word);
}

uint32_t retrans_of(const struct tcp_pcb *pcb)
{
	return (uint32_t)word_of(pcb);
}

uint64_t retrans_total(void)
{
	return total;
}

/* A SYN's number is before snd_nxt the first time, too. What only asks for an answer (keep-alive, window
 * probe) is none. */
static bool is_retransmission(const struct pbuf *p, const struct tcp_hdr *h, struct tcp_pcb *pcb)
{
	uint64_t word = word_of(pcb);

	if (TCPH_FLAGS(h) & TCP_SYN) {
		set_word(pcb, word | SYN_SENT_ONCE);
		return (word & SYN_SENT_ONCE) != 0;
	}
	if (p->tot_len == TCPH_HDRLEN_BYTES(h) && !(TCPH_FLAGS(h) & TCP_FIN))
		return false;
	return pcb->persist_backoff == 0 && TCP_SEQ_LT(lwip_ntohl(h->seqno), pcb->snd_nxt);
}

/* RFC 6298, 5.5: lwIP doubles the timer of all but these. */
static void back_off_syn(struct tcp_pcb *pcb)
{
	if (pcb->state == SYN_SENT && pcb->nrtx <= TCP_SYNMAXRTX)
		pcb->rto = (s16_t)((LWIP_TCP_RTO_TIME / TCP_SLOW_INTERVAL) << pcb->nrtx);
}

u32_t *inet_tcp_out(const struct pbuf *p, const struct tcp_hdr *h, struct tcp_pcb *pcb, u32_t *opts)
{
	last = NULL;
	if (pcb == NULL || pcb->state == LISTEN || pcb->state == TIME_WAIT)
		return opts;
	back_off_syn(pcb);
	if (p->tot_len != TCPH_HDRLEN_BYTES(h))
		sack_sent(pcb);
	if (!is_retransmission(p, h, pcb))
		return opts;
	set_word(pcb, word_of(pcb) + 1);
	total++;
	last = pcb;
	return opts;
}

void retrans_refused(void)
{
	if (last == NULL)
		return;
	set_word(last, word_of(last) - 1);
	total--;
	last = NULL;
}
