/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive ring: clients' buffers are in the descriptors (no copy). A slot whose buffer was given back
 * has address 0, which the device skips: whatever happens, it never writes into memory that is not ours.
 */
#include <errno.h>

#include "e1000.h"

#define TAIL_BATCH 64u  /* buffers for which the tail register is written, */
#define TAIL_LOW   128u /* unless the device has fewer than that */

/* What a session has left. */
static void give_back(struct nic *n)
{
	struct rx_ring *x = &n->rx;

	for (; x->clean != x->next; x->clean++)
		nserver_rx_done(x->slots[x->clean % RX_SLOTS].buffer, -ECANCELED, 0);
}

/* The device keeps its head: moving it needs a receiver that is off (13.4.28), and switching QEMU's off
 * and on costs a second (chip.c). With tail = head it has no descriptors, with an empty ring no memory. */
void rx_start(struct nic *n)
{
	uint64_t bus = n->mem_bus + offsetof(struct nic_memory, rx);
	uint32_t head = reg_read(n, REG_RDH);

	for (unsigned i = 0; i < RX_SLOTS; i++)
		n->mem->rx[i] = (struct rx_desc){.addr = 0};
	reg_write(n, REG_RDBAL, (uint32_t)bus);
	reg_write(n, REG_RDBAH, (uint32_t)(bus >> 32));
	reg_write(n, REG_RDLEN, sizeof(n->mem->rx));
	if (head >= RX_SLOTS) { /* a predecessor with a larger ring */
		reg_write(n, REG_RCTL, 0);
		reg_write(n, REG_RDH, 0);
		head = 0;
	}
	reg_write(n, REG_RDT, head);
	give_back(n);
	n->rx = (struct rx_ring){.clean = head, .published = head, .next = head};
}

static void put(struct nic *n, const struct rx_slot *slot)
{
	unsigned i = n->rx.next++ % RX_SLOTS;

	n->rx.slots[i] = *slot;
	n->mem->rx[i] = (struct rx_desc){.addr = slot->bus};
}

bool rx_submit(struct nic *n, struct nserver_rx *r)
{
	struct rx_slot slot = {.buffer = r};
	struct nserver_segment seg;

	if (n->rx.next - n->rx.clean == RX_SLOTS - 1)
		return false;
	/* Aligned as the protocol wants it, a buffer's first 2 KiB are contiguous. */
	if (!nserver_segment(r->session, &r->buffer, 0, RX_BYTES, &seg) ||
	    seg.len_bytes < RX_BYTES) {
		nserver_rx_done(r, -EINVAL, 0);
		return true;
	}
	slot.bus = seg.bus;
	put(n, &slot);
	return true;
}

void rx_flush(struct nic *n)
{
	struct rx_ring *x = &n->rx;

	if (x->next == x->published)
		return;
	if (x->next - x->published < TAIL_BATCH && x->published - x->clean >= TAIL_LOW)
		return;
	x->published = x->next;
	__atomic_thread_fence(__ATOMIC_RELEASE);
	reg_write(n, REG_RDT, x->next % RX_SLOTS);
}

/* The frame of a descriptor: to the client, or dropped and the buffer used again. */
static void received(struct nic *n, const struct rx_desc *d, const struct rx_slot *slot)
{
	bool was_dropping = n->rx.is_dropping;
	unsigned flags;
	enum rx_verdict verdict = desc_rx(d, &flags);

	n->rx.is_dropping = verdict == RX_PART;
	if (verdict == RX_FRAME && !was_dropping) {
		nserver_rx_done(slot->buffer, d->len_bytes, flags);
		return;
	}
	n->rx_long += verdict == RX_PART && !was_dropping;
	n->rx_errors += verdict == RX_BAD && !was_dropping;
	put(n, slot);
}

bool rx_has_done(const struct nic *n)
{
	const struct rx_ring *x = &n->rx;

	return x->clean != x->published &&
	       *(const volatile uint8_t *)&n->mem->rx[x->clean % RX_SLOTS].status & RXS_DD;
}

/* Ends: what is put back is not published before rx_flush(). */
void rx_poll(struct nic *n)
{
	struct rx_ring *x = &n->rx;

	while (x->clean != x->published) {
		unsigned i = x->clean % RX_SLOTS;
		struct rx_slot slot = x->slots[i];
		struct rx_desc d;

		if (!(*(volatile uint8_t *)&n->mem->rx[i].status & RXS_DD))
			break;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		d = n->mem->rx[i];
		n->mem->rx[i] = (struct rx_desc){.addr = 0};
		x->slots[i].buffer = NULL;
		x->clean++;
		received(n, &d, &slot);
	}
}
