/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving. A chain is a header in driver memory and a buffer of the client, so frames are not copied.
 *
 * With F_MRG_RXBUF a frame goes on in further chains, and those have no header: its next 12 bytes lie
 * where a header would. So the device gets each buffer without its last 12 bytes, and these 12 bytes
 * are put there:
 *
 *     chain 1: [header][ 2036 bytes ]     chain 2: [12 bytes][ 2036 bytes ]
 *                      '----------- 2048: buffer 1 --------'  '-- buffer 2 ...
 *
 * A buffer is therefore given to the client when the next one is there, or when it is the last.
 */
#include <errno.h>
#include <string.h>

#include "sys/sys.h"
#include "virtio_net.h"

static bool is_merging(const struct nic *n)
{
	return n->dev.features & F_MRG_RXBUF;
}

static bool add_chain(struct nic *n, struct slot *s)
{
	const struct nserver_rx *r = s->frame;
	struct vring_piece pieces[PIECES_MAX];
	uint32_t bytes = r->buffer.len_bytes - (is_merging(n) ? HEADER_BYTES : 0), at = 0;
	unsigned count = 1;
	struct nserver_segment seg;

	pieces[0] = (struct vring_piece){
		.bus = slot_header_bus(&n->rx, s), .len = HEADER_BYTES, .is_written = true};
	while (at < bytes && count < PIECES_MAX &&
	       nserver_segment(r->session, &r->buffer, at, bytes - at, &seg)) {
		pieces[count++] = (struct vring_piece){
			.bus = seg.bus, .len = seg.len_bytes, .is_written = true};
		at += seg.len_bytes;
	}
	SYS_ASSERT(at == bytes); /* 64 KiB are at most 17 pages */
	return vring_add(&n->rx.ring, pieces, count, s);
}

bool rx_add(struct nic *n, struct nserver_rx *r)
{
	struct slot *s = slot_take(&n->rx);

	if (s == NULL)
		return false;
	s->frame = r;
	if (!add_chain(n, s)) {
		slot_give(&n->rx, s);
		return false;
	}
	n->rx.has_added = true;
	return true;
}

void rx_flush(struct nic *n)
{
	if (n->rx.has_added && vring_publish(&n->rx.ring))
		virtio_notify(&n->dev, QUEUE_RX);
	n->rx.has_added = false;
}

static void give(struct nic *n, struct slot *s, int bytes, unsigned flags)
{
	struct nserver_rx *r = s->frame;

	slot_give(&n->rx, s);
	nserver_rx_done(r, bytes, flags);
}

/* The device broke a rule: whoever comes after us resets it. */
static void broken(const struct nic *n, const char *what)
{
	sys_panic("virtio_%u: %s", n->unit, what);
}

static void begin_frame(struct nic *n, struct slot *s, uint32_t len)
{
	struct net_header h = *slot_header(&n->rx, s);
	struct received what;

	if (len < HEADER_BYTES || choice_received(&h, n->dev.features, &what) != 0) {
		broken(n, "a received frame has a bad header");
		return;
	}
	n->merge = (struct merge){.held = s,
	                          .held_bytes = len - HEADER_BYTES,
	                          .left = what.buffers - 1,
	                          .flags = what.flags};
	if (n->merge.left == 0 && n->merge.held_bytes < NET_FRAME_MIN) {
		n->runts++;
		n->merge.held = NULL;
		give(n, s, -ECANCELED, 0);
	}
}

/* What lies in the header's place belongs behind the buffer before. */
static void continue_frame(struct nic *n, struct slot *s, uint32_t len)
{
	struct merge *m = &n->merge;
	const struct nserver_rx *before = m->held->frame;
	uint32_t tail = len < HEADER_BYTES ? len : HEADER_BYTES;

	m->left--;
	if (m->held_bytes + tail > before->buffer.len_bytes || len == 0 ||
	    (len <= HEADER_BYTES && m->left > 0)) {
		broken(n, "a received frame has a bad length");
		return;
	}
	memcpy((uint8_t *)before->buffer.ptr + m->held_bytes, slot_header(&n->rx, s), tail);
	m->held_bytes += tail;
	if (len <= HEADER_BYTES) { /* its last bytes: this buffer is empty */
		give(n, s, -ECANCELED, 0);
		return;
	}
	give(n, m->held, (int)m->held_bytes, m->flags | NET_RX_MORE);
	m->held = s;
	m->held_bytes = len - HEADER_BYTES;
}

static void take_chain(struct nic *n, struct slot *s, uint32_t len)
{
	const struct nserver_rx *r = s->frame;
	struct merge *m = &n->merge;

	if (len > r->buffer.len_bytes + (is_merging(n) ? 0 : HEADER_BYTES)) {
		broken(n, "more was received than there is room for");
		return;
	}
	if (m->held == NULL)
		begin_frame(n, s, len);
	else
		continue_frame(n, s, len);
	if (m->held == NULL || m->left > 0)
		return;
	s = m->held;
	m->held = NULL;
	give(n, s, (int)m->held_bytes, m->flags);
}

void rx_serve(struct nic *n)
{
	struct slot *s;
	uint32_t len;

	do {
		while ((s = vring_take(&n->rx.ring, &len)) != NULL)
			take_chain(n, s, len);
	} while (vring_arm(&n->rx.ring, 1));
	if (n->rx.ring.is_broken)
		broken(n, "the device returned a buffer that is not out");
}

void rx_give_back(struct nic *n)
{
	n->merge.held = NULL;
	for (unsigned i = 0; i < n->rx.used_count; i++)
		if (n->rx.slots[i].frame != NULL)
			give(n, &n->rx.slots[i], -ECANCELED, 0);
}

/* A frame of which a part had come is lost, as on a wire. */
void rx_again(struct nic *n)
{
	n->merge.held = NULL;
	n->rx.has_added = true;
	for (unsigned i = 0; i < n->rx.used_count; i++)
		if (n->rx.slots[i].frame != NULL && !add_chain(n, &n->rx.slots[i]))
			give(n, &n->rx.slots[i], -ECANCELED, 0);
}
