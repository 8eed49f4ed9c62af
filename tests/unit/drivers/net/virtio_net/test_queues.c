/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/net/virtio_net/rx.c drivers/net/virtio_net/tx.c drivers/net/virtio_net/slots.c drivers/net/virtio_net/choice.c lib/virtio/vring.c */
/*
 * Both directions against a model of the device, which reads and writes the rings. Bus addresses are
 * pointers, buffers are split at 1 KiB, so chains have several pieces.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sys/sys.h"
#include "drivers/net/virtio_net/virtio_net.h"

#define RING      64
#define BUFFERS   8
#define RUN_BYTES 1024u

static struct nic nic;
static _Alignas(4096) uint8_t rx_memory[8192], tx_memory[8192];
static struct net_header rx_headers[SLOTS_MAX], tx_headers[SLOTS_MAX];
static _Alignas(2048) uint8_t data[BUFFERS][NET_RX_BUFFER];
static struct nserver_rx rx[BUFFERS];
static struct nserver_tx tx[SLOTS_MAX];
static uint64_t now;
static jmp_buf panicked;
static unsigned kicks;

/* what the driver gave back, in order */
static struct given {
	void *frame;
	int result;
	unsigned flags;
} given[64];
static unsigned given_count;

uint64_t now_ns(void)
{
	return now;
}

void sys_panic(const char *fmt, ...)
{
	(void)fmt;
	longjmp(panicked, 1);
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

static uint16_t rx_next, tx_next;

static void put_used(struct vring *v, uint16_t head, uint32_t len)
{
	v->used->ring[v->used->idx & (v->size - 1)] =
		(struct vring_used_elem){.id = head, .len = len};
	__atomic_store_n(&v->used->idx, (uint16_t)(v->used->idx + 1), __ATOMIC_RELEASE);
}

/* Writes into the next chain of the receive ring, as far as it goes: bytes. */
static uint32_t device_fills(const uint8_t *from, uint32_t len)
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
static void device_receives(uint32_t bytes, unsigned flags)
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

static void expect_bytes(const uint8_t *at, uint32_t from, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(at[i], (uint8_t)((from + i) * 7 + 1));
}

/* ---- the world ---- */

static void make_rings(uint64_t features)
{
	memset(rx_memory, 0, sizeof(rx_memory));
	memset(tx_memory, 0, sizeof(tx_memory));
	vring_init(&nic.rx.ring, RING, rx_memory, 0);
	vring_init(&nic.tx.ring, RING, tx_memory, 0);
	nic.rx.ring.has_event_idx = nic.tx.ring.has_event_idx = true;
	nic.dev.features = features;
	rx_next = tx_next = 0;
}

static int set_up(void **state)
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

static void post(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		rx[i] = (struct nserver_rx){.buffer = {.ptr = data[i], .len_bytes = NET_RX_BUFFER}};
		assert_true(rx_add(&nic, &rx[i]));
	}
	rx_flush(&nic);
}

static void expect_given(unsigned i, const void *frame, int result, unsigned flags)
{
	assert_true(i < given_count);
	assert_ptr_equal(given[i].frame, frame);
	assert_int_equal(given[i].result, result);
	assert_int_equal(given[i].flags, flags);
}

/* ---- receiving ---- */

static void frames_arrive_without_their_header(void **state)
{
	(void)state;
	make_rings(F_GUEST_CSUM);
	post(3);
	assert_int_equal(kicks, 1); /* one for all */
	device_receives(60, HEADER_DATA_VALID);
	device_receives(NET_RX_BUFFER, 0); /* without merging a buffer holds its size */
	rx_serve(&nic);
	assert_int_equal(given_count, 2);
	expect_given(0, &rx[0], 60, NET_RX_CSUM_OK);
	expect_given(1, &rx[1], NET_RX_BUFFER, 0);
	expect_bytes(data[0], 0, 60);
	expect_bytes(data[1], 0, NET_RX_BUFFER);
	assert_int_equal(nic.rx.active, 1);
}

static void frame_over_several_buffers_has_no_holes(void **state)
{
	/* bytes of the frame -> what each buffer must hold; 0: handed back unused */
	static const struct {
		uint32_t bytes;
		int held[3];
	} cases[] = {
		{2036, {2036}},
		{2037, {2037, -ECANCELED}},
		{2048, {2048, -ECANCELED}},
		{2049, {2048, 1}},
		{4083, {2048, 2035}},
		{4084, {2048, 2036}},
		{4085, {2048, 2037, -ECANCELED}},
		{4096, {2048, 2048, -ECANCELED}},
		{4097, {2048, 2048, 1}},
		{6000, {2048, 2048, 1904}},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t at = 0;
		unsigned used = 0;

		set_up(NULL);
		make_rings(F_MRG_RXBUF | F_GUEST_CSUM);
		post(3);
		device_receives(cases[i].bytes, HEADER_NEEDS_CSUM);
		rx_serve(&nic);
		for (unsigned g = 0; g < given_count; g++) {
			unsigned b = (unsigned)((struct nserver_rx *)given[g].frame - rx);

			assert_int_equal(given[g].result, cases[i].held[b]);
			if (given[g].result < 0)
				continue;
			expect_bytes(data[b], at, (uint32_t)given[g].result);
			at += (uint32_t)given[g].result;
			assert_int_equal(given[g].flags,
			                 NET_RX_CSUM_OK | (at < cases[i].bytes ? NET_RX_MORE : 0));
			used++;
		}
		assert_int_equal(at, cases[i].bytes);
		assert_true(used >= 1);
		assert_null(nic.merge.held);
	}
}

static void rest_of_a_frame_may_come_later(void **state)
{
	struct vring *v = &nic.rx.ring;

	(void)state;
	make_rings(F_MRG_RXBUF);
	post(2);
	device_receives(3000, 0);
	v->used->idx = 1; /* the second buffer is not there yet */
	rx_serve(&nic);
	assert_int_equal(given_count, 0);
	v->used->idx = 2;
	rx_serve(&nic);
	expect_given(0, &rx[0], 2048, NET_RX_MORE);
	expect_given(1, &rx[1], 952, 0);
}

static void runts_are_handed_back(void **state)
{
	(void)state;
	post(1);
	device_receives(13, 0);
	rx_serve(&nic);
	expect_given(0, &rx[0], -ECANCELED, 0);
	assert_int_equal(nic.runts, 1);
}

static void expect_panic(void)
{
	if (setjmp(panicked) != 0)
		return;
	rx_serve(&nic);
	fail_msg("the driver believed it");
}

static void lies_of_the_device_end_the_driver(void **state)
{
	struct net_header h = {.buffers = 0};
	static uint8_t bytes[NET_RX_BUFFER + 100];

	(void)state;
	post(1);
	device_fills(bytes, 5); /* no header */
	expect_panic();
	set_up(NULL);
	make_rings(F_MRG_RXBUF);
	post(1);
	memcpy(bytes, &h, HEADER_BYTES); /* a frame of no buffers */
	device_fills(bytes, 100);
	expect_panic();
	set_up(NULL);
	make_rings(F_MRG_RXBUF);
	post(1);
	device_fills(bytes, 100);
	nic.rx.ring.used->ring[0].len = 9000; /* more than there is */
	expect_panic();
	set_up(NULL);
	make_rings(F_MRG_RXBUF);
	post(3);
	h.buffers = 3;
	memcpy(bytes, &h, HEADER_BYTES);
	device_fills(bytes, 1000);
	device_fills(bytes, 4); /* a hole: more is to come, but this one is not full */
	device_fills(bytes, 100);
	expect_panic();
}

static void buffers_come_back_when_the_session_ends(void **state)
{
	(void)state;
	make_rings(F_MRG_RXBUF);
	post(3);
	device_receives(3000, 0);
	nic.rx.ring.used->idx = 1;
	rx_serve(&nic); /* one is held */
	rx_give_back(&nic);
	assert_int_equal(given_count, 3);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(given[i].result, -ECANCELED);
	assert_int_equal(nic.rx.active, 0);
	assert_null(nic.merge.held);
}

static void buffers_go_out_again_after_a_reset(void **state)
{
	(void)state;
	post(3);
	make_rings(F_MRG_RXBUF);
	rx_again(&nic);
	rx_flush(&nic);
	assert_int_equal(given_count, 0);
	device_receives(2500, 0);
	rx_serve(&nic);
	assert_int_equal(given_count, 2);
	assert_int_equal(given[0].result + given[1].result, 2500);
}

static void full_ring_refuses(void **state)
{
	static struct nserver_rx many[RING];
	unsigned count = 0;

	(void)state;
	for (; count < RING; count++) {
		many[count].buffer = (struct nserver_element){.ptr = data[0], .len_bytes = 1024};
		if (!rx_add(&nic, &many[count]))
			break;
	}
	assert_int_equal(count, RING / 2); /* a header and a piece each */
	assert_int_equal(nic.rx.active, count);
}

/* ---- sending ---- */

static struct nserver_tx *send(unsigned i, unsigned elements, uint32_t bytes)
{
	struct nserver_tx *t = &tx[i];

	*t = (struct nserver_tx){.element_count = (uint16_t)elements, .bytes = elements * bytes};
	for (unsigned e = 0; e < elements; e++)
		t->elements[e] =
			(struct nserver_element){.ptr = data[e % BUFFERS], .len_bytes = bytes};
	return t;
}

static void device_sends(unsigned count)
{
	struct vring *v = &nic.tx.ring;

	for (; count > 0; count--) {
		assert_true(tx_next != v->avail->idx);
		put_used(v, v->avail->ring[tx_next++ & (v->size - 1)], 0);
	}
}

static uint16_t used_event(void)
{
	return nic.tx.ring.avail->ring[RING];
}

static void frame_is_a_header_and_its_pieces(void **state)
{
	const struct vring *v = &nic.tx.ring;
	uint16_t at;

	(void)state;
	assert_true(tx_add(&nic, send(0, 2, 1500)));
	tx_flush(&nic);
	assert_int_equal(kicks, 1);
	at = v->avail->ring[0];
	assert_int_equal(v->desc[at].len, HEADER_BYTES);
	for (unsigned e = 0; e < 2; e++) {
		at = v->desc[at].next;
		assert_int_equal(v->desc[at].addr, (uintptr_t)data[e]);
		assert_int_equal(v->desc[at].len, 1024);
		at = v->desc[at].next;
		assert_int_equal(v->desc[at].len, 1500 - 1024);
	}
	assert_int_equal(v->desc[at].flags, 0);
}

static void single_frame_is_confirmed_at_once(void **state)
{
	(void)state;
	assert_true(tx_add(&nic, send(0, 1, 60)));
	tx_flush(&nic);
	assert_int_equal(used_event(), 0); /* an interrupt for the next one */
	device_sends(1);
	tx_serve(&nic);
	expect_given(0, &tx[0], 0, 0);
	assert_int_equal(nic.tx.active, 0);
}

static void batch_costs_few_interrupts_and_all_are_confirmed(void **state)
{
	unsigned interrupts = 0;

	(void)state;
	for (unsigned i = 0; i < 16; i++)
		assert_true(tx_add(&nic, send(i, 1, 60)));
	tx_flush(&nic);
	for (unsigned i = 0; i < 16; i++) {
		bool is_event = used_event() == nic.tx.ring.used->idx;

		device_sends(1);
		interrupts += is_event;
		if (is_event)
			tx_serve(&nic);
	}
	assert_int_equal(given_count, 16);
	assert_in_range(interrupts, 1, 4);
	for (unsigned i = 0; i < 16; i++)
		expect_given(i, &tx[i], 0, 0);
}

static void after_a_reset_frames_go_out_in_their_order(void **state)
{
	const struct vring *v = &nic.tx.ring;

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		assert_true(tx_add(&nic, send(i, 1, 100 + i)));
	tx_flush(&nic);
	device_sends(2);
	tx_serve(&nic);
	for (unsigned i = 6; i < 8; i++) /* take the slots of the first two */
		assert_true(tx_add(&nic, send(i, 1, 100 + i)));
	tx[3].flags = NET_TX_CSUM; /* what is no longer agreed on */
	given_count = 0;
	make_rings(0);
	tx_again(&nic);
	tx_flush(&nic);
	assert_int_equal(given_count, 1);
	expect_given(0, &tx[3], -EIO, 0);
	assert_int_equal(v->avail->idx, 5);
	for (unsigned i = 0; i < 5; i++) {
		static const unsigned order[] = {2, 4, 5, 6, 7};
		uint16_t head = v->avail->ring[i];

		assert_int_equal(v->desc[v->desc[head].next].len, 100 + order[i]);
	}
	tx_give_back(&nic, -ENETDOWN);
	assert_int_equal(given_count, 6);
	assert_int_equal(nic.tx.active, 0);
}

static void oldest_frame_is_known(void **state)
{
	(void)state;
	assert_int_equal(tx_oldest_ns(&nic), 0);
	now = 50;
	assert_true(tx_add(&nic, send(0, 1, 60)));
	now = 70;
	assert_true(tx_add(&nic, send(1, 1, 60)));
	tx_flush(&nic);
	assert_int_equal(tx_oldest_ns(&nic), 50);
	device_sends(1);
	tx_serve(&nic);
	assert_int_equal(tx_oldest_ns(&nic), 70);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, set_up)
	const struct CMUnitTest tests[] = {
		T(frames_arrive_without_their_header),
		T(frame_over_several_buffers_has_no_holes),
		T(rest_of_a_frame_may_come_later),
		T(runts_are_handed_back),
		T(lies_of_the_device_end_the_driver),
		T(buffers_come_back_when_the_session_ends),
		T(buffers_go_out_again_after_a_reset),
		T(full_ring_refuses),
		T(frame_is_a_header_and_its_pieces),
		T(single_frame_is_confirmed_at_once),
		T(batch_costs_few_interrupts_and_all_are_confirmed),
		T(after_a_reset_frames_go_out_in_their_order),
		T(oldest_frame_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
