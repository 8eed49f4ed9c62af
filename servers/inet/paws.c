/* SPDX-License-Identifier: BSD-2-Clause */
/* Old duplicates (paws.h). */
#include <string.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/tcp.h"
#include "paws.h"
#include "tcpopt.h"

/* Ticks of a peer's clock. */
#define FORGIVEN       1u
#define CLOCK_PER_TICK (TCP_SLOW_INTERVAL * 6 / 5) /* of lwIP; some clocks run at 1200 Hz */
#define IDLE_TICKS     (24u * 86400u * (1000u / TCP_SLOW_INTERVAL))

static bool is_timestamp(const uint8_t *option)
{
	return option[0] == LWIP_TCP_OPT_TS && option[1] == LWIP_TCP_OPT_LEN_TS;
}

/* As lwIP: the last one counts. */
static bool find_time(const uint8_t *options, size_t len, u32_t *time)
{
	bool is_found = false;

	for (size_t at = 0; (at = tcpopt_next(options, len, at)) < len; at += options[at + 1])
		if (is_timestamp(options + at)) {
			memcpy(time, options + at + 2, sizeof(*time));
			is_found = true;
		}
	*time = lwip_ntohl(*time);
	return is_found;
}

static void hide_times(uint8_t *options, size_t len)
{
	/* NOPs are stepped over one by one. */
	for (size_t at = 0; (at = tcpopt_next(options, len, at)) < len; at += options[at + 1])
		if (is_timestamp(options + at))
			memset(options + at, TCPOPT_NOP, LWIP_TCP_OPT_LEN_TS);
}

/* RFC 5681, 2; not what tells of another window, and not too late. */
static bool is_late_duplicate(const struct tcp_pcb *pcb, const struct tcp_hdr *header, u32_t len,
                              u32_t age)
{
	return len == 0 && header->seqno == pcb->rcv_nxt && header->ackno == pcb->lastack &&
	       (tcpwnd_size_t)SND_WND_SCALE(pcb, header->wnd) == pcb->snd_wnd &&
	       age <= (u32_t)pcb->rto * CLOCK_PER_TICK;
}

/* pcb->tmr: when lwIP last took a segment. */
static bool is_valid(const struct tcp_pcb *pcb)
{
	return pcb->ts_recent != 0 && tcp_ticks - pcb->tmr <= IDLE_TICKS;
}

/* In answer to a SYN of ours that we have not sent: lwIP resets it, and keeps the connection. */
static bool is_stray(const struct tcp_pcb *pcb, const struct tcp_hdr *header)
{
	return pcb->state == SYN_RCVD && (TCPH_FLAGS(header) & TCP_ACK) != 0 &&
	       !TCP_SEQ_BETWEEN(header->ackno, pcb->lastack + 1, pcb->snd_nxt);
}

bool paws_admits(struct tcp_pcb *pcb, struct tcp_hdr *header, size_t option_bytes, u32_t len)
{
	uint8_t *options = (uint8_t *)(header + 1);
	u32_t time = 0, age;

	if (!(pcb->flags & TF_TIMESTAMP) || !find_time(options, option_bytes, &time))
		return true;
	if (is_stray(pcb, header)) {
		hide_times(options, option_bytes);
		return true;
	}
	age = pcb->ts_recent - time;
	if (!is_valid(pcb)) {
		pcb->ts_recent = time;
		return true;
	}
	if ((int32_t)age <= 0) {
		if (TCP_SEQ_LEQ(header->seqno, pcb->ts_lastacksent))
			pcb->ts_recent = time;
		return true;
	}
	hide_times(options, option_bytes);
	return age <= FORGIVEN || is_late_duplicate(pcb, header, len, age);
}
