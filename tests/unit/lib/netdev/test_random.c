/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/netdev/ lib/inetsum/ lib/arena/ lib/unitname/ lib/sys/control.c lib/ring/ring.c
 *       tests/unit/lib/netdev/world.c tests/unit/lib/netdev/caller.c tests/unit/lib/peers/peers.c
 *       tests/unit/support/panic.c lib/random/ */
/* A server that dies at random moments: each frame is sent, in order, and confirmed once. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "netdev/host.h"
#include "random/random.h"
#include "ring/net_region.h"
#include "caller.h"

/* ---- a server that dies at random moments ---- */

static uint64_t seed;

static unsigned roll(unsigned sides)
{
	return (unsigned)(random_xorshift(&seed) >> 20) % sides;
}

static void random_event(unsigned *sent, uint32_t *received)
{
	unsigned which = roll(40);

	if (which < 24) {
		world_action(roll(WORLD_ACTIONS));
	} else if (which < 30 && *sent < FRAMES) {
		unsigned to = *sent + 1 + roll(8);

		to = to < FRAMES ? to : FRAMES;
		caller_send(*sent, to);
		*sent = to;
	} else if (which < 34 && peers.server != EP_NONE && world.held_count > 0) {
		unsigned first = roll(world.held_count);

		world_release(first, 1 + roll(world.held_count - first), 0);
	} else if (which < 38 && peers.server != EP_NONE) {
		*received += world_receive(*received + 1, 14 + 4 + roll(1000));
	} else if (which == 38 && peers.server != EP_NONE && roll(4) == 0) {
		world_kill_server();
	} else if (which == 39 && peers.server == EP_NONE) {
		world_start_server(CAUSE_SIGNAL);
		world.mode = roll(2) ? CARD_HOLDS : CARD_WORKS;
		world.room = 1 + roll(64);
		world.rx_room = 1 + roll(64);
	}
}

static void check_random_run(unsigned sent)
{
	static bool was_sent[FRAMES];

	memset(was_sent, 0, sizeof(was_sent));
	for (unsigned i = 0; i < world.wire_count; i++)
		was_sent[world.wire[i] - 1] = true;
	for (unsigned i = 0; i < sent; i++) {
		assert_true(was_sent[i]);
		assert_int_equal(caller.done_times[i], 1);
		assert_int_equal(caller.done_status[i], 0);
	}
	assert_false(world.is_out_of_order);
	for (unsigned i = 1; i < caller.filled_count && i < 4096; i++)
		assert_true(caller.filled[i] >
		            caller.filled[i - 1]); /* some are lost, none comes twice */
	assert_int_equal(caller.dev->rx.waiting.count + caller.dev->rx.sent.count, 32);
	assert_int_equal(peers.complaints + peers.violations, 0);
}

static void each_frame_survives_random_deaths(void **state)
{
	(void)state;
	for (unsigned run = 0; run < 60; run++) {
		unsigned sent = 0;
		uint32_t received = 0;

		if (run > 0) {
			caller_teardown(NULL);
			caller_setup(NULL);
		}
		seed = 0x9e3779b97f4a7c15ull + run;
		world.mode = CARD_HOLDS;
		caller_post(32);
		while (sent < FRAMES)
			random_event(&sent, &received);
		if (peers.server == EP_NONE)
			world_start_server(CAUSE_SIGNAL);
		world.mode = CARD_WORKS;
		world.room = world.rx_room = HELD_MAX;
		for (unsigned i = 0; i < 3; i++) {
			world_run();
			world_release(0, world.held_count, 0);
		}
		world_run();
		check_random_run(sent);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, caller_setup, caller_teardown)
	const struct CMUnitTest tests[] = {
		T(each_frame_survives_random_deaths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
