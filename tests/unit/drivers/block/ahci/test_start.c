/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/block/ahci/hba.c drivers/block/ahci/port.c drivers/block/ahci/cmd.c
 *       drivers/block/ahci/deadline.c
 *       drivers/block/ahci/identify.c tests/unit/drivers/block/ahci/sim_hba.c
 *       tests/unit/drivers/block/ahci/sim_engine.c tests/unit/drivers/block/ahci/sim_disk.c
 *       tests/unit/drivers/block/ahci/machine.c tests/unit/drivers/block/ahci/world.c
 *       tests/unit/drivers/block/client.c
 *       tests/unit/support/panic.c tests/unit/support/pattern.c lib/random/ */
/* What a predecessor leaves, and controllers and devices that are stuck. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/support/panic.h"
#include "world.h"

#define STOP_NS (50 * MS) /* the driver's patience with an engine */

static void keep_busy(void)
{
	for (unsigned i = 0; i < 64; i++)
		ask(i % 2 == 0 ? BLK_WRITE : BLK_READ, i * 4, 4, i % 8 == 0 ? BLK_REQ_FUA : 0);
}

static void end_all(int status)
{
	world_run_until(world_is_idle);
	client_forget_all(status);
}

/* Killed at any moment, with commands at the device: the next one does them again. */
static void successor_starts_from_any_state(void **state)
{
	(void)state;
	world_start();
	assert_int_equal(ask_and_wait(BLK_WRITE, 0, SIM_SECTORS, 0), 0);
	for (unsigned k = 0; k < 100; k++) {
		if (k % 5 == 0)
			sim_plan(&sim.port[0].data, FATE_LINK, 1);
		if (k % 7 == 0)
			sim_plan(&sim.port[0].data, FATE_NEVER, 1);
		keep_busy();
		world_run(k * 37000ull);
		sim.port[0].data.next = sim.port[0].data.count = 0;
		world.disk.has_ncq = k % 3 != 0;
		world_restart();
		world_run_until(world_is_ready);
		client_replay();
		end_all(0);
		assert_true(world.is_published[0]);
	}
	client_check_disk();
	assert_int_equal(sim.resets, 0);
	assert_true(machine.longest_ns < MS);
}

/* A device that had nothing to do is not reset. */
static void quiet_device_is_taken_over_as_it_is(void **state)
{
	unsigned comresets;

	(void)state;
	world_start();
	assert_int_equal(ask_and_wait(BLK_WRITE, 0, 8, 0), 0);
	comresets = sim.port[0].comresets;
	world_restart();
	world_run(MS);
	assert_true(world_is_ready());
	assert_int_equal(sim.port[0].comresets, comresets);
	assert_int_equal(ask_and_wait(BLK_READ, 0, 8, 0), 0);
}

/* Firmware, or a driver gone wild: engines run on lists that are nobody's. */
static void garbage_in_registers_is_stopped_first(void **state)
{
	(void)state;
	sim_run();
	world_run(10 * MS);
	for (unsigned i = 0; i < SIM_PORTS; i++) {
		struct sim_port *p = &sim.port[i];

		p->clb = 0xdeadbeefdead0000ull;
		p->fb = 0x6b6b6b6b6b6b6b00ull;
		p->cmd |= CMD_ST | CMD_CR | CMD_FRE | CMD_FR;
		p->ci = 0x80000001;
		p->sact = 0x80000000;
		p->ie = p->is = ~0u;
		p->serr = ~0u;
		p->tfd = TFD_BSY;
	}
	sim.is = ~0u;
	sim.ghc = GHC_AE | GHC_IE;
	world_start();
	assert_int_equal(ask_and_wait(BLK_WRITE, 0, 8, 0), 0);
	client_check_disk();
}

static void stuck_engine_at_start_costs_a_reset(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		world_start();
		keep_busy();
		world_run(300000);
		sim.port[0].has_stuck_cr = k == 0;
		sim.port[0].has_stuck_fr = k == 1;
		world_restart();
		world_run_until(world_is_ready);
		assert_int_equal(sim.resets, k + 1);
		client_replay();
		end_all(0);
		assert_true(machine.longest_ns < STOP_NS + 20 * MS);
		machine_kill_driver();
	}
}

static void stuck_reset_ends_the_driver(void **state)
{
	(void)state;
	world_start();
	keep_busy();
	world_run(300000);
	sim.port[0].has_stuck_cr = sim.has_stuck_reset = true;
	machine_kill_driver();
	client_driver_died();
	assert_int_equal(machine_start_driver(true), -EIO);
	assert_true(machine.longest_ns < SECOND + STOP_NS + 20 * MS);
}

/* The engine of one port does not stop: requests of all ports survive the reset of the controller. */
static void stuck_engine_is_rescued(void **state)
{
	(void)state;
	sim_plug(1, &world.other);
	world_start();
	world_run(20 * MS);
	assert_true(world.is_published[1]);
	keep_busy();
	for (unsigned i = 0; i < 16; i++) {
		struct ask *a = ask(BLK_READ, 0, 1, 0); /* of the other disk: zeros, as here */

		(void)a;
	}
	sim_plan(&sim.port[0].data, FATE_LINK, 1);
	sim.port[0].has_stuck_cr = true;
	end_all(0);
	assert_int_equal(sim.resets, 1);
	assert_true(machine.longest_ns < STOP_NS + 20 * MS);
	world_run(SECOND);
	client_check_disk();
	assert_true(world.is_published[1]);
	assert_int_equal(world.forgotten, 0);
	sim_unplug(1); /* the other port still listens */
	world_run(MS);
	assert_false(world.is_published[1]);
}

static void stuck_engine_of_a_disk_that_goes(void **state)
{
	struct ask *a;

	(void)state;
	world_start();
	keep_busy();
	world_run(300000);
	sim.port[0].has_stuck_cr = true;
	sim_unplug(0);
	client_power_lost();
	world_run(100 * MS);
	assert_true(world_is_gone());
	assert_int_equal(client.pending, 0);
	while ((a = client_any(true)) != NULL)
		ask_forget(a);
	sim_plug(0, &world.disk);
	world_run_until(world_is_ready);
	client_check_disk();
}

static void rescue_that_fails_ends_the_driver(void **state)
{
	(void)state;
	world_start();
	keep_busy();
	sim_plan(&sim.port[0].data, FATE_LINK, 1);
	sim.port[0].has_stuck_cr = sim.has_stuck_reset = true;
	expect_panic(world_run, 5 * SECOND);
}

static void endless_interrupt_ends_the_driver(void **state)
{
	(void)state;
	world_start();
	sim.has_storm = true;
	sim_spurious(0, PIS_DHRS);
	expect_panic(world_run, SECOND);
}

/* The device stays busy after resets: requests end in time, and it is tried again. */
static void device_that_stays_busy_fails_and_returns(void **state)
{
	struct ask *a;

	(void)state;
	world_start();
	sim.port[0].has_stuck_bsy = true;
	keep_busy();
	sim_plan(&sim.port[0].data, FATE_LINK, 1);
	world_run_until(world_is_idle);
	while ((a = client_any(true)) != NULL)
		ask_forget(a);
	world_run(5 * SECOND);
	assert_true(world_is_gone());
	assert_false(world.is_published[0]);
	world_expect_status("state=failed");
	assert_int_equal(ask_and_wait(BLK_READ, 0, 1, 0), -EIO);
	world_run(60 * SECOND);
	sim.port[0].has_stuck_bsy = false;
	world_run(15 * SECOND);
	assert_true(world_is_ready());
	assert_true(world.is_published[0]);
	client_check_disk();
}

static void damaged_identification_is_asked_for_again(void **state)
{
	(void)state;
	sim_plan(&sim.port[0].identify, FATE_ERROR, 1);
	sim_plan(&sim.port[0].identify, FATE_NEVER, 1);
	world_start();
	sim_plan(&sim.port[0].identify, FATE_LINK, 1);
	sim_plan(&sim.port[0].identify, FATE_SILENT, 1);
	world_restart();
	world_run_until(world_is_ready);
	machine_kill_driver();
	world.disk.has_bad_data = true;
	assert_int_equal(machine_start_driver(true), 0);
	world_run(SECOND);
	assert_true(world_is_gone());
	world_expect_status("state=failed");
	world.disk.has_bad_data = false;
	world_run(11 * SECOND);
	assert_true(world_is_ready());
}

static void restart_without_the_disk_says_so(void **state)
{
	(void)state;
	world_start();
	sim_unplug(0);
	world_restart();
	world_run(50 * MS);
	assert_true(world_is_gone());
	assert_false(world.is_published[0]);
	sim_plug(0, &world.other);
	client_other_disk();
	world_run_until(world_is_ready);
	world_run(MS);
	assert_true(world.is_published[0]);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
	const struct CMUnitTest tests[] = {
		T(successor_starts_from_any_state),
		T(quiet_device_is_taken_over_as_it_is),
		T(garbage_in_registers_is_stopped_first),
		T(stuck_engine_at_start_costs_a_reset),
		T(stuck_reset_ends_the_driver),
		T(stuck_engine_is_rescued),
		T(stuck_engine_of_a_disk_that_goes),
		T(rescue_that_fails_ends_the_driver),
		T(endless_interrupt_ends_the_driver),
		T(device_that_stays_busy_fails_and_returns),
		T(damaged_identification_is_asked_for_again),
		T(restart_without_the_disk_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
