/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/net/virtio_net/rx.c drivers/net/virtio_net/tx.c drivers/net/virtio_net/slots.c drivers/net/virtio_net/choice.c lib/virtio/vring.c tests/unit/drivers/net/virtio_net/world.c
 *       tests/unit/support/panic.c */
/* Sending: chains, confirmations, what happens to frames after a reset. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/drivers/net/virtio_net/world.h"

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
		T(frame_is_a_header_and_its_pieces),
		T(single_frame_is_confirmed_at_once),
		T(batch_costs_few_interrupts_and_all_are_confirmed),
		T(after_a_reset_frames_go_out_in_their_order),
		T(oldest_frame_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
