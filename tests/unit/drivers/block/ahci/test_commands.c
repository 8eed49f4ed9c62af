/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/block/ahci/hba.c drivers/block/ahci/port.c drivers/block/ahci/cmd.c
 *       drivers/block/ahci/deadline.c
 *       drivers/block/ahci/identify.c tests/unit/drivers/block/ahci/sim_hba.c
 *       tests/unit/drivers/block/ahci/sim_engine.c tests/unit/drivers/block/ahci/sim_disk.c
 *       tests/unit/drivers/block/ahci/machine.c tests/unit/drivers/block/ahci/world.c
 *       tests/unit/drivers/block/client.c
 *       tests/unit/support/panic.c tests/unit/support/pattern.c lib/random/ */
/* Commands on a simulated controller: data, queues, errors of one command, lost interrupts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "world.h"

static int set_up(void **state)
{
	return world_set_up(state);
}

static void write_all(void)
{
	for (uint64_t sector = 0; sector < SIM_SECTORS; sector += 32)
		assert_int_equal(ask_and_wait(BLK_WRITE, sector, 32, 0), 0);
}

static void disk_is_found(void **state)
{
	struct blk_info info;

	(void)state;
	world_start();
	assert_int_equal(world_info(&info), 0);
	assert_int_equal(info.sectors, SIM_SECTORS);
	assert_string_equal(info.serial, "A1");
	assert_true(world.is_published[0]);
	assert_false(world.is_published[1]);
	world_expect_status("state=ready");
	assert_true(machine.longest_ns < MS);
}

static void data_moves_both_ways(void **state)
{
	(void)state;
	world_start();
	write_all();
	client_check_disk();
	assert_int_equal(ask_and_wait(BLK_FLUSH, 0, 0, 0), 0);
	assert_memory_equal(world.disk.medium, world.disk.cache, SIM_SECTORS * BLK_SECTOR);
}

static void disks_without_queue_work(void **state)
{
	(void)state;
	world.disk.has_ncq = false;
	world.disk.depth = 1;
	world_start();
	write_all();
	client_check_disk();
	assert_int_equal(ask_and_wait(BLK_WRITE, 3, 5, BLK_REQ_FUA), 0);
	assert_int_equal(world.disk.flushes, 1);
	world.disk.has_fua = true;
	world_restart();
	world_run_until(world_is_ready);
	assert_int_equal(ask_and_wait(BLK_WRITE, 3, 5, BLK_REQ_FUA), 0);
	assert_int_equal(world.disk.flushes, 1);
	assert_memory_equal(world.disk.medium + 3ul * BLK_SECTOR,
	                    world.disk.cache + 3ul * BLK_SECTOR, 512);
}

static void requests_run_side_by_side(void **state)
{
	(void)state;
	world_start();
	write_all();
	for (unsigned i = 0; i < 128; i++)
		ask(i % 3 == 0 ? BLK_WRITE : BLK_READ, i * 2, 2, 0);
	world_run(0);
	assert_int_equal(__builtin_popcount(sim.port[0].sact), 32);
	world_run_until(world_is_idle);
	client_forget_all(0);
	client_check_disk();
}

/* More segments than a table holds, and tables that end inside a sector. */
static void long_requests_are_cut(void **state)
{
	(void)state;
	world_start();
	for (client.fragment = 256; client.fragment <= 2304; client.fragment += 2048) {
		assert_int_equal(ask_and_wait(BLK_WRITE, 0, SIM_SECTORS, 0), 0);
		assert_int_equal(ask_and_wait(BLK_READ, 0, SIM_SECTORS, 0), 0);
	}
	client.fragment = 100; /* 120 pieces: 23 sectors and a bit */
	assert_int_equal(ask_and_wait(BLK_WRITE, 0, SIM_SECTORS, BLK_REQ_FUA), 0);
	assert_int_equal(ask_and_wait(BLK_READ, 0, SIM_SECTORS, 0), 0);
}

static void flush_waits_for_the_queue(void **state)
{
	(void)state;
	world_start();
	for (unsigned i = 0; i < 20; i++)
		ask(BLK_WRITE, i * 4, 4, 0);
	ask(BLK_FLUSH, 0, 0, 0);
	for (unsigned i = 0; i < 20; i++)
		ask(BLK_READ, 100 + i, 1, 0);
	world_run_until(world_is_idle);
	client_forget_all(0);
	assert_int_equal(world.disk.flushes, 1);
}

static void error_fails_its_request_only(void **state)
{
	(void)state;
	world_start();
	write_all();
	world.disk.bad_sector = 33;
	for (unsigned i = 0; i < 64; i++)
		ask(i % 2 == 0 ? BLK_WRITE : BLK_READ, i * 4, 4, 0);
	world_run_until(world_is_idle);
	for (struct ask *a; (a = client_any(true)) != NULL; ask_forget(a))
		assert_int_equal(a->status, a->r.sector == 32 ? -EIO : 0);
	world.disk.bad_sector = SIM_NO_SECTOR;
	client_check_disk();
	world_expect_status("errors=2"); /* in the queue, then alone */
}

static void passing_errors_are_not_seen(void **state)
{
	static const enum sim_fate fates[] = {FATE_ERROR, FATE_LINK, FATE_BUS, FATE_SILENT};

	(void)state;
	world_start();
	write_all();
	for (unsigned k = 0; k < sizeof(fates) / sizeof(fates[0]); k++) {
		sim_plan(&sim.port[0].data, FATE_GOOD, 5);
		sim_plan(&sim.port[0].data, fates[k], 1);
		for (unsigned i = 0; i < 40; i++)
			ask(i % 2 == 0 ? BLK_WRITE : BLK_READ, i * 4, 4, 0);
		world_run_until(world_is_idle);
		client_forget_all(0);
	}
	client_check_disk();
}

static void short_transfers_are_errors(void **state)
{
	(void)state;
	world.disk.has_ncq = false;
	world_start();
	write_all();
	sim_plan(&sim.port[0].data, FATE_SHORT, 3);
	assert_int_equal(ask_and_wait(BLK_READ, 0, 8, 0), -EIO); /* twice */
	assert_int_equal(ask_and_wait(BLK_READ, 0, 8, 0), 0);
	sim_plan(&sim.port[0].data, FATE_SHORT, 1);
	assert_int_equal(ask_and_wait(BLK_WRITE, 0, 8, 0), 0);
	client_check_disk();
}

static void command_that_hangs_is_done_again(void **state)
{
	struct ask *a;

	(void)state;
	world_start();
	write_all();
	sim_plan(&sim.port[0].data, FATE_NEVER, 1);
	a = ask(BLK_READ, 0, 8, 0);
	for (unsigned i = 1; i < 50; i++)
		ask(BLK_WRITE, i * 4 + 8, 4, 0);
	world_run_until(world_is_idle);
	assert_in_range(a->t_done - a->r.t_start_ns, 2 * SECOND, 2 * SECOND + SECOND / 2);
	client_forget_all(0);
	client_check_disk();
	world_expect_status("timeouts=1");
}

static bool hangs_at_100;
static enum sim_fate never(uint8_t command)
{
	(void)command;
	return hangs_at_100 ? FATE_NEVER : FATE_GOOD;
}

/* The guilty one fails in time, and takes nobody with it. */
static void request_that_always_hangs_fails_alone(void **state)
{
	struct ask *a;

	(void)state;
	world_start();
	write_all();
	for (unsigned i = 1; i < 32; i++)
		ask(BLK_READ, i * 4, 4, 0);
	a = ask(BLK_READ, 0, 2, 0);
	sim_plan(&sim.port[0].data, FATE_GOOD, 31);
	sim_plan(&sim.port[0].data, FATE_NEVER, 1);
	hangs_at_100 = true;
	sim.choose = never;
	world_run(2 * SECOND);
	world_run(SECOND / 10);
	assert_int_equal(client.pending, 1);
	for (unsigned i = 40; i < 60; i++)
		ask(BLK_READ, i * 4, 4, 0);
	while (!a->is_done)
		world_run(10 * MS);
	hangs_at_100 = false;
	assert_int_equal(a->status, -ETIMEDOUT);
	ask_forget(a);
	world_run_until(world_is_idle);
	client_forget_all(0);
}

/* Nobody's fault, and nobody's error. */
static void disk_that_stands_still_for_four_seconds(void **state)
{
	(void)state;
	world_start();
	write_all();
	hangs_at_100 = true;
	sim.choose = never;
	for (unsigned i = 0; i < 60; i++)
		ask(i % 2 == 0 ? BLK_WRITE : BLK_READ, i * 4, 4, 0);
	world_run(4 * SECOND);
	hangs_at_100 = false;
	world_run_until(world_is_idle);
	client_forget_all(0);
	client_check_disk();
}

/* More than it can do in the time of a request is no reason to disturb a disk that works. */
static void slow_disk_is_left_alone(void **state)
{
	unsigned comresets;

	(void)state;
	world.disk.has_ncq = false;
	world_start();
	comresets = sim.port[0].comresets;
	sim.command_ns = 60 * MS;
	client.is_patient = true;
	for (unsigned i = 0; i < 150; i++)
		ask(BLK_READ, i, 1, 0);
	world_run_until(world_is_idle);
	client_forget_all(0);
	assert_int_equal(sim.port[0].comresets, comresets);
}

/* Nothing is answered but IDENTIFY: all fail, in time. */
static void dead_disk_fails_all_in_time(void **state)
{
	(void)state;
	world_start();
	hangs_at_100 = true;
	sim.choose = never;
	for (unsigned i = 0; i < 100; i++)
		ask(BLK_READ, i, 1, 0);
	world_run_until(world_is_idle);
	client_forget_all(-ETIMEDOUT);
	ask(BLK_READ, 0, 1, 0);
	ask(BLK_FLUSH, 0, 0, 0);
	ask(BLK_READ, 1, 1, 0);
	world_run_until(world_is_idle);
	client_forget_all(-ETIMEDOUT);
	hangs_at_100 = false;
	assert_int_equal(ask_and_wait(BLK_READ, 0, 8, 0), 0);
}

/* An error that is no command's: the engine stands still all the same. */
static void error_without_a_command_is_repaired(void **state)
{
	uint64_t since;

	(void)state;
	world_start();
	sim.port[0].is_halted = true;
	sim_raise(&sim.port[0], PIS_IFS);
	world_run(MS);
	since = world.now;
	assert_int_equal(ask_and_wait(BLK_WRITE, 0, 8, 0), 0);
	assert_true(world.now - since < SECOND / 10);
}

static void spurious_interrupts_do_nothing(void **state)
{
	(void)state;
	world_start();
	for (unsigned i = 0; i < 30; i++) {
		ask(BLK_WRITE, i * 4, 4, 0);
		sim_spurious(0, i % 2 == 0 ? PIS_DHRS | PIS_SDBS : PIS_PSS);
		sim_spurious(1, PIS_DHRS);
		world_run(50000);
	}
	world_run_until(world_is_idle);
	client_forget_all(0);
	client_check_disk();
	world_expect_status("errors=0");
}

static void lost_interrupts_are_made_up_for(void **state)
{
	uint64_t since;

	(void)state;
	world_start();
	machine.is_deaf = true;
	since = world.now;
	for (unsigned i = 0; i < 40; i++)
		ask(BLK_WRITE, i * 4, 4, 0);
	world_run_until(world_is_idle);
	assert_true(world.now - since < 2 * SECOND);
	machine.is_deaf = false;
	client_forget_all(0);
	client_check_disk();
	world_expect_status("timeouts=0");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
		T(disk_is_found),
		T(data_moves_both_ways),
		T(disks_without_queue_work),
		T(requests_run_side_by_side),
		T(long_requests_are_cut),
		T(flush_waits_for_the_queue),
		T(error_fails_its_request_only),
		T(passing_errors_are_not_seen),
		T(short_transfers_are_errors),
		T(command_that_hangs_is_done_again),
		T(request_that_always_hangs_fails_alone),
		T(disk_that_stands_still_for_four_seconds),
		T(slow_disk_is_left_alone),
		T(dead_disk_fails_all_in_time),
		T(error_without_a_command_is_repaired),
		T(spurious_interrupts_do_nothing),
		T(lost_interrupts_are_made_up_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
