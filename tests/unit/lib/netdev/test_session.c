/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/netdev/ lib/inetsum/ lib/arena/ lib/unitname/ lib/sys/control.c lib/ring/ring.c
 *       tests/unit/lib/netdev/world.c tests/unit/lib/netdev/caller.c tests/unit/lib/peers/peers.c
 *       tests/unit/support/panic.c */
/* Both halves of the network protocol against each other: frames, deaths, replay, configurations, link. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "netdev/host.h"
#include "ring/net_region.h"
#include "caller.h"

static void comes_up_when_server_appears(void **state)
{
	(void)state;
	world_run();
	assert_false(netdev_is_up(caller.dev));
	assert_null(netdev_info(caller.dev));
	caller_start();
	assert_true(netdev_is_up(caller.dev));
	assert_int_equal(caller.events[NDEV_UP], 1);
	assert_int_equal(caller.events[NDEV_LINK], 1);
	assert_true(netdev_link(caller.dev)->is_up);
	assert_int_equal(netdev_info(caller.dev)->mtu, 1500);
	assert_int_equal(peers.events[EV_REOPEN], 0);
}

static void frames_go_both_ways(void **state)
{
	(void)state;
	caller_start();
	caller_post(8);
	caller_send(0, 3);
	world_run();
	assert_int_equal(caller.done_count, 3);
	assert_int_equal(caller.done_status[2], 0);
	assert_int_equal(world.wire_count, 3);
	assert_int_equal(world.wire[2], 3);
	assert_true(world_receive(77, 90));
	world_run();
	assert_int_equal(caller.filled_count, 1);
	assert_int_equal(caller.filled[0], 77);
	assert_int_equal(caller.filled_bytes, 90);
	assert_int_equal(world.buffer_count, 8);
}

static void long_element_lists_use_rows(void **state)
{
	struct net_element elements[20];
	struct netdev_tx *t = caller_frame(0);

	(void)state;
	caller_start();
	for (unsigned i = 0; i < 20; i++)
		elements[i] =
			(struct net_element){.offset = t->desc.inline_elements[0].offset + i * 3,
		                             .len_bytes = 3,
		                             .arena = (uint16_t)caller.arena};
	t->desc.elements = 20;
	t->elements = elements;
	assert_int_equal(netdev_send(caller.dev, t), 0);
	world_run();
	assert_int_equal(caller.done_count, 1);
	assert_int_equal(world.wire[0], 1);
}

static void more_frames_than_slots_all_go(void **state)
{
	(void)state;
	caller_send(0, 300); /* before there is a server */
	caller_start();
	caller_send(300, FRAMES);
	world_run();
	assert_int_equal(caller.done_count, FRAMES);
	assert_int_equal(world.wire_count, FRAMES);
	assert_false(world.is_out_of_order);
	assert_int_equal(peers.violations + peers.complaints, 0);
}

static void a_full_card_gets_the_rest_later(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	world.room = 4;
	world.rx_room = 2;
	caller_start();
	caller_post(8);
	caller_send(0, 20);
	world_run();
	assert_int_equal(world.held_count, 4);
	assert_int_equal(world.buffer_count, 2);
	for (unsigned i = 0; i < 20; i++) {
		world_release(0, 1, 0);
		world_run();
	}
	assert_int_equal(caller.done_count, 20);
	assert_false(world.is_out_of_order);
	for (unsigned i = 0; i < 20; i++) {
		assert_true(world_receive(i, 60));
		world_run();
	}
	assert_int_equal(caller.filled_count, 20);
	assert_int_equal(world.buffer_count, 2);
}

static void replays_in_order_before_anything_new(void **state)
{
	(void)state;
	caller_hold(20, 8);
	world_release(2, 3, 0); /* caller.frames 3, 4, 5 */
	world_run();
	assert_int_equal(caller.done_count, 3);
	world_kill_server();
	caller_send(20, 22);
	world_run();
	world.mode = CARD_WORKS;
	world.wire_count = 0;
	world_start_server(CAUSE_SIGNAL);
	world_run();
	assert_int_equal(caller.done_count, 22);
	assert_int_equal(world.wire_count, 19);
	assert_int_equal(world.wire[0], 1);
	assert_int_equal(world.wire[2], 6);
	assert_int_equal(world.wire[18], 22);
	assert_int_equal(world.buffer_count, 8);
	assert_int_equal(caller.events[NDEV_LOST], 1);
	assert_int_equal(caller.events[NDEV_BACK], 1);
	assert_int_equal(caller.events[NDEV_LINK], 1); /* only the first */
	assert_int_equal(peers.events[EV_REOPEN], 1);
	assert_int_equal(peers.last_args[EV_REPLAY], 19); /* found dead when a frame was sent */
	assert_int_equal(peers.events[EV_RECOVERED], 1);
}

static void configurations_are_replayed(void **state)
{
	struct net_conf conf = {.mode = NET_MODE_PROMISCUOUS, .offloads = UINT32_MAX};

	(void)state;
	caller_start();
	assert_int_equal(world.confs, 1);
	netdev_set_conf(caller.dev, &conf);
	world_run();
	assert_int_equal(world.confs, 2);
	assert_int_equal(world.conf.mode, NET_MODE_PROMISCUOUS);
	assert_int_equal(world.conf.offloads, NET_OFFLOAD_TX_CSUM); /* of those it has */
	netdev_set_conf(caller.dev, &conf);
	world_run();
	assert_int_equal(world.confs, 2); /* nothing new */
	caller_restart(CAUSE_SIGNAL);
	assert_int_equal(world.confs, 3);
	assert_int_equal(world.conf.mode, NET_MODE_PROMISCUOUS);
	conf.mode = NET_MODE_ALLMULTI; /* sent, and not answered when the server dies */
	netdev_set_conf(caller.dev, &conf);
	conf.mode = 0;
	netdev_set_conf(caller.dev, &conf);
	caller_restart(CAUSE_SIGNAL);
	assert_int_equal(world.confs, 5); /* pending first, then wanted */
	assert_int_equal(world.conf.mode, 0);
	assert_true(netdev_is_up(caller.dev));
}

static void another_card_is_a_new_interface(void **state)
{
	(void)state;
	caller_hold(5, 4);
	world.info.mac[5] = 2;
	caller_restart(CAUSE_SIGNAL);
	assert_int_equal(caller.events[NDEV_CHANGED], 1);
	assert_int_equal(caller.events[NDEV_BACK], 0);
	assert_int_equal(caller.done_count, 5);
	assert_int_equal(caller.done_status[0], -ENETDOWN);
	assert_int_equal(world.buffer_count, 4);
	assert_int_equal(netdev_info(caller.dev)->mac[5], 2);
}

static void a_link_that_is_slow_to_return_is_not_told(void **state)
{
	(void)state;
	caller_start();
	world.link_is_up = false;
	caller_restart(CAUSE_SIGNAL);
	assert_int_equal(caller.events[NDEV_BACK], 1);
	assert_true(netdev_link(caller.dev)->is_up);
	world_link(true);
	world_run();
	assert_int_equal(caller.events[NDEV_LINK], 1);
	world.link_is_up = false;
	caller_restart(CAUSE_SIGNAL);
	world_advance(NETDEV_LINK_GRACE_NS + 1000);
	assert_int_equal(caller.events[NDEV_LINK], 2);
	assert_false(netdev_link(caller.dev)->is_up);
	world_link(true);
	world_run();
	assert_int_equal(caller.events[NDEV_LINK], 3);
}

static void nothing_is_overdue_without_a_link(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	caller_start();
	world_link(false);
	caller_send(0, 1);
	world_run();
	world_advance(10 * NETDEV_DEADLINE_NS);
	assert_int_equal(peers.complaints, 0);
	world_link(true);
	world_run();
	world_advance(NETDEV_DEADLINE_NS / 2);
	assert_int_equal(peers.complaints, 0);
	world_advance(NETDEV_DEADLINE_NS);
	assert_int_equal(peers.complaints, 1);
	assert_int_equal(peers.last_rule, RULE_N1);
	assert_int_equal(caller.done_count, 0);
}

static void a_poisonous_frame_is_dropped(void **state)
{
	(void)state;
	caller_hold(1, 0);
	for (unsigned i = 0; i < 10; i++)
		caller_restart(CAUSE_SIGNAL); /* not its fault */
	assert_int_equal(caller.done_count, 0);
	for (unsigned i = 0; i < NETDEV_KILLER_DEATHS; i++)
		caller_restart(CAUSE_EXCEPTION);
	assert_int_equal(caller.done_count, 1);
	assert_int_equal(caller.done_status[0], -EIO);
	assert_int_equal(peers.events[EV_QUARANTINE], 1);
}

static void pieces_are_handed_up_when_complete(void **state)
{
	struct nserver_rx *pieces[2];

	(void)state;
	caller.is_lazy = true;
	caller_start();
	caller_post(4);
	world_run();
	memcpy(pieces, world.buffers, sizeof(pieces));
	nserver_rx_done(pieces[0], 2048, NET_RX_MORE);
	world_run();
	assert_int_equal(caller.filled_count, 0);
	nserver_rx_done(pieces[1], 1, 0);
	world_run();
	assert_int_equal(caller.filled_count, 2);
	world.buffer_count = 0;
	nserver_rx_done(world.buffers[2], 2048, NET_RX_MORE);
	world_run();
	caller_restart(CAUSE_SIGNAL); /* the rest will never come */
	assert_int_equal(caller.filled_count, 2);
	assert_int_equal(world.buffer_count, 2);
}

static void conf_switches_offloads_on_for_what_follows(void **state)
{
	struct net_conf conf = {.offloads = NET_OFFLOAD_TX_CSUM};
	struct netdev_tx *t;

	(void)state;
	caller_start();
	netdev_set_conf(caller.dev, &conf);
	t = caller_frame(0);
	t->desc.flags = NET_TX_CSUM;
	t->desc.csum_start = 34;
	t->desc.csum_offset = 16;
	assert_int_equal(netdev_send(caller.dev, t), 0);
	world_run();
	assert_int_equal(caller.done_count, 1);
	assert_int_equal(caller.done_status[0], 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, caller_setup, caller_teardown)
	const struct CMUnitTest tests[] = {
		T(comes_up_when_server_appears),
		T(frames_go_both_ways),
		T(long_element_lists_use_rows),
		T(more_frames_than_slots_all_go),
		T(a_full_card_gets_the_rest_later),
		T(replays_in_order_before_anything_new),
		T(configurations_are_replayed),
		T(another_card_is_a_new_interface),
		T(a_link_that_is_slow_to_return_is_not_told),
		T(nothing_is_overdue_without_a_link),
		T(a_poisonous_frame_is_dropped),
		T(pieces_are_handed_up_when_complete),
		T(conf_switches_offloads_on_for_what_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
