/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loss recovery of TCP's sender. lwIP resends the first segment of a window after three duplicate acknowledgements, and
 * waits for its timer (300 ms and more) when more than that was lost; it does not read what peers tell by SACK.
 *
 *            ACK with holes              enough behind a hole (RFC 6675), or three duplicates
 *   OPEN ----------------> DISORDER ---------------------------------------> RECOVERY
 *     ^  <---------------- one more segment for each of the first two           | holes are resent, as ACKs come back
 *     |    holes filled    (RFC 3042)                                           | (RFC 6937, 6582)
 *     +-------------------------------------------------------------------------+ all that was sent before is acknowledged
 *
 * - The segment hook (sieve.c) takes the blocks into the connection's scoreboard and hides duplicates from lwIP, so that
 *   its fast retransmission never starts. What to do is decided once at the end of a turn (sack_idle), from what all
 *   acknowledgements of the turn have told.
 * - One reduction of the window an episode. In between pcb->cwnd is the reduced window, in which lwIP may always send;
 *   what recovery sends beyond it goes out here.
 * - A segment that was sent again is lost once more when enough of what was sent later has arrived.
 * - Peers without SACK: each acknowledgement of a part (RFC 6582) shows the next hole.
 * - Tail loss probe (RFC 8985, 7) for peers with SACK: when nothing is heard for two round trips a segment goes out that
 *   makes the peer tell what it has, and one more after four; then it is lwIP's timer.
 * - When that timer fires, lwIP sends everything again; what is known of the peer is forgotten (RFC 2018, 8).
 * - D-SACKs for all that was resent: nothing was lost, and the window is as before (RFC 3708).
 * - What died with a driver (recover.h) is resent without a reduction, and the duplicates that our own repetitions provoke
 *   start nothing.
 *
 * A connection has a struct sender from its first acknowledgement that leaves something unacknowledged until it is freed;
 * when there is no memory for one it is lwIP's recovery.
 */
#ifndef INET_SACK_H
#define INET_SACK_H

#include "axolotl/types.h"
#include "lwip/tcp.h"

struct tcp_hdr;
struct sack_counts {
	uint64_t recoveries, undone, probes, timers;
};
struct sack_info {
	enum { SACK_OPEN, SACK_DISORDER, SACK_RECOVERY, SACK_TIMER } state;
	uint32_t sacked, lost, resent; /* segments */
};

/* A segment that lwIP is about to get, with so many bytes of options behind its header. */
void sack_segment(struct tcp_pcb *pcb, const struct tcp_hdr *header, u16_t options);
/* Data are going out. */
void sack_sent(struct tcp_pcb *pcb);
/* A round trip was measured. The first one sets lwIP's timer as well (RFC 6298, 2.2), which would take a dozen round trips
 * to come down from its initial value. */
void sack_set_rtt(struct tcp_pcb *pcb, uint32_t srtt_us, uint32_t rttvar_us);

/* At the end of each turn, and when the deadline has come; 0: there is none. */
void sack_idle(void);
uint64_t sack_next_deadline(void);

/* The connection's driver has died: no probes until sack_resume(). */
void sack_pause(struct tcp_pcb *pcb);
/* It is back, and what was under way goes out once more. false: no state; duplicates will reach lwIP. */
bool sack_resume(struct tcp_pcb *pcb);
/* The first of what is not acknowledged; see resend_segment(). */
bool sack_resend_first(struct tcp_pcb *pcb);

void sack_get_info(const struct tcp_pcb *pcb, struct sack_info *i);
void sack_get_counts(struct sack_counts *c);

#endif
