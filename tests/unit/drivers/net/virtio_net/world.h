/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A model of the device, which reads and writes the rings, and of lib/netdev. Bus addresses are pointers,
 * buffers are split at 1 KiB, so chains have several pieces.
 */
#ifndef VIRTIO_NET_WORLD_H
#define VIRTIO_NET_WORLD_H

#include "drivers/net/virtio_net/virtio_net.h"

#define RING    64
#define BUFFERS 8

extern struct nic nic;
extern uint8_t data[BUFFERS][NET_RX_BUFFER];
extern struct nserver_rx rx[BUFFERS];
extern struct nserver_tx tx[SLOTS_MAX];
extern uint64_t now;
extern unsigned kicks;            /* notifications of the device */
extern uint16_t rx_next, tx_next; /* chains that the device has taken */

struct given { /* what the driver gave back, in order */
	void *frame;
	int result;
	unsigned flags;
};
extern struct given given[64];
extern unsigned given_count;
void expect_given(unsigned i, const void *frame, int result, unsigned flags);

int set_up(void **state);
void make_rings(uint64_t features); /* as after a reset */
void post(unsigned count);          /* buffers rx[0]... */

void put_used(struct vring *v, uint16_t head, uint32_t len);
/* Writes into the next chain of the receive ring, as far as it goes: bytes. */
uint32_t device_fills(const uint8_t *from, uint32_t len);
/* A frame of known bytes; with mergeable buffers over as many as it needs. */
void device_receives(uint32_t bytes, unsigned flags);
/* Are these the frame's bytes from number `from` on? */
void expect_bytes(const uint8_t *at, uint32_t from, uint32_t len);

#endif
