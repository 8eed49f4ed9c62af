/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections whose handshake is not over, and floods of them: SYNs from forged addresses, which nobody goes on with. lwIP
 * keeps each for 20 s and takes no SYN when a listener's backlog is full of them, or connections have run out. So the
 * oldest one gives way to the next (RFC 4987, 3.4): a real peer answers within a round trip, and gets through as long as
 * the flood needs longer than that for a whole backlog. What is established and waits for accept() never gives way.
 *
 * It goes in silence. A RST would go to whoever really has the forged address, one for each SYN of the flood. A real but slow
 * peer hears of it when its ACK comes (lwIP resets what nobody listens for); if it was our SYN that got lost, its next SYN begins
 * anew.
 */
#ifndef INET_HALFOPEN_H
#define INET_HALFOPEN_H

#include "axolotl/types.h"

struct tcp_pcb_listen;

/* A SYN has come for it, which lwIP is about to see. The place is one of its own connections', or if only connections as such
 * have run out, anybody's. */
void halfopen_make_room(const struct tcp_pcb_listen *l);
/* A connection is about to be made: there is one, or none is half open. lwIP would end another's TIME_WAIT. */
void halfopen_spare_one(void);
uint64_t halfopen_count(void); /* connections that have given way */

#endif
