/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A unit under test: buffers down, frames up, everything through lib/netdev's client half.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nettest.h"

#define RX_BUFFERS 128u
#define TX_FRAMES  32u
#define TX_BYTES   69632u /* NET_FRAME_MAX, and room to begin at odd places */
#define TX_SHIFTS  13u
#define PORT_BYTES (RX_BUFFERS * NET_RX_BUFFER + TX_FRAMES * TX_BYTES)
#define UP_NS      10000000000ull

struct frame {
	struct netdev_tx tx;
	struct net_element elements[NET_ELEMENTS_MAX];
	uint64_t offset; /* of its memory */
	bool is_busy;
};

struct port ports[2];
bool want_merging;
static struct whole { /* a frame in several buffers */
	uint32_t bytes;
	uint8_t data[NET_FRAME_MAX];
} wholes[2];
static struct frame frames[2][TX_FRAMES];
static struct netdev_rx buffers[2][RX_BUFFERS];
static uint8_t *memory;
static int arena;

int ports_init(void)
{
	memory = aligned_alloc(PAGE_BYTES, 2 * PORT_BYTES);
	if (memory == NULL)
		return -ENOMEM;
	memset(memory, 0, 2 * PORT_BYTES);
	arena = netdev_arena(memory, 2 * PORT_BYTES, false);
	return arena < 0 ? arena : 0;
}

static unsigned index_of(const struct port *p)
{
	return (unsigned)(p - ports);
}

/* ---- up ---- */

static void take(struct port *p, const uint8_t *data, uint32_t bytes, unsigned flags)
{
	struct whole *w = &wholes[index_of(p)];

	if (bytes > sizeof(w->data) - w->bytes) {
		p->receive_errors++;
		w->bytes = 0;
		return;
	}
	memcpy(w->data + w->bytes, data, bytes);
	p->merged += w->bytes == 0 && (flags & NET_RX_MORE);
	w->bytes += bytes;
	if (flags & NET_RX_MORE)
		return;
	p->received++;
	if (p->receive != NULL)
		p->receive(p, w->data, w->bytes, flags);
	w->bytes = 0;
}

static void filled(struct netdev_rx *r, int bytes, unsigned flags)
{
	struct port *p = r->cookie;

	tester_event();
	if (bytes >= 0) {
		take(p, memory + r->buffer.offset, (uint32_t)bytes, flags);
	} else {
		p->receive_errors += bytes != -ECANCELED;
	}
	if (netdev_post(p->dev, r) != 0)
		p->receive_errors++;
}

static void event(void *ctx, struct netdev *d, enum netdev_event what)
{
	struct port *p = ctx;

	tester_event();
	if (what == NDEV_UP) {
		memcpy(p->ends.from, netdev_info(d)->mac, 6);
		p->is_up = true;
	}
	p->rounds += what == NDEV_BACK;
	if (what == NDEV_LOST)
		wholes[index_of(p)].bytes = 0; /* the rest of a frame does not come */
}

static void configure(struct port *p)
{
	const struct net_info *info = netdev_info(p->dev);
	struct net_conf conf = {.offloads = info->offloads};

	if (!want_merging && info->mtu + NET_FRAME_MIN <= NET_RX_BUFFER)
		conf.offloads &= ~NET_OFFLOAD_RX_LRO;
	netdev_set_conf(p->dev, &conf);
}

static bool post_buffers(struct port *p)
{
	unsigned index = index_of(p);

	for (unsigned i = 0; i < RX_BUFFERS; i++) {
		struct netdev_rx *r = &buffers[index][i];

		*r = (struct netdev_rx){.buffer = {.offset = index * PORT_BYTES + i * NET_RX_BUFFER,
		                                   .len_bytes = NET_RX_BUFFER,
		                                   .arena = (uint16_t)arena},
		                        .filled = filled,
		                        .cookie = p};
		if (netdev_post(p->dev, r) != 0)
			return false;
	}
	return true;
}

bool port_open(struct port *p, const char *unit)
{
	static const struct netdev_events events = {.event = event};
	uint64_t deadline = now_ns() + UP_NS;
	unsigned index = index_of(p);

	snprintf(p->name, sizeof(p->name), "%s", unit);
	for (unsigned i = 0; i < TX_FRAMES; i++)
		frames[index][i].offset =
			index * PORT_BYTES + RX_BUFFERS * NET_RX_BUFFER + i * TX_BYTES;
	p->dev = netdev_open(unit, &events, p);
	if (p->dev == NULL)
		return false;
	while (!p->is_up && now_ns() < deadline)
		tester_wait(deadline - now_ns());
	if (!p->is_up)
		return false;
	configure(p);
	return post_buffers(p);
}

/* ---- down ---- */

static void done(struct netdev_tx *t, int status)
{
	struct port *p = t->cookie;

	tester_event();
	((struct frame *)(void *)t)->is_busy = false;
	p->confirmed++;
	p->failed += status != 0;
}

static struct frame *find_free(struct port *p)
{
	for (;;) {
		for (unsigned i = 0; i < TX_FRAMES; i++)
			if (!frames[index_of(p)][i].is_busy)
				return &frames[index_of(p)][i];
		tester_wait(UP_NS);
	}
}

/* 1 to 7 elements of about equal length, at any byte. */
static unsigned cut(const struct port *p, struct frame *f, uint64_t offset, uint32_t bytes)
{
	unsigned most = netdev_info(p->dev)->tx_elements;
	unsigned count = 1 + (unsigned)(p->sent % 7), used = 0;
	uint32_t from = 0;

	if (count > most)
		count = most;
	for (unsigned i = 1; i <= count; i++) {
		uint32_t to = i == count ? bytes : bytes * i / count;

		if (to > from)
			f->elements[used++] = (struct net_element){.offset = offset + from,
			                                           .len_bytes = to - from,
			                                           .arena = (uint16_t)arena};
		from = to;
	}
	return used;
}

static struct net_tx describe(const struct frame_spec *s, unsigned gso_bytes)
{
	bool is_ipv6 = s->kind == FRAME_TCP6 || s->kind == FRAME_UDP6;
	bool is_l4 = is_ipv6 || s->kind == FRAME_TCP4 || s->kind == FRAME_UDP4;
	struct net_tx d = {.flags = 0};

	if (!is_l4 || s->is_summed)
		return d;
	d.flags = NET_TX_CSUM;
	d.csum_start = (uint16_t)frame_csum_start(s->kind);
	d.csum_offset = (uint16_t)frame_csum_offset(s->kind);
	if (gso_bytes == 0)
		return d;
	d.flags |= NET_TX_TSO | (is_ipv6 ? NET_TX_IPV6 : 0);
	d.gso_bytes = (uint16_t)gso_bytes;
	d.header_bytes = (uint16_t)frame_header_bytes(s->kind);
	return d;
}

void port_send(struct port *p, const struct frame_spec *s, unsigned gso_bytes)
{
	struct frame *f = find_free(p);
	uint64_t offset = f->offset + p->sent % TX_SHIFTS;
	unsigned count = cut(p, f, offset, s->bytes);

	frame_make(s, &p->ends, memory + offset);
	f->tx = (struct netdev_tx){.desc = describe(s, gso_bytes), .done = done, .cookie = p};
	f->tx.desc.elements = (uint16_t)count;
	if (count > NET_INLINE)
		f->tx.elements = f->elements;
	else
		memcpy(f->tx.desc.inline_elements, f->elements, count * sizeof(f->elements[0]));
	p->sent++;
	f->is_busy = true;
	if (netdev_send(p->dev, &f->tx) != 0) {
		tester_say("nettest: %s refuses a frame of %u bytes\n", p->name, s->bytes);
		f->is_busy = false;
		p->confirmed++;
		p->failed++;
	}
}

void port_drain(struct port *p)
{
	while (p->confirmed < p->sent)
		tester_wait(UP_NS);
}
