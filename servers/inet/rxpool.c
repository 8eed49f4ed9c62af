/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving (rxpool.h). */
#include <string.h>

#include "arena.h"
#include "frame.h"
#include "lwip/inet_chksum.h"
#include "lwip/pbuf.h"
#include "merge.h"
#include "rxpool.h"
#include "sieve.h"
#include "sys/sys.h"
#include "timers.h"

/* In the send area: the head of a received frame can be part of an answer (ICMP echo). */
struct rx_slot {
	struct pbuf_custom head; /* followed by its payload, as lwIP expects of a PBUF_RAM */
	uint8_t headroom[PBUF_TRANSPORT]; /* lwIP may put headers before what it received */
	uint8_t header[RX_HEADER_BYTES];
	struct pbuf_custom body;
	struct netdev_rx rx; /* cookie: the slot */
	struct iface *owner; /* while POSTED; NULL: its interface is gone */
	uint8_t *buffer;
	struct rx_slot *next;
	unsigned held; /* of the two pbufs, by lwIP and the socket layer */
};
_Static_assert(offsetof(struct rx_slot, header) >= sizeof(struct pbuf), "payload behind its pbuf");

static struct rx_slot *slots, *free_slots;
static unsigned free_count;

static void filled(struct netdev_rx *r, int bytes, unsigned flags);

static void put_back(struct rx_slot *s)
{
	s->owner = NULL;
	s->next = free_slots;
	free_slots = s;
	free_count++;
}

static void let_go(struct rx_slot *s)
{
	if (--s->held == 0)
		put_back(s);
}

static void free_head(struct pbuf *p)
{
	let_go((struct rx_slot *)(void *)((uint8_t *)p - offsetof(struct rx_slot, head)));
}

static void free_body(struct pbuf *p)
{
	let_go((struct rx_slot *)(void *)((uint8_t *)p - offsetof(struct rx_slot, body)));
}

void rxpool_init(void *memory, int number)
{
	slots = arena_calloc(RX_SLOTS, sizeof(*slots));
	if (slots == NULL)
		sys_panic("no room for %u receive slots", RX_SLOTS);
	free_slots = NULL;
	free_count = 0;
	for (unsigned i = 0; i < RX_SLOTS; i++) {
		struct rx_slot *s = &slots[i];

		s->buffer = (uint8_t *)memory + (size_t)i * NET_RX_BUFFER;
		s->rx.buffer = (struct net_element){.offset = (uint64_t)i * NET_RX_BUFFER,
		                                    .len_bytes = NET_RX_BUFFER,
		                                    .arena = (uint16_t)number};
		s->rx.memory = s->buffer;
		s->rx.filled = filled;
		s->rx.cookie = s;
		s->head.custom_free_function = free_head;
		s->body.custom_free_function = free_body;
		put_back(s);
	}
}

unsigned rxpool_free_count(void)
{
	return free_count;
}

static bool post(struct iface *i, struct rx_slot *s)
{
	int r;

	s->owner = i;
	r = netdev_post(i->dev, &s->rx);
	if (r != 0) {
		sys_log("%s: a receive buffer is refused: %d\n", i->name, r);
		put_back(s);
		return false;
	}
	i->rx_posted++;
	return true;
}

void rxpool_fill(struct iface *i)
{
	while (i->rx_posted < i->rx_target && free_slots != NULL) {
		struct rx_slot *s = free_slots;

		free_slots = s->next;
		free_count--;
		if (!post(i, s))
			return;
	}
}

static void drop_frame(struct iface *i)
{
	if (i->rx_frame != NULL)
		pbuf_free(i->rx_frame);
	i->rx_frame = NULL;
}

void rxpool_forget(struct iface *i)
{
	for (unsigned n = 0; n < RX_SLOTS; n++)
		if (slots[n].owner == i)
			slots[n].owner = NULL;
	i->rx_posted = 0;
	merge_drop(i);
	drop_frame(i);
}

/* ---- pieces of frames: most have one, those of a device that merges segments have more ---- */

static struct pbuf *copy_piece(const struct rx_slot *s, uint16_t bytes)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, bytes, PBUF_RAM);

	if (p != NULL)
		memcpy(p->payload, s->buffer, bytes);
	return p;
}

static struct pbuf *lend_body(struct rx_slot *s, uint16_t from, uint16_t bytes)
{
	s->held++;
	return pbuf_alloced_custom(PBUF_RAW, bytes, PBUF_REF, &s->body, s->buffer + from,
	                           (u16_t)(NET_RX_BUFFER - from));
}

/* With all the headers. */
static struct pbuf *lend_first(struct rx_slot *s, uint16_t bytes)
{
	struct pbuf *head = pbuf_alloced_custom(PBUF_RAW, RX_HEADER_BYTES, PBUF_RAM, &s->head,
	                                        s->header, RX_HEADER_BYTES);

	memcpy(s->header, s->buffer, RX_HEADER_BYTES);
	s->held++;
	pbuf_cat(head, lend_body(s, RX_HEADER_BYTES, (uint16_t)(bytes - RX_HEADER_BYTES)));
	return head;
}

static bool is_head(const struct pbuf *p)
{
	return p->flags & PBUF_FLAG_IS_CUSTOM && p->ref == 1 &&
	       ((const struct pbuf_custom *)(const void *)p)->custom_free_function == free_head;
}

void rxpool_join(struct pbuf *p)
{
	for (struct pbuf *body; p != NULL; p = body) {
		const struct rx_slot *s;

		body = p->next;
		if (body == NULL || !is_head(p))
			continue;
		s = (const struct rx_slot *)(const void *)((uint8_t *)p -
		                                           offsetof(struct rx_slot, head));
		if (body != &s->body.pbuf || body->ref != 1 ||
		    body->payload != s->buffer + RX_HEADER_BYTES ||
		    (uint8_t *)p->payload + p->len != s->header + RX_HEADER_BYTES)
			continue;
		body->payload = (uint8_t *)body->payload - p->len;
		body->len = (u16_t)(body->len + p->len);
		body->tot_len = (u16_t)(body->tot_len + p->len);
		p->len = 0;
	}
}

/* The frame so far and one piece more; false: it cannot be. The slot is lent if somebody holds it then. */
static bool add_piece(struct iface *i, struct rx_slot *s, uint16_t bytes)
{
	struct pbuf *p;

	if (bytes <= RX_COPY_BYTES || free_count < RX_LEND_MIN)
		p = copy_piece(s, bytes);
	else
		p = i->rx_frame == NULL ? lend_first(s, bytes) : lend_body(s, 0, bytes);
	if (p == NULL) {
		i->count.rx_dropped++;
		return false;
	}
	if (i->rx_frame == NULL)
		i->rx_frame = p;
	else
		pbuf_cat(i->rx_frame, p);
	return true;
}

static bool is_piece_right(const struct iface *i, int bytes, unsigned flags)
{
	uint16_t before = i->rx_frame != NULL ? i->rx_frame->tot_len : 0;
	/* lwIP looks for headers in the first piece only. */
	unsigned least = flags & NET_RX_MORE ? RX_HEADER_BYTES : NET_FRAME_MIN;

	return bytes <= (int)NET_RX_BUFFER && bytes <= UINT16_MAX - before &&
	       bytes >= (before > 0 ? 1 : (int)least);
}

static void count_frame(struct iface *i, const struct pbuf *p)
{
	i->count.rx_frames++;
	i->count.rx_bytes += p->tot_len;
	if (((const uint8_t *)p->payload)[0] & 1)
		i->count.rx_multicast++;
}

void rxpool_deliver(struct iface *i, struct pbuf *p, bool is_checked)
{
	uint16_t mask = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;

	i->netif.chksum_flags = (uint16_t)(is_checked ? i->netif.chksum_flags & ~mask
	                                              : i->netif.chksum_flags | mask);
	if (i->netif.input(p, &i->netif) != ERR_OK)
		pbuf_free(p);
}

static void input(struct iface *i, struct pbuf *p, bool is_checked)
{
	const uint8_t *type = (const uint8_t *)p->payload + 12;
	bool is_tcp = (type[0] == 0x08 && type[1] == 0x00 && p->len > 23 && type[11] == 6) ||
	              (type[0] == 0x86 && type[1] == 0xdd && p->len > 20 && type[8] == 6);

	count_frame(i, p);
	if (!sieve_admits(p->payload, p->len, p->tot_len)) {
		i->count.rx_dropped++;
		pbuf_free(p);
		return;
	}
	timers_activity();
	if (is_tcp && merge_take(i, p, is_checked))
		return;
	merge_flush(i);
	rxpool_deliver(i, p, is_checked);
}

/* The frame, once it is whole and every piece of it was good. */
static struct pbuf *take_frame(struct iface *i, struct rx_slot *s, int bytes, unsigned flags)
{
	struct pbuf *frame;

	if (!i->is_rx_rest) {
		i->is_rx_bad = false;
		i->is_rx_checked = true;
	}
	i->is_rx_rest = (flags & NET_RX_MORE) != 0;
	i->is_rx_checked = i->is_rx_checked && (flags & NET_RX_CSUM_OK) != 0;
	if (!i->is_rx_bad && !is_piece_right(i, bytes, flags)) {
		i->count.rx_errors++;
		i->count.rx_dropped++;
		i->is_rx_bad = true;
	}
	i->is_rx_bad = i->is_rx_bad || !add_piece(i, s, (uint16_t)bytes);
	if (i->is_rx_bad)
		drop_frame(i);
	if (i->is_rx_rest)
		return NULL;
	frame = i->rx_frame;
	i->rx_frame = NULL;
	return frame;
}

/* A buffer with a frame or a piece of one, or it comes back unused (its interface was closed). */
static void filled(struct netdev_rx *r, int bytes, unsigned flags)
{
	struct rx_slot *s = r->cookie;
	struct iface *i = s->owner;
	struct pbuf *frame;

	if (i == NULL) {
		put_back(s);
		return;
	}
	i->rx_posted--;
	if (bytes < 0) {
		put_back(s);
		return;
	}
	s->held = 1; /* while we look at it */
	frame = take_frame(i, s, bytes, flags);
	if (--s->held == 0)
		(void)post(i, s);
	if (frame != NULL)
		input(i, frame, i->is_rx_checked);
	rxpool_fill(i);
}
