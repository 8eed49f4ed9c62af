/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Zones and inode numbers on top of the bitmaps. When only pending ones are left, a barrier
 * completes the epoch and makes them free; so callers must be in a state that may be committed:
 * what they allocated so far is at worst leaked.
 */
#include "fs/priv.h"

static uint32_t zone_bit(const struct mfs *fs, uint32_t zone)
{
	return zone - fs->geo.first_zone + 1;
}

static uint32_t bit_zone(const struct mfs *fs, uint32_t bit)
{
	return bit + fs->geo.first_zone - 1;
}

static void mark_run(struct mfs *fs, struct bitmap *map, uint32_t first, uint32_t count)
{
	uint32_t step = fs->geo.block_size * 8;

	for (uint32_t bit = first; bit < first + count; bit = (bit / step + 1) * step)
		bitmap_mark_stale(fs, map, bit);
}

static int alloc_bits(struct mfs *fs, struct bitmap *map, uint32_t goal, struct mfs_extent *run)
{
	uint32_t first;
	uint32_t n = bitmap_alloc_run(map, goal, run->count, &first);

	if (!n && map->pending_count) {
		int r = commit_barrier(fs);

		if (r)
			return r;
		n = bitmap_alloc_run(map, goal, run->count, &first);
	}
	if (!n)
		return -ENOSPC;
	mark_run(fs, map, first, n);
	run->block = first;
	run->count = n;
	return 0;
}

/* Takes 1 .. want consecutive zones; at the goal, if it is a zone and free. */
int zone_alloc_run(struct mfs *fs, uint32_t goal, uint32_t want, struct mfs_extent *run)
{
	uint32_t goal_bit = zone_is_valid(fs, goal) ? zone_bit(fs, goal) : 0;
	int r;

	*run = (struct mfs_extent){.count = want, .is_new = true};
	r = alloc_bits(fs, &fs->zmap, goal_bit, run);
	if (!r)
		run->block = bit_zone(fs, run->block);
	return r;
}

void zone_undo_run(struct mfs *fs, const struct mfs_extent *run)
{
	for (uint32_t i = 0; i < run->count; i++)
		bitmap_undo(fs, &fs->zmap, zone_bit(fs, run->block + i));
}

/* False, and reported: the zone was not in use, so another file may own it, or the same file twice.
 */
bool zone_free(struct mfs *fs, uint32_t zone)
{
	if (zone_is_valid(fs, zone) && bitmap_free(&fs->zmap, zone_bit(fs, zone)))
		return true;
	(void)fs_damaged(fs, "a file owns a zone that is not in use, zone", zone);
	return false;
}

int inode_alloc(struct mfs *fs, uint32_t *ino)
{
	struct mfs_extent run = {.count = 1};
	int r = alloc_bits(fs, &fs->imap, 0, &run);

	if (!r)
		*ino = run.block;
	return r;
}

void inode_free(struct mfs *fs, uint32_t ino)
{
	if (!bitmap_free(&fs->imap, ino))
		(void)fs_damaged(fs, "freed an inode that was not in use, inode", ino);
}

bool inode_is_used(const struct mfs *fs, uint32_t ino)
{
	return ino >= 1 && ino <= fs->geo.inodes && bitmap_test(fs->imap.used, ino) &&
	       !bitmap_test(fs->imap.pending, ino);
}
