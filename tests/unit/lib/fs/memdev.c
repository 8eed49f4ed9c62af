/* SPDX-License-Identifier: BSD-2-Clause */
/* See memdev.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random/random.h"
#include "tests/unit/lib/fs/memdev.h"

enum { IS_CACHED = 1, IS_DIRTY = 2, CLASS_SHIFT = 2 };

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "memdev: %s\n", what);
	abort();
}

uint64_t memdev_random(struct memdev *d)
{
	return random_xorshift(&d->random);
}

static uint8_t *cached(struct memdev *d, uint32_t block)
{
	return d->cache + (size_t)block * d->block_size;
}

static int write_block(struct memdev *d, uint32_t block)
{
	if (d->is_failing)
		return -EIO;
	if (d->writes++ < d->freeze_at)
		memcpy(d->medium + (size_t)block * d->block_size, cached(d, block), d->block_size);
	d->state[block] = IS_CACHED;
	return 0;
}

/* Now and then some data block reaches the medium, or leaves the cache. */
static void wander(struct memdev *d)
{
	uint32_t block = (uint32_t)(memdev_random(d) % d->blocks);

	if (d->pins[block] || d->is_failing || memdev_random(d) % 4)
		return;
	if (d->state[block] == (IS_CACHED | IS_DIRTY | MFS_DATA << CLASS_SHIFT))
		(void)write_block(d, block);
	else if (d->state[block] == IS_CACHED)
		d->state[block] = 0;
}

static int dev_get(void *ctx, uint32_t block, enum mfs_fill fill, struct mfs_buf *buf)
{
	struct memdev *d = ctx;

	must(block < d->blocks, "block outside the device");
	wander(d);
	buf->is_blank = false;
	if (fill == MFS_ZERO) {
		memset(cached(d, block), 0, d->block_size);
	} else if (!(d->state[block] & IS_CACHED)) {
		if (fill != MFS_ANY && d->is_failing)
			return -EIO;
		memcpy(cached(d, block), d->medium + (size_t)block * d->block_size, d->block_size);
		if (fill == MFS_ANY) {
			memset(cached(d, block), 0xa5, d->block_size);
			buf->is_blank = true;
		}
	}
	d->state[block] |= IS_CACHED;
	must(++d->pins[block] < 100, "too many holders");
	buf->block = block;
	buf->data = cached(d, block);
	return 0;
}

static void dev_put(void *ctx, struct mfs_buf *buf)
{
	struct memdev *d = ctx;

	must(d->pins[buf->block]-- > 0, "put without get");
}

static void dev_dirty(void *ctx, struct mfs_buf *buf, enum mfs_class class)
{
	struct memdev *d = ctx;
	uint8_t *state = &d->state[buf->block];

	must(d->pins[buf->block] > 0, "dirty without get");
	if ((*state & IS_DIRTY) && (*state >> CLASS_SHIFT) < class)
		return;
	*state = (uint8_t)(IS_CACHED | IS_DIRTY | class << CLASS_SHIFT);
}

static void dev_forget(void *ctx, uint32_t block, uint32_t count)
{
	struct memdev *d = ctx;

	for (uint32_t i = block; i < block + count; i++) {
		must(i < d->blocks, "forgets a block outside the device");
		if (!d->pins[i])
			d->state[i] = 0;
	}
}

static int dev_write_out(void *ctx, enum mfs_class class)
{
	struct memdev *d = ctx;
	uint32_t start = (uint32_t)(memdev_random(d) % d->blocks);

	/* Within one call the order is arbitrary. */
	for (uint32_t n = 0; n < d->blocks; n++) {
		uint32_t block = (start + n) % d->blocks;
		int r;

		if ((d->state[block] & IS_DIRTY) == 0 || d->state[block] >> CLASS_SHIFT != class)
			continue;
		r = write_block(d, block);
		if (r)
			return r;
	}
	return 0;
}

static uint32_t dev_now(void *ctx)
{
	struct memdev *d = ctx;

	return d->clock++;
}

static void dev_report(void *ctx, const char *what, uint32_t number)
{
	struct memdev *d = ctx;

	d->reports++;
	snprintf(d->last_report, sizeof(d->last_report), "%s %u", what, number);
	if (!d->want_quiet)
		fprintf(stderr, "report: %s\n", d->last_report);
}

void memdev_init(struct memdev *d, uint32_t block_size, uint32_t blocks)
{
	memset(d, 0, sizeof(*d));
	d->block_size = block_size;
	d->blocks = blocks;
	d->medium = calloc(blocks, block_size);
	d->cache = calloc(blocks, block_size);
	d->state = calloc(blocks, 1);
	d->pins = calloc(blocks, 1);
	must(d->medium && d->cache && d->state && d->pins, "no memory");
	d->freeze_at = UINT64_MAX;
	d->random = 88172645463325252ULL;
	d->io = (struct mfs_io){.ctx = d,
	                        .get = dev_get,
	                        .put = dev_put,
	                        .dirty = dev_dirty,
	                        .forget = dev_forget,
	                        .write_out = dev_write_out,
	                        .now = dev_now,
	                        .report = dev_report};
}

void memdev_free(struct memdev *d)
{
	free(d->medium);
	free(d->cache);
	free(d->state);
	free(d->pins);
}

void memdev_format(struct memdev *d, uint32_t inodes)
{
	struct mfs_format format = {.device_bytes = (uint64_t)d->blocks * d->block_size,
	                            .block_size = d->block_size,
	                            .inodes = inodes};
	struct mfs_geometry geo;
	const char *reason;

	must(mfs_plan_format(&format, &geo, &reason) == 0, "cannot plan the format");
	must(mfs_format_device(&geo, &d->io) == 0, "cannot format");
	memdev_drop_cache(d);
}

void memdev_drop_cache(struct memdev *d)
{
	must(memdev_pinned(d) == 0, "blocks are held");
	memset(d->state, 0, d->blocks);
}

unsigned memdev_pinned(const struct memdev *d)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < d->blocks; i++)
		n += d->pins[i];
	return n;
}

int memdev_mount(struct memdev *d, uint32_t slots, struct mfs **fs, void **memory)
{
	struct mfs_config config = {.io = &d->io,
	                            .device_bytes = (uint64_t)d->blocks * d->block_size,
	                            .inode_slots = slots};
	struct mfs_geometry geo;
	const char *reason;
	int r = mfs_probe(d->medium, config.device_bytes, &geo, &reason);

	*memory = NULL;
	if (r)
		return r;
	must(mfs_memory_needed(&geo, slots) < 64U << 20, "too much memory is wanted");
	config.block_size = geo.block_size;
	config.memory_bytes = mfs_memory_needed(&geo, slots);
	*memory = aligned_alloc(16, (config.memory_bytes + 15) & ~(size_t)15);
	must(*memory != NULL, "no memory");
	config.memory = *memory;
	return mfs_mount(&config, fs, &reason);
}

int memdev_check(struct memdev *d, bool want_repair, struct mfs_check_result *result)
{
	struct mfs_check check = {.io = &d->io,
	                          .device_bytes = (uint64_t)d->blocks * d->block_size,
	                          .want_repair = want_repair};
	struct mfs_geometry geo;
	const char *reason;
	int r = mfs_probe(d->medium, check.device_bytes, &geo, &reason);

	if (r)
		return r;
	memdev_drop_cache(d);
	check.block_size = geo.block_size;
	check.memory_bytes = mfs_check_memory(&geo);
	check.memory = aligned_alloc(16, (check.memory_bytes + 15) & ~(size_t)15);
	must(check.memory != NULL, "no memory");
	r = mfs_check(&check, result);
	free(check.memory);
	must(memdev_pinned(d) == 0, "the check left blocks held");
	return r;
}
