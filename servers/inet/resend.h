/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending one of lwIP's unacknowledged segments again, whichever it is.
 *
 * lwIP's own tcp_rexmit() knows the first one only, and puts it into the queue of what is not sent yet: if it has to stay
 * there, the next write or FIN is appended to it, in the middle of the stream. Here the segment goes out at once or stays
 * where it is.
 */
#ifndef INET_RESEND_H
#define INET_RESEND_H

#include "axolotl/types.h"
#include "lwip/tcp.h"

struct tcp_seg;

/* Sequence number of its first byte, and of the one behind its last (a FIN is one). */
u32_t segment_seq(const struct tcp_seg *s);
u32_t segment_end(const struct tcp_seg *s);
/* A frame that is not confirmed holds it: it is not lost, netdev sends it again if the driver dies (frame.h). */
bool segment_is_held(const struct tcp_seg *s);
/* One of pcb->unacked; whatever the congestion window says. false: it is held, outside of the peer's window, or there is
 * no frame or route now. Not from inside of lwIP's input. */
bool resend_segment(struct tcp_pcb *pcb, struct tcp_seg *s);

#endif
