/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/net/virtio_net/choice.c */
/* What is agreed on with a device, headers of frames. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/net/virtio_net/virtio_net.h"

#define ALL (~0ull)
#define BASE                                                                                       \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | F_MAC | F_STATUS | F_MTU | F_CTRL_VQ |          \
	 F_CTRL_RX | F_SPEED)
#define ALL_OFFLOADS                                                                               \
	(NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_TSO6 | NET_OFFLOAD_RX_CSUM |         \
	 NET_OFFLOAD_RX_LRO)

static void device_is_described_by_what_it_offers(void **state)
{
	(void)state;
	assert_int_equal(choice_offloads(ALL), ALL_OFFLOADS);
	assert_int_equal(choice_offloads(0), 0);
	assert_int_equal(choice_offloads(F_HOST_TSO4 | F_HOST_TSO6), 0); /* need F_CSUM */
	assert_int_equal(choice_offloads(F_CSUM | F_HOST_TSO6),
	                 NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO6);
	assert_int_equal(choice_offloads(F_GUEST_TSO4), 0);
}

static void only_what_the_client_wants_is_agreed_on(void **state)
{
	static const struct {
		uint32_t offloads;
		uint64_t more;
	} cases[] = {
		{0, 0},
		{NET_OFFLOAD_TX_CSUM, F_CSUM},
		{NET_OFFLOAD_TSO4, F_CSUM | F_HOST_TSO4},
		{NET_OFFLOAD_TSO6, F_CSUM | F_HOST_TSO6},
		{NET_OFFLOAD_RX_CSUM, F_GUEST_CSUM},
		{NET_OFFLOAD_RX_LRO, F_MRG_RXBUF},
		{NET_OFFLOAD_RX_LRO | NET_OFFLOAD_RX_CSUM,
	         F_MRG_RXBUF | F_GUEST_CSUM | F_GUEST_TSO4 | F_GUEST_TSO6},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(choice_features(ALL, cases[i].offloads) == (BASE | cases[i].more));
}

/* 5.1.3.1, for every subset of what a device may offer and a client may want. */
static void features_that_need_others_never_stand_alone(void **state)
{
	static const uint64_t bits[] = {F_CSUM,      F_GUEST_CSUM, F_GUEST_TSO4, F_GUEST_TSO6,
	                                F_HOST_TSO4, F_HOST_TSO6,  F_MRG_RXBUF,  F_CTRL_VQ,
	                                F_CTRL_RX,   F_MAC};
	const unsigned count = sizeof(bits) / sizeof(bits[0]);

	(void)state;
	for (unsigned subset = 0; subset < 1u << count; subset++) {
		uint64_t offered = VIRTIO_F_VERSION_1;

		for (unsigned i = 0; i < count; i++)
			offered |= subset >> i & 1 ? bits[i] : 0;
		for (uint32_t want = 0; want < 32; want++) {
			uint64_t f = choice_features(offered, want & choice_offloads(offered));

			assert_true((f & ~offered) == 0);
			assert_true(f & F_CSUM || !(f & (F_HOST_TSO4 | F_HOST_TSO6)));
			assert_true(f & F_GUEST_CSUM || !(f & (F_GUEST_TSO4 | F_GUEST_TSO6)));
			assert_true(f & F_CTRL_VQ || !(f & F_CTRL_RX));
			assert_true(f & F_MRG_RXBUF || !(f & (F_GUEST_TSO4 | F_GUEST_TSO6)));
		}
	}
}

static void headers_say_what_the_frame_wants(void **state)
{
	struct nserver_tx t = {.csum_start = 34, .csum_offset = 16, .gso_bytes = 1448};
	static const struct net_header plain;
	struct net_header h;

	(void)state;
	t.header_bytes = 66;
	choice_header(&t, &h);
	assert_memory_equal(&h, &plain, sizeof(h)); /* fields count only with their flags */
	t.flags = NET_TX_CSUM;
	choice_header(&t, &h);
	assert_int_equal(h.flags, HEADER_NEEDS_CSUM);
	assert_int_equal(h.gso_type, GSO_NONE);
	assert_int_equal(h.csum_start, 34);
	assert_int_equal(h.csum_offset, 16);
	assert_int_equal(h.gso_bytes, 0);
	t.flags = NET_TX_CSUM | NET_TX_TSO;
	choice_header(&t, &h);
	assert_int_equal(h.gso_type, GSO_TCPV4);
	assert_int_equal(h.gso_bytes, 1448);
	assert_int_equal(h.header_bytes, 66);
	assert_int_equal(h.buffers, 0);
	t.flags |= NET_TX_IPV6;
	choice_header(&t, &h);
	assert_int_equal(h.gso_type, GSO_TCPV6);
}

static void received_headers_are_checked(void **state)
{
	struct net_header h = {.flags = HEADER_DATA_VALID};
	struct received r;

	(void)state;
	assert_int_equal(choice_received(&h, 0, &r), 0);
	assert_int_equal(r.buffers, 1); /* the field does not count */
	assert_int_equal(r.flags, 0);   /* was not agreed on */
	assert_int_equal(choice_received(&h, F_GUEST_CSUM, &r), 0);
	assert_int_equal(r.flags, NET_RX_CSUM_OK);
	h.flags = HEADER_NEEDS_CSUM;
	assert_int_equal(choice_received(&h, F_GUEST_CSUM, &r), 0);
	assert_int_equal(r.flags, NET_RX_CSUM_OK);
	assert_int_equal(choice_received(&h, F_MRG_RXBUF, &r), -EPROTO);
	h.buffers = 3;
	assert_int_equal(choice_received(&h, F_MRG_RXBUF, &r), 0);
	assert_int_equal(r.buffers, 3);
	h.buffers = SLOTS_MAX + 1;
	assert_int_equal(choice_received(&h, F_MRG_RXBUF, &r), -EPROTO);
}

static void made_up_addresses_are_local_and_stay(void **state)
{
	uint8_t a[6], b[6];

	(void)state;
	choice_mac(0x0108, a);
	choice_mac(0x0108, b);
	assert_memory_equal(a, b, 6);
	assert_int_equal(a[0] & 3, 2); /* local, of one station */
	choice_mac(0x0110, b);
	assert_memory_not_equal(a, b, 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_is_described_by_what_it_offers),
		cmocka_unit_test(only_what_the_client_wants_is_agreed_on),
		cmocka_unit_test(features_that_need_others_never_stand_alone),
		cmocka_unit_test(headers_say_what_the_frame_wants),
		cmocka_unit_test(received_headers_are_checked),
		cmocka_unit_test(made_up_addresses_are_local_and_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
