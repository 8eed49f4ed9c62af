/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/blockdev/client.c lib/blockdev/session.c lib/blockdev/deadline.c lib/blockdev/medium.c lib/blockdev/arenas.c
 *       lib/blockdev/resolve.c lib/blockdev/queue.c lib/blockdev/check.c lib/blockdev/server.c
 *       lib/arena/ lib/unitname/ lib/sys/control.c lib/blockdev/host.c lib/blockdev/segments.c
 *       lib/ring/ring.c tests/unit/lib/peers/peers.c tests/unit/lib/blockdev/world.c
 *       tests/unit/lib/blockdev/fixture.c tests/unit/lib/blockdev/ends.c
 *       tests/unit/support/panic.c */
/* Both halves of the block protocol against each other: data, deaths, replay, quarantine, lies. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "blockdev/client.h"
#include "blockdev/host.h"
#include "ring/blk_region.h"
#include "fixture.h"

static void opens_when_server_appears(void **state)
{
	(void)state;
	world_run();
	assert_false(bdev_is_up(bdev));
	assert_null(bdev_info(bdev));
	world_start_server();
	world_run();
	assert_true(bdev_is_up(bdev));
	assert_int_equal(opened_count, 1);
	assert_int_equal(opened_status, 0);
	assert_int_equal(bdev_info(bdev)->sectors, DISK_SECTORS);
	assert_int_equal(world.opens, 1);
	assert_int_equal(peers.events[EV_REOPEN], 0);
}

static void moves_data_both_ways(void **state)
{
	(void)state;
	world_start_server();
	memset(memory, 0x5a, PAGE_BYTES);
	submit(0, BLK_WRITE, 16, 8);
	submit(1, BLK_READ, 16, 8);
	world_run();
	assert_int_equal(done_count, 2);
	assert_int_equal(ios[0].status, 0);
	assert_memory_equal(memory, memory + PAGE_BYTES, PAGE_BYTES);
	submit(2, BLK_FLUSH, 0, 0);
	world_run();
	assert_int_equal(done_count, 3);
}

static void long_element_lists_use_rows(void **state)
{
	struct bdev_io *io = make(0, BLK_READ, 0, 64);

	(void)state;
	world_start_server();
	for (unsigned i = 0; i < sizeof(world.disk); i++)
		world.disk[i] = (uint8_t)(i / 512);
	for (unsigned i = 0; i < 64; i++)
		elements[0][i] = (struct blk_element){.offset = (63 - i) * PAGE_BYTES,
		                                      .len_bytes = BLK_SECTOR,
		                                      .arena = (uint16_t)arena};
	io->element_count = 64;
	assert_int_equal(bdev_submit(bdev, io), 0);
	world_run();
	assert_int_equal(io->status, 0);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(memory[(63 - i) * PAGE_BYTES + 511], i);
}

static void more_requests_than_slots_all_complete(void **state)
{
	(void)state;
	world_start_server();
	for (unsigned i = 0; i < IOS; i++)
		submit(i, BLK_READ, i, 1);
	world_run();
	assert_int_equal(done_count, IOS);
	assert_int_equal(peers.violations, 0);
	assert_int_equal(peers.complaints, 0);
}

static void replays_in_order_before_anything_new(void **state)
{
	(void)state;
	world_start_server();
	world.mode = DISK_HOLDS;
	for (unsigned i = 0; i < 20; i++)
		submit(i, BLK_READ, 100 + i, 1);
	world_run();
	assert_int_equal(world.submitted, 20);
	world_release_held(5, 0);
	assert_int_equal(done_count, 5);
	world_kill_server();
	submit(20, BLK_READ, 500, 1);
	world_run();
	world.submitted = 0;
	world.mode = DISK_WORKS;
	world_start_server();
	world_run();
	assert_int_equal(done_count, 21);
	assert_int_equal(world.submitted, 16);
	for (unsigned i = 0; i < 15; i++)
		assert_int_equal(world.order[i], 105 + i);
	assert_int_equal(world.order[15], 500);
	assert_int_equal(peers.events[EV_REOPEN], 1);
	assert_int_equal(peers.last_args[EV_REPLAY], 16);
	assert_int_equal(peers.events[EV_RECOVERED], 1);
	assert_int_equal(lost_count, 1);
	assert_int_equal(opened_count, 2);
}

static void survives_many_deaths_of_idle_and_busy_servers(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		world_start_server();
		world_run();
		world.mode = round % 2 ? DISK_HOLDS : DISK_WORKS;
		submit(round, BLK_WRITE, round, 1);
		world_run();
		if (round % 2)
			world_release_held(world.held_count, 0);
		world_kill_server();
	}
	assert_int_equal(done_count, 50);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(ios[i].status, 0);
}

static void death_during_setup_loses_nothing(void **state)
{
	(void)state;
	submit(0, BLK_READ, 0, 1);
	for (unsigned i = 0; i < 5; i++) {
		world_start_server();
		bdev_ds_change(&(struct ds_change){
			.result = DS_LABEL, .key = "disk", .value.label.ep = peers.server});
		world_kill_server();
	}
	world_start_server();
	world_run();
	assert_int_equal(done_count, 1);
	assert_int_equal(ios[0].status, 0);
	assert_int_equal(ios[0].deaths, 0);
}

static void errors_reach_the_caller(void **state)
{
	(void)state;
	world_start_server();
	world.mode = DISK_FAILS;
	submit(0, BLK_READ, 0, 1);
	world_run();
	assert_int_equal(done_count, 1);
	assert_int_equal(ios[0].status, -EIO);
	assert_int_equal(peers.complaints, 0);
}

static void jumping_completion_index_ends_the_session(void **state)
{
	(void)state;
	hold_a_read();
	bserver_sessions[0].completions.shared->produced += 1000;
	bdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_R4);
	assert_false(bdev_is_up(bdev));
	next_server_ends_it();
	assert_int_equal(ios[0].deaths, 0);
}

static void jumping_request_index_drops_the_client(void **state)
{
	(void)state;
	world_start_server();
	world_run();
	bdev->server->requests.shared->produced += 5000;
	bserver_doorbell(PEERS_CLIENT);
	assert_int_equal(peers.violations, 1);
	assert_int_equal(world.closes, 1);
	assert_false(bserver_sessions[0].is_used);
}

static void removed_label_fails_requests(void **state)
{
	(void)state;
	hold_a_read();
	world_remove_label();
	world_run();
	assert_int_equal(done_count, 1);
	assert_int_equal(ios[0].status, -EIO);
}

static void absent_server_fails_requests_in_the_end(void **state)
{
	(void)state;
	submit(0, BLK_READ, 0, 1);
	world_advance(BDEV_OFFLINE_NS / 2);
	assert_int_equal(done_count, 0);
	world_advance(BDEV_OFFLINE_NS);
	assert_int_equal(done_count, 1);
	assert_int_equal(ios[0].status, -EIO);
}

static void refused_open_is_told(void **state)
{
	(void)state;
	world.info_result = -ENXIO;
	world_start_server();
	submit(0, BLK_READ, 0, 1);
	world_run();
	assert_int_equal(opened_status, -ENXIO);
	assert_int_equal(ios[0].status, -EIO);
	assert_int_equal(done_count, 1);
	world.info_result = 0;
	world_kill_server();
	world_start_server();
	world_run();
	assert_int_equal(opened_status, 0);
}

static void another_medium_is_refused(void **state)
{
	(void)state;
	world_start_server();
	world_run();
	world.fewer_sectors = 10;
	world_kill_server();
	world_start_server();
	submit(0, BLK_READ, 0, 1);
	world_run();
	assert_int_equal(opened_status, -ENXIO);
	assert_int_equal(ios[0].status, -EIO);
}

static void forgotten_opens_are_repeated(void **state)
{
	(void)state;
	world_start_server();
	world_run();
	bserver_forget_opens(0);
	for (unsigned i = 0; i < 10; i++)
		submit(i, BLK_READ, i, 1);
	world_run();
	assert_int_equal(done_count, 10);
	assert_int_equal(ios[9].status, 0);
	assert_int_equal(opened_count, 2);
}

static void unknown_unit_waits_until_identified(void **state)
{
	(void)state;
	world.info_result = -EAGAIN;
	world_start_server();
	world_run();
	assert_int_equal(opened_count, 0);
	world.info_result = 0;
	bserver_units_changed();
	world_run();
	assert_int_equal(opened_count, 1);
	assert_true(bdev_is_up(bdev));
}

static void malformed_requests_are_refused_at_once(void **state)
{
	(void)state;
	world_start_server();
	world_run();
	assert_int_equal(bdev_submit(bdev, make(0, BLK_READ, DISK_SECTORS, 1)), -EINVAL);
	assert_int_equal(bdev_submit(bdev, make(0, BLK_READ, UINT64_MAX, 1)), -EINVAL);
	assert_int_equal(bdev_submit(bdev, make(0, BLK_READ, 0, 0)), -EINVAL);
	make(0, BLK_READ, 0, 1)->elements = (struct blk_element[]){
		{.offset = 64 * PAGE_BYTES, .len_bytes = 512, .arena = (uint16_t)arena}};
	assert_int_equal(bdev_submit(bdev, &ios[0]), -EINVAL);
	make(0, (enum blk_op)9, 0, 1);
	assert_int_equal(bdev_submit(bdev, &ios[0]), -EINVAL);
}

static void close_cancels_and_waits(void **state)
{
	(void)state;
	hold_a_read();
	bdev_close(bdev);
	world_run();
	assert_int_equal(done_count, 0);
	assert_true(bdev->is_used);
	world_release_held(1, 0);
	assert_int_equal(done_count, 1);
	assert_false(bdev->is_used);
	assert_int_equal(world.closes, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(opens_when_server_appears),
		T(moves_data_both_ways),
		T(long_element_lists_use_rows),
		T(more_requests_than_slots_all_complete),
		T(replays_in_order_before_anything_new),
		T(survives_many_deaths_of_idle_and_busy_servers),
		T(death_during_setup_loses_nothing),
		T(errors_reach_the_caller),
		T(jumping_completion_index_ends_the_session),
		T(jumping_request_index_drops_the_client),
		T(removed_label_fails_requests),
		T(absent_server_fails_requests_in_the_end),
		T(refused_open_is_told),
		T(another_medium_is_refused),
		T(forgotten_opens_are_repeated),
		T(unknown_unit_waits_until_identified),
		T(malformed_requests_are_refused_at_once),
		T(close_cancels_and_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
