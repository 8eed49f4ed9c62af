/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rings of the client half: frames and buffers go down, completions come up. The truth about what
 * is pending is in the queues; a completion is copied, then checked against them (R3, N1-N3).
 */
#include <errno.h>
#include <string.h>

#include "netdev/client.h"
#include "netdev/salvage.h"
#include "ring/net_region.h"

/* ---- down ---- */

/* Element lists longer than a descriptor holds go into the row of its slot. */
static void push_frame(struct netdev *d, const struct netdev_tx *t)
{
	struct net_tx desc = t->desc;
	const struct net_element *elements =
		t->elements != NULL ? t->elements : t->desc.inline_elements;

	desc.id = t->entry.id;
	if (desc.elements > NET_INLINE)
		memcpy(net_region_row(d->region, d->tx_ring.slots, ring_next_slot(&d->tx_ring)),
		       elements, desc.elements * sizeof(*elements));
	else if (t->elements != NULL)
		memcpy(desc.inline_elements, elements, desc.elements * sizeof(*elements));
	/* The queue has as many slots as the ring, and room was checked. */
	SYS_ASSERT(ring_push(&d->tx_ring, &desc) == 0);
}

static void push_buffer(struct netdev *d, const struct netdev_rx *r)
{
	struct net_rx desc = {.id = r->entry.id, .buffer = r->buffer};

	/* It was down there before, and holds what could not be salvaged. */
	if (r->memory != NULL && !net_salvage_is_marked(r->memory))
		net_salvage_mark(r->memory, r->buffer.len_bytes);
	SYS_ASSERT(ring_push(&d->rx_ring, &desc) == 0);
}

static int room_in(struct netdev *d, struct ring_producer *ring)
{
	int room = ring_free_slots(ring);

	d->is_broken |= room < 0;
	return room;
}

void netdev_pump(struct netdev *d)
{
	struct netdev_entry *e;
	uint64_t deadline;
	int room;

	if (d->state != NETDEV_IS_UP || d->arenas_left > 0 || d->is_broken)
		return;
	if (nqueue_next(&d->rx) != NULL) { /* first: what is sent may be answered at once */
		room = room_in(d, &d->rx_ring);
		while (room-- > 0 && (e = nqueue_next(&d->rx)) != NULL) {
			nqueue_sent(&d->rx, e, 0);
			push_buffer(d, rx_of(e));
			d->has_pushed = true;
		}
	}
	if (nqueue_next(&d->tx) == NULL || d->conf.has_pending)
		return; /* frames may use what that configuration switches on */
	deadline = now_ns() + netdev_cfg.deadline_ns;
	room = room_in(d, &d->tx_ring);
	while (room-- > 0 && (e = nqueue_next(&d->tx)) != NULL) {
		nqueue_sent(&d->tx, e, deadline);
		push_frame(d, tx_of(e));
		d->has_pushed = true;
	}
}

/* ---- up ---- */

static void recovered(struct netdev *d, uint32_t id)
{
	if (!d->want_recovered)
		return;
	d->want_recovered = false;
	log_event(EV_RECOVERED, d->ep, d->label, (uint64_t)d->ep, id);
}

static void complete_tx(struct netdev *d, const struct net_tx_done *c)
{
	struct netdev_entry *e = nqueue_match(&d->tx, c->id);
	enum proto_rule rule = e == NULL ? RULE_N3 : net_check_tx_done(c);
	struct netdev_tx *t;

	if (rule != RULE_NONE) { /* it stays pending: the next incarnation will send it */
		netdev_accuse(d, rule, c->id, c, sizeof(*c));
		return;
	}
	t = tx_of(e);
	nqueue_remove(&d->tx, e);
	if (c->status == 0) {
		recovered(d, c->id);
		d->count.tx_frames++;
		d->count.tx_bytes += t->bytes;
	} else {
		d->count.tx_failed++;
	}
	t->done(t, c->status);
}

/* Gives the pieces of a complete frame up, in order. They are in a list of the unit's, so that closing it
 * in a callback finds the rest. */
static void hand_up(struct netdev *d)
{
	uint32_t serial = d->serial;
	struct netdev_entry *e;

	d->count.rx_frames++;
	while (netdev_is_open(d, serial) && (e = nlist_take(&d->ready)) != NULL) {
		struct netdev_rx *r = rx_of(e);

		d->count.rx_bytes += r->got_bytes;
		e->state = NENTRY_IDLE;
		r->filled(r, (int)r->got_bytes, r->got_flags);
	}
}

static void drop_partial(struct netdev *d)
{
	struct netdev_entry *e;

	while ((e = nlist_take(&d->partial)) != NULL)
		nqueue_add(&d->rx, e);
	d->partial_bytes = 0;
}

/* Who did not ask for checksums to be checked may have reasons not to believe it: frames are spoiled above the
 * device (filters/net/fault). */
static uint32_t believed(const struct netdev *d, uint32_t flags)
{
	uint32_t offloads = d->conf.wanted.offloads & d->info.offloads;

	return offloads & NET_OFFLOAD_RX_CSUM ? flags : flags & ~NET_RX_CSUM_OK;
}

static void take_piece(struct netdev *d, struct netdev_entry *e, const struct net_rx_done *c)
{
	struct netdev_rx *r = rx_of(e);

	nqueue_remove(&d->rx, e);
	e->state = NENTRY_LISTED;
	r->got_bytes = c->len_bytes;
	r->got_flags = believed(d, c->flags);
	d->partial_bytes += c->len_bytes;
	nlist_append(&d->partial, e);
	if (d->partial_bytes > NET_FRAME_MAX) {
		netdev_accuse(d, RULE_N2, c->id, c, sizeof(*c));
		drop_partial(d);
		return;
	}
	if (c->flags & NET_RX_MORE)
		return;
	recovered(d, c->id);
	d->ready = d->partial;
	d->partial = (struct nlist){.head = NULL};
	d->partial_bytes = 0;
	hand_up(d);
}

static void complete_rx(struct netdev *d, const struct net_rx_done *c)
{
	struct netdev_entry *e = nqueue_match(&d->rx, c->id);
	enum proto_rule rule = RULE_N3;

	if (e != NULL)
		rule = net_check_rx_done(c, rx_of(e)->buffer.len_bytes, d->partial.count > 0);
	if (rule != RULE_NONE) {
		netdev_accuse(d, rule, c->id, c, sizeof(*c));
		drop_partial(d);
		if (e != NULL)
			nqueue_requeue(&d->rx, e); /* under another id */
	} else if (c->status == 0) {
		take_piece(d, e, c);
	} else if (c->status == -ECANCELED) {
		nqueue_requeue(&d->rx, e); /* it goes down again, with the next that come */
	} else {
		nqueue_remove(&d->rx, e);
		rx_of(e)->filled(rx_of(e), c->status, 0);
	}
}

/* Once more with each of the two rings: 0, or the error of ring_pop(). */
static int take_one(struct netdev *d, uint32_t serial, unsigned *count)
{
	struct net_tx_done tx_done;
	struct net_rx_done rx_done;
	int r = ring_pop(&d->tx_done_ring, &tx_done);

	if (r == 0) {
		complete_tx(d, &tx_done);
		++*count;
		if (!netdev_is_open(d, serial) || d->state != NETDEV_IS_UP)
			return -EAGAIN;
	}
	if (r == -EPROTOVIOL)
		return r;
	r = ring_pop(&d->rx_done_ring, &rx_done);
	if (r == 0) {
		complete_rx(d, &rx_done);
		++*count;
	}
	return r;
}

static unsigned taken;

unsigned netdev_taken(void)
{
	return taken;
}

unsigned netdev_take_completions(struct netdev *d)
{
	uint32_t serial = d->serial;
	unsigned slots = d->tx_done_ring.slots, count = 0;
	int r = 0;

	while (netdev_is_open(d, serial) && d->state == NETDEV_IS_UP && count < 2 * slots) {
		unsigned before = count;

		r = take_one(d, serial, &count);
		if (r == -EPROTOVIOL || count == before)
			break;
	}
	taken += count;
	if (!netdev_is_open(d, serial) || d->state != NETDEV_IS_UP)
		return count;
	if (r == -EPROTOVIOL || d->is_broken) {
		netdev_accuse(d, RULE_R4, 0, d->label, strlen(d->label));
		netdev_lost(d, false);
	}
	return count;
}

bool netdev_take_last(struct netdev *d)
{
	uint32_t serial = d->serial;

	(void)netdev_take_completions(d);
	return d->is_used && d->serial == serial;
}

/* Buffers wait in the order in which the device filled them; those posted in callbacks are behind. */
void netdev_salvage(struct netdev *d)
{
	struct netdev_entry *e, *next = d->rx.waiting.head;
	unsigned left = d->rx.waiting.count;
	uint32_t serial = d->serial;

	while (left-- > 0 && netdev_is_open(d, serial) && (e = next) != NULL) {
		struct netdev_rx *r = rx_of(e);
		uint32_t bytes = 0;

		next = e->next;
		if (r->memory != NULL)
			bytes = net_salvage_frame(r->memory, r->buffer.len_bytes);
		if (bytes == 0)
			continue;
		nqueue_remove(&d->rx, e);
		e->state = NENTRY_LISTED;
		r->got_bytes = bytes;
		r->got_flags = NET_RX_CSUM_OK;
		nlist_append(&d->ready, e);
		d->count.rx_salvaged++;
		hand_up(d);
	}
}

static void cancel_buffers(struct nlist *l)
{
	struct netdev_entry *e;

	while ((e = nlist_take(l)) != NULL) {
		e->state = NENTRY_IDLE;
		rx_of(e)->filled(rx_of(e), -ECANCELED, 0);
	}
}

/* Only what is there now: callbacks cannot add, the unit is closing. */
void netdev_cancel_waiting(struct netdev *d)
{
	struct netdev_entry *e;

	drop_partial(d);
	while ((e = nlist_take(&d->tx.waiting)) != NULL) {
		e->state = NENTRY_IDLE;
		tx_of(e)->done(tx_of(e), -ECANCELED);
	}
	cancel_buffers(&d->ready);
	cancel_buffers(&d->rx.waiting);
}

void netdev_unsend_all(struct netdev *d, bool is_death)
{
	d->replayed += nqueue_unsend(&d->tx, is_death);
	nqueue_unsend(&d->rx, false);
	drop_partial(d); /* the rest of that frame will never come */
}
