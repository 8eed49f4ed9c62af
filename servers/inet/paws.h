/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protection against old duplicates (RFC 7323, 5): sequence numbers come round after 4 GB, and a segment of the last
 * round that was held up somewhere has numbers that are right again. Its timestamp is not: it is older than the one of what came
 * in last (pcb->ts_recent).
 *
 * - Older is refused, for RST excepted, and answered. Equal is not older. Linux forgives one tick, since the clocks of a
 *   peer's processors differ by as much; so do we.
 * - A plain duplicate ACK may be late (Linux: tcp_disordered_ack): it carries nothing but the news that something arrived,
 *   and a refusal would be answered by an ACK, which its peer takes for a duplicate in turn. At most by a time-out: a
 *   peer's clock is taken for one of milliseconds (RFC 7323, 5.4: it ticks once in 1 ms to 1 s).
 * - After 24 days without a segment the peer's clock has come round half: what comes is believed (5.5).
 * - A time of 0 is none: there are peers that begin with it and then tell another (as Linux).
 * - Segments without the option pass, also where it was agreed on. RFC 7323, 3.2 would have them dropped; Linux takes them,
 *   and must: there are peers that leave the option away in probes (lwIP in keep-alives and at closed windows, so our own
 *   kind), and boxes in between that take it out. Old duplicates have it, as they had it when they were sent.
 *
 * lwIP takes the time of each segment that lies at the last acknowledgement, also an older one, and none of what lies before (a
 * keep-alive: a peer that says nothing else would be refused when its clock has come round). So ts_recent is set here, by
 * the rule of RFC 7323, 4.3, and older times are hidden from lwIP.
 *
 * Old segments that came late are refused even if they fill a hole, which needs a repetition to have overtaken them. A driver
 * that dies does not bring that about: what its device had received is handed up before anything that comes later, in the
 * order in which it came (netdev_salvage).
 */
#ifndef INET_PAWS_H
#define INET_PAWS_H

#include "axolotl/types.h"
#include "lwip/tcp.h"

struct tcp_hdr;

/* A segment without RST that is acceptable by its numbers, with so many bytes of options right behind its header, and of
 * data, SYN and FIN. false: it is an old duplicate. */
bool paws_admits(struct tcp_pcb *pcb, struct tcp_hdr *header, size_t option_bytes, u32_t len);

#endif
