/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending (frame.h).
 *
 *   FREE --linkoutput--> COLLECTING (one an interface, if it may grow) --flush--> SENT (netdev) --done--> FREE
 */
#include <string.h>

#include "arena.h"
#include "frame.h"
#include "lwip/pbuf.h"
#include "retrans.h"
#include "segments.h"
#include "sys/sys.h"
#include "timers.h"

#define HELD_MAX 48u /* segments of one frame: 64 KiB of them; their data may be one element */

struct tx_frame {
	struct netdev_tx tx; /* cookie: the frame */
	struct net_element elements[NET_ELEMENTS_MAX];
	struct pbuf *held[HELD_MAX];
	unsigned element_count, held_count;
	uint32_t bytes;
	struct iface *owner; /* NULL: the interface is gone */
	struct tx_frame *next;

	/* COLLECTING. */
	uint8_t *head; /* first byte of the frame */
	struct segment segment;
	uint32_t next_seq;
	uint16_t gso_bytes;
};

static struct tx_frame frames[FRAMES_MAX];
static struct tx_frame *free_frames;
static unsigned free_count;
static bool was_refused, has_relief;

void frame_init(void)
{
	free_frames = NULL;
	for (unsigned i = 0; i < FRAMES_MAX; i++) {
		frames[i].next = free_frames;
		free_frames = &frames[i];
	}
	free_count = FRAMES_MAX;
	was_refused = has_relief = false;
}

unsigned frame_free_count(void)
{
	return free_count;
}

bool frame_take_relief(void)
{
	bool is_so = has_relief;

	has_relief = false;
	return is_so;
}

static void release(struct tx_frame *f)
{
	for (unsigned i = 0; i < f->held_count; i++)
		pbuf_free(f->held[i]);
	f->held_count = 0;
	f->owner = NULL;
	f->next = free_frames;
	free_frames = f;
	free_count++;
	if (was_refused) {
		was_refused = false;
		has_relief = true;
	}
}

static void frame_done(struct netdev_tx *t, int status)
{
	struct tx_frame *f = t->cookie;

	if (f->owner != NULL) {
		if (status == 0) {
			f->owner->count.tx_frames++;
			f->owner->count.tx_bytes += f->bytes;
		} else {
			f->owner->count.tx_errors++;
		}
	}
	release(f);
}

/* Appends the bytes of one pbuf from `skip` on; adjacent memory becomes one element. */
static bool add_element(struct tx_frame *f, const struct pbuf *q, unsigned skip)
{
	struct net_element e,
		*last = f->element_count > 0 ? &f->elements[f->element_count - 1] : NULL;

	if (q->len == skip)
		return true;
	if (!arena_element((const uint8_t *)q->payload + skip, q->len - skip, &e))
		return false;
	if (last != NULL && last->arena == e.arena && last->offset + last->len_bytes == e.offset) {
		last->len_bytes += e.len_bytes;
		return true;
	}
	if (f->element_count == f->owner->tx_elements)
		return false;
	f->elements[f->element_count++] = e;
	return true;
}

/* All of the chain from byte `skip` of its first pbuf on, or nothing. */
static bool add_chain(struct tx_frame *f, struct pbuf *p, unsigned skip)
{
	unsigned before = f->element_count;
	struct net_element last = f->elements[before > 0 ? before - 1 : 0];
	const struct pbuf *q = p;

	do {
		if (!add_element(f, q, q == p ? skip : 0)) {
			f->element_count = before;
			f->elements[before > 0 ? before - 1 : 0] = last;
			return false;
		}
		q = q->next;
	} while (q != NULL);
	pbuf_ref(p);
	f->held[f->held_count++] = p;
	f->bytes += p->tot_len - skip;
	return true;
}

static struct tx_frame *take_frame(struct iface *i)
{
	struct tx_frame *f = free_frames;

	if (f == NULL) {
		was_refused = true;
		retrans_refused();
		i->count.tx_dropped++;
		return NULL;
	}
	free_frames = f->next;
	free_count--;
	memset(&f->tx, 0, sizeof(f->tx));
	f->tx.done = frame_done;
	f->tx.cookie = f;
	f->owner = i;
	f->element_count = f->held_count = 0;
	f->bytes = 0;
	return f;
}

static void hand_down(struct tx_frame *f)
{
	struct net_tx *d = &f->tx.desc;
	int r;

	f->tx.bytes = f->bytes;
	d->elements = (uint16_t)f->element_count;
	if (f->element_count <= NET_INLINE)
		memcpy(d->inline_elements, f->elements, f->element_count * sizeof(f->elements[0]));
	else
		f->tx.elements = f->elements;
	r = netdev_send(f->owner->dev, &f->tx);
	if (r != 0) {
		sys_log("%s: a frame of %u bytes is refused: %d\n", f->owner->name, f->bytes, r);
		frame_done(&f->tx, r);
	}
}

static void describe_offload(struct tx_frame *f)
{
	struct net_tx *d = &f->tx.desc;
	const struct segment *s = &f->segment;

	segment_seed_sum(f->head, s);
	d->flags = NET_TX_CSUM;
	d->csum_start = s->tcp_offset;
	d->csum_offset = 16;
	if (f->held_count > 1) {
		d->flags |= NET_TX_TSO | (s->is_ipv6 ? NET_TX_IPV6 : 0);
		d->gso_bytes = f->gso_bytes;
		d->header_bytes = s->header_bytes;
	}
}

static void let_go(struct iface *i)
{
	struct tx_frame *f = i->collecting;

	if (f == NULL)
		return;
	i->collecting = NULL;
	if (i->offloads & NET_OFFLOAD_TX_CSUM)
		describe_offload(f);
	hand_down(f);
}

void frame_flush(struct iface *i)
{
	let_go(i);
	i->acks = 0;
}

void frame_forget(struct iface *i)
{
	if (i->collecting != NULL)
		release(i->collecting);
	i->collecting = NULL;
	for (unsigned n = 0; n < FRAMES_MAX; n++)
		if (frames[n].owner == i)
			frames[n].owner = NULL;
}

/* The segment becomes part of the frame that is being collected. */
static bool append(struct iface *i, struct pbuf *p, const struct segment *s)
{
	struct tx_frame *f = i->collecting;
	unsigned offload = s->is_ipv6 ? NET_OFFLOAD_TSO6 : NET_OFFLOAD_TSO4;

	if (f == NULL || !(i->offloads & offload) || s->payload_bytes == 0 ||
	    s->payload_bytes > f->gso_bytes || f->bytes + s->payload_bytes > i->tso_max_bytes ||
	    f->held_count == HELD_MAX ||
	    f->next_seq - f->segment.seq != f->held_count * (uint32_t)f->gso_bytes ||
	    !segment_follows(f->head, &f->segment, f->next_seq, p->payload, s) ||
	    !add_chain(f, p, s->header_bytes))
		return false;
	f->next_seq += s->payload_bytes;
	segment_stretch(f->head, &f->segment, f->next_seq - f->segment.seq,
	                segment_has_push(p->payload, s));
	return true;
}

static bool fill(struct tx_frame *f, struct pbuf *p)
{
	struct pbuf *copy;
	bool is_ok;

	if (add_chain(f, p, 0))
		return true;
	/* Too many pieces, or memory that drivers do not see: into one piece. */
	copy = pbuf_clone(PBUF_RAW, PBUF_RAM, p);
	if (copy == NULL)
		return false;
	is_ok = add_chain(f, copy, 0);
	pbuf_free(copy); /* the frame holds it */
	return is_ok;
}

/* What is collected says nothing that p does not say. */
static bool is_outdated(const struct iface *i, const struct pbuf *p, const struct segment *s)
{
	const struct tx_frame *f = i->collecting;

	return f != NULL && i->acks > FRAME_ACKS_PLAIN &&
	       segment_replaces(f->head, &f->segment, p->payload, s);
}

/* Frames leave in the order in which they came. */
static void settle(struct iface *i, const struct pbuf *p, const struct segment *s)
{
	i->acks += s != NULL && s->payload_bytes == 0;
	if (s == NULL || !is_outdated(i, p, s)) {
		let_go(i);
		return;
	}
	i->acks_merged++;
	release(i->collecting);
	i->collecting = NULL;
}

err_t frame_linkoutput(struct netif *n, struct pbuf *p)
{
	struct iface *i = n->state;
	struct segment s;
	bool is_tcp = segment_parse(p->payload, p->len, p->tot_len, &s);
	struct tx_frame *f;

	timers_activity();
	if (is_tcp && append(i, p, &s))
		return ERR_OK;
	settle(i, p, is_tcp ? &s : NULL);
	f = take_frame(i);
	if (f == NULL)
		return ERR_MEM;
	if (!fill(f, p)) {
		i->count.tx_dropped++;
		was_refused = true;
		retrans_refused();
		release(f);
		return ERR_MEM;
	}
	if (!is_tcp) {
		hand_down(f);
		return ERR_OK;
	}
	f->head = f->held[0]->payload;
	f->segment = s;
	f->next_seq = s.seq + s.payload_bytes;
	f->gso_bytes = (uint16_t)s.payload_bytes;
	i->collecting = f;
	return ERR_OK;
}
