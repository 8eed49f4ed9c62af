/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/block/ahci/hba.c drivers/block/ahci/port.c drivers/block/ahci/cmd.c
 *       drivers/block/ahci/deadline.c
 *       drivers/block/ahci/identify.c tests/unit/drivers/block/ahci/sim_hba.c
 *       tests/unit/drivers/block/ahci/sim_engine.c tests/unit/drivers/block/ahci/sim_disk.c
 *       tests/unit/drivers/block/ahci/machine.c tests/unit/drivers/block/ahci/world.c
 *       tests/unit/drivers/block/client.c
 *       tests/unit/support/panic.c tests/unit/support/pattern.c lib/random/ */
/*
 * Requests, faults, plugs and deaths in any order: each request ends once and in time, data is right,
 * and when the faults are over the disk works. AHCI_SEED=n runs one seed, AHCI_SEEDS=n so many.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "world.h"

#define SEEDS       150
#define STEPS       400
#define PENDING_MAX 100
#define BUSY_NS     (200 * MS) /* most that the driver may be in one callback */

static struct belief others[SIM_SECTORS];
static bool has_other; /* is in the port, or was last */
static unsigned fault_per_mille;
static unsigned moved;
static bool is_kept; /* requests wait for the next driver, as lib/blockdev does it */

static enum sim_fate any_fate(uint8_t command)
{
	(void)command;
	if (sim_random(1000) >= fault_per_mille)
		return FATE_GOOD;
	do {
		enum sim_fate fate = (enum sim_fate)sim_random(FATE_COUNT);

		if (fate != FATE_UNPLUG)
			return fate;
	} while (true);
}

static void ask_something(void)
{
	static const enum blk_op ops[] = {BLK_READ, BLK_READ, BLK_WRITE, BLK_WRITE, BLK_FLUSH};
	enum blk_op op = ops[sim_random(5)];
	uint32_t sectors = 1 + sim_random(sim_random(8) == 0 ? 200 : 12);
	uint64_t sector = sim_random(SIM_SECTORS - sectors + 1);

	if (is_kept || !world_open() || client.pending >= PENDING_MAX)
		return;
	if (op == BLK_FLUSH)
		sectors = 0;
	if (sectors > 0 && client_overlaps(sector, sectors))
		return;
	ask(op, op == BLK_FLUSH ? 0 : sector, sectors,
	    op == BLK_WRITE && sim_random(4) == 0 ? BLK_REQ_FUA : 0);
}

static void replay_when_open(void)
{
	struct blk_info info;
	struct ask *a;

	if (is_kept && world_open()) {
		is_kept = false;
		client_replay();
	} else if (is_kept && world_info(&info) == -ENXIO) {
		is_kept = false;
		while ((a = client_any(false)) != NULL) {
			a->r.t_start_ns = world.now; /* so long without a driver */
			bserver_complete(&a->r, -EIO);
		}
	}
}

static void collect(void)
{
	struct ask *a;

	replay_when_open();
	while ((a = client_any(true)) != NULL) {
		moved += a->status == 0;
		ask_forget(a);
	}
}

static void unplug(void)
{
	if (sim.port[0].disk == NULL)
		return;
	sim_unplug(0);
	client_power_lost();
}

static void swap_disks(void)
{
	struct belief all[SIM_SECTORS];

	memcpy(all, others, sizeof(all));
	memcpy(others, client.beliefs, sizeof(all));
	memcpy(client.beliefs, all, sizeof(all));
	has_other = !has_other;
}

static void plug(void)
{
	if (sim.port[0].disk != NULL)
		return;
	if (sim_random(3) == 0 && client.pending == 0)
		swap_disks();
	sim_plug(0, has_other ? &world.other : &world.disk);
}

static void power_glitch(void)
{
	bool with_reset = sim_random(2) == 0;

	if (sim.port[0].disk == NULL)
		return;
	if (with_reset && SSTS_DET(sim.port[0].ssts) == DET_PRESENT) {
		sim_disk_lose_power(sim.port[0].disk);
		client_power_lost();
	}
	sim_glitch(0, with_reset);
}

static void disturb(void)
{
	struct sim_port *p = &sim.port[0];

	switch (sim_random(10)) {
	case 0: unplug(); break;
	case 1:
	case 2: plug(); break;
	case 3: power_glitch(); break;
	case 4:
		world_restart();
		is_kept = true;
		break;
	case 5: p->has_stuck_bsy = sim_random(2) == 0; break;
	case 6: machine.is_deaf = sim_random(3) == 0; break;
	case 7: p->has_stuck_cr = sim_random(4) == 0; break;
	case 8: sim_spurious(0, sim_random(2) == 0 ? PIS_SDBS | PIS_DHRS : PIS_IFS); break;
	case 9: fault_per_mille = sim_random(3) == 0 ? sim_random(200) : 0; break;
	}
}

static void calm_down(void)
{
	struct sim_port *p = &sim.port[0];

	fault_per_mille = 0;
	p->has_stuck_bsy = p->has_stuck_cr = machine.is_deaf = false;
	plug();
	world_run(30 * SECOND);
	world_run_until(world_open);
	collect();
	world_run_until(world_is_idle);
	collect();
	assert_true(world.is_published[0]);
	client_check_disk();
	swap_disks();
	sim_unplug(0);
	world_run(50 * MS);
	sim_plug(0, has_other ? &world.other : &world.disk);
	world_run_until(world_open);
	client_check_disk();
}

static void run(uint32_t seed)
{
	print_message("seed %u\n", seed);
	world_set_up(NULL);
	sim.random = seed;
	world.disk.has_ncq = world.other.has_ncq = sim_random(4) != 0;
	world.disk.has_fua = world.other.has_fua = sim_random(2) == 0;
	world.disk.has_cache = world.other.has_cache = sim_random(4) != 0;
	world.disk.depth = world.other.depth = sim_random(2) == 0 ? 32 : 1 + sim_random(31);
	client.fragment = 256u << sim_random(5);
	memset(others, 0, sizeof(others));
	has_other = is_kept = false;
	sim.choose = any_fate;
	fault_per_mille = 0;
	world_start();
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned what = sim_random(100);

		if (what < 55)
			ask_something();
		else if (what < 97)
			world_run(sim_random(what < 95 ? 500000 : 300000000));
		else
			disturb();
		collect();
	}
	calm_down();
	assert_true(machine.longest_ns < BUSY_NS);
	world_tear_down(NULL);
}

static void everything_at_once(void **state)
{
	const char *seed = getenv("AHCI_SEED"), *seeds = getenv("AHCI_SEEDS");
	uint32_t count = seeds != NULL ? (uint32_t)strtoul(seeds, NULL, 10) : SEEDS;

	(void)state;
	if (seed != NULL) {
		run((uint32_t)strtoul(seed, NULL, 10));
		return;
	}
	for (uint32_t i = 1; i <= count; i++)
		run(i);
	assert_true(moved > count * STEPS / 10); /* they were not all refused */
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(everything_at_once)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
