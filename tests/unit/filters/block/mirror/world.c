/* SPDX-License-Identifier: BSD-2-Clause */
/* See world.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "random/random.h"
#include "tests/unit/support/pattern.h"
#include "world.h"

#define FIBERS      4
#define REQUESTS    64
#define BLOCK_BYTES ((size_t)BLOCK * MIRROR_SECTOR)
#define NO_VERSION  UINT32_MAX /* in the memory of reads, until they are done */

struct world world;

/* Of the filter's main.c. */
struct mirror_set set;
enum mirror_policy policy = MIRROR_SHORTEST;
uint64_t patience_ns = SECOND;
int own_arena;
uint8_t *own_memory;

uint32_t world_random(uint32_t below)
{
	return random_below(&world.random, below);
}

/* ---- lib/sys, kernel, ds ---- */

uint64_t now_ns(void)
{
	return world.now;
}

void sys_log(const char *fmt, ...)
{
	va_list args;

	if (getenv("MIRROR_LOG") == NULL)
		return;
	va_start(args, fmt);
	fprintf(stderr, "%llu ms: ", (unsigned long long)(world.now / MS));
	vfprintf(stderr, fmt, args);
	va_end(args);
}

const char *sys_label(void)
{
	return "mirror";
}

void log_event(enum event_kind kind, endpoint_t ep, const char *label, uint64_t a, uint64_t b)
{
	(void)kind;
	(void)ep;
	(void)label;
	(void)a;
	(void)b;
}

int k_setalarm(uint64_t at)
{
	(void)at;
	return 0;
}

int ds_publish_str(const char *key, const char *value)
{
	(void)key;
	(void)value;
	return 0;
}

int ds_lookup_str(const char *key, char *buf, size_t len)
{
	(void)key;
	(void)buf;
	(void)len;
	return -ENOENT;
}

/* ---- lib/filterbase ---- */

const char *filter_lower(unsigned i)
{
	static const char *const names[LEGS] = {"0", "1"};

	return names[i];
}

const char *filter_unit(void)
{
	return "disk";
}

bool filter_is_restart(void)
{
	return false;
}

/* ---- the server half, and the client above it ---- */

static struct ask {
	struct bserver_request r;
	bool is_used;
	uint32_t version;
} asks[REQUESTS];
static uint8_t buffers[REQUESTS * BLOCK_BYTES];
static int buffers_arena;

unsigned bserver_open_access(unsigned unit)
{
	(void)unit;
	return BLK_ACCESS_READ | BLK_ACCESS_WRITE;
}

void bserver_units_changed(void)
{
}

int bserver_publish(const char *name, unsigned unit)
{
	(void)name;
	(void)unit;
	return 0;
}

int bserver_unpublish(const char *name)
{
	(void)name;
	return 0;
}

static void expect(const uint8_t *at, uint32_t block)
{
	for (uint32_t i = 0; i < BLOCK; i++) {
		uint64_t sector = (uint64_t)block * BLOCK + i;
		uint32_t version = pattern_version(at + (size_t)i * MIRROR_SECTOR, sector);

		if (version != world.versions[block])
			fail_msg("block %u is version %u, not %u", block, version,
			         world.versions[block]);
	}
}

void bserver_complete(struct bserver_request *r, int status)
{
	struct ask *a = (struct ask *)(void *)r;
	uint32_t block = (uint32_t)(r->sector / BLOCK);

	assert_true(a->is_used);
	a->is_used = false;
	world.pending--;
	world.good += status == 0;
	world.failed += status != 0;
	world.reads_with_error += status != 0 && r->op == BLK_READ;
	if (r->op == BLK_READ && status == 0)
		expect(buffers + (size_t)(a - asks) * BLOCK_BYTES, block);
	if (r->op == BLK_WRITE && status == 0)
		world.versions[block] = a->version;
}

static bool is_busy(uint32_t block)
{
	for (unsigned i = 0; i < REQUESTS; i++)
		if (asks[i].is_used && asks[i].r.op != BLK_FLUSH &&
		    asks[i].r.sector / BLOCK == block)
			return true;
	return false;
}

static bool submit(enum blk_op op, uint32_t block)
{
	struct ask *a = asks;

	while (a < asks + REQUESTS && a->is_used)
		a++;
	if (a == asks + REQUESTS || (op != BLK_FLUSH && is_busy(block)))
		return false;
	*a = (struct ask){.is_used = true, .version = world.versions[block] + 1};
	a->r = (struct bserver_request){.op = op};
	if (op != BLK_FLUSH) {
		a->r.sector = (uint64_t)block * BLOCK;
		a->r.sectors = BLOCK;
		a->r.bytes = BLOCK_BYTES;
		a->r.element_count = 1;
		a->r.elements[0] =
			(struct bserver_element){.len_bytes = BLOCK_BYTES,
		                                 .tag = (uint16_t)buffers_arena,
		                                 .offset = (uint64_t)(a - asks) * BLOCK_BYTES};
		pattern_put_run(buffers + (size_t)(a - asks) * BLOCK_BYTES, a->r.sector, BLOCK,
		                op == BLK_WRITE ? a->version : NO_VERSION);
	}
	world.pending++;
	data_submit(&a->r);
	return true;
}

bool client_write(uint32_t block)
{
	return submit(BLK_WRITE, block);
}

bool client_read(uint32_t block)
{
	return submit(BLK_READ, block);
}

void client_flush(void)
{
	(void)submit(BLK_FLUSH, 0);
}

bool client_is_idle(void)
{
	return world.pending == 0;
}

/* ---- time ---- */

static void step(void)
{
	legs_step();
	filter_alarm(world.now);
	leg_close_due();
	fiber_run_queued();
}

void world_run(uint64_t ns)
{
	uint64_t end = world.now + ns;

	for (;;) {
		step();
		if (world.now >= end)
			return;
		world.now += legs_are_busy() ? MS / 10 : MS;
	}
}

void world_run_until(bool (*is_so)(void))
{
	uint64_t end = world.now + 120 * SECOND;

	while (!is_so()) {
		if (world.now >= end)
			fail_msg("nothing happens any more");
		world_run(MS);
	}
}

bool mirror_is_good(void)
{
	return set.is_running && !mirror_is_degraded(&set) && !set.want_record &&
	       set.want_bitmap == 0;
}

void world_expect_equal(void)
{
	for (uint32_t block = 0; block < BLOCKS; block++)
		for (unsigned i = 0; i < LEGS; i++)
			expect(world.disks[i]->cache +
			               (MIRROR_DATA_START + (size_t)block * BLOCK) * MIRROR_SECTOR,
			       block);
}

static void format(unsigned leg)
{
	struct mirror_super super;

	assert_int_equal(mirror_super_make(&super, LEGS, LEG_SECTORS), 0);
	memcpy(super.uuid, "abcdefghijklmno", 16);
	super.self = leg;
	mirror_super_seal(&super);
	memcpy(world.disks[leg]->medium, &super, sizeof(super));
	memcpy(world.disks[leg]->cache, &super, sizeof(super));
}

static void fiber_panic(const char *why)
{
	fail_msg("%s", why);
}

void world_start(void)
{
	static struct leg_disk disks[LEGS];
	size_t bytes = (fiber_pool_bytes(FIBERS) + 15) & ~15ull;

	world = (struct world){.now = SECOND, .random = 1};
	for (unsigned i = 0; i < LEGS; i++) {
		disk_make(&disks[i]);
		world.disks[i] = &disks[i];
		disks[i].is_there = true;
		format(i);
	}
	fiber_pool_init(aligned_alloc(16, bytes), FIBERS, fiber_panic);
	set.legs = LEGS;
	own_memory = calloc(1, OWN_BYTES);
	own_arena = bdev_arena(own_memory, OWN_BYTES, false);
	buffers_arena = bdev_arena(buffers, sizeof(buffers), false);
	data_init();
	for (unsigned i = 0; i < LEGS; i++)
		leg_open(i);
	assert_int_equal(manager_start(), 0);
	assert_int_equal(copier_start(), 0);
	world_run_until(mirror_is_good);
}
