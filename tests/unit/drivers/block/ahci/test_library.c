/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/block/ahci/hba.c drivers/block/ahci/port.c drivers/block/ahci/cmd.c
 *       drivers/block/ahci/deadline.c
 *       drivers/block/ahci/identify.c tests/unit/drivers/block/ahci/sim_hba.c
 *       tests/unit/drivers/block/ahci/sim_engine.c tests/unit/drivers/block/ahci/sim_disk.c
 *       tests/unit/drivers/block/ahci/machine.c tests/unit/lib/peers/peers.c
 *       lib/blockdev/client.c lib/blockdev/session.c lib/blockdev/deadline.c lib/blockdev/medium.c
 *       lib/blockdev/arenas.c lib/blockdev/resolve.c lib/blockdev/queue.c lib/blockdev/check.c
 *       lib/blockdev/server.c lib/blockdev/host.c lib/blockdev/segments.c
 *       lib/arena/ lib/unitname/ lib/sys/control.c lib/ring/ring.c tests/unit/lib/blockdev/ends.c
 *       tests/unit/support/panic.c lib/random/ */
/* What a client of a disk sees when it is unplugged and plugged in: driver and both halves of lib/blockdev. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "blockdev/client.h"
#include "blockdev/host.h"
#include "drivers/block/ahci/ahci.h"
#include "machine.h"
#include "sim.h"
#include "tests/unit/lib/blockdev/ends.h"
#include "tests/unit/lib/peers/peers.h"

#define MS       1000000ull
#define SECOND   1000000000ull
#define PAGES    64
#define REQUESTS 64

static struct sim_disk disk, other;
static uint8_t *memory;
static int arena;
static struct bdev *bdev;
static struct bdev_io ios[REQUESTS];
static struct blk_element elements[REQUESTS];
static unsigned done_count, opened_count, left_count;
static int opened_status;
static bool is_alive;

/* ---- the main loops of both ---- */

static bool step_driver(void)
{
	bool any = ends_serve();

	any |= machine_serve();
	bserver_idle();
	machine_rearm();
	return any;
}

static bool step_client(void)
{
	bool any = ends_pass_changes();

	return ends_run_client() || any;
}

static void settle(void)
{
	bool any = true;

	while (any) {
		any = step_client();
		if (is_alive)
			any |= step_driver();
	}
}

static void run(uint64_t ns)
{
	uint64_t end = peers.now + ns, next;

	for (settle(); peers.now < end; settle()) {
		next = ns_earlier(machine_next(), bdev_next_deadline());
		peers.now = next == 0 || next > end ? end : next > peers.now ? next : peers.now + 1;
		bdev_alarm(peers.now);
	}
}

static void start_driver(bool is_restart)
{
	peers_new_server();
	is_alive = true;
	memset(bserver_sessions, 0, sizeof(bserver_sessions));
	assert_int_equal(machine_start_driver(is_restart), 0);
	peers_tell_server(CAUSE_SIGNAL);
	run(200 * MS);
}

static void kill_driver(void)
{
	ends_free_sessions();
	machine_kill_driver();
	peers_kill_server();
	is_alive = false;
}

/* ---- the client ---- */

static void done(struct bdev_io *io)
{
	(void)io;
	done_count++;
}

static void opened(void *ctx, struct bdev *b, int status)
{
	(void)ctx;
	(void)b;
	opened_count++;
	opened_status = status;
}

static void left(void *ctx, struct bdev *b)
{
	(void)ctx;
	(void)b;
	left_count++;
}

static void submit(unsigned i, enum blk_op op, uint64_t sector)
{
	elements[i] = (struct blk_element){
		.offset = i * PAGE_BYTES, .len_bytes = BLK_SECTOR, .arena = (uint16_t)arena};
	ios[i] = (struct bdev_io){.op = (uint8_t)op,
	                          .element_count = op != BLK_FLUSH,
	                          .sectors = op != BLK_FLUSH,
	                          .sector = sector,
	                          .elements = &elements[i],
	                          .done = done};
	assert_int_equal(bdev_submit(bdev, &ios[i]), 0);
}

static int do_it(enum blk_op op, uint64_t sector)
{
	unsigned before = done_count;

	submit(0, op, sector);
	run(SECOND / 10);
	assert_int_equal(done_count, before + 1);
	return ios[0].status;
}

static void write_and_flush(uint8_t value)
{
	memset(memory, value, BLK_SECTOR);
	assert_int_equal(do_it(BLK_WRITE, 7), 0);
	assert_int_equal(do_it(BLK_FLUSH, 0), 0);
}

static void expect_contents(uint8_t value)
{
	memset(memory, 0, BLK_SECTOR);
	assert_int_equal(do_it(BLK_READ, 7), 0);
	assert_int_equal(memory[0], value);
	assert_int_equal(memory[BLK_SECTOR - 1], value);
}

static int set_up(void **state)
{
	static const struct bdev_events events = {.opened = opened, .left = left};

	(void)state;
	ends_reset("blk.sata0");
	peers.now = SECOND;
	memset(&machine, 0, sizeof(machine));
	done_count = opened_count = left_count = 0;
	opened_status = 1;
	sim_start(&peers.now, 1);
	sim_disk_make(&disk, "A1", SIM_SECTORS);
	sim_disk_make(&other, "B2", SIM_SECTORS);
	sim_plug(0, &disk);
	memory = aligned_alloc(PAGE_BYTES, PAGES * PAGE_BYTES);
	memset(memory, 0, PAGES * PAGE_BYTES);
	sim_allow(memory, PAGES * PAGE_BYTES);
	arena = bdev_arena(memory, PAGES * PAGE_BYTES, false);
	bdev = bdev_open("sata0", BLK_ACCESS_READ | BLK_ACCESS_WRITE, &events, NULL);
	start_driver(false);
	assert_int_equal(opened_status, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	kill_driver();
	free(memory);
	sim_disk_free(&disk);
	sim_disk_free(&other);
	return 0;
}

static void unplug_ends_requests_at_once(void **state)
{
	(void)state;
	write_and_flush(1);
	for (unsigned i = 0; i < REQUESTS; i++)
		submit(i, i % 2 == 0 ? BLK_READ : BLK_WRITE, i);
	run(50000);
	assert_true(done_count < REQUESTS);
	sim_unplug(0);
	run(2 * MS);
	assert_int_equal(done_count, REQUESTS + 2);
	assert_int_equal(ios[REQUESTS - 1].status, -EIO);
	assert_int_equal(opened_status, -ENXIO);
	assert_int_equal(do_it(BLK_READ, 0), -EIO);
	assert_int_equal(do_it(BLK_FLUSH, 0), -EIO);
	assert_int_equal(peers.complaints, 0);
}

static void idle_owner_is_told(void **state)
{
	(void)state;
	sim_unplug(0);
	run(2 * MS);
	assert_int_equal(opened_status, -ENXIO);
	sim_plug(0, &disk);
	run(50 * MS);
	assert_int_equal(opened_status, 0);
	assert_int_equal(opened_count, 3);
	assert_int_equal(do_it(BLK_READ, 0), 0);
}

static void same_disk_serves_again(void **state)
{
	(void)state;
	write_and_flush(42);
	for (unsigned round = 0; round < 10; round++) {
		sim_unplug(0);
		run(round * MS);
		sim_plug(0, &disk);
		run(50 * MS);
		assert_true(left_count > 0); /* however soon it was back */
		left_count = 0;
		expect_contents(42);
		assert_int_equal(do_it(BLK_FLUSH, 0), 0);
	}
}

/* What was written and not flushed may be gone: FLUSH must not say that it is safe. */
static void lost_writes_are_told_by_flush(void **state)
{
	(void)state;
	write_and_flush(1);
	assert_int_equal(do_it(BLK_WRITE, 8), 0);
	sim_unplug(0);
	sim_plug(0, &disk);
	run(50 * MS);
	assert_int_equal(do_it(BLK_READ, 8), 0);
	assert_int_equal(do_it(BLK_FLUSH, 0), -EIO);
	assert_int_equal(do_it(BLK_FLUSH, 0), 0);
	disk.has_cache = false;
	kill_driver();
	start_driver(true);
	assert_int_equal(do_it(BLK_WRITE, 8), 0);
	sim_unplug(0);
	sim_plug(0, &disk);
	run(50 * MS);
	assert_int_equal(do_it(BLK_FLUSH, 0), 0); /* there was no cache */
}

static void another_disk_never_serves(void **state)
{
	static const uint8_t zeros[BLK_SECTOR];

	(void)state;
	write_and_flush(3);
	sim_unplug(0);
	run(MS);
	sim_plug(0, &other);
	run(50 * MS);
	assert_int_equal(opened_status, -ENXIO);
	assert_int_equal(do_it(BLK_READ, 7), -EIO);
	memset(memory, 9, BLK_SECTOR);
	assert_int_equal(do_it(BLK_WRITE, 7), -EIO);
	assert_memory_equal(other.cache + 7ul * BLK_SECTOR, zeros, BLK_SECTOR);
	sim_unplug(0);
	run(MS);
	sim_plug(0, &disk);
	run(50 * MS);
	expect_contents(3);
}

static void exchange_while_the_driver_is_dead(void **state)
{
	(void)state;
	write_and_flush(4);
	kill_driver();
	sim_unplug(0);
	sim_plug(0, &other);
	run(MS);
	start_driver(true);
	assert_int_equal(opened_status, -ENXIO);
	assert_int_equal(do_it(BLK_READ, 7), -EIO);
	kill_driver();
	sim_unplug(0);
	sim_plug(0, &disk);
	run(MS);
	start_driver(true);
	expect_contents(4);
}

static void unplug_while_the_driver_is_dead(void **state)
{
	(void)state;
	write_and_flush(5);
	kill_driver();
	submit(1, BLK_READ, 7);
	sim_unplug(0);
	run(MS);
	start_driver(true);
	assert_int_equal(opened_status, -ENXIO);
	assert_int_equal(done_count, 3);
	assert_int_equal(ios[1].status, -EIO);
	sim_plug(0, &disk);
	run(50 * MS);
	expect_contents(5);
}

/* Neither of a driver's deaths in the middle of a reset, nor of one during a link that comes up, does a client see
 * anything. */
static void deaths_during_recovery_are_not_seen(void **state)
{
	(void)state;
	write_and_flush(6);
	for (unsigned k = 0; k < 40; k++) {
		sim_plan(&sim.port[0].data, FATE_LINK, 1);
		submit(1, BLK_READ, 7);
		run(200000 + k * 200000ull);
		kill_driver();
		start_driver(true);
		assert_int_equal(ios[1].status, 0);
		sim.port[0].data.next = sim.port[0].data.count = 0;
	}
	expect_contents(6);
	assert_int_equal(peers.complaints, 0);
	assert_int_equal(left_count, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(unplug_ends_requests_at_once),    T(idle_owner_is_told),
		T(same_disk_serves_again),          T(lost_writes_are_told_by_flush),
		T(another_disk_never_serves),       T(exchange_while_the_driver_is_dead),
		T(unplug_while_the_driver_is_dead), T(deaths_during_recovery_are_not_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
