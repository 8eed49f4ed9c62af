/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When what was received is acknowledged (RFC 5681, 4.2). lwIP acknowledges every second segment at once, and the other ones
 * when its fast timer runs; of both it takes one that stands for many (those that a device or merge.c made) for one, and one
 * that fills a gap for any. Here such a segment makes its acknowledgement due, as if one had come before it.
 */
#ifndef INET_ACK_H
#define INET_ACK_H

#include "axolotl/types.h"
#include "lwip/tcp.h"

/* A segment that lwIP is about to get, with its data alone and so many bytes of options in its header. */
void ack_hurry(struct tcp_pcb *pcb, const struct pbuf *data, u16_t options);
/* Segments that are one in each frame given to lwIP from now on; 1: that is all. */
void ack_stands_for(unsigned segments);

#endif
