/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INET_TURN_H
#define INET_TURN_H

/* What lwIP and the socket layer have left to do before the main loop sleeps: connections that waited
 * for memory, packets to ourselves, collected frames. lib/netdev's turn comes after it. */
void turn_before_sleep(void);

#endif
