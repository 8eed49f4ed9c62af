/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: filters/block/mirror/data.c filters/block/mirror/legs.c filters/block/mirror/manager.c
 *       filters/block/mirror/copier.c lib/mirror/ lib/checksum/xxh64.c lib/fiber/ lib/filter/wait.c
 *       lib/filter/pass.c lib/filterbase/timers.c lib/blockdev/io.c
 *       tests/unit/filters/block/mirror/world.c tests/unit/filters/block/mirror/legs.c
 *       tests/unit/support/panic.c tests/unit/support/pattern.c lib/random/ */
/* Legs of a mirror that are pulled and come back: it degrades, goes on, takes them back. One world for all tests:
 * each begins and ends with both legs good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "world.h"

#define STEPS 20000

static struct leg_disk other;

static int set_up_world(void **state)
{
	(void)state;
	world_start();
	disk_make(&other);
	return 0;
}

static int count_anew(void **state)
{
	(void)state;
	world.good = world.failed = world.reads_with_error = 0;
	return 0;
}

static void write_some(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		(void)client_write(world_random(BLOCKS));
}

static void settle(void)
{
	world_run_until(client_is_idle);
	world_run_until(mirror_is_good);
	world_expect_equal();
}

static void idle_leg_fails_at_once_and_is_taken_back(void **state)
{
	uint64_t generation = set.super.generation, copied;

	(void)state;
	leg_pull(1);
	world_run(20 * MS);
	assert_int_equal(set.leg[1].state, MIRROR_FAILED);
	assert_int_equal(set.super.generation, generation + 1);
	assert_false(set.want_record);
	write_some(20);
	world_run_until(client_is_idle);
	assert_int_equal(world.failed, 0);
	copied = copier_copied();
	leg_plug(1, world.disks[1]);
	settle();
	/* Only what was written meanwhile. */
	assert_true(copier_copied() - copied <= DATA_REGIONS * MIRROR_REGION_MIN);
	assert_true(copier_copied() > copied);
}

static void writes_in_flight_succeed_on_the_other(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		unsigned leg = round % LEGS;

		write_some(40);
		client_flush();
		world_run(round * MS / 4);
		leg_pull(leg);
		write_some(20);
		world_run_until(client_is_idle);
		assert_int_equal(world.failed, 0);
		leg_plug(leg, world.disks[leg]);
		settle();
	}
}

static void reads_go_to_the_other(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++)
		(void)client_read(world_random(BLOCKS));
	leg_pull(0);
	for (unsigned i = 0; i < 14; i++)
		(void)client_read(world_random(BLOCKS));
	world_run_until(client_is_idle);
	assert_int_equal(world.failed, 0);
	leg_plug(0, world.disks[0]);
	settle();
}

/* The disk had no power for a moment and nobody saw it; what its cache held is gone. */
static void power_that_was_lost_unseen_shows_in_a_flush(void **state)
{
	uint64_t generation = set.super.generation;

	(void)state;
	write_some(50);
	world_run_until(client_is_idle);
	leg_blink(1);
	world_run(5 * SECOND); /* the sweep flushes */
	settle();
	assert_true(set.super.generation > generation);
	assert_int_equal(world.failed, 0);
}

static void pulled_again_while_it_is_brought_up_to_date(void **state)
{
	(void)state;
	leg_pull(1);
	world_run(SECOND);
	for (uint32_t block = 0; block < BLOCKS; block += 16)
		if (!client_write(block))
			world_run_until(client_is_idle);
	world_run_until(client_is_idle);
	for (unsigned round = 0; round < 5; round++) {
		leg_plug(1, world.disks[1]);
		while (set.leg[1].state != MIRROR_RESYNC)
			world_run(MS);
		world_run((1 + round) * MS);
		write_some(10);
		leg_pull(1);
		world_run(20 * MS);
		assert_int_equal(set.leg[1].state, MIRROR_FAILED);
	}
	leg_plug(1, world.disks[1]);
	settle();
	assert_int_equal(world.failed, 0);
}

static void another_disk_is_not_touched(void **state)
{
	struct leg_disk *own = world.disks[1];

	(void)state;
	write_some(30);
	world_run_until(client_is_idle);
	leg_pull(1);
	world_run(20 * MS);
	leg_plug(1, &other);
	write_some(30);
	world_run(20 * SECOND);
	assert_int_equal(set.leg[1].state, MIRROR_FAILED);
	assert_int_equal(other.writes, 0);
	leg_pull(1);
	leg_plug(1, own);
	settle();
	assert_int_equal(world.failed, 0);
}

/* The last good leg stays one: its errors go up, and it serves when it is back. The other is not taken
 * instead, since it lacks writes. */
static void both_legs(void **state)
{
	(void)state;
	leg_pull(1);
	world_run(20 * MS);
	write_some(30);
	world_run_until(client_is_idle);
	client_flush();
	world_run_until(client_is_idle);
	assert_int_equal(world.failed, 0);
	leg_pull(0);
	world_run(20 * MS);
	(void)client_read(3);
	world_run_until(client_is_idle);
	assert_int_equal(world.failed, 1);
	leg_plug(1, world.disks[1]);
	world_run(5 * SECOND);
	assert_int_equal(set.leg[0].state, MIRROR_GOOD);
	assert_int_not_equal(set.leg[1].state, MIRROR_GOOD);
	leg_plug(0, world.disks[0]);
	settle();
}

static void legs_come_and_go(void **state)
{
	(void)state;
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned what = world_random(200), leg = world_random(LEGS);

		if (what < 90)
			(void)client_write(world_random(BLOCKS));
		else if (what < 130)
			(void)client_read(world_random(BLOCKS));
		else if (what < 135)
			client_flush();
		else if (what < 197)
			world_run(world_random(what < 195 ? 3 * MS : 3 * SECOND));
		else if (what < 198)
			leg_plug(leg, world.disks[leg]);
		else if (mirror_is_good() && world.disks[0]->is_there && world.disks[1]->is_there) {
			leg_pull(leg);
			if (what == 199) /* and back before anybody looks */
				leg_plug(leg, world.disks[leg]);
		}
	}
	for (unsigned leg = 0; leg < LEGS; leg++)
		leg_plug(leg, world.disks[leg]);
	world_run(10 * SECOND); /* a sweep: what a cache has lost becomes known */
	settle();
	assert_int_equal(world.failed, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, count_anew)
	const struct CMUnitTest tests[] = {
		T(idle_leg_fails_at_once_and_is_taken_back),
		T(writes_in_flight_succeed_on_the_other),
		T(reads_go_to_the_other),
		T(power_that_was_lost_unseen_shows_in_a_flush),
		T(pulled_again_while_it_is_brought_up_to_date),
		T(another_disk_is_not_touched),
		T(both_legs),
		T(legs_come_and_go),
	};

	return cmocka_run_group_tests(tests, set_up_world, NULL);
}
