/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks and repairs a file system that is not mounted, in three passes:
 *
 *   1 the tree, from the root on: which inodes and zones are reached; bad pointers and entries are
 * cleared 2 the inode table: link counts become the number of names; inodes that were not reached
 * are cleared (after a crash of a system that keeps the order of mfs.h, those are files that were
 * being made or deleted) 3 both bitmaps become what passes 1 and 2 found
 *
 * Without repair the same passes only count. All numbers of the medium are range-checked before
 * they are used.
 */
#include "fs/check.h"

#include <string.h>

bool check_problem(struct checker *c, const char *what, uint32_t number)
{
	c->result->problems++;
	c->cf->io->report(c->cf->io->ctx, what, number);
	return c->cf->want_repair;
}

int check_get(struct checker *c, uint32_t block, struct mfs_buf *buf)
{
	*buf = (struct mfs_buf){.block = block};
	return c->cf->io->get(c->cf->io->ctx, block, MFS_READ, buf);
}

void check_put(struct checker *c, struct mfs_buf *buf, bool is_changed)
{
	if (is_changed)
		c->cf->io->dirty(c->cf->io->ctx, buf, MFS_NODE);
	c->cf->io->put(c->cf->io->ctx, buf);
}

int check_get_inode(struct checker *c, uint32_t ino, struct mfs_buf *buf,
                    struct mfs_disk_inode **disk)
{
	uint32_t per_block = c->geo.block_size / MFS_INODE_BYTES;
	int r = check_get(c, c->geo.itable_block + (ino - 1) / per_block, buf);

	if (!r)
		*disk = (struct mfs_disk_inode *)(void *)(buf->data +
		                                          (size_t)((ino - 1) % per_block) *
		                                                  MFS_INODE_BYTES);
	return r;
}

/* --- Pass 1 --- */

static int check_root(struct checker *c)
{
	struct mfs_disk_inode *disk;
	struct mfs_buf buf;
	int r = check_get_inode(c, MFS_ROOT_INO, &buf, &disk);

	if (r)
		return r;
	if (!S_ISDIR(disk->mode) || disk->size < 2 * MFS_ENTRY_BYTES ||
	    disk->size > c->geo.max_size) {
		(void)check_problem(c, "the root directory is lost, inode", MFS_ROOT_INO);
		r = -EIO;
	}
	check_put(c, &buf, false);
	return r;
}

static int walk_from_root(struct checker *c)
{
	int r = check_root(c);

	if (r)
		return r;
	check_set(c->inodes, MFS_ROOT_INO);
	c->links[MFS_ROOT_INO] = 2;
	c->queue[c->queued++] = (struct check_item){.ino = MFS_ROOT_INO, .parent = MFS_ROOT_INO};
	for (uint32_t i = 0; i < c->queued && !r; i++)
		r = check_inode(c, &c->queue[i]);
	return r;
}

/* --- Pass 2 --- */

static bool check_links(struct checker *c, uint32_t ino, struct mfs_disk_inode *disk)
{
	if (bitmap_test(c->inodes, ino)) {
		if (disk->nlinks == c->links[ino])
			return false;
		if (!check_problem(c, "the link count is wrong, inode", ino))
			return false;
		disk->nlinks = (uint16_t)(c->links[ino] > UINT16_MAX ? UINT16_MAX : c->links[ino]);
		return true;
	}
	if (disk->mode == 0 && disk->nlinks == 0)
		return false;
	if (!check_problem(c, "no name leads to an inode in use, inode", ino))
		return false;
	memset(disk, 0, sizeof(*disk));
	return true;
}

static int check_table(struct checker *c)
{
	uint32_t per_block = c->geo.block_size / MFS_INODE_BYTES;

	if (c->cf->io->prefetch)
		c->cf->io->prefetch(c->cf->io->ctx, c->geo.itable_block, c->geo.itable_blocks);
	for (uint32_t b = 0; b < c->geo.itable_blocks; b++) {
		struct mfs_disk_inode *disk;
		bool is_changed = false;
		struct mfs_buf buf;
		int r = check_get(c, c->geo.itable_block + b, &buf);

		if (r)
			return r;
		disk = (struct mfs_disk_inode *)(void *)buf.data;
		for (uint32_t i = 0; i < per_block && b * per_block + i < c->geo.inodes; i++)
			is_changed |= check_links(c, b * per_block + i + 1, &disk[i]);
		check_put(c, &buf, is_changed);
	}
	return 0;
}

/* --- Pass 3 --- */

struct map_check {
	const uint64_t *wanted;
	uint32_t first_block;
	uint32_t blocks;
	uint32_t bits;
	uint32_t lost;     /* marked used, belong to nothing */
	uint32_t unmarked; /* used, marked free */
};

/* One 64-bit word of a map; bits that do not exist are left alone. */
static bool check_word(struct map_check *m, uint32_t word, uint64_t *on_disk, bool want_repair)
{
	uint64_t mask = ~0ULL;
	uint64_t wanted;

	if (word >= (m->bits + 63) / 64)
		return false;
	if (word == m->bits / 64)
		mask = (1ULL << (m->bits % 64)) - 1;
	wanted = m->wanted[word] & mask;
	if ((*on_disk & mask) == wanted)
		return false;
	m->lost += (uint32_t)__builtin_popcountll(*on_disk & mask & ~wanted);
	m->unmarked += (uint32_t)__builtin_popcountll(~*on_disk & mask & wanted);
	if (!want_repair)
		return false;
	*on_disk = (*on_disk & ~mask) | wanted;
	return true;
}

static int check_map(struct checker *c, struct map_check *m)
{
	uint32_t words = c->geo.block_size / 8;

	for (uint32_t b = 0; b < m->blocks; b++) {
		bool is_changed = false;
		struct mfs_buf buf;
		int r = check_get(c, m->first_block + b, &buf);

		if (r)
			return r;
		for (uint32_t w = 0; w < words; w++)
			is_changed |= check_word(m, b * words + w, (uint64_t *)(void *)buf.data + w,
			                         c->cf->want_repair);
		check_put(c, &buf, is_changed);
	}
	return 0;
}

static int check_maps(struct checker *c)
{
	struct map_check inodes = {.wanted = c->inodes,
	                           .first_block = MFS_FIRST_MAP_BLOCK,
	                           .blocks = c->geo.imap_blocks,
	                           .bits = c->geo.inodes + 1};
	struct map_check zones = {.wanted = c->zones,
	                          .first_block = MFS_FIRST_MAP_BLOCK + c->geo.imap_blocks,
	                          .blocks = c->geo.zmap_blocks,
	                          .bits = c->geo.zones - c->geo.first_zone + 1};
	int r;

	check_set(c->inodes, 0);
	check_set(c->zones, 0);
	r = check_map(c, &inodes);
	if (!r)
		r = check_map(c, &zones);
	if (inodes.lost)
		(void)check_problem(c, "unused inodes are marked as used, number", inodes.lost);
	if (inodes.unmarked)
		(void)check_problem(c, "used inodes are marked as free, number", inodes.unmarked);
	if (zones.lost)
		(void)check_problem(c, "unused zones are marked as used, number", zones.lost);
	if (zones.unmarked)
		(void)check_problem(c, "used zones are marked as free, number", zones.unmarked);
	return r;
}

/* --- Memory, superblock --- */

static size_t round_up(size_t n)
{
	return (n + 15) & ~(size_t)15;
}

static size_t bitmap_bytes(uint64_t bits)
{
	return round_up((size_t)((bits + 63) / 64 * 8));
}

static size_t zone_bits(const struct mfs_geometry *geo)
{
	return (size_t)geo->zones - geo->first_zone + 1;
}

size_t mfs_check_memory(const struct mfs_geometry *geo)
{
	size_t inodes = (size_t)geo->inodes + 1;

	return bitmap_bytes(zone_bits(geo)) + bitmap_bytes(inodes) +
	       round_up(inodes * sizeof(uint32_t)) + inodes * sizeof(struct check_item);
}

static void carve_memory(struct checker *c)
{
	size_t inodes = (size_t)c->geo.inodes + 1;
	uint8_t *at = c->cf->memory;

	memset(at, 0, mfs_check_memory(&c->geo));
	c->zones = (uint64_t *)(void *)at;
	at += bitmap_bytes(zone_bits(&c->geo));
	c->inodes = (uint64_t *)(void *)at;
	at += bitmap_bytes(inodes);
	c->links = (uint32_t *)(void *)at;
	at += round_up(inodes * sizeof(uint32_t));
	c->queue = (struct check_item *)(void *)at;
}

static int start_check(struct checker *c)
{
	uint8_t area[MFS_SUPER_AREA] = {0};
	uint32_t block_size = c->cf->block_size;
	const char *reason;
	struct mfs_buf buf;
	int r;

	if (block_size < MFS_BLOCK_MIN || block_size > MFS_BLOCK_MAX)
		return -EINVAL;
	r = check_get(c, MFS_SUPER_OFFSET / block_size, &buf);

	if (r)
		return r;
	memcpy(area + MFS_SUPER_OFFSET, buf.data + MFS_SUPER_OFFSET % block_size, MFS_SUPER_BYTES);
	check_put(c, &buf, false);
	r = mfs_probe(area, c->cf->device_bytes, &c->geo, &reason);
	if (r)
		return r;
	if (c->geo.block_size != c->cf->block_size ||
	    c->cf->memory_bytes < mfs_check_memory(&c->geo))
		return -EINVAL;
	c->result->was_clean = c->geo.was_clean;
	carve_memory(c);
	return 0;
}

static int mark_clean(struct checker *c)
{
	uint32_t in_block = MFS_SUPER_OFFSET % c->geo.block_size;
	struct mfs_disk_super sb;
	struct mfs_buf buf;
	int r;

	if (!c->cf->want_repair || c->geo.was_clean)
		return 0;
	r = check_get(c, MFS_SUPER_OFFSET / c->geo.block_size, &buf);
	if (r)
		return r;
	memcpy(&sb, buf.data + in_block, sizeof(sb));
	sb.flags |= MFS_FLAG_CLEAN;
	memcpy(buf.data + in_block, &sb, sizeof(sb));
	check_put(c, &buf, true);
	return c->cf->io->write_out(c->cf->io->ctx, MFS_NODE);
}

int mfs_check(const struct mfs_check *check, struct mfs_check_result *result)
{
	struct checker c = {.cf = check, .result = result};
	int r;

	memset(result, 0, sizeof(*result));
	r = start_check(&c);
	if (!r)
		r = walk_from_root(&c);
	if (!r)
		r = check_table(&c);
	if (!r)
		r = check_maps(&c);
	if (!r && check->want_repair)
		r = check->io->write_out(check->io->ctx, MFS_NODE);
	return r ? r : mark_clean(&c);
}
