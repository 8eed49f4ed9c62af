/* SPDX-License-Identifier: BSD-2-Clause */
/* Legs of the mirror's tests: disks, and the client half of lib/blockdev. See world.h. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "world.h"

#define ARENAS     4
#define UNITS      16
#define QUEUED_MAX 2048
#define IO_MOST_NS (2 * MS)

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

void legs_step(void)
{
	for (unsigned i = 0; i < UNITS; i++)
		tell(&units[i]);
	for (unsigned i = 0; i < queued_count;)
		if (queued[i].t_due <= world.now)
			finish(i);
		else
			i++;
}

bool legs_are_busy(void)
{
	return queued_count > 0;
}
