/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive buffers: RX_SLOTS buffers of NET_RX_BUFFER bytes in the receive area, each with a slot in private
 * or read-only memory that holds the two pbufs of a received frame.
 *
 *   slot FREE --rxpool_fill()--> POSTED (with netdev) --filled()--> HELD (lwIP, socket layer) --> FREE or POSTED
 *
 * The driver may write into a buffer at any time, so the first RX_HEADER_BYTES, which hold all protocol
 * headers that lwIP reads (and writes: reassembly keeps its lists there), are copied into the slot; the
 * rest of the frame stays where it is, as a second pbuf, and is copied once, by the socket layer. Frames
 * up to RX_COPY_BYTES, and all frames when fewer than RX_LEND_MIN slots are free, are copied whole and their buffer is posted
 * again at once, so applications that do not read cannot stop reception.
 */
#ifndef INET_RXPOOL_H
#define INET_RXPOOL_H

#include "iface.h"
#include "lwip/pbuf.h"

#define RX_SLOTS        4096u
#define RX_HEADER_BYTES 160u
#define RX_COPY_BYTES   256u
#define RX_LEND_MIN     768u
#define RX_POSTED_MAX   256u /* of one interface */

/* Memory: RX_SLOTS * NET_RX_BUFFER bytes of the receive area, arena `number`. After arena_init(). */
void rxpool_init(void *memory, int number);
void rxpool_fill(struct iface *i);   /* posts buffers up to rx_target */
void rxpool_forget(struct iface *i); /* it goes; buffers may come back from netdev later */
unsigned rxpool_free_count(void);
/* To lwIP. is_checked: the device has verified the checksum of TCP or UDP. */
void rxpool_deliver(struct iface *i, struct pbuf *p, bool is_checked);
/* Payload, all headers taken off, that is to be copied once and not looked at any more: bytes of a lent frame that were
 * copied with its headers are taken from the buffer instead, so it is one piece. The chain keeps its length. */
void rxpool_join(struct pbuf *p);

#endif
