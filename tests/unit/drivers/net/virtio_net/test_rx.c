/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/net/virtio_net/rx.c drivers/net/virtio_net/tx.c drivers/net/virtio_net/slots.c drivers/net/virtio_net/choice.c lib/virtio/vring.c tests/unit/drivers/net/virtio_net/world.c
 *       tests/unit/support/panic.c */
/* Receiving: frames in one buffer and in several, and a device that lies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/drivers/net/virtio_net/world.h"
#include "tests/unit/support/panic.h"

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

static void serve(uint64_t unused)
{
	(void)unused;
	rx_serve(&nic);
}

static void lies_of_the_device_end_the_driver(void **state)
{
	struct net_header h = {.buffers = 0};
	static uint8_t bytes[NET_RX_BUFFER + 100];

	(void)state;
	post(1);
	device_fills(bytes, 5); /* no header */
	expect_panic(serve, 0);
	set_up(NULL);
	make_rings(F_MRG_RXBUF);
	post(1);
	memcpy(bytes, &h, HEADER_BYTES); /* a frame of no buffers */
	device_fills(bytes, 100);
	expect_panic(serve, 0);
	set_up(NULL);
	make_rings(F_MRG_RXBUF);
	post(1);
	device_fills(bytes, 100);
	nic.rx.ring.used->ring[0].len = 9000; /* more than there is */
	expect_panic(serve, 0);
	set_up(NULL);
	make_rings(F_MRG_RXBUF);
	post(3);
	h.buffers = 3;
	memcpy(bytes, &h, HEADER_BYTES);
	device_fills(bytes, 1000);
	device_fills(bytes, 4); /* a hole: more is to come, but this one is not full */
	device_fills(bytes, 100);
	expect_panic(serve, 0);
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

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, set_up)
	const struct CMUnitTest tests[] = {
		T(frames_arrive_without_their_header), T(frame_over_several_buffers_has_no_holes),
		T(rest_of_a_frame_may_come_later),     T(runts_are_handed_back),
		T(lies_of_the_device_end_the_driver),  T(buffers_come_back_when_the_session_ends),
		T(buffers_go_out_again_after_a_reset), T(full_ring_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
