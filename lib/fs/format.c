/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes an empty file system. The superblock goes last: an interrupted run leaves nothing that can
 * be mounted.
 */
#include "fs/priv.h"

#include <string.h>

struct formatter {
	const struct mfs_geometry *geo;
	const struct mfs_io *io;
	uint32_t in_batch;
};

static int flush_batch(struct formatter *f)
{
	f->in_batch = 0;
	return f->io->write_out(f->io->ctx, MFS_BITMAP);
}

static int hold_block(struct formatter *f, uint32_t block, struct mfs_buf *buf)
{
	*buf = (struct mfs_buf){.block = block};
	return f->io->get(f->io->ctx, block, MFS_ZERO, buf);
}

static int finish_block(struct formatter *f, struct mfs_buf *buf)
{
	f->io->dirty(f->io->ctx, buf, MFS_BITMAP);
	f->io->put(f->io->ctx, buf);
	return ++f->in_batch == MFS_COMMIT_BATCH ? flush_batch(f) : 0;
}

/* Bits 0 and 1 are in use, and those from `bits` on do not exist. */
static int format_map(struct formatter *f, uint32_t first_block, uint32_t blocks, uint64_t bits)
{
	uint64_t per_block = (uint64_t)f->geo->block_size * 8;

	for (uint32_t b = 0; b < blocks; b++) {
		uint64_t first = b * per_block;
		uint64_t end = bits > first ? bits - first : 0;
		struct mfs_buf buf;
		int r = hold_block(f, first_block + b, &buf);

		if (r)
			return r;
		if (b == 0)
			buf.data[0] = 3;
		for (uint64_t bit = end; bit < per_block; bit++)
			buf.data[bit / 8] |= (uint8_t)(1U << (bit % 8));
		r = finish_block(f, &buf);
		if (r)
			return r;
	}
	return 0;
}

static void encode_root(const struct mfs_geometry *geo, uint32_t now, uint8_t *data)
{
	struct mfs_disk_inode root = {
		.mode = S_IFDIR | 0755,
		.nlinks = 2,
		.size = 2 * MFS_ENTRY_BYTES,
		.atime = now,
		.mtime = now,
		.ctime = now,
		.zone = {geo->first_zone},
	};

	memcpy(data, &root, sizeof(root));
}

static int format_inodes(struct formatter *f)
{
	for (uint32_t b = 0; b < f->geo->itable_blocks; b++) {
		struct mfs_buf buf;
		int r = hold_block(f, f->geo->itable_block + b, &buf);

		if (r)
			return r;
		if (b == 0)
			encode_root(f->geo, f->io->now(f->io->ctx), buf.data);
		r = finish_block(f, &buf);
		if (r)
			return r;
	}
	return 0;
}

static int format_root(struct formatter *f)
{
	struct mfs_disk_entry entry[2] = {{MFS_ROOT_INO, "."}, {MFS_ROOT_INO, ".."}};
	struct mfs_buf buf;
	int r = hold_block(f, f->geo->first_zone, &buf);

	if (r)
		return r;
	memcpy(buf.data, entry, sizeof(entry));
	return finish_block(f, &buf);
}

static int format_super(struct formatter *f)
{
	const struct mfs_geometry *geo = f->geo;
	struct mfs_disk_super sb = {
		.inodes = geo->inodes,
		.imap_blocks = (uint16_t)geo->imap_blocks,
		.zmap_blocks = (uint16_t)geo->zmap_blocks,
		.first_zone = (uint16_t)geo->first_zone,
		.flags = MFS_FLAG_CLEAN,
		.max_size = INT32_MAX,
		.zones = geo->zones,
		.magic = MFS_MAGIC,
		.block_size = (uint16_t)(geo->block_size & UINT16_MAX),
	};
	uint32_t block = MFS_SUPER_OFFSET / geo->block_size;
	struct mfs_buf buf;
	int r = hold_block(f, block, &buf);

	if (r)
		return r;
	memcpy(buf.data + MFS_SUPER_OFFSET % geo->block_size, &sb, sizeof(sb));
	return finish_block(f, &buf);
}

/* An old superblock must not survive next to new maps. */
static int wipe_super(struct formatter *f)
{
	for (uint32_t block = 0; block < MFS_FIRST_MAP_BLOCK; block++) {
		struct mfs_buf buf;
		int r = hold_block(f, block, &buf);

		if (!r)
			r = finish_block(f, &buf);
		if (r)
			return r;
	}
	return flush_batch(f);
}

int mfs_format_device(const struct mfs_geometry *geo, const struct mfs_io *io)
{
	struct formatter f = {.geo = geo, .io = io};
	int r = wipe_super(&f);

	if (!r)
		r = format_map(&f, MFS_FIRST_MAP_BLOCK, geo->imap_blocks,
		               (uint64_t)geo->inodes + 1);
	if (!r)
		r = format_map(&f, MFS_FIRST_MAP_BLOCK + geo->imap_blocks, geo->zmap_blocks,
		               (uint64_t)geo->zones - geo->first_zone + 1);
	if (!r)
		r = format_inodes(&f);
	if (!r)
		r = format_root(&f);
	if (!r)
		r = flush_batch(&f);
	if (!r)
		r = format_super(&f);
	return r ? r : flush_batch(&f);
}
