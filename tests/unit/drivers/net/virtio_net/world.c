/* SPDX-License-Identifier: BSD-2-Clause */
/* See world.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sys/sys.h"
#include "tests/unit/drivers/net/virtio_net/world.h"

#define RUN_BYTES 1024u

struct nic nic;
static _Alignas(4096) uint8_t rx_memory[8192], tx_memory[8192];
static struct net_header rx_headers[SLOTS_MAX], tx_headers[SLOTS_MAX];
_Alignas(2048) uint8_t data[BUFFERS][NET_RX_BUFFER];
struct nserver_rx rx[BUFFERS];
struct nserver_tx tx[SLOTS_MAX];
uint64_t now;
unsigned kicks;

struct given given[64];
unsigned given_count;

uint64_t now_ns(void)
{
	return now;
}

void virtio_notify(struct virtio *v, unsigned queue)
{
	(void)v;
	(void)queue;
	kicks++;
}

bool nserver_segment(const struct nserver_session *s, const struct nserver_element *e,
                     uint32_t from, uint32_t max_bytes, struct nserver_segment *seg)
{
	uint32_t left = e->len_bytes - from, run = RUN_BYTES - from % RUN_BYTES;

	(void)s;
	if (left == 0 || max_bytes == 0)
		return false;
	seg->bus = (uint64_t)(uintptr_t)e->ptr + from;
	seg->len_bytes = left < run ? left : run;
	if (seg->len_bytes > max_bytes)
		seg->len_bytes = max_bytes;
	return true;
}

void nserver_rx_done(struct nserver_rx *r, int bytes, unsigned flags)
{
	given[given_count++] = (struct given){r, bytes, flags};
}

void nserver_tx_done(struct nserver_tx *t, int status)
{
	given[given_count++] = (struct given){t, status, 0};
}

/* ---- the device ---- */

uint16_t rx_next, tx_next;

void put_used(struct vring *v, uint16_t head, uint32_t len)
{
	v->used->ring[v->used->idx & (v->size - 1)] =
		(struct vring_used_elem){.id = head, .len = len};
	__atomic_store_n(&v->used->idx, (uint16_t)(v->used->idx + 1), __ATOMIC_RELEASE);
}

/* Writes into the next chain of the receive ring, as far as it goes: bytes. */
uint32_t device_fills(const uint8_t *from, uint32_t len)
{
	struct vring *v = &nic.rx.ring;
	uint16_t head, at;
	uint32_t done = 0;

	assert_true(rx_next != v->avail->idx);
	head = at = v->avail->ring[rx_next++ & (v->size - 1)];
	for (;;) {
		const struct vring_desc *d = &v->desc[at];
		uint32_t n = len - done < d->len ? len - done : d->len;

		assert_true(d->flags & VRING_DESC_WRITE);
		memcpy((void *)(uintptr_t)d->addr, from + done, n);
		done += n;
		if (!(d->flags & VRING_DESC_NEXT))
			break;
		at = d->next;
	}
	put_used(v, head, done);
	return done;
}

/* A frame of bytes 1, 2, 3...; with mergeable buffers over as many as it needs. */
void device_receives(uint32_t bytes, unsigned flags)
{
	static uint8_t whole[65536];
	struct net_header h = {.flags = (uint8_t)flags};
	uint32_t total = bytes + HEADER_BYTES, done = 0;

	h.buffers = (uint16_t)((total + NET_RX_BUFFER - 1) / NET_RX_BUFFER);
	memcpy(whole, &h, HEADER_BYTES);
	for (uint32_t i = 0; i < bytes; i++)
		whole[HEADER_BYTES + i] = (uint8_t)(i * 7 + 1);
	do {
		done += device_fills(whole + done, total - done);
	} while (done < total && nic.dev.features & F_MRG_RXBUF);
}

void expect_bytes(const uint8_t *at, uint32_t from, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(at[i], (uint8_t)((from + i) * 7 + 1));
}

/* ---- the world ---- */

void make_rings(uint64_t features)
{
	memset(rx_memory, 0, sizeof(rx_memory));
	memset(tx_memory, 0, sizeof(tx_memory));
	vring_init(&nic.rx.ring, RING, rx_memory, 0);
	vring_init(&nic.tx.ring, RING, tx_memory, 0);
	nic.rx.ring.has_event_idx = nic.tx.ring.has_event_idx = true;
	nic.dev.features = features;
	rx_next = tx_next = 0;
}

int set_up(void **state)
{
	(void)state;
	memset(&nic, 0, sizeof(nic));
	memset(data, 0, sizeof(data));
	nic.rx.headers = rx_headers;
	nic.rx.headers_bus = (uint64_t)(uintptr_t)rx_headers;
	nic.tx.headers = tx_headers;
	nic.tx.headers_bus = (uint64_t)(uintptr_t)tx_headers;
	given_count = kicks = 0;
	now = 1;
	make_rings(0);
	return 0;
}

void post(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		rx[i] = (struct nserver_rx){.buffer = {.ptr = data[i], .len_bytes = NET_RX_BUFFER}};
		assert_true(rx_add(&nic, &rx[i]));
	}
	rx_flush(&nic);
}

void expect_given(unsigned i, const void *frame, int result, unsigned flags)
{
	assert_true(i < given_count);
	assert_ptr_equal(given[i].frame, frame);
	assert_int_equal(given[i].result, result);
	assert_int_equal(given[i].flags, flags);
}
