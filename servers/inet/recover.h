/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the stack does about a driver's (or filter's) death, beyond what lib/netdev does (unconfirmed
 * frames are sent again, buffers posted anew). TCP has no way to know that the silence was our fault,
 * so it is told:
 *
 * - While the interface is offline, up to OUTAGE_MAX_NS, the clocks of its connections stand still: no
 *   retransmission is counted, no window shrinks, nothing times out.
 * - When it is back, timers are at their unbacked value, each connection tells its peer where it stands
 *   and repeats its own first unacknowledged segment, unless that is in a frame that netdev sends again
 *   anyway. Congestion windows stay as they were. Requests of ARP and neighbour discovery that have
 *   no answer are sent again.
 * - Often nothing was lost: netdev finds what the device had received, and the wire may have kept the
 *   rest. A peer that does not go on within a few milliseconds, or leaves a gap, gets duplicate ACKs, so
 *   that it retransmits (RFC 5681, 3.2) instead of waiting for its timer.
 * - A peer that lost many segments repeats one at a time: each of these steps is answered by duplicate ACKs
 *   as well, until it streams again.
 *
 * A peer that negotiated SACK and counts only SACKed duplicates (Linux does) ignores plain duplicate
 * ACKs; it finds out by its tail loss probe.
 *
 * Sending to thousands of connections needs more frames than there are: connections are marked, and
 * recover_idle() goes on as frames become free.
 */
#ifndef INET_RECOVER_H
#define INET_RECOVER_H

#include "iface.h"

#define OUTAGE_MAX_NS NETDEV_OFFLINE_NS

void recover_lost(struct iface *i);
void recover_back(struct iface *i);
void recover_forget(struct iface *i); /* the interface goes */
void recover_idle(void);
uint64_t recover_next_deadline(void); /* recover_idle() has work then; 0: none */
void recover_before_tcp_tick(void);

struct tcp_pcb;
struct tcp_hdr;

/*
 * A segment of a connection came in, not yet looked at by lwIP; header in host order, `len` as sequence numbers count.
 * The first that moves data after recover_back() (new data of the peer, or an acknowledgement of ours) is the end of
 * the outage in the event log (net-flow), if a connection was active when the driver died: it has something
 * that is not acknowledged, or data moved in the second before. Without such a connection nobody waits, and what the
 * next segment waits for is not the network.
 */
void recover_segment(struct tcp_pcb *pcb, const struct tcp_hdr *header, uint32_t len);

#endif
