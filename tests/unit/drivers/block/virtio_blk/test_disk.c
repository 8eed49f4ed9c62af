/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/block/virtio_blk/disk.c lib/virtio/vring.c tests/unit/drivers/block/virtio_blk/world.c
 *       tests/unit/drivers/block/client.c tests/unit/support/panic.c
 *       tests/unit/support/pattern.c lib/random/ */
/* virtio_blk on a simulated device: data, full rings, errors, devices that break the rules, deaths. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/support/panic.h"
#include "world.h"

#define SEEDS       60
#define STEPS       300
#define PENDING_MAX 130

static void start_anew(void)
{
	kill_driver();
	start_driver();
}

static void data_moves_both_ways(void **state)
{
	(void)state;
	assert_int_equal(ask_and_wait(BLK_WRITE, 0, CLIENT_SECTORS, 0), 0);
	for (unsigned i = 0; i < 120; i++)
		ask(i % 3 == 0 ? BLK_WRITE : BLK_READ, i * 2, 2, 0);
	run_until_idle();
	client_forget_all(0);
	assert_true(world.device.most > 32);
	assert_int_equal(ask_and_wait(BLK_READ, 0, CLIENT_SECTORS, 0), 0);
}

static void fua_is_a_flush_behind_the_write(void **state)
{
	(void)state;
	assert_int_equal(ask_and_wait(BLK_WRITE, 8, 8, BLK_REQ_FUA), 0);
	assert_int_equal(world.device.flushes, 1);
	assert_int_equal(world.device.unflushed, 0);
	assert_int_equal(ask_and_wait(BLK_FLUSH, 0, 0, 0), 0);
	assert_int_equal(world.device.flushes, 2);
	world.device.offered = F_SEG_MAX; /* no cache: nothing to flush */
	start_anew();
	assert_int_equal(ask_and_wait(BLK_FLUSH, 0, 0, 0), 0);
	assert_int_equal(ask_and_wait(BLK_WRITE, 8, 8, BLK_REQ_FUA), 0);
	assert_int_equal(world.device.flushes, 2);
}

/* Requests of several pieces beside others in rings that are always full: a piece that finds no room waits. */
static void full_rings_refuse_nobody(void **state)
{
	(void)state;
	for (unsigned size = 16; size <= 128; size *= 2) {
		world.device.ring_size = (uint16_t)size;
		for (client.fragment = 100; client.fragment < 2000; client.fragment += 150) {
			world.device.seg_max = (uint16_t)(size / 2);
			start_anew();
			for (unsigned i = 0; i < 60; i++) {
				unsigned sectors = i % 8 == 0 ? 25 : 1;

				ask(BLK_READ, i * 4 % 230, sectors, 0);
				if (i % 8 != 0)
					ask(BLK_READ, i, 1, 0);
			}
			run_until_idle();
			client_forget_all(0);
		}
	}
}

static void errors_fail_their_requests_only(void **state)
{
	(void)state;
	fate(FATE_GOOD, 3);
	fate(FATE_ERROR, 1);
	fate(FATE_GOOD, 3);
	fate(FATE_UNSUPPORTED, 1);
	fate(FATE_SHORT, 1);
	for (unsigned i = 0; i < 20; i++)
		ask(BLK_READ, i * 4, 4, 0);
	run_until_idle();
	for (struct ask *a; (a = client_any(true)) != NULL; ask_forget(a))
		assert_int_equal(a->status, a->r.sector == 12 || a->r.sector == 32 ? -EIO
		                            : a->r.sector == 28                    ? -ENOTSUP
		                                                                   : 0);
}

static void lost_interrupts_are_made_up_for(void **state)
{
	uint64_t since = world.now;

	(void)state;
	fate(FATE_SILENT, 40);
	for (unsigned i = 0; i < 40; i++)
		ask(BLK_WRITE, i * 4, 4, 0);
	run_until_idle();
	client_forget_all(0);
	assert_true(world.now - since < 2 * SECOND);
}

/* The driver gives up; the next one does all again. */
static void expect_a_panic(uint64_t within_ns)
{
	expect_panic(run, within_ns);
	start_anew();
	client_replay();
	run_until_idle();
	client_forget_all(0);
}

static void rules_that_are_broken_end_the_driver(void **state)
{
	static const enum fate fates[] = {FATE_BAD_ID, FATE_TWICE};

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		fate(FATE_GOOD, 5);
		fate(fates[k], 1);
		for (unsigned i = 0; i < 20; i++)
			ask(i % 2 == 0 ? BLK_WRITE : BLK_READ, i * 4, 4, 0);
		expect_a_panic(SECOND);
	}
}

/* Sooner than clients complain (B8). */
static void command_that_hangs_ends_the_driver(void **state)
{
	(void)state;
	fate(FATE_NEVER, 1);
	ask(BLK_READ, 0, 8, 0);
	ask(BLK_WRITE, 8, 8, 0);
	run(3900 * MS);
	expect_a_panic(1000 * MS);
}

static void ask_something(void)
{
	uint32_t sectors = 1 + world_random(world_random(8) == 0 ? 120 : 12);
	uint64_t sector = world_random(CLIENT_SECTORS - sectors + 1);
	unsigned what = world_random(10);

	if (client.pending >= PENDING_MAX)
		return;
	if (what == 0)
		ask(BLK_FLUSH, 0, 0, 0);
	else if (!client_overlaps(sector, sectors))
		ask(what < 5 ? BLK_READ : BLK_WRITE, sector, sectors, what == 9 ? BLK_REQ_FUA : 0);
}

static void collect(void)
{
	struct ask *a;

	while ((a = client_any(true)) != NULL)
		ask_forget(a);
}

static void run_seed(uint32_t seed)
{
	print_message("seed %u\n", seed);
	set_up(NULL);
	world.random = seed;
	client.fragment = 512u << world_random(4);
	world.device.ring_size = (uint16_t)(16u << world_random(5));
	world.device.fault_per_mille = world_random(2) * 50;
	start_anew();
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned what = world_random(200);

		if (what < 150) {
			ask_something();
		} else if (what < 198) {
			run(world_random(MS));
		} else {
			start_anew();
			client_replay();
		}
		collect();
	}
	world.device.fault_per_mille = 0;
	run_until_idle();
	collect();
	assert_int_equal(ask_and_wait(BLK_READ, 0, CLIENT_SECTORS, 0), 0);
	tear_down(NULL);
}

static void everything_at_once(void **state)
{
	const char *seed = getenv("VIRTIO_SEED");

	tear_down(state);
	for (uint32_t i = 1; i <= SEEDS && seed == NULL; i++)
		run_seed(i);
	if (seed != NULL)
		run_seed((uint32_t)strtoul(seed, NULL, 10));
	set_up(state);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(data_moves_both_ways),
		T(fua_is_a_flush_behind_the_write),
		T(full_rings_refuse_nobody),
		T(errors_fail_their_requests_only),
		T(lost_interrupts_are_made_up_for),
		T(rules_that_are_broken_end_the_driver),
		T(command_that_hangs_ends_the_driver),
		T(everything_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
