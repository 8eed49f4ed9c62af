/* SPDX-License-Identifier: BSD-2-Clause */
/* See world.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "world.h"

#define FIBERS      4
#define ARENAS      4
#define UNITS       16
#define QUEUED_MAX  2048
#define IO_MOST_NS  (2 * MS)
#define REQUESTS    64
#define BLOCK_BYTES ((size_t)BLOCK * MIRROR_SECTOR)

struct world world;

/* Of the filter's main.c. */
struct mirror_set set;
enum mirror_policy policy = MIRROR_SHORTEST;
uint64_t patience_ns = SECOND;
int own_arena;
uint8_t *own_memory;

struct bdev {
	bool is_used, is_open, is_told, has_left;
	unsigned leg;
	unsigned pending;
	bool is_closing;
	const struct bdev_events *events;
	void *ctx;
};
static struct bdev units[UNITS];
static struct blk_info leg_info = {.sectors = LEG_SECTORS,
                                   .physical_sector_bytes = 512,
                                   .max_bytes = 1u << 20,
                                   .max_elements = BLK_ELEMENTS_MAX,
                                   .queue_depth = 32,
                                   .replicas = 1,
                                   .flags = BLK_FLAG_VOLATILE_CACHE | BLK_FLAG_FUA};

static struct {
	struct bdev *b;
	struct bdev_io *io;
	uint64_t t_due;
} queued[QUEUED_MAX];
static unsigned queued_count;

static struct {
	uint8_t *memory;
	size_t bytes;
} arenas[ARENAS];

uint32_t world_random(uint32_t below)
{
	world.random = world.random * 1664525u + 1013904223u;
	return below == 0 ? 0 : (uint32_t)((uint64_t)(world.random >> 8) * below >> 24);
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

void sys_panic(const char *fmt, ...)
{
	(void)fmt;
	fail_msg("panic: %s", fmt);
	abort();
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

/* ---- the client half of lib/blockdev ---- */

int bdev_arena(void *ptr, size_t len_bytes, bool is_readonly)
{
	(void)is_readonly;
	for (int i = 0; i < ARENAS; i++) {
		if (arenas[i].memory != NULL)
			continue;
		arenas[i].memory = ptr;
		arenas[i].bytes = len_bytes;
		return i;
	}
	return -ENOSPC;
}

int bdev_arena_indirect(endpoint_t from, grant_t parent, size_t len_bytes, bool is_readonly)
{
	(void)from;
	(void)parent;
	(void)len_bytes;
	(void)is_readonly;
	return -ENOSPC;
}

void bdev_arena_drop(int arena)
{
	(void)arena;
}

struct bdev *bdev_open(const char *unit, unsigned access, const struct bdev_events *ev, void *ctx)
{
	(void)access;
	for (unsigned i = 0; i < UNITS; i++) {
		if (units[i].is_used)
			continue;
		units[i] = (struct bdev){.is_used = true,
		                         .leg = (unsigned)(unit[0] - '0'),
		                         .events = ev,
		                         .ctx = ctx};
		return &units[i];
	}
	return NULL;
}

void bdev_close(struct bdev *b)
{
	b->is_closing = true;
	b->is_used = b->pending > 0;
}

const struct blk_info *bdev_info(const struct bdev *b)
{
	return b->is_open ? &leg_info : NULL;
}

endpoint_t bdev_server(const struct bdev *b)
{
	(void)b;
	return EP_NONE;
}

int bdev_submit(struct bdev *b, struct bdev_io *io)
{
	assert_true(b->is_used && !b->is_closing && queued_count < QUEUED_MAX);
	if (io->op != BLK_FLUSH && (io->sectors == 0 || io->sector + io->sectors > LEG_SECTORS))
		return -EINVAL;
	io->t_submit_ns = world.now;
	io->status = 0;
	b->pending++;
	queued[queued_count].b = b;
	queued[queued_count].io = io;
	queued[queued_count++].t_due = world.now + 1 + world_random(IO_MOST_NS);
	return 0;
}

/* ---- disks ---- */

void disk_make(struct leg_disk *d)
{
	*d = (struct leg_disk){.medium = calloc(1, LEG_BYTES), .cache = calloc(1, LEG_BYTES)};
	assert_true(d->medium != NULL && d->cache != NULL);
}

static void lose_power(struct leg_disk *d)
{
	for (uint64_t i = 0; i < LEG_SECTORS; i++) {
		size_t at = i * MIRROR_SECTOR;

		if (world_random(2) == 0)
			memcpy(d->medium + at, d->cache + at, MIRROR_SECTOR);
		else
			memcpy(d->cache + at, d->medium + at, MIRROR_SECTOR);
	}
	d->has_lost_writes |= d->has_unflushed;
	d->has_unflushed = false;
}

void leg_pull(unsigned leg)
{
	struct leg_disk *d = world.disks[leg];

	if (!d->is_there)
		return;
	d->is_there = false;
	lose_power(d);
	for (unsigned i = 0; i < UNITS; i++)
		if (units[i].leg == leg) {
			units[i].is_told = false;
			units[i].has_left = units[i].is_open;
		}
}

void leg_plug(unsigned leg, struct leg_disk *disk)
{
	if (world.disks[leg]->is_there)
		return;
	world.disks[leg] = disk;
	disk->is_there = true;
	for (unsigned i = 0; i < UNITS; i++)
		units[i].is_told &= units[i].leg != leg;
}

void leg_blink(unsigned leg)
{
	if (world.disks[leg]->is_there)
		lose_power(world.disks[leg]);
}

static void tell(struct bdev *b)
{
	bool is_there = world.disks[b->leg]->is_there;

	if (!b->is_used || b->is_closing || b->is_told)
		return;
	if (b->has_left)
		b->events->left(b->ctx, b);
	b->has_left = false;
	b->is_told = true;
	b->is_open |= is_there;
	b->events->opened(b->ctx, b, is_there ? 0 : -ENXIO);
}

static void move(struct leg_disk *d, const struct bdev_io *io)
{
	size_t at = io->sector * MIRROR_SECTOR;

	for (unsigned i = 0; i < io->element_count; i++) {
		const struct blk_element *e = &io->elements[i];
		uint8_t *memory = arenas[e->arena].memory + e->offset;

		assert_true(e->offset + e->len_bytes <= arenas[e->arena].bytes);
		if (io->op == BLK_READ)
			memcpy(memory, d->cache + at, e->len_bytes);
		else
			memcpy(d->cache + at, memory, e->len_bytes);
		if (io->op == BLK_WRITE && (io->flags & BLK_REQ_FUA))
			memcpy(d->medium + at, memory, e->len_bytes);
		at += e->len_bytes;
	}
	d->writes += io->op == BLK_WRITE;
	d->has_unflushed |= io->op == BLK_WRITE && !(io->flags & BLK_REQ_FUA);
}

static int flush(struct leg_disk *d)
{
	if (d->has_lost_writes) {
		d->has_lost_writes = false;
		return -EIO;
	}
	memcpy(d->medium, d->cache, LEG_BYTES);
	d->has_unflushed = false;
	return 0;
}

static void finish(unsigned i)
{
	struct bdev *b = queued[i].b;
	struct bdev_io *io = queued[i].io;
	struct leg_disk *d = world.disks[b->leg];

	queued[i] = queued[--queued_count];
	if (!d->is_there)
		io->status = -EIO;
	else if (io->op == BLK_FLUSH)
		io->status = flush(d);
	else
		move(d, io);
	b->pending--;
	b->is_used = !b->is_closing || b->pending > 0;
	io->done(io);
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

static void fill(uint8_t *at, uint32_t block, uint32_t version)
{
	for (size_t i = 0; i < BLOCK_BYTES; i += 8) {
		uint64_t word =
			version == 0 ? 0 : (uint64_t)block << 40 | (uint64_t)version << 16 | i;

		memcpy(at + i, &word, sizeof(word));
	}
}

static void expect(const uint8_t *at, uint32_t block)
{
	uint8_t expected[BLOCK_BYTES];

	fill(expected, block, world.versions[block]);
	if (memcmp(at, expected, BLOCK_BYTES) != 0)
		fail_msg("block %u is not version %u", block, world.versions[block]);
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
		fill(buffers + (size_t)(a - asks) * BLOCK_BYTES, block,
		     op == BLK_WRITE ? a->version : 77);
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
	for (unsigned i = 0; i < UNITS; i++)
		tell(&units[i]);
	for (unsigned i = 0; i < queued_count;)
		if (queued[i].t_due <= world.now)
			finish(i);
		else
			i++;
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
		world.now += queued_count > 0 ? MS / 10 : MS;
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
