/* SPDX-License-Identifier: BSD-2-Clause */
/* Receiving (rxpool.h). */
#include <string.h>

#include "arena.h"
#include "frame.h"
#include "lwip/inet_chksum.h"
#include "lwip/pbuf.h"
#include "merge.h"
#include "recover.h"
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

void rxpool_forget(struct iface *i)
{
	for (unsigned n = 0; n < RX_SLOTS; n++)
		if (slots[n].owner == i)
			slots[n].owner = NULL;
	i->rx_posted = 0;
	merge_drop(i);
}

static struct pbuf *copy_frame(const struct rx_slot *s, uint16_t bytes)
{
	struct pbuf *p = pbuf_alloc(PBUF_RAW, bytes, PBUF_RAM);

	if (p != NULL)
		memcpy(p->payload, s->buffer, bytes);
	return p;
}

static struct pbuf *lend_frame(struct rx_slot *s, uint16_t bytes)
{
	uint16_t rest = (uint16_t)(bytes - RX_HEADER_BYTES);
	struct pbuf *head = pbuf_alloced_custom(PBUF_RAW, RX_HEADER_BYTES, PBUF_RAM, &s->head,
	                                        s->header, RX_HEADER_BYTES);
	struct pbuf *body =
		pbuf_alloced_custom(PBUF_RAW, rest, PBUF_REF, &s->body, s->buffer + RX_HEADER_BYTES,
	                            NET_RX_BUFFER - RX_HEADER_BYTES);

	memcpy(s->header, s->buffer, RX_HEADER_BYTES);
	s->held = 2;
	pbuf_cat(head, body);
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
	if (is_tcp)
		recover_heard(i);
	if (is_tcp && merge_take(i, p, is_checked))
		return;
	merge_flush(i);
	rxpool_deliver(i, p, is_checked);
}

/* A frame arrived, or the buffer comes back unused (its interface was closed). */
static void filled(struct netdev_rx *r, int bytes, unsigned flags)
{
	struct rx_slot *s = r->cookie;
	struct iface *i = s->owner;
	struct pbuf *p = NULL;
	bool is_lent, is_rest;

	if (i == NULL) {
		put_back(s);
		return;
	}
	i->rx_posted--;
	if (bytes < 0) {
		put_back(s);
		return;
	}
	is_rest = i->is_rx_rest;
	i->is_rx_rest = (flags & NET_RX_MORE) != 0;
	is_lent = bytes > (int)RX_COPY_BYTES && free_count >= RX_LEND_MIN;
	if (is_rest || (flags & NET_RX_MORE) || bytes < (int)NET_FRAME_MIN ||
	    bytes > (int)NET_RX_BUFFER)
		i->count.rx_errors += !is_rest;
	else
		p = is_lent ? lend_frame(s, (uint16_t)bytes) : copy_frame(s, (uint16_t)bytes);
	if (p == NULL || !is_lent) {
		if (p == NULL)
			i->count.rx_dropped++;
		(void)post(i, s);
	}
	if (p != NULL)
		input(i, p, (flags & NET_RX_CSUM_OK) != 0);
	rxpool_fill(i);
}
