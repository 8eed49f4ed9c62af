/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server half of the network protocol: the data path. A descriptor is copied out of its slot (and its
 * row), validated as a copy, and either given back at once or handed to the component (R3). What the
 * component has no room for is held, one a direction, and offered again after the next completion of
 * that direction. Completions are pushed at once; doorbells are rung in nserver_idle().
 */
#include <errno.h>
#include <string.h>

#include "netdev/host.h"
#include "ring/net_region.h"

/* Nothing of them is touched before it is used: each page costs a fault, and starts must be fast. */
static struct nserver_tx frames[NSERVER_FRAMES_MAX];
static struct nserver_rx buffers[NSERVER_BUFFERS_MAX];

/* Which ones are free: a stack, the last one used is warm. */
struct pool {
	uint16_t free[NSERVER_FRAMES_MAX];
	unsigned free_count; /* of those that were used */
	unsigned used_count; /* that were ever used: the first so many */
	unsigned max;
};
_Static_assert(NSERVER_BUFFERS_MAX <= NSERVER_FRAMES_MAX, "one size of pool serves both");
static struct pool frame_pool, buffer_pool;

static bool pool_is_empty(const struct pool *p)
{
	return p->free_count == 0 && p->used_count == p->max;
}

static unsigned pool_take(struct pool *p)
{
	return p->free_count > 0 ? p->free[--p->free_count] : p->used_count++;
}

static void pool_give(struct pool *p, ptrdiff_t index)
{
	p->free[p->free_count++] = (uint16_t)index;
}

void nserver_init(const struct nserver_config *c)
{
	nserver_cfg = *c;
	memset(nserver_units, 0, sizeof(nserver_units));
	frame_pool = (struct pool){.max = NSERVER_FRAMES_MAX};
	buffer_pool = (struct pool){.max = NSERVER_BUFFERS_MAX};
}

/* ---- giving back ---- */

static void push_done(struct nserver_session *s, struct nserver_lane *lane, const void *done)
{
	/* There is room: lane_next() keeps a slot for each descriptor that it takes. */
	if (ring_push(&lane->done, done) == 0)
		lane->has_completions = true;
	else
		session_violation(s, 0);
}

static void release_element(struct nserver_session *s, const struct nserver_element *e)
{
	s->arenas.slots[e->arena].pending--;
}

static void release_tx(struct nserver_tx *t)
{
	for (unsigned i = 0; i < t->element_count; i++)
		release_element(t->session, &t->elements[i]);
	t->is_pending = false;
	t->session->tx.pending--;
	pool_give(&frame_pool, t - frames);
}

static void release_rx(struct nserver_rx *r)
{
	release_element(r->session, &r->buffer);
	r->is_pending = false;
	r->session->rx.pending--;
	pool_give(&buffer_pool, r - buffers);
}

void session_release_held(struct nserver_session *s)
{
	if (s->held_tx != NULL)
		release_tx(s->held_tx);
	if (s->held_rx != NULL)
		release_rx(s->held_rx);
	s->held_tx = NULL;
	s->held_rx = NULL;
}

void nserver_tx_done(struct nserver_tx *t, int status)
{
	struct nserver_session *s = t->session;
	struct nserver_stats *c = &nserver_units[t->unit].count;
	struct net_tx_done done = {.id = t->id, .status = status};

	SYS_ASSERT(t->is_pending && t != s->held_tx && status <= 0); /* N1 */
	if (status == 0) {
		c->tx_frames++;
		c->tx_bytes += t->bytes;
	} else {
		c->tx_dropped++;
	}
	release_tx(t);
	s->tx.is_waiting = false;
	if (s->is_dropped)
		session_free_if_idle(s);
	else
		push_done(s, &s->tx, &done);
}

void nserver_rx_done(struct nserver_rx *r, int bytes, unsigned flags)
{
	struct nserver_session *s = r->session;
	struct nserver_stats *c = &nserver_units[r->unit].count;
	struct net_rx_done done = {.id = r->id, .t_ns = now_ns()};

	SYS_ASSERT(r->is_pending && r != s->held_rx && bytes <= (int)r->buffer.len_bytes);
	if (bytes >= 0) {
		done.len_bytes = (uint32_t)bytes;
		done.flags = flags;
		if (!(s->offloads & NET_OFFLOAD_RX_CSUM)) /* some devices look anyway */
			done.flags &= ~NET_RX_CSUM_OK;
		c->rx_frames += !(flags & NET_RX_MORE);
		c->rx_bytes += (uint32_t)bytes;
	} else {
		done.status = bytes;
	}
	release_rx(r);
	s->rx.is_waiting = false;
	if (s->is_dropped) {
		session_free_if_idle(s);
		return;
	}
	/* That was the last one: what comes before the client posts more is lost. */
	c->rx_no_buffer += bytes >= 0 && s->rx.pending == 0 && ring_waiting(&s->rx.in) <= 0;
	push_done(s, &s->rx, &done);
}

/* ---- taking ---- */

static void set_element(struct nserver_session *s, struct nserver_element *e,
                        const struct net_element *from)
{
	struct arena_slot *a = &s->arenas.slots[from->arena];

	a->pending++;
	*e = (struct nserver_element){.ptr = a->map.ptr != NULL ? a->map.ptr + from->offset : NULL,
	                              .len_bytes = from->len_bytes,
	                              .arena = from->arena,
	                              .tag = (uint16_t)a->tag,
	                              .offset = from->offset};
}

/* The frame's elements as a private copy. */
static const struct net_element *copy_elements(const struct nserver_session *s,
                                               const struct net_tx *d, uint32_t slot,
                                               struct net_element *copy)
{
	if (d->elements <= NET_INLINE)
		return d->inline_elements;
	ring_copy_row(copy, net_region_row(s->region, s->tx.in.slots, slot),
	              d->elements * sizeof(*copy));
	return copy;
}

static void offer_tx(struct nserver_session *s, struct nserver_tx *t)
{
	s->held_tx = NULL;
	if (nserver_cfg.ops->tx(t))
		return;
	SYS_ASSERT(t->is_pending); /* refused and given back: one of both */
	if (s->is_dropped) {       /* by what the component did meanwhile */
		release_tx(t);
		session_free_if_idle(s);
		return;
	}
	s->held_tx = t;
	s->tx.is_waiting = s->tx.pending > 1; /* else nothing would ever end the wait */
}

static void offer_rx(struct nserver_session *s, struct nserver_rx *r)
{
	s->held_rx = NULL;
	if (nserver_cfg.ops->rx(r))
		return;
	SYS_ASSERT(r->is_pending);
	if (s->is_dropped) {
		release_rx(r);
		session_free_if_idle(s);
		return;
	}
	s->held_rx = r;
	s->rx.is_waiting = s->rx.pending > 1;
}

static void hand_over_tx(struct nserver_session *s, const struct net_tx *d,
                         const struct net_element *elements, uint32_t bytes)
{
	struct nserver_tx *t = &frames[pool_take(&frame_pool)];

	t->unit = s->unit;
	t->bytes = bytes;
	t->flags = d->flags;
	t->csum_start = d->csum_start;
	t->csum_offset = d->csum_offset;
	t->gso_bytes = d->gso_bytes;
	t->header_bytes = d->header_bytes;
	t->element_count = d->elements;
	for (unsigned i = 0; i < d->elements; i++)
		set_element(s, &t->elements[i], &elements[i]);
	t->user = NULL;
	t->session = s;
	t->id = d->id;
	t->is_pending = true;
	s->tx.pending++;
	offer_tx(s, t);
}

static void hand_over_rx(struct nserver_session *s, const struct net_rx *d)
{
	struct nserver_rx *r = &buffers[pool_take(&buffer_pool)];

	r->unit = s->unit;
	set_element(s, &r->buffer, &d->buffer);
	r->user = NULL;
	r->session = s;
	r->id = d->id;
	r->is_pending = true;
	s->rx.pending++;
	offer_rx(s, r);
}

/* The next descriptor of a direction, if there is one. A client has at most `slots` unfinished ones, so
 * completions always have room. */
static bool lane_next(struct nserver_session *s, struct nserver_lane *lane, void *d, uint32_t *slot)
{
	int r = ring_peek(&lane->in, d, slot);
	int room = ring_free_slots(&lane->done);

	if (r == -EPROTOVIOL || room < 0 || (r == 0 && room <= (int)lane->pending)) {
		session_violation(s, (uint64_t)lane->in.consumed);
		return false;
	}
	return r == 0;
}

static bool take_tx(struct nserver_session *s)
{
	static struct net_element copy[NET_ELEMENTS_MAX]; /* until hand_over_tx() has read it */
	struct net_limits limits = {
		.info = &s->info, .offloads = s->offloads, .arenas = s->arenas.views};
	const struct net_element *elements;
	struct net_tx d;
	uint32_t slot, bytes;
	int err = -EINVAL;

	if (s->held_tx != NULL) {
		offer_tx(s, s->held_tx);
		return s->held_tx == NULL;
	}
	if (!lane_next(s, &s->tx, &d, &slot))
		return false;
	if (net_tx_is_sane(&d)) {
		elements = copy_elements(s, &d, slot, copy);
		err = net_check_tx(&d, elements, &limits, &bytes);
	}
	ring_advance(&s->tx.in);
	if (err == 0) {
		hand_over_tx(s, &d, elements, bytes);
		return true;
	}
	nserver_units[s->unit].count.tx_dropped++;
	push_done(s, &s->tx, &(struct net_tx_done){.id = d.id, .status = err});
	return true;
}

static bool take_rx(struct nserver_session *s)
{
	struct net_limits limits = {
		.info = &s->info, .offloads = s->offloads, .arenas = s->arenas.views};
	struct net_rx d;
	int err;

	if (s->held_rx != NULL) {
		offer_rx(s, s->held_rx);
		return s->held_rx == NULL;
	}
	if (!lane_next(s, &s->rx, &d, NULL))
		return false;
	ring_advance(&s->rx.in);
	err = net_check_rx(&d, &limits);
	if (err == 0)
		hand_over_rx(s, &d);
	else
		push_done(s, &s->rx, &(struct net_rx_done){.id = d.id, .status = err});
	return true;
}

static bool can_take_tx(const struct nserver_session *s)
{
	return s->is_running && !s->tx.is_waiting &&
	       (s->held_tx != NULL || !pool_is_empty(&frame_pool));
}

static bool can_take_rx(const struct nserver_session *s)
{
	return s->is_running && !s->rx.is_waiting &&
	       (s->held_rx != NULL || !pool_is_empty(&buffer_pool));
}

/* Buffers first: what is sent may be answered at once. Returns whether anything was taken. */
static bool take_all(struct nserver_session *s)
{
	unsigned count = 0;

	while (count < s->rx.in.slots && can_take_rx(s) && take_rx(s))
		count++;
	for (unsigned n = 0; n < s->tx.in.slots && can_take_tx(s) && take_tx(s); n++)
		count++;
	return count > 0;
}

/* ---- main loop hooks ---- */

static void flush_batch(void)
{
	if (nserver_cfg.ops->flush_batch != NULL)
		nserver_cfg.ops->flush_batch();
}

bool nserver_doorbell(endpoint_t from)
{
	bool is_ours = false, any = false;

	for (unsigned i = 0; i < NET_UNITS_MAX; i++) {
		struct nserver_session *s = &nserver_units[i].session;

		if (!session_is_live(s) || s->client != from)
			continue;
		any |= take_all(s);
		is_ours = true;
	}
	if (any)
		flush_batch();
	return is_ours;
}

static bool must_ring(struct nserver_lane *lane)
{
	bool has_completions = lane->has_completions;

	lane->has_completions = false;
	return has_completions && ring_producer_must_ring(&lane->done);
}

/* One bell for both directions. */
static void ring_client(struct nserver_session *s)
{
	bool must_ring_tx = must_ring(&s->tx);

	if ((must_ring(&s->rx) || must_ring_tx) && ipc_notify(s->client) == -EDEADSRCDST)
		session_drop(s);
}

/* Worth a doorbell? With half of what the device takes more can be taken when frames come, or whenever. */
static bool wants_buffers(const struct nserver_session *s)
{
	return s->held_rx == NULL && can_take_rx(s) && s->rx.pending < s->info.rx_depth / 2;
}

/* True when the session has nothing more for us now, and its client will ring when it has. A direction
 * that cannot go on is brought back by a completion. */
static bool settle(struct nserver_session *s)
{
	bool any = take_all(s);

	if (session_is_live(s))
		ring_client(s);
	if (!s->is_running)
		return !any;
	if (s->held_tx == NULL && can_take_tx(s) && !ring_consumer_may_sleep(&s->tx.in))
		return false;
	if (wants_buffers(s) && !ring_consumer_may_sleep(&s->rx.in))
		return false;
	return !any;
}

void nserver_idle(void)
{
	bool is_settled;

	host_answer_parked();
	/* Ends when no client adds while we look, which on one CPU is the second round. It cannot
	 * stop earlier: a client that was not told that we sleep would never ring. */
	do {
		is_settled = true;
		for (unsigned i = 0; i < NET_UNITS_MAX; i++)
			if (session_is_live(&nserver_units[i].session))
				is_settled &= settle(&nserver_units[i].session);
		if (!is_settled)
			flush_batch();
	} while (!is_settled);
	for (unsigned i = 0; i < NET_UNITS_MAX; i++)
		unit_tell_link(&nserver_units[i]);
	host_answer_parked(); /* a session may have ended just now */
}

const struct server_half nserver_half = {.message = nserver_message,
                                         .doorbell = nserver_doorbell,
                                         .idle = nserver_idle,
                                         .status_text = nserver_status_text};
