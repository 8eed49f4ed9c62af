/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many segments TCP sent again, of one connection and of all: after a time-out, after duplicate ACKs, and when a
 * driver came back (recover.h). lwIP counts only the second kind, and not by connection.
 */
#ifndef INET_RETRANS_H
#define INET_RETRANS_H

#include "lwip/tcp.h"

/* lwIP's extra words of a connection. */
enum { EXT_CATCHING, EXT_RETRANS, EXT_SENDER, EXT_MOVED };

uint32_t retrans_of(const struct tcp_pcb *pcb);
uint64_t retrans_total(void);
/* The segment that lwIP is sending now finds no frame: it comes again. */
void retrans_refused(void);

#endif
