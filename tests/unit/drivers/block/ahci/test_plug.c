/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/block/ahci/hba.c drivers/block/ahci/port.c drivers/block/ahci/cmd.c
 *       drivers/block/ahci/deadline.c
 *       drivers/block/ahci/identify.c tests/unit/drivers/block/ahci/sim_hba.c
 *       tests/unit/drivers/block/ahci/sim_engine.c tests/unit/drivers/block/ahci/sim_disk.c
 *       tests/unit/drivers/block/ahci/machine.c tests/unit/drivers/block/ahci/world.c
 *       tests/unit/drivers/block/client.c
 *       tests/unit/support/panic.c tests/unit/support/pattern.c lib/random/ */
/* Disks that are unplugged and plugged in, at any moment. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "world.h"

static void start_and_fill(void)
{
	world_start();
	assert_int_equal(ask_and_wait(BLK_WRITE, 0, SIM_SECTORS, BLK_REQ_FUA), 0);
}

static void keep_busy(void)
{
	for (unsigned i = 0; i < 64; i++)
		ask(i % 2 == 0 ? BLK_WRITE : BLK_READ, i * 4, 4, 0);
	ask(BLK_FLUSH, 0, 0, 0);
}

/* All that was pending ended, well or with EIO. */
static void forget_all(void)
{
	struct ask *a;

	assert_int_equal(client.pending, 0);
	while ((a = client_any(true)) != NULL) {
		assert_true(a->status == 0 || a->status == -EIO);
		ask_forget(a);
	}
}

static void expect_gone(void)
{
	assert_true(world_is_gone());
	assert_false(world.is_published[0]);
	world_expect_status("state=empty");
	assert_int_equal(ask_and_wait(BLK_READ, 0, 1, 0), -EIO);
	assert_int_equal(sim.port[0].cmd & CMD_ST, 0);
}

static void pull(void)
{
	sim_unplug(0);
	client_power_lost();
}

/* The disk goes, and another one comes in its place. */
static void exchange_disks(void)
{
	pull();
	sim_plug(0, &world.other);
	client_other_disk();
	world_run(SECOND);
	forget_all();
	assert_int_equal(world.forgotten, 1);
}

static void expect_back(void)
{
	world_run_until(world_is_ready);
	assert_true(world.is_published[0]);
	client_check_disk();
}

static void unplug_fails_what_is_in_flight_at_once(void **state)
{
	(void)state;
	start_and_fill();
	for (unsigned round = 1; round <= 8; round++) {
		keep_busy();
		world_run(round * 50000ull);
		pull();
		world_run(MS);
		forget_all();
		expect_gone();
		assert_int_equal(world.forgotten, round);
		sim_plug(0, &world.disk);
		expect_back();
	}
	world_expect_status("unplugs=8");
	assert_true(machine.longest_ns < 2 * MS);
}

static void unplug_in_the_middle_of_a_transfer(void **state)
{
	(void)state;
	start_and_fill();
	sim_plan(&sim.port[0].data, FATE_GOOD, 9);
	sim_plan(&sim.port[0].data, FATE_UNPLUG, 1);
	keep_busy();
	while (!world_is_gone())
		world_run(50000);
	client_power_lost();
	forget_all();
	expect_gone();
}

static void unplug_of_an_idle_disk_is_told(void **state)
{
	(void)state;
	start_and_fill();
	pull();
	world_run(MS);
	expect_gone();
	assert_int_equal(world.unpublishes, 1);
	assert_int_equal(world.forgotten, 1);
	assert_true(world.changes >= 2);
}

static void another_disk_is_a_new_unit(void **state)
{
	struct blk_info info;

	(void)state;
	start_and_fill();
	keep_busy();
	world_run(100000);
	exchange_disks();
	assert_int_equal(world_info(&info), 0);
	assert_string_equal(info.serial, "B2");
	client_check_disk();
}

/* Nobody looked while the disks were exchanged: nothing that was meant for the one reaches the other. */
static void unseen_exchange_moves_no_data(void **state)
{
	static const uint8_t zeros[BLK_SECTOR];

	(void)state;
	start_and_fill();
	for (unsigned round = 0; round < 20; round++) {
		keep_busy();
		world_run(round * 20000ull);
		machine.is_deaf = true;
		pull();
		sim_plug(0, &world.other);
		world_run(round * 500000ull);
		machine.is_deaf = false;
		world_run(SECOND);
		forget_all();
		assert_int_equal(world.forgotten, 2 * round + 1);
		for (unsigned i = 0; i < SIM_SECTORS; i++)
			assert_memory_equal(world.other.cache + (size_t)i * BLK_SECTOR, zeros,
			                    BLK_SECTOR);
		sim_unplug(0);
		world_run(MS);
		world.disk.has_ncq = !world.disk.has_ncq;
		sim_plug(0, &world.disk);
		expect_back();
	}
}

/* In each state of the recovery from an error, and of the first start. */
static void unplug_during_recovery(void **state)
{
	(void)state;
	start_and_fill();
	for (unsigned k = 0; k < 60; k++) {
		sim_plan(&sim.port[0].data, FATE_LINK, 1);
		keep_busy();
		world_run(200000 + k * 150000ull);
		pull();
		world_run(40 * MS);
		forget_all();
		expect_gone();
		sim.port[0].data.next = sim.port[0].data.count = 0;
		sim_plug(0, k % 2 == 0 ? &world.disk : &world.other);
		if (k % 2 != 0) {
			world_run_until(world_is_ready);
			sim_unplug(0);
			world_run(40 * MS);
			sim_plug(0, &world.disk);
		}
		expect_back();
	}
}

static void unplug_while_identifying(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 60; k++) {
		assert_int_equal(machine_start_driver(k > 0), 0);
		world_run(k * 150000ull);
		sim_unplug(0);
		world_run(2 * SECOND);
		assert_true(world_is_gone());
		sim_plug(0, &world.disk);
		expect_back();
		machine_kill_driver();
	}
}

/* While our own reset has the link down, nobody can see it but by what IDENTIFY says. */
static void exchange_during_a_reset_is_seen(void **state)
{
	(void)state;
	start_and_fill();
	sim_plan(&sim.port[0].data, FATE_LINK, 1);
	keep_busy();
	while (sim.port[0].sctl % 16 != SCTL_DET_RESET)
		world_run(20000);
	exchange_disks();
	world_expect_status("serial=B2");
	client_check_disk();
}

static void link_that_fails_for_a_moment_is_not_seen(void **state)
{
	struct ask *a;

	(void)state;
	start_and_fill();
	for (unsigned k = 0; k < 40; k++) {
		keep_busy();
		world_run(k * 50000ull);
		sim_glitch(0, false);
		world_run(20 * MS);
		sim_glitch(0, false);
		world_run_until(world_is_idle);
		while ((a = client_any(true)) != NULL) {
			assert_int_equal(a->status, 0);
			ask_forget(a);
		}
	}
	assert_int_equal(world.forgotten, 0);
	client_check_disk();
}

/* A disk that announces itself had no power: what its cache held is gone, so nobody may go on with it. */
static void disk_that_starts_anew_is_a_new_unit(void **state)
{
	(void)state;
	start_and_fill();
	keep_busy();
	world_run(100000);
	sim_disk_lose_power(&world.disk);
	client_power_lost();
	sim_glitch(0, true);
	world_run(SECOND);
	forget_all();
	assert_int_equal(world.forgotten, 1);
	expect_back();
}

static void disk_that_needs_long_is_waited_for(void **state)
{
	(void)state;
	sim_unplug(0);
	assert_int_equal(machine_start_driver(false), 0);
	world_run(SECOND);
	sim.signature_ns = 12 * SECOND;
	sim_plug(0, &world.disk);
	world_run(13 * SECOND);
	assert_true(world_is_ready());
	assert_int_equal(sim.port[0].comresets, 1);
}

/* Not even interrupts tell: the requests' own time has to do. */
static void unheard_unplug_ends_in_time(void **state)
{
	struct ask *a;

	(void)state;
	start_and_fill();
	machine.is_deaf = true;
	for (unsigned i = 0; i < 64; i++)
		ask(BLK_READ, i, 1, 0);
	pull();
	world_run_until(world_is_idle);
	while ((a = client_any(true)) != NULL) {
		assert_int_equal(a->status, -EIO);
		ask_forget(a);
	}
	assert_true(world_is_gone());
}

static void what_is_no_disk_of_ours_is_left_alone(void **state)
{
	(void)state;
	sim.port[0].signature = 0xeb140101; /* ATAPI */
	assert_int_equal(machine_start_driver(false), 0);
	world_run(SECOND);
	assert_true(world_is_gone());
	sim_unplug(0);
	world_run(SECOND);
	sim.port[0].signature = SIG_ATA;
	world.disk.is_large = true;
	sim_plug(0, &world.disk);
	world_run(SECOND);
	assert_true(world_is_gone());
	assert_int_equal(world.publishes, 0);
	sim_unplug(0);
	world_run(SECOND);
	sim_plug(0, &world.other);
	world_run_until(world_is_ready);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
		T(unplug_fails_what_is_in_flight_at_once),
		T(unplug_in_the_middle_of_a_transfer),
		T(unplug_of_an_idle_disk_is_told),
		T(another_disk_is_a_new_unit),
		T(unseen_exchange_moves_no_data),
		T(unplug_during_recovery),
		T(unplug_while_identifying),
		T(exchange_during_a_reset_is_seen),
		T(link_that_fails_for_a_moment_is_not_seen),
		T(disk_that_starts_anew_is_a_new_unit),
		T(disk_that_needs_long_is_waited_for),
		T(unheard_unplug_ends_in_time),
		T(what_is_no_disk_of_ours_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
