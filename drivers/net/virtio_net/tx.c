/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending. A chain is a header in driver memory and the pieces of the client's elements.
 *
 * Interrupts: one is wanted when three quarters of what is out are done, and again for the rest, so a
 * full queue costs a few of them and a single frame is confirmed at once (N1).
 */
#include <errno.h>

#include "sys/sys.h"
#include "virtio_net.h"

/* The pieces of a frame behind its header. An element has one more than it has pages at most. */
static unsigned put_pieces(const struct nserver_tx *t, struct vring_piece *pieces)
{
	unsigned count = 0;
	struct nserver_segment seg;

	for (unsigned i = 0; i < t->element_count; i++) {
		const struct nserver_element *e = &t->elements[i];

		for (uint32_t at = 0; nserver_segment(t->session, e, at, e->len_bytes - at, &seg);
		     at += seg.len_bytes) {
			SYS_ASSERT(count < PIECES_MAX - 1);
			pieces[count++] =
				(struct vring_piece){.bus = seg.bus, .len = seg.len_bytes};
		}
	}
	return count;
}

static void give(struct nic *n, struct slot *s, int status)
{
	struct nserver_tx *t = s->frame;

	slot_give(&n->tx, s);
	nserver_tx_done(t, status);
}

/* false: the ring is full. */
static bool add_chain(struct nic *n, struct slot *s)
{
	const struct nserver_tx *t = s->frame;
	struct vring_piece pieces[PIECES_MAX];
	unsigned count = put_pieces(t, pieces + 1);

	pieces[0] = (struct vring_piece){.bus = slot_header_bus(&n->tx, s), .len = HEADER_BYTES};
	choice_header(t, slot_header(&n->tx, s));
	return vring_add(&n->tx.ring, pieces, count + 1, s);
}

static void take_done(struct nic *n)
{
	struct slot *s;
	uint32_t len;

	while ((s = vring_take(&n->tx.ring, &len)) != NULL)
		give(n, s, 0);
	if (n->tx.ring.is_broken)
		sys_panic("virtio_%u: the device returned a frame that is not out", n->unit);
}

bool tx_add(struct nic *n, struct nserver_tx *t)
{
	struct slot *s = slot_take(&n->tx);

	if (s == NULL)
		return false;
	s->frame = t;
	s->sequence = n->next_sequence++;
	s->t_issued = now_ns();
	if (!add_chain(n, s)) {
		slot_give(&n->tx, s);
		return false;
	}
	n->tx.has_added = true;
	return true;
}

static void arm(struct nic *n)
{
	while (n->tx.active > 0 && vring_arm(&n->tx.ring, (n->tx.active * 3 + 3) / 4))
		take_done(n);
}

void tx_serve(struct nic *n)
{
	take_done(n);
	arm(n);
}

void tx_flush(struct nic *n)
{
	if (!n->tx.has_added)
		return;
	n->tx.has_added = false;
	arm(n); /* before the device can be done */
	if (vring_publish(&n->tx.ring))
		virtio_notify(&n->dev, QUEUE_TX);
}

void tx_give_back(struct nic *n, int status)
{
	for (unsigned i = 0; i < n->tx.used_count; i++)
		if (n->tx.slots[i].frame != NULL)
			give(n, &n->tx.slots[i], status);
}

/* What is out, in the order in which it came. */
static unsigned collect(struct nic *n, struct slot *out[SLOTS_MAX])
{
	unsigned count = 0;

	for (unsigned i = 0; i < n->tx.used_count; i++) {
		struct slot *s = &n->tx.slots[i];
		unsigned at = count;

		if (s->frame == NULL)
			continue;
		for (; at > 0 && out[at - 1]->sequence > s->sequence; at--)
			out[at] = out[at - 1];
		out[at] = s;
		count++;
	}
	return count;
}

/* What needs an offload that is no longer agreed on ends: nobody could send it. */
static bool fits(const struct nic *n, const struct nserver_tx *t)
{
	uint64_t needed = t->flags & NET_TX_CSUM ? F_CSUM : 0;

	if (t->flags & NET_TX_TSO)
		needed |= t->flags & NET_TX_IPV6 ? F_HOST_TSO6 : F_HOST_TSO4;
	return (n->dev.features & needed) == needed;
}

void tx_again(struct nic *n)
{
	struct slot *out[SLOTS_MAX];
	unsigned count = collect(n, out);

	for (unsigned i = 0; i < count; i++) {
		if (!fits(n, out[i]->frame) || !add_chain(n, out[i]))
			give(n, out[i], -EIO);
		else
			n->tx.has_added = true;
	}
}

uint64_t tx_oldest_ns(const struct nic *n)
{
	uint64_t oldest = 0;

	for (unsigned i = 0; i < n->tx.used_count; i++) {
		const struct slot *s = &n->tx.slots[i];

		if (s->frame != NULL && (oldest == 0 || s->t_issued < oldest))
			oldest = s->t_issued;
	}
	return oldest;
}
