/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Giving back the zones behind a point of a file. Cannot fail: what cannot be read or makes no
 * sense is reported and its zones are leaked, which fsck.mfs repairs.
 *
 * An indirect block is given back before its pointers are followed, and only a block that was in
 * use until then is followed: so a damaged tree that refers to itself or to a block many times is
 * walked once.
 */
#include "fs/priv.h"

/* One indirect block that is being walked. */
struct level {
	struct mfs_buf buf;
	uint32_t next; /* pointer to look at */
	uint64_t keep; /* file blocks to keep, counted from the first that this block maps */
	bool is_changed;
};

struct walk {
	struct mfs_inode *ip;
	struct level level[MFS_INDIRECT_LEVELS];
	uint32_t depth;     /* indirect levels of this tree */
	uint32_t top;       /* levels in use */
	uint32_t run_block; /* freed blocks to forget in one call */
	uint32_t run_count;
};

static void forget_run(struct walk *w)
{
	if (w->run_count)
		w->ip->fs->io.forget(w->ip->fs->io.ctx, w->run_block, w->run_count);
	w->run_count = 0;
}

static bool give_back(struct walk *w, uint32_t zone)
{
	if (!zone_free(w->ip->fs, zone))
		return false;
	if (w->run_count && zone == w->run_block + w->run_count) {
		w->run_count++;
		return true;
	}
	forget_run(w);
	w->run_block = zone;
	w->run_count = 1;
	return true;
}

static void give_data_back(struct walk *w, uint32_t zone)
{
	struct mfs_inode *ip = w->ip;

	if (give_back(w, zone) && ip->is_counted && ip->blocks > 0)
		ip->blocks--;
}

/* File blocks that one pointer of the level maps. */
static uint64_t pointer_span(const struct walk *w, uint32_t level)
{
	return 1ULL << (pointers_shift(w->ip->fs) * (w->depth - 1 - level));
}

/*
 * Starts on an indirect block. False: it is not to be looked at, and its pointer is to be cleared
 * unless something below is kept. The block's content is read before the block is forgotten: it is
 * held.
 */
static bool enter_level(struct walk *w, uint32_t zone, uint64_t keep)
{
	struct mfs *fs = w->ip->fs;
	struct level *l = &w->level[w->top];

	if (!zone_is_valid(fs, zone) ||
	    !bitmap_test(fs->zmap.used, zone - fs->geo.first_zone + 1) ||
	    bitmap_test(fs->zmap.pending, zone - fs->geo.first_zone + 1)) {
		(void)fs_damaged(fs, "a file has a bad indirect block, inode", w->ip->ino);
		return false;
	}
	if (fs_get(fs, zone, MFS_READ, &l->buf)) {
		(void)fs_damaged(fs, "zones are lost: unreadable indirect block", zone);
		if (!keep)
			(void)give_back(w, zone);
		return false;
	}
	if (!keep)
		(void)zone_free(fs, zone);
	l->keep = keep;
	l->next = (uint32_t)(keep / pointer_span(w, w->top));
	l->is_changed = false;
	w->top++;
	return true;
}

static void leave_level(struct walk *w)
{
	struct mfs *fs = w->ip->fs;
	struct level *l = &w->level[--w->top];
	uint32_t block = l->buf.block;

	if (l->keep && l->is_changed)
		fs_dirty(fs, &l->buf, MFS_NODE);
	fs_put(fs, &l->buf);
	if (!l->keep)
		fs->io.forget(fs->io.ctx, block, 1);
}

static void walk_tree(struct walk *w, uint32_t root, uint64_t keep)
{
	w->top = 0;
	if (!enter_level(w, root, keep))
		return;
	while (w->top) {
		struct level *l = &w->level[w->top - 1];
		uint64_t span = pointer_span(w, w->top - 1);
		uint64_t keep_below = l->keep > l->next * span ? l->keep - l->next * span : 0;
		uint32_t *pointer;

		if (l->next >= pointers_per_block(w->ip->fs)) {
			leave_level(w);
			continue;
		}
		pointer = (uint32_t *)(void *)l->buf.data + l->next++;
		if (*pointer == 0)
			continue;
		if (w->top == w->depth)
			give_data_back(w, *pointer);
		else
			(void)enter_level(w, *pointer, keep_below);
		if (!keep_below && l->keep) {
			*pointer = 0;
			l->is_changed = true;
		}
	}
}

void trunc_zones(struct mfs_inode *ip, uint32_t keep_blocks)
{
	struct walk w = {.ip = ip};
	uint64_t first = MFS_DIRECT_ZONES;
	uint64_t span = 1;

	ip->leaf_block = 0;
	ip->goal_block = 0;
	inode_touch(ip);
	for (uint32_t i = keep_blocks; i < MFS_DIRECT_ZONES; i++) {
		if (ip->zone[i])
			give_data_back(&w, ip->zone[i]);
		ip->zone[i] = 0;
	}
	for (w.depth = 1; w.depth <= MFS_INDIRECT_LEVELS; w.depth++) {
		uint32_t *root = &ip->zone[MFS_DIRECT_ZONES + w.depth - 1];
		uint64_t keep = keep_blocks > first ? keep_blocks - first : 0;

		span <<= pointers_shift(ip->fs);
		first += span;
		if (*root == 0 || keep >= span)
			continue;
		walk_tree(&w, *root, keep);
		if (!keep)
			*root = 0;
	}
	forget_run(&w);
}
