/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a superblock to a checked geometry, and from wishes to a new superblock (for mkfs). Nothing
 * in the superblock is believed before it was checked against the device and against the other
 * fields; sums are 64 bits wide.
 */
#include "fs/priv.h"

#include <string.h>

static int refuse(const char **reason, const char *why)
{
	*reason = why;
	return -EINVAL;
}

static uint64_t divide_up(uint64_t n, uint64_t by)
{
	return (n + by - 1) / by;
}

static int decode_block_size(const struct mfs_disk_super *sb, struct mfs_geometry *geo)
{
	uint32_t size = sb->block_size ? sb->block_size : (uint32_t)MFS_BLOCK_MAX;

	if (size < MFS_BLOCK_MIN || (size & (size - 1)))
		return -EINVAL;
	geo->block_size = size;
	geo->block_shift = (uint32_t)__builtin_ctz(size);
	return 0;
}

/* The bytes that 7 direct and three indirect zones can map, as far as 32 bits can say it. */
static uint32_t mappable_bytes(uint32_t block_size)
{
	uint64_t p = block_size / 4;
	uint64_t blocks = MFS_DIRECT_ZONES + p + p * p + p * p * p;
	uint64_t bytes = blocks * block_size;

	return bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

static int check_maps(const struct mfs_geometry *geo, const char **reason)
{
	uint64_t bits = (uint64_t)geo->block_size * 8;

	if (geo->inodes == 0 || geo->inodes > UINT32_MAX - 64)
		return refuse(reason, "no inodes, or too many");
	if (divide_up((uint64_t)geo->inodes + 1, bits) > geo->imap_blocks)
		return refuse(reason, "inode bitmap too small");
	if (geo->zones > INT32_MAX)
		return refuse(reason, "too many zones");
	if (geo->first_zone >= geo->zones)
		return refuse(reason, "no data zones");
	if (divide_up((uint64_t)geo->zones - geo->first_zone + 1, bits) > geo->zmap_blocks)
		return refuse(reason, "zone bitmap too small");
	return 0;
}

static int place_parts(const struct mfs_disk_super *sb, struct mfs_geometry *geo,
                       const char **reason)
{
	uint64_t per_block = geo->block_size / MFS_INODE_BYTES;
	uint64_t itable = MFS_FIRST_MAP_BLOCK + (uint64_t)sb->imap_blocks + sb->zmap_blocks;
	uint64_t first = itable + divide_up(sb->inodes, per_block);

	geo->inodes = sb->inodes;
	geo->zones = sb->zones;
	geo->imap_blocks = sb->imap_blocks;
	geo->zmap_blocks = sb->zmap_blocks;
	geo->itable_block = (uint32_t)itable;
	geo->itable_blocks = (uint32_t)divide_up(sb->inodes, per_block);
	if (sb->first_zone && sb->first_zone < first)
		return refuse(reason, "data zones overlap the inode table");
	geo->first_zone = sb->first_zone ? sb->first_zone : (uint32_t)first;
	return check_maps(geo, reason);
}

static int check_super(const struct mfs_disk_super *sb, uint64_t device_bytes,
                       struct mfs_geometry *geo, const char **reason)
{
	uint32_t mappable;
	int r;

	if (sb->magic != MFS_MAGIC)
		return refuse(reason, "no MINIX V3 file system (magic number)");
	if (sb->log_zone_size != 0)
		return refuse(reason, "zones larger than blocks are not supported");
	if (sb->flags & MFS_FLAGS_MANDATORY)
		return refuse(reason, "the file system uses features unknown here");
	if (decode_block_size(sb, geo))
		return refuse(reason, "bad block size");
	r = place_parts(sb, geo, reason);
	if (r)
		return r;
	if ((uint64_t)geo->zones * geo->block_size > device_bytes)
		return refuse(reason, "the file system is larger than the device");
	if (sb->max_size == 0)
		return refuse(reason, "maximum file size is 0");
	mappable = mappable_bytes(geo->block_size);
	geo->max_size = sb->max_size < mappable ? sb->max_size : mappable;
	geo->was_clean = sb->flags & MFS_FLAG_CLEAN;
	return 0;
}

int mfs_probe(const void *area, uint64_t device_bytes, struct mfs_geometry *geo,
              const char **reason)
{
	struct mfs_disk_super sb;

	*reason = NULL;
	memset(geo, 0, sizeof(*geo));
	if (device_bytes < MFS_SUPER_AREA)
		return refuse(reason, "the device is too small for a superblock");
	memcpy(&sb, (const uint8_t *)area + MFS_SUPER_OFFSET, sizeof(sb));
	return check_super(&sb, device_bytes, geo, reason);
}

enum { INODE_EVERY_BYTES = 16384 };

/* Inodes fill whole blocks, and the first data zone must be sayable in 16 bits. */
static uint64_t choose_inodes(const struct mfs_format *format, uint64_t blocks, uint32_t size)
{
	uint64_t per_block = size / MFS_INODE_BYTES;
	uint64_t by_bytes = format->device_bytes / INODE_EVERY_BYTES;
	uint64_t by_blocks = blocks / 3;
	uint64_t wanted = by_blocks > by_bytes ? by_blocks : by_bytes;
	uint64_t limit = (uint64_t)(UINT16_MAX / 2) * per_block;

	if (format->inodes)
		wanted = format->inodes;
	wanted = divide_up(wanted ? wanted : 1, per_block) * per_block;
	return wanted < limit || format->inodes ? wanted : limit;
}

static int plan_super(uint64_t blocks, uint64_t inodes, uint32_t size, struct mfs_disk_super *sb)
{
	uint64_t bits = (uint64_t)size * 8;
	uint64_t imaps = divide_up(inodes + 1, bits);
	uint64_t fixed = MFS_FIRST_MAP_BLOCK + imaps + divide_up(inodes, size / MFS_INODE_BYTES);
	uint64_t zmaps = 1;
	uint64_t first;

	if (fixed + zmaps >= blocks)
		return -ENOSPC;
	zmaps = divide_up(blocks - fixed,
	                  bits + 1); /* a map block costs a zone that it need not map */
	first = fixed + zmaps;
	if (first >= blocks || first > UINT16_MAX || zmaps > UINT16_MAX || inodes > UINT32_MAX)
		return -ENOSPC;
	*sb = (struct mfs_disk_super){
		.inodes = (uint32_t)inodes,
		.imap_blocks = (uint16_t)imaps,
		.zmap_blocks = (uint16_t)zmaps,
		.first_zone = (uint16_t)first,
		.flags = MFS_FLAG_CLEAN,
		.max_size = INT32_MAX,
		.zones = (uint32_t)blocks,
		.magic = MFS_MAGIC,
		.block_size = (uint16_t)(size & UINT16_MAX),
	};
	return 0;
}

int mfs_plan_format(const struct mfs_format *format, struct mfs_geometry *geo, const char **reason)
{
	uint32_t size = format->block_size ? format->block_size : 4096;
	struct mfs_disk_super sb;
	uint64_t blocks;

	*reason = NULL;
	memset(geo, 0, sizeof(*geo));
	if (size < MFS_BLOCK_MIN || size > MFS_BLOCK_MAX || (size & (size - 1)))
		return refuse(reason, "the block size must be 1, 2, 4, 8, 16, 32 or 64 KiB");
	blocks = format->device_bytes / size;
	if (blocks > INT32_MAX)
		return refuse(reason, "the device is too large for this block size");
	if (plan_super(blocks, choose_inodes(format, blocks, size), size, &sb))
		return refuse(reason, "so many inodes do not fit on the device");
	return check_super(&sb, format->device_bytes, geo, reason);
}
