/* SPDX-License-Identifier: BSD-2-Clause */
/* See fakes.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random/random.h"
#include "tests/unit/servers/mfs/fakes.h"

struct fake fake = {.random = 0x2545f4914f6cdd1dULL};
static struct blk_info info;
static int device;

uint64_t fake_random(void)
{
	return random_xorshift(&fake.random);
}

grant_t fake_grant(void *memory, size_t bytes)
{
	for (int i = 1; i < FAKE_GRANTS; i++) {
		if (fake.grant[i])
			continue;
		fake.grant[i] = memory;
		fake.grant_bytes[i] = bytes;
		return i;
	}
	abort();
}

void fake_revoke(grant_t g)
{
	fake.grant[g] = NULL;
}

static int copy(grant_t g, uint64_t offset, void *local, size_t len, bool is_to_grant)
{
	uint8_t *memory;

	if (g <= 0 || g >= FAKE_GRANTS || !fake.grant[g] || offset > fake.grant_bytes[g] ||
	    len > fake.grant_bytes[g] - offset)
		return -EPERM;
	/* Memory of vfs itself (names, attributes) is always ready. */
	if (len > 1000 && fake_random() % 100 < fake.not_ready_percent)
		return -ENOTREADY;
	memory = (uint8_t *)fake.grant[g] + offset;
	if (is_to_grant)
		memcpy(memory, local, len);
	else
		memcpy(local, memory, len);
	return 0;
}

int k_safecopy_from(endpoint_t grantor, grant_t g, uint64_t offset, void *local, size_t len_bytes)
{
	(void)grantor;
	return copy(g, offset, local, len_bytes, false);
}

int k_safecopy_to(endpoint_t grantor, grant_t g, uint64_t offset, const void *local,
                  size_t len_bytes)
{
	(void)grantor;
	return copy(g, offset, (void *)(uintptr_t)local, len_bytes, true);
}

int k_vsafecopy(const struct safecopy_vec *vec, unsigned count)
{
	int r = 0;

	for (unsigned i = 0; i < count && !r; i++)
		r = copy(vec[i].grant, vec[i].offset, (void *)(uintptr_t)vec[i].local,
		         vec[i].len_bytes, vec[i].to_grantor);
	return r;
}

uint64_t now_ns(void)
{
	return 1;
}

uint64_t wall_ns(void)
{
	return 1000000000ull * 1700000000u;
}

void sys_log(const char *fmt, ...)
{
	va_list args;

	if (!fake.want_log)
		return;
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
}

void *vm_alloc_dma(size_t len, unsigned flags, unsigned colour, uint64_t *pa)
{
	(void)flags;
	(void)colour;
	(void)pa;
	if (len > fake.arena_limit)
		return NULL;
	fake.arena = aligned_alloc(4096, len);
	return fake.arena;
}

int bdev_arena(void *ptr, size_t len_bytes, bool is_readonly)
{
	(void)ptr;
	(void)len_bytes;
	(void)is_readonly;
	return 0;
}

/* Opens at once: the caller then does not wait. */
struct bdev *bdev_open(const char *unit, unsigned access, const struct bdev_events *ev, void *ctx)
{
	struct bdev *b = (struct bdev *)(void *)&device;

	(void)unit;
	info = (struct blk_info){.sectors = fake.disk_bytes / BLK_SECTOR,
	                         .max_bytes = 1 << 20,
	                         .max_elements = 64,
	                         .flags = fake.is_readonly ? BLK_FLAG_READONLY : 0};
	if (fake.is_readonly && (access & BLK_ACCESS_WRITE))
		ev->opened(ctx, b, -EROFS);
	else
		ev->opened(ctx, b, 0);
	return b;
}

void bdev_close(struct bdev *b)
{
	(void)b;
}

const struct blk_info *bdev_info(const struct bdev *b)
{
	(void)b;
	return &info;
}

static void check(const struct bdev_io *io)
{
	uint64_t sectors = 0;

	for (unsigned i = 0; i < io->element_count; i++)
		sectors += io->elements[i].len_bytes / BLK_SECTOR;
	if (sectors != io->sectors || io->element_count > 64 ||
	    io->sectors > (1 << 20) / BLK_SECTOR ||
	    (io->sector + io->sectors) * BLK_SECTOR > fake.disk_bytes || fake.pending_count == 512)
		abort();
}

int bdev_submit(struct bdev *b, struct bdev_io *io)
{
	(void)b;
	check(io);
	fake.pending[fake.pending_count++] = io;
	return 0;
}

static void wake(struct bdev_io *io)
{
	fiber_wake(io->cookie, io->status);
}

int bdev_io_wait(struct bdev *b, struct bdev_io *io)
{
	io->done = wake;
	io->cookie = fiber_self();
	return bdev_submit(b, io) ? -EINVAL : (int)fiber_wait();
}

static void transfer(const struct bdev_io *io)
{
	uint8_t *at = fake.disk + io->sector * BLK_SECTOR;

	for (unsigned i = 0; i < io->element_count; i++) {
		uint8_t *memory = fake.arena + io->elements[i].offset;

		if (io->op == BLK_READ)
			memcpy(memory, at, io->elements[i].len_bytes);
		else
			memcpy(at, memory, io->elements[i].len_bytes);
		at += io->elements[i].len_bytes;
	}
}

bool fake_complete_one(void)
{
	unsigned i = fake.pending_count ? (unsigned)(fake_random() % fake.pending_count) : 0;
	struct bdev_io *io = fake.pending[i];

	if (!fake.pending_count)
		return false;
	fake.pending[i] = fake.pending[--fake.pending_count];
	fake.reads += io->op == BLK_READ;
	fake.writes += io->op == BLK_WRITE;
	fake.flushes += io->op == BLK_FLUSH;
	fake.multi_block += io->sectors > 8;
	io->status = fake_random() % 100 < fake.fail_percent ? -EIO : 0;
	if (!io->status)
		transfer(io);
	io->done(io);
	return true;
}
