/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames and buffers that are passed on. See netfilter.h. */
#include <errno.h>
#include <string.h>

#include "netfilter/netfilter_impl.h"

#define FRAMES_MAX (NSERVER_FRAMES_MAX + 64) /* some of our own */

static struct netfilter_frame frames[FRAMES_MAX];
static struct netfilter_frame *free_frames;
static unsigned used_frames; /* that were ever used: the first so many */
static struct netfilter_buffer buffers[NSERVER_BUFFERS_MAX];
static struct netfilter_buffer *free_buffers;
static unsigned used_buffers;
static struct netfilter_buffer *reserve;
static unsigned reserve_wanted, reserve_count;
static uint64_t activity;

uint64_t pass_activity(void)
{
	return activity;
}

/* ---- down ---- */

struct netfilter_frame *netfilter_new_frame(void)
{
	struct netfilter_frame *f = free_frames;

	if (f != NULL)
		free_frames = f->next;
	else if (used_frames < FRAMES_MAX)
		f = &frames[used_frames++];
	else
		return NULL;
	f->up = NULL;
	f->next = NULL;
	f->user = 0;
	f->t_ns = now_ns();
	return f;
}

void netfilter_end(struct netfilter_frame *f, int status)
{
	struct nserver_tx *up = f->up;

	activity++;
	f->next = free_frames;
	free_frames = f;
	if (up != NULL)
		nserver_tx_done(up, status);
}

static void sent(struct netdev_tx *t, int status)
{
	struct netfilter_frame *f = t->cookie;

	if (netfilter_self->ops->tx_done != NULL)
		netfilter_self->ops->tx_done(f, status);
	netfilter_end(f, status);
}

void netfilter_send(struct netfilter_frame *f)
{
	int r;

	activity++;
	f->down.done = sent;
	f->down.cookie = f;
	f->down.elements = f->elements;
	r = netdev_send(netfilter_below, &f->down);
	if (r != 0)
		netfilter_end(f, r);
}

bool pass_tx(struct nserver_tx *t)
{
	struct netfilter_frame *f = netfilter_new_frame();

	if (f == NULL) /* the filter's own frames use more than their share: later */
		return false;
	f->up = t;
	f->down.desc = (struct net_tx){.flags = t->flags,
	                               .elements = t->element_count,
	                               .csum_start = t->csum_start,
	                               .csum_offset = t->csum_offset,
	                               .gso_bytes = t->gso_bytes,
	                               .header_bytes = t->header_bytes};
	f->down.bytes = t->bytes;
	for (unsigned i = 0; i < t->element_count; i++)
		f->elements[i] = (struct net_element){.offset = t->elements[i].offset,
		                                      .len_bytes = t->elements[i].len_bytes,
		                                      .arena = t->elements[i].tag};
	if (netfilter_self->ops->tx != NULL)
		netfilter_self->ops->tx(f);
	else
		netfilter_send(f);
	return true;
}

uint32_t netfilter_copy(const struct netfilter_frame *f, void *out, uint32_t len_bytes)
{
	return f->up != NULL ? nserver_tx_copy(f->up, 0, out, len_bytes) : 0;
}

/* ---- up ---- */

static void give_back(struct netfilter_buffer *b, int bytes, unsigned flags)
{
	struct nserver_rx *up = b->up;

	activity++;
	b->next = free_buffers;
	free_buffers = b;
	nserver_rx_done(up, bytes, flags);
}

static void filled(struct netdev_rx *r, int bytes, unsigned flags)
{
	struct netfilter_buffer *b = r->cookie;

	if (bytes < 0) {
		give_back(b, -ECANCELED, 0);
		return;
	}
	b->bytes = bytes;
	b->flags = flags;
	if (netfilter_self->ops->rx != NULL)
		netfilter_self->ops->rx(b);
	else
		netfilter_rx_up(b);
}

static void go_down(struct netfilter_buffer *b)
{
	activity++;
	if (netdev_post(netfilter_below, &b->down) != 0)
		give_back(b, -ECANCELED, 0); /* an arena that came too late for this session */
}

void netfilter_rx_up(struct netfilter_buffer *b)
{
	give_back(b, b->bytes, b->flags);
}

void netfilter_rx_drop(struct netfilter_buffer *b)
{
	go_down(b);
}

static void keep(struct netfilter_buffer *b)
{
	b->next = reserve;
	reserve = b;
	reserve_count++;
}

void netfilter_reserve(unsigned count)
{
	reserve_wanted = count;
}

struct netfilter_buffer *netfilter_take_reserve(void)
{
	struct netfilter_buffer *b = reserve;

	if (b == NULL)
		return NULL;
	reserve = b->next;
	reserve_count--;
	b->next = NULL;
	return b;
}

void pass_drop_reserve(void)
{
	struct netfilter_buffer *b;

	while ((b = netfilter_take_reserve()) != NULL)
		give_back(b, -ECANCELED, 0);
}

bool pass_rx(struct nserver_rx *r)
{
	struct netfilter_buffer *b = free_buffers;

	/* As many as the server half has. */
	if (b != NULL)
		free_buffers = b->next;
	else
		b = &buffers[used_buffers++];
	*b = (struct netfilter_buffer){.up = r,
	                               .down = {.memory = r->buffer.ptr,
	                                        .buffer = {.offset = r->buffer.offset,
	                                                   .len_bytes = r->buffer.len_bytes,
	                                                   .arena = r->buffer.tag},
	                                        .filled = filled,
	                                        .cookie = b}};
	if (reserve_count < reserve_wanted)
		keep(b);
	else
		go_down(b);
	return true;
}
