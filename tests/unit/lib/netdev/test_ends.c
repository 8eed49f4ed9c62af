/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/netdev/ lib/inetsum/ lib/arena/ lib/unitname/ lib/sys/control.c lib/ring/ring.c
 *       tests/unit/lib/netdev/world.c tests/unit/lib/netdev/caller.c tests/unit/lib/peers/peers.c
 *       tests/unit/support/panic.c */
/* How sessions begin and end: refusals, second clients, closing, servers that are gone for good. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "netdev/host.h"
#include "ring/net_region.h"
#include "caller.h"

static struct net_rep attach_stranger(void)
{
	struct net_attach req = {.id = 9, .slots = 256, .region_bytes = net_region_bytes(256)};
	struct net_rep rep;
	struct msg m;

	msg_put(&m, NET_ATTACH, &req);
	m.source = PEERS_STRANGER;
	nserver_message(&m, IPC_ASEND);
	msg_get(&peers.to_stranger, &rep);
	return rep;
}

static void a_second_client_has_to_wait(void **state)
{
	(void)state;
	caller_start();
	assert_int_equal(attach_stranger().result, -EBUSY);
	assert_true(netdev_is_up(caller.dev));
	netdev_close(caller.dev);
	world_run();
	assert_int_equal(attach_stranger().result, -EFAULT); /* it has granted nothing */
	assert_false(nserver_units[0].session.is_used);
}

static void closing_waits_for_the_card(void **state)
{
	(void)state;
	world.mode = CARD_HOLDS;
	world.is_mute = true;
	caller_start();
	caller_post(4);
	caller_send(0, 3);
	world_run();
	netdev_close(caller.dev);
	caller.dev = netdev_open("n0", &caller_events, NULL);
	assert_non_null(caller.dev);
	world_run();
	assert_int_equal(world.stops, 1);
	assert_int_equal(caller.done_count + caller.canceled, 0);
	assert_false(netdev_is_up(caller.dev));
	world.held_count = 0;
	for (unsigned i = 0; i < 3; i++)
		nserver_tx_done(world.held[i], -ENETDOWN);
	for (unsigned i = 0; i < 4; i++)
		nserver_rx_done(world.buffers[i], -ECANCELED, 0);
	world.buffer_count = 0;
	world_run();
	assert_int_equal(caller.done_count, 3);
	assert_int_equal(caller.done_status[0], -ECANCELED);
	assert_int_equal(caller.canceled, 4);
	assert_true(netdev_is_up(caller.dev));
}

static void closing_survives_a_death(void **state)
{
	(void)state;
	caller_hold(3, 4);
	netdev_close(caller.dev);
	world_kill_server();
	world_start_server(CAUSE_SIGNAL);
	world_run();
	assert_int_equal(caller.done_count, 3);
	assert_int_equal(caller.canceled, 4);
	for (unsigned i = 0; i < NETDEV_MAX; i++)
		assert_false(netdev_units[i].is_used);
}

static void closing_while_attaching_ends_the_session(void **state)
{
	(void)state;
	world_start_server(CAUSE_NONE);
	world_action(0);
	world_action(0);
	assert_int_equal(caller.dev->state, NETDEV_ATTACHING);
	netdev_close(caller.dev);
	world_run();
	assert_false(nserver_units[0].session.is_used);
	assert_false(caller.dev->is_used);
}

static void a_deleted_name_is_told(void **state)
{
	(void)state;
	caller_hold(1, 0);
	assert_int_equal(nserver_unpublish("n0"), 0);
	world_run();
	assert_int_equal(caller.events[NDEV_GONE], 1);
	assert_int_equal(caller.done_status[0], -ENETDOWN);
	caller_send(1, 2);
	world_run();
	assert_int_equal(caller.done_count, 2);
	assert_int_equal(nserver_publish("n0", 0), 0);
	world_run();
	assert_true(netdev_is_up(caller.dev));
}

static void a_refusal_is_told_and_tried_again(void **state)
{
	(void)state;
	world.info_result = -ENXIO;
	caller_start();
	assert_int_equal(caller.events[NDEV_REFUSED], 1);
	world_advance(1100000000);
	assert_int_equal(caller.events[NDEV_REFUSED], 1); /* once */
	world.info_result = 0;
	world_advance(1100000000);
	assert_true(netdev_is_up(caller.dev));
	assert_int_equal(caller.events[NDEV_UP], 1);
}

static void an_unknown_unit_is_waited_for(void **state)
{
	(void)state;
	world.info_result = -EAGAIN;
	caller_start();
	world_advance(5 * NETDEV_DEADLINE_NS);
	assert_int_equal(peers.complaints, 0);
	world.info_result = 0;
	nserver_units_changed();
	world_run();
	assert_true(netdev_is_up(caller.dev));
}

static void absent_server_fails_frames_in_the_end(void **state)
{
	(void)state;
	caller_start();
	world_kill_server();
	caller_send(0, 3);
	world_run();
	world_advance(NETDEV_OFFLINE_NS / 2);
	assert_int_equal(caller.done_count, 0);
	assert_true(netdev_link(caller.dev)->is_up);
	world_advance(NETDEV_OFFLINE_NS);
	assert_int_equal(caller.done_count, 3);
	assert_int_equal(caller.done_status[0], -ENETDOWN);
	assert_false(netdev_link(caller.dev)->is_up);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, caller_setup, caller_teardown)
	const struct CMUnitTest tests[] = {
		T(a_second_client_has_to_wait),   T(closing_waits_for_the_card),
		T(closing_survives_a_death),      T(closing_while_attaching_ends_the_session),
		T(a_deleted_name_is_told),        T(a_refusal_is_told_and_tried_again),
		T(an_unknown_unit_is_waited_for), T(absent_server_fails_frames_in_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
