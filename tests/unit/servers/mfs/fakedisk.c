/* SPDX-License-Identifier: BSD-2-Clause */
/* The disk of fakes.h as lib/fs sees it, to format and check it without mfs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/servers/mfs/fakes.h"
#include "tests/unit/support/must.h"

static void ignore_report(void *ctx, const char *what, uint32_t number)
{
	(void)ctx;
	fprintf(stderr, "check: %s %u\n", what, number);
}

/* The disk, seen through a trivial struct mfs_io. */
static int disk_get(void *ctx, uint32_t block, enum mfs_fill fill, struct mfs_buf *buf)
{
	uint32_t size = *(uint32_t *)ctx;

	buf->data = fake.disk + (size_t)block * size;
	if (fill == MFS_ZERO)
		memset(buf->data, 0, size);
	return 0;
}

static void disk_put(void *ctx, struct mfs_buf *buf)
{
	(void)ctx;
	(void)buf;
}

static void disk_dirty(void *ctx, struct mfs_buf *buf, enum mfs_class class)
{
	(void)ctx;
	(void)buf;
	(void)class;
}

static int disk_write_out(void *ctx, enum mfs_class class)
{
	(void)ctx;
	(void)class;
	return 0;
}

static uint32_t disk_now(void *ctx)
{
	(void)ctx;
	return 1;
}

uint32_t fake_block_size;
const struct mfs_io fake_disk_io = {.ctx = &fake_block_size,
                                    .get = disk_get,
                                    .put = disk_put,
                                    .dirty = disk_dirty,
                                    .write_out = disk_write_out,
                                    .now = disk_now,
                                    .report = ignore_report};

void fake_check_disk(void)
{
	struct mfs_check check = {.io = &fake_disk_io,
	                          .device_bytes = fake.disk_bytes,
	                          .block_size = fake_block_size};
	struct mfs_check_result result;
	struct mfs_geometry geo;
	const char *reason;

	MUST(mfs_probe(fake.disk, fake.disk_bytes, &geo, &reason) == 0);
	check.memory_bytes = (mfs_check_memory(&geo) + 15) & ~(size_t)15;
	check.memory = aligned_alloc(16, check.memory_bytes);
	MUST(check.memory != NULL);
	MUST(mfs_check(&check, &result) == 0);
	MUST(result.problems == 0);
	MUST(result.was_clean);
	free(check.memory);
}
