/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From blocks of a file to blocks of the medium.
 *
 *   zone[0..6] --------------------------------> data
 *   zone[7] -> leaf ---------------------------> data
 *   zone[8] -> indirect -> leaf ---------------> data      leaf: an indirect block of zone numbers
 * of data zone[9] -> indirect -> indirect -> leaf ---> data
 *
 * The leaf that was used last is remembered in the inode, so a sequential transfer walks the upper
 * levels once for each leaf. Zone numbers are checked when they are read, never later.
 */
#include "fs/priv.h"

#include <string.h>

int map_find_path(const struct mfs *fs, uint32_t index, struct path *path)
{
	uint64_t first = MFS_DIRECT_ZONES;
	uint64_t span = 1;

	*path = (struct path){.root = index};
	if (index < first)
		return 0;
	for (uint32_t depth = 1; depth <= MFS_INDIRECT_LEVELS; depth++) {
		span <<= pointers_shift(fs);
		if (index < first + span) {
			path->depth = depth;
			path->root = MFS_DIRECT_ZONES + depth - 1;
			path->offset = index - first;
			path->in_leaf = (uint32_t)path->offset & (pointers_per_block(fs) - 1);
			return 0;
		}
		first += span;
	}
	return -EFBIG;
}

/* Index of the way's pointer in its indirect block of this level (0: the top one). */
static uint32_t pointer_index(const struct mfs *fs, const struct path *path, uint32_t level)
{
	uint32_t shift = pointers_shift(fs) * (path->depth - 1 - level);

	return (uint32_t)(path->offset >> shift) & (pointers_per_block(fs) - 1);
}

static int check_zone(struct mfs_inode *ip, uint32_t zone)
{
	if (zone_is_valid(ip->fs, zone))
		return 0;
	return fs_damaged(ip->fs, "a file has a zone outside the data area, inode", ip->ino);
}

static void remember_leaf(struct mfs_inode *ip, uint32_t first, uint32_t block)
{
	ip->leaf_first = first;
	ip->leaf_block = block;
}

/* The leaf on the way, 0: there is none. */
static int find_leaf(struct mfs_inode *ip, uint32_t index, const struct path *path, uint32_t *leaf)
{
	struct mfs *fs = ip->fs;
	uint32_t zone = ip->zone[path->root];

	if (ip->leaf_block && ip->leaf_first == index - path->in_leaf) {
		*leaf = ip->leaf_block;
		return 0;
	}
	for (uint32_t level = 0; zone; level++) {
		struct mfs_buf buf;
		int r = check_zone(ip, zone);

		if (r)
			return r;
		if (level == path->depth - 1)
			break;
		r = fs_get(fs, zone, MFS_READ, &buf);
		if (r)
			return r;
		memcpy(&zone, buf.data + (size_t)pointer_index(fs, path, level) * 4, 4);
		fs_put(fs, &buf);
	}
	*leaf = zone;
	if (zone)
		remember_leaf(ip, index - path->in_leaf, zone);
	return 0;
}

/* Counts how many of the pointers continue the first one (or are holes, as it is). */
static int measure_run(struct mfs_inode *ip, const uint32_t *pointers, uint32_t max,
                       struct mfs_extent *ext)
{
	uint32_t n = 1;
	int r;

	ext->block = pointers[0];
	if (!ext->block) {
		while (n < max && pointers[n] == 0)
			n++;
	} else {
		r = check_zone(ip, ext->block);
		if (r)
			return r;
		while (n < max && pointers[n] == ext->block + n &&
		       zone_is_valid(ip->fs, ext->block + n))
			n++;
	}
	ext->count = n;
	return 0;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

int mfs_map_file(struct mfs_inode *ip, uint32_t index, uint32_t max, struct mfs_extent *ext)
{
	struct path path;
	struct mfs_buf buf;
	uint32_t leaf;
	int r = map_find_path(ip->fs, index, &path);

	*ext = (struct mfs_extent){.block = 0};
	if (r)
		return r;
	if (path.depth == 0)
		return measure_run(ip, &ip->zone[path.root],
		                   min_u32(max, MFS_DIRECT_ZONES - path.root), ext);
	max = min_u32(max, pointers_per_block(ip->fs) - path.in_leaf);
	r = find_leaf(ip, index, &path, &leaf);
	if (r)
		return r;
	if (!leaf) {
		ext->count = max;
		return 0;
	}
	r = fs_get(ip->fs, leaf, MFS_READ, &buf);
	if (r)
		return r;
	r = measure_run(ip, (const uint32_t *)(const void *)buf.data + path.in_leaf, max, ext);
	fs_put(ip->fs, &buf);
	return r;
}

static uint32_t count_zones(const uint32_t *pointers, uint32_t max)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < max; i++)
		n += pointers[i] != 0;
	return n;
}

/* Of the blocks that the leaf of file block `index` maps, from there on: *step of them, *n that exist. */
static int count_leaf(struct mfs_inode *ip, uint32_t index, uint32_t *step, uint32_t *n)
{
	struct path path;
	struct mfs_buf buf;
	uint32_t leaf;
	int r = map_find_path(ip->fs, index, &path);

	if (r)
		return r;
	*step = min_u32(*step, pointers_per_block(ip->fs) - path.in_leaf);
	*n = 0;
	r = find_leaf(ip, index, &path, &leaf);
	if (r || !leaf)
		return r;
	r = fs_get(ip->fs, leaf, MFS_READ, &buf);
	if (r)
		return r;
	*n = count_zones((const uint32_t *)(const void *)buf.data + path.in_leaf, *step);
	fs_put(ip->fs, &buf);
	return 0;
}

int mfs_count_blocks(struct mfs_inode *ip, uint32_t *count)
{
	uint32_t size = ip->fs->geo.block_size;
	uint32_t total =
		inode_has_zones(ip) ? (uint32_t)(((uint64_t)ip->size + size - 1) / size) : 0;
	uint32_t step, n;

	*count = ip->blocks;
	if (ip->is_counted)
		return 0;
	*count = count_zones(ip->zone, min_u32(total, MFS_DIRECT_ZONES));
	for (uint32_t at = MFS_DIRECT_ZONES; at < total; at += step) {
		int r;

		step = total - at;
		r = count_leaf(ip, at, &step, &n);
		if (r)
			return r;
		*count += n;
	}
	ip->blocks = *count;
	ip->is_counted = true;
	return 0;
}

/* A new, empty indirect block; nothing refers to it yet. */
static int new_indirect(struct mfs_inode *ip, uint32_t goal, uint32_t *zone)
{
	struct mfs_extent run;
	struct mfs_buf buf;
	int r = zone_alloc_run(ip->fs, goal, 1, &run);

	if (r)
		return r;
	r = fs_get(ip->fs, run.block, MFS_ZERO, &buf);
	if (r) {
		zone_undo_run(ip->fs, &run);
		return r;
	}
	fs_dirty(ip->fs, &buf, MFS_FRESH);
	fs_put(ip->fs, &buf);
	*zone = run.block;
	return 0;
}

/* Follows one pointer of an indirect block downwards, making what it lacks. */
static int descend(struct mfs_inode *ip, uint32_t pointer, uint32_t goal, uint32_t *zone)
{
	struct mfs *fs = ip->fs;
	struct mfs_buf buf;
	uint32_t *slot;
	int r = fs_get(fs, *zone, MFS_READ, &buf);

	if (r)
		return r;
	slot = (uint32_t *)(void *)buf.data + pointer;
	if (*slot == 0) {
		r = new_indirect(ip, goal, zone);
		if (!r) {
			*slot = *zone;
			fs_dirty(fs, &buf, MFS_NODE);
			inode_touch(ip);
		}
	} else {
		*zone = *slot;
		r = check_zone(ip, *zone);
	}
	fs_put(fs, &buf);
	return r;
}

static int make_leaf(struct mfs_inode *ip, uint32_t index, const struct path *path, uint32_t *leaf)
{
	uint32_t goal = ip->goal_index == index ? ip->goal_block : 0;
	uint32_t zone;
	int r = find_leaf(ip, index, path, leaf);

	if (r || *leaf)
		return r;
	zone = ip->zone[path->root];
	if (zone == 0) {
		r = new_indirect(ip, goal, &zone);
		if (r)
			return r;
		ip->zone[path->root] = zone;
		inode_touch(ip);
	}
	r = check_zone(ip, zone);
	for (uint32_t level = 0; !r && level + 1 < path->depth; level++)
		r = descend(ip, pointer_index(ip->fs, path, level), goal, &zone);
	if (r)
		return r;
	*leaf = zone;
	remember_leaf(ip, index - path->in_leaf, zone);
	return 0;
}

static uint32_t choose_goal(const struct mfs_inode *ip, uint32_t index, uint32_t before)
{
	if (before)
		return before + 1;
	return ip->goal_index == index ? ip->goal_block : 0;
}

/* Fills holes at `pointers`, of which `room` exist; `before` is the zone in front of them, if
 * known. */
static int fill_holes(struct mfs_inode *ip, uint32_t index, uint32_t *pointers,
                      struct mfs_extent *ext)
{
	uint32_t room = ext->count;
	uint32_t goal = choose_goal(ip, index, ext->block);
	uint32_t n = 1;
	int r;

	while (n < room && pointers[n] == 0)
		n++;
	r = zone_alloc_run(ip->fs, goal, n, ext);
	if (r)
		return r;
	for (uint32_t i = 0; i < ext->count; i++)
		pointers[i] = ext->block + i;
	ip->goal_index = index + ext->count;
	ip->goal_block = ext->block + ext->count;
	ip->blocks += ip->is_counted ? ext->count : 0;
	inode_touch(ip);
	return 0;
}

/* Allocates 1 .. max blocks for the hole at file block `index`. */
int map_alloc(struct mfs_inode *ip, uint32_t index, uint32_t max, struct mfs_extent *ext)
{
	struct path path;
	struct mfs_buf buf;
	uint32_t *pointers;
	uint32_t leaf;
	int r = map_find_path(ip->fs, index, &path);

	if (r)
		return r;
	if (path.depth == 0) {
		ext->count = min_u32(max, MFS_DIRECT_ZONES - path.root);
		ext->block = path.root ? ip->zone[path.root - 1] : 0;
		return fill_holes(ip, index, &ip->zone[path.root], ext);
	}
	r = make_leaf(ip, index, &path, &leaf);
	if (!r)
		r = fs_get(ip->fs, leaf, MFS_READ, &buf);
	if (r)
		return r;
	pointers = (uint32_t *)(void *)buf.data + path.in_leaf;
	ext->count = min_u32(max, pointers_per_block(ip->fs) - path.in_leaf);
	ext->block = path.in_leaf ? pointers[-1] : leaf;
	r = fill_holes(ip, index, pointers, ext);
	if (!r)
		fs_dirty(ip->fs, &buf, MFS_NODE);
	fs_put(ip->fs, &buf);
	return r;
}

int map_get_block(struct mfs_inode *ip, uint32_t index, struct mfs_buf *buf, bool *is_hole)
{
	struct mfs_extent ext;
	int r = mfs_map_file(ip, index, 1, &ext);

	*is_hole = !r && ext.block == 0;
	if (r || *is_hole)
		return r;
	return fs_get(ip->fs, ext.block, MFS_READ, buf);
}
