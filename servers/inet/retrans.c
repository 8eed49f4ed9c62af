/* SPDX-License-Identifier: BSD-2-Clause */
/* A look at each segment that goes out (retrans.h). */
#include <stdbool.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"
#include "lwip/lwip_hooks.h"
#include "retrans.h"

static uint64_t total;

/* The extra word: sequence number of the last one << 32 | how many. */
static uint64_t word_of(const struct tcp_pcb *pcb)
{
	return (uint64_t)(uintptr_t)tcp_ext_arg_get(pcb, EXT_RETRANS);
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
static bool is_retransmission(const struct pbuf *p, const struct tcp_hdr *h,
                              const struct tcp_pcb *pcb)
{
	if (TCPH_FLAGS(h) & TCP_SYN)
		return pcb->nrtx > 0;
	if (p->tot_len == TCPH_HDRLEN_BYTES(h) && !(TCPH_FLAGS(h) & TCP_FIN))
		return false;
	return pcb->persist_backoff == 0 && TCP_SEQ_LT(lwip_ntohl(h->seqno), pcb->snd_nxt);
}

u32_t *inet_tcp_out(const struct pbuf *p, const struct tcp_hdr *h, struct tcp_pcb *pcb, u32_t *opts)
{
	uint32_t seq = lwip_ntohl(h->seqno);
	uint64_t word;

	if (pcb == NULL || pcb->state == LISTEN || pcb->state == TIME_WAIT ||
	    !is_retransmission(p, h, pcb))
		return opts;
	word = word_of(pcb);
	/* One that was refused for lack of memory or frames comes again. */
	if ((pcb->flags & TF_NAGLEMEMERR) && (uint32_t)word > 0 && word >> 32 == seq)
		return opts;
	total++;
	word = (uint64_t)seq << 32 | ((uint32_t)word + 1u);
	tcp_ext_arg_set(pcb, EXT_RETRANS, (void *)(uintptr_t)word);
	return opts;
}
