/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/blockdev/client.c lib/blockdev/session.c lib/blockdev/deadline.c lib/blockdev/medium.c lib/blockdev/arenas.c
 *       lib/blockdev/resolve.c lib/blockdev/queue.c lib/blockdev/check.c lib/blockdev/server.c
 *       lib/arena/ lib/unitname/ lib/sys/control.c lib/blockdev/host.c lib/blockdev/segments.c
 *       lib/ring/ring.c tests/unit/lib/peers/peers.c tests/unit/lib/blockdev/world.c
 *       tests/unit/lib/blockdev/fixture.c tests/unit/lib/blockdev/ends.c
 *       tests/unit/support/panic.c */
/* What a client makes of servers that die, are late or lie: complaints, blame, quarantine. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "axolotl/rs.h"
#include "blockdev/client.h"
#include "blockdev/host.h"
#include "fixture.h"

/* The server was replaced because of `cause`. */
static void replaced(uint32_t cause)
{
	world_kill_server();
	world.cause = cause;
	world_start_server();
	world_run();
}

static void killer_request_is_quarantined_and_fails(void **state)
{
	(void)state;
	world.mode = DISK_HOLDS;
	submit(0, BLK_READ, 666, 1);
	submit(1, BLK_READ, 7, 1);
	for (unsigned i = 0; i < 3; i++) {
		world_start_server();
		world_run();
		assert_int_equal(world.held_count, 2);
		world_kill_server();
	}
	/* Both are suspects now: the first goes alone. */
	world_start_server();
	world_run();
	assert_int_equal(world.held_count, 1);
	assert_int_equal(world.held[0]->sector, 666);
	world_kill_server();
	world_start_server();
	world_run();
	assert_int_equal(done_count, 1);
	assert_int_equal(ios[0].status, -EIO);
	assert_int_equal(peers.events[EV_QUARANTINE], 1);
	assert_int_equal(world.held_count, 1);
	submit(2, BLK_READ, 8, 1);
	world_run();
	assert_int_equal(world.held_count, 1); /* nothing beside a suspect */
	world.mode = DISK_WORKS;
	world_release_held(1, 0);
	assert_int_equal(done_count, 3);
	assert_int_equal(ios[1].status, 0);
	assert_int_equal(ios[2].status, 0);
}

static void overdue_request_is_complained_about(void **state)
{
	(void)state;
	hold_a_read();
	assert_true(bdev_next_deadline() >= peers.now + BDEV_DEADLINE_NS - 1000);
	world_advance(BDEV_DEADLINE_NS + 1000);
	assert_int_equal(peers.complaints, 1);
	assert_int_equal(peers.last_rule, RULE_B8);
	assert_int_equal(done_count, 0);
	next_server_ends_it();
}

static void invented_completion_is_complained_about(void **state)
{
	struct blk_completion c = {.id = 0x12345678};

	(void)state;
	hold_a_read();
	assert_int_equal(ring_push(&bserver_sessions[0].completions, &c), 0);
	bdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_B4);
	c = (struct blk_completion){.id = ios[0].id, .status = 0, .bytes = 511};
	assert_int_equal(ring_push(&bserver_sessions[0].completions, &c), 0);
	bdev_doorbell(peers.server);
	assert_int_equal(peers.last_rule, RULE_B2);
	assert_int_equal(peers.complaints, 2);
	assert_int_equal(done_count, 0);
	world_release_held(1, 0);
	assert_int_equal(done_count, 1);
}

static void duplicate_completion_is_complained_about(void **state)
{
	struct blk_completion c;

	(void)state;
	world_start_server();
	submit(0, BLK_READ, 0, 1);
	world_run();
	c = (struct blk_completion){.id = ios[0].id, .bytes = BLK_SECTOR};
	assert_int_equal(ring_push(&bserver_sessions[0].completions, &c), 0);
	bdev_doorbell(peers.server);
	assert_int_equal(done_count, 1);
	assert_int_equal(peers.last_rule, RULE_B3);
}

static void slow_machine_does_not_fail_requests(void **state)
{
	uint64_t patience = BDEV_DEADLINE_NS;

	(void)state;
	world_start_server();
	world.mode = DISK_HOLDS;
	submit(0, BLK_READ, 0, 1);
	submit(1, BLK_READ, 1, 1);
	submit(2, BLK_READ, 2, 1);
	world_run();
	world_release_held(1, 0);
	/* The others are overdue, are complained about, and get more time each time. */
	for (unsigned i = 0; i < 2; i++) {
		world_advance(patience - 100000);
		assert_int_equal(peers.complaints, 2 * i);
		world_advance(200000);
		assert_int_equal(peers.complaints, 2 * i + 2);
		replaced(CAUSE_COMPLAINT);
		assert_int_equal(world.held_count, 2);
		patience *= 2;
	}
	world_release_held(2, 0);
	assert_int_equal(done_count, 3);
	assert_int_equal(ios[1].status + ios[2].status, 0);
	assert_int_equal(peers.events[EV_QUARANTINE], 0);
}

static void complaints_of_others_blame_nobody(void **state)
{
	(void)state;
	world_start_server();
	world.mode = DISK_HOLDS;
	submit(0, BLK_READ, 0, 1);
	submit(1, BLK_READ, 1, 1);
	world_run();
	for (unsigned i = 0; i < 20; i++) {
		replaced(CAUSE_COMPLAINT);
		assert_int_equal(world.held_count, 2); /* never in quarantine */
	}
	assert_int_equal(ios[0].deaths + ios[1].deaths, 0);
	world_release_held(2, 0);
	assert_int_equal(ios[0].status + ios[1].status, 0);
}

static void request_that_hangs_every_server_fails_alone(void **state)
{
	unsigned replacements = 0;

	(void)state;
	world_start_server();
	world.mode = DISK_HOLDS;
	submit(0, BLK_READ, 666, 1);
	submit(1, BLK_READ, 1, 1);
	world_run();
	while (ios[0].state != IO_IDLE && replacements < 20) {
		for (unsigned i = 0; i < world.held_count; i++) {
			if (world.held[i]->sector == 666)
				continue;
			bserver_complete(world.held[i], 0);
			world.held_count--;
		}
		world_run();
		world_advance(8 * BDEV_DEADLINE_NS + 1000000);
		replaced(CAUSE_COMPLAINT);
		replacements++;
	}
	assert_int_equal(replacements, 4);
	assert_int_equal(ios[0].status, -EIO);
	assert_int_equal(ios[1].status, 0);
	assert_int_equal(done_count, 2);
	assert_int_equal(peers.events[EV_QUARANTINE], 1);
}

static void lies_are_named_and_data_come_all_the_same(void **state)
{
	static const struct {
		enum bserver_lie lie;
		enum proto_rule rule;
		unsigned done; /* at once */
	} rows[] = {{BSERVER_LIE_ID, RULE_B4, 0},
	            {BSERVER_LIE_TWICE, RULE_B3, 1},
	            {BSERVER_LIE_SHORT, RULE_B2, 0}};

	(void)state;
	world_start_server();
	world_run();
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		done_count = 0;
		peers.complaints = 0;
		world.want_lie = true;
		world.lie = rows[i].lie;
		world.disk[i * BLK_SECTOR] = (uint8_t)(i + 1);
		submit(i, BLK_READ, i, 1);
		world_run();
		assert_int_equal(peers.complaints, 1);
		assert_int_equal(peers.last_rule, rows[i].rule);
		assert_int_equal(done_count, rows[i].done);
		replaced(CAUSE_COMPLAINT);
		assert_int_equal(done_count, 1);
		assert_int_equal(ios[i].status, 0);
		assert_int_equal(memory[i * PAGE_BYTES], i + 1);
		assert_int_equal(ios[i].deaths, rows[i].lie == BSERVER_LIE_SHORT);
	}
}

/* Killed before it has come up, again and again, for longer than a client waits for a server. */
static unsigned failed_after_storm(uint32_t cause)
{
	world_start_server();
	submit(0, BLK_READ, 0, 1);
	for (unsigned i = 0; i < 10; i++) {
		world_kill_server();
		world.cause = cause;
		world.info_result = -EAGAIN; /* it is never ready in time */
		world_start_server();
		world_run();
		world_advance(BDEV_OFFLINE_NS /
		              6); /* less than the control deadline of its attach */
	}
	return done_count;
}

static void kills_from_outside_do_not_exhaust_patience(void **state)
{
	(void)state;
	assert_int_equal(failed_after_storm(CAUSE_SIGNAL), 0);
	world.info_result = 0;
	replaced(CAUSE_SIGNAL);
	assert_int_equal(done_count, 1);
	assert_int_equal(ios[0].status, 0);
}

static void crashes_exhaust_patience(void **state)
{
	(void)state;
	assert_int_equal(failed_after_storm(CAUSE_EXIT), 1);
	assert_int_equal(ios[0].status, -EIO);
}

static struct bdev *open_judge(void)
{
	bdev_close(bdev);
	return bdev_open("d0", BLK_ACCESS_READ | BLK_ACCESS_WRITE | BLK_ACCESS_JUDGE, NULL, NULL);
}

static void judges_are_told_where_replicas_may_differ(void **state)
{
	struct bdev_io *io;

	(void)state;
	world_start_server();
	world.info_flags = BLK_FLAG_SYNC;
	io = make(0, BLK_SYNC, 16, 0);
	assert_int_equal(bdev_submit(bdev, io), -EINVAL); /* is no judge */
	bdev = open_judge();
	world_run();
	assert_true((bserver_open_access(0) & BLK_ACCESS_JUDGE) != 0);
	assert_int_equal(bdev_submit(bdev, io), 0);
	world_run();
	assert_int_equal(io->status, 0);
	assert_true(io->next_sector == 16 && io->next_sectors == 8 && io->next_replicas == 3);
	io = make(1, BLK_SYNC, 100, DISK_SECTORS - 100);
	io->element_count = 0;
	assert_int_equal(bdev_submit(bdev, io), 0);
	world_run();
	assert_true(io->status == 0 && io->next_sectors == 0);
	io = make(2, BLK_SYNC, 100, DISK_SECTORS);
	io->element_count = 0;
	assert_int_equal(bdev_submit(bdev, io), 0);
	world_run();
	assert_int_equal(io->status, -EINVAL);
	assert_int_equal(peers.complaints + peers.violations, 0);
}

static void servers_without_replicas_refuse_to_be_judged(void **state)
{
	(void)state;
	world_start_server();
	bdev = open_judge();
	world_run();
	assert_true(bdev_is_up(bdev));
	submit(0, BLK_SYNC, 0, 0);
	world_run();
	assert_int_equal(ios[0].status, -EINVAL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(killer_request_is_quarantined_and_fails),
		T(overdue_request_is_complained_about),
		T(invented_completion_is_complained_about),
		T(duplicate_completion_is_complained_about),
		T(slow_machine_does_not_fail_requests),
		T(complaints_of_others_blame_nobody),
		T(request_that_hangs_every_server_fails_alone),
		T(lies_are_named_and_data_come_all_the_same),
		T(kills_from_outside_do_not_exhaust_patience),
		T(crashes_exhaust_patience),
		T(judges_are_told_where_replicas_may_differ),
		T(servers_without_replicas_refuse_to_be_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
