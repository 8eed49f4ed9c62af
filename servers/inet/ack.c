/* SPDX-License-Identifier: BSD-2-Clause */
/* See ack.h. */
#include "ack.h"
#include "lwip/priv/tcp_priv.h"

static unsigned merged = 1;

void ack_stands_for(unsigned segments)
{
	merged = segments;
}

/* Devices do not tell how many they have merged; one segment has no more data than a full one. */
static bool is_several(const struct tcp_pcb *pcb, const struct pbuf *data, u16_t options)
{
	return merged > 1 || data->tot_len + options > pcb->mss;
}

/* What is in a gap fills it or a part of it, and the peer's recovery waits for it; behind it lwIP answers in any case. */
void ack_hurry(struct tcp_pcb *pcb, const struct pbuf *data, u16_t options)
{
	if (data->tot_len > 0 && (pcb->ooseq != NULL || is_several(pcb, data, options)))
		tcp_set_flags(pcb, TF_ACK_DELAY); /* lwIP does not delay two */
}
