/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/netdev/ lib/inetsum/ lib/arena/ lib/unitname/ lib/sys/control.c lib/ring/ring.c
 *       tests/unit/lib/netdev/world.c tests/unit/lib/netdev/caller.c tests/unit/lib/peers/peers.c
 *       tests/unit/support/panic.c */
/* Peers that break the rules of rings, descriptors and completions. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "netdev/host.h"
#include "ring/net_region.h"
#include "caller.h"

static void invented_completions_are_complained_about(void **state)
{
	struct net_tx_done tx = {.id = 0x12345678};
	struct net_rx_done rx = {.id = 0x12345678, .len_bytes = 60};

	(void)state;
	caller_hold(1, 0);
	assert_int_equal(ring_push(&nserver_units[0].session.tx.done, &tx), 0);
	netdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_N3);
	assert_int_equal(ring_push(&nserver_units[0].session.rx.done, &rx), 0);
	netdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_N3);
	tx.id = caller.frames[0].entry.id;
	tx.reserved[3] = 1;
	assert_int_equal(ring_push(&nserver_units[0].session.tx.done, &tx), 0);
	netdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_R4);
	assert_int_equal(peers.complaints, 3);
	assert_int_equal(caller.done_count, 0);
	world_release(0, 1, 0);
	world_run();
	assert_int_equal(caller.done_count, 1);
	tx.reserved[3] = 0; /* a second time */
	assert_int_equal(ring_push(&nserver_units[0].session.tx.done, &tx), 0);
	netdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_N3);
	assert_int_equal(caller.done_count, 1);
}

static void wrong_lengths_are_complained_about(void **state)
{
	static const uint32_t lengths[] = {0, 13, 2049, UINT32_MAX};

	(void)state;
	caller_start();
	caller_post(4);
	world_run();
	for (unsigned i = 0; i < 4; i++) {
		struct net_rx_done rx = {.id = caller.buffers[i].entry.id, .len_bytes = lengths[i]};

		assert_int_equal(ring_push(&nserver_units[0].session.rx.done, &rx), 0);
		peers.last_rule = RULE_NONE;
		netdev_doorbell(peers.server);
		assert_int_equal(peers.last_rule, RULE_N2);
	}
	assert_int_equal(caller.filled_count, 0);
	caller_restart(CAUSE_COMPLAINT);
	assert_int_equal(world.buffer_count, 4); /* none is lost */
}

/* Unasked, "the checksum is right" is not passed on by an honest server, nor believed of one that is not. */
static void checksums_are_believed_only_if_asked_for(void **state)
{
	const struct net_conf with = {.offloads = NET_OFFLOAD_RX_CSUM}, without = {.offloads = 0};
	struct net_rx_done rx = {.len_bytes = 60, .flags = NET_RX_CSUM_OK};

	(void)state;
	world.info.offloads |= NET_OFFLOAD_RX_CSUM;
	caller.is_lazy = true;
	caller_start();
	caller_post(3);
	netdev_set_conf(caller.dev, &with);
	world_run();
	nserver_rx_done(world.buffers[0], 60, NET_RX_CSUM_OK);
	netdev_doorbell(peers.server);
	assert_int_equal(caller.filled_count, 1);
	assert_int_equal(caller.buffers[0].got_flags, NET_RX_CSUM_OK);
	netdev_set_conf(caller.dev, &without);
	world_run();
	nserver_rx_done(world.buffers[1], 60, NET_RX_CSUM_OK);
	netdev_doorbell(peers.server);
	assert_int_equal(caller.filled_count, 2);
	assert_int_equal(caller.buffers[1].got_flags, 0);
	rx.id = caller.buffers[2].entry.id;
	assert_int_equal(ring_push(&nserver_units[0].session.rx.done, &rx), 0);
	netdev_doorbell(peers.server);
	assert_int_equal(caller.filled_count, 3);
	assert_int_equal(caller.buffers[2].got_flags, 0);
	assert_int_equal(peers.complaints, 0);
}

static void complaints_of_one_session_are_few(void **state)
{
	struct net_tx_done tx = {.id = 7};

	(void)state;
	caller_start();
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(ring_push(&nserver_units[0].session.tx.done, &tx), 0);
		netdev_doorbell(peers.server);
	}
	assert_int_equal(peers.complaints, 8);
	assert_int_equal(caller.dev->count.violations, 100);
}

static void a_jumping_completion_index_ends_the_session(void **state)
{
	(void)state;
	caller_hold(1, 0);
	nserver_units[0].session.tx.done.shared->produced += 1000;
	netdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_R4);
	assert_false(netdev_is_up(caller.dev));
	world.mode = CARD_WORKS;
	caller_restart(CAUSE_COMPLAINT);
	assert_int_equal(caller.done_count, 1);
	assert_int_equal(caller.done_status[0], 0);
}

static void a_jumping_request_index_drops_the_client(void **state)
{
	(void)state;
	caller_hold(2, 3);
	caller.dev->tx_ring.shared->produced += 5000;
	nserver_doorbell(PEERS_CLIENT);
	assert_int_equal(peers.violations, 1);
	assert_int_equal(world.stops, 1);
	assert_false(nserver_units[0].session.is_used);
}

static void malformed_descriptors_are_refused(void **state)
{
	struct net_tx d = {.id = 1, .elements = 1};
	struct netdev_tx *t;

	(void)state;
	caller_start();
	t = caller_frame(0);
	t->desc.inline_elements[0].len_bytes = 13;
	assert_int_equal(netdev_send(caller.dev, t), -EINVAL);
	t->desc.inline_elements[0].len_bytes = 1515;
	assert_int_equal(netdev_send(caller.dev, t), -EINVAL);
	t = caller_frame(0);
	t->desc.elements = 4;
	assert_int_equal(netdev_send(caller.dev, t), -EINVAL);
	t = caller_frame(0);
	t->desc.flags = NET_TX_CSUM; /* not switched on */
	assert_int_equal(netdev_send(caller.dev, t), -EINVAL);
	/* The server does not rely on that. */
	d.inline_elements[0] = (struct net_element){.offset = UINT64_MAX - 10, .len_bytes = 60};
	assert_int_equal(ring_push(&caller.dev->tx_ring, &d), 0);
	nserver_doorbell(PEERS_CLIENT);
	assert_int_equal(world.accepted, 0);
	assert_int_equal(nserver_units[0].count.tx_dropped, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, caller_setup, caller_teardown)
	const struct CMUnitTest tests[] = {
		T(invented_completions_are_complained_about),
		T(wrong_lengths_are_complained_about),
		T(checksums_are_believed_only_if_asked_for),
		T(complaints_of_one_session_are_few),
		T(a_jumping_completion_index_ends_the_session),
		T(a_jumping_request_index_drops_the_client),
		T(malformed_descriptors_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
