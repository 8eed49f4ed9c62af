/* SPDX-License-Identifier: BSD-2-Clause */
/* A client with one unit in the world of two: see fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "fixture.h"

uint8_t *memory;
int arena;
struct bdev *bdev;
struct bdev_io ios[IOS];
struct blk_element elements[IOS][BLK_ELEMENTS_MAX];
unsigned done_count, lost_count, opened_count;
int opened_status;
uint64_t done_order[IOS];

static void done(struct bdev_io *io)
{
	done_order[done_count++ % IOS] = io->sector;
}

static void opened(void *ctx, struct bdev *b, int status)
{
	(void)ctx;
	(void)b;
	opened_count++;
	opened_status = status;
}

static void lost(void *ctx, struct bdev *b)
{
	(void)ctx;
	(void)b;
	lost_count++;
}

int setup(void **state)
{
	static const struct bdev_events events = {.opened = opened, .lost = lost};

	(void)state;
	world_reset();
	done_count = lost_count = opened_count = 0;
	memory = aligned_alloc(PAGE_BYTES, 64 * PAGE_BYTES);
	memset(memory, 0, 64 * PAGE_BYTES);
	arena = bdev_arena(memory, 64 * PAGE_BYTES, false);
	assert_true(arena >= 0);
	bdev = bdev_open("d0", BLK_ACCESS_READ | BLK_ACCESS_WRITE, &events, NULL);
	assert_non_null(bdev);
	return 0;
}

int teardown(void **state)
{
	(void)state;
	free(memory);
	return 0;
}

/* Request number i: `count` sectors at `sector`, data at i pages into the arena. */
struct bdev_io *make(unsigned i, enum blk_op op, uint64_t sector, unsigned count)
{
	elements[i][0] = (struct blk_element){.offset = (i % 64) * PAGE_BYTES,
	                                      .len_bytes = count * BLK_SECTOR,
	                                      .arena = (uint16_t)arena};
	ios[i] = (struct bdev_io){.op = (uint8_t)op,
	                          .element_count = count > 0,
	                          .sectors = count,
	                          .sector = sector,
	                          .elements = elements[i],
	                          .done = done};
	return &ios[i];
}

void submit(unsigned i, enum blk_op op, uint64_t sector, unsigned count)
{
	assert_int_equal(bdev_submit(bdev, make(i, op, sector, count)), 0);
}

void hold_a_read(void)
{
	world_start_server();
	world.mode = DISK_HOLDS;
	submit(0, BLK_READ, 0, 1);
	world_run();
}

void next_server_ends_it(void)
{
	world_kill_server();
	world.mode = DISK_WORKS;
	world_start_server();
	world_run();
	assert_int_equal(done_count, 1);
	assert_int_equal(ios[0].status, 0);
}
