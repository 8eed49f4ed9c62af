/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Renaming: the new name is added (or made to mean the source), then the old one removed. When both
 * entries lie in one block, they reach the medium together; else a barrier between the two steps
 * makes sure that after a crash there is at least one name.
 */
#include "fs/priv.h"

#include <string.h>

static const struct mfs_name dotdot = {.text = "..", .len = 2};

static bool moves_directory(const struct mfs_rename *rn)
{
	return S_ISDIR(rn->source->mode) && rn->old_dir != rn->new_dir;
}

static bool names_dots(struct mfs_name name)
{
	return (name.len == 1 && name.text[0] == '.') ||
	       (name.len == 2 && memcmp(name.text, "..", 2) == 0);
}

/* Is `top` the directory `dir`, or above it? Bounded by the number of inodes: a damaged tree may
 * have a cycle. */
static int check_not_below(struct mfs_inode *dir, const struct mfs_inode *top)
{
	struct mfs *fs = dir->fs;
	struct mfs_inode *at = dir;
	int r = 0;

	mfs_ref_inode(at);
	for (uint32_t n = 0; n < fs->geo.inodes; n++) {
		struct mfs_inode *parent = NULL;

		if (at == top)
			r = -EINVAL;
		if (r || at->ino == MFS_ROOT_INO)
			break;
		r = mfs_lookup(at, dotdot, &parent);
		if (r)
			break;
		mfs_put_inode(at);
		at = parent;
	}
	mfs_put_inode(at);
	return r;
}

static int check_target(const struct mfs_rename *rn)
{
	if (!rn->target)
		return 0;
	if (S_ISDIR(rn->target->mode)) {
		if (!S_ISDIR(rn->source->mode))
			return -EISDIR;
		return rn->target->ino == MFS_ROOT_INO ? -EBUSY : dir_check_empty(rn->target);
	}
	return S_ISDIR(rn->source->mode) ? -ENOTDIR : 0;
}

static int check_rename(const struct mfs_rename *rn)
{
	int r = dir_check_writable(rn->old_dir, rn->old_name);

	if (!r)
		r = dir_check_writable(rn->new_dir, rn->new_name);
	if (r)
		return r;
	if (names_dots(rn->old_name) || names_dots(rn->new_name))
		return -EINVAL;
	r = check_target(rn);
	if (!r && moves_directory(rn) && !rn->target && rn->new_dir->nlinks >= MFS_LINK_MAX)
		r = -EMLINK;
	if (!r && moves_directory(rn))
		r = check_not_below(rn->new_dir, rn->source);
	return r;
}

/* Holds the slot of the new name: the target's, or a free one. */
static int hold_new_slot(const struct mfs_rename *rn, struct dir_slot *slot)
{
	int r;

	if (!rn->target)
		return dir_prepare(rn->new_dir, rn->new_name, slot);
	r = dir_find(rn->new_dir, rn->new_name, slot);
	if (r)
		return r == -ENOENT ? -ESTALE : r;
	if (slot->ino == rn->target->ino)
		return 0;
	dir_release(rn->new_dir->fs, slot);
	return -ESTALE;
}

static int hold_old_slot(const struct mfs_rename *rn, struct dir_slot *slot)
{
	int r = dir_find(rn->old_dir, rn->old_name, slot);

	if (r)
		return r == -ENOENT ? -ESTALE : r;
	if (slot->ino == rn->source->ino)
		return 0;
	dir_release(rn->old_dir->fs, slot);
	return -ESTALE;
}

/* Cannot fail. */
static void add_new_name(const struct mfs_rename *rn, struct dir_slot *slot,
                         struct dir_slot *parent)
{
	dir_fill(rn->new_dir, slot, rn->new_name, rn->source->ino);
	inode_link_added(rn->source);
	if (rn->target && S_ISDIR(rn->target->mode))
		dir_unlinked(rn->new_dir, rn->target);
	else if (rn->target && rn->target->nlinks)
		inode_link_dropped(rn->target);
	if (!moves_directory(rn))
		return;
	dir_fill(rn->source, parent, dotdot, rn->new_dir->ino);
	inode_link_added(rn->new_dir);
}

static void remove_old_name(const struct mfs_rename *rn, struct dir_slot *slot)
{
	dir_clear(rn->old_dir, slot);
	inode_link_dropped(rn->source);
	if (moves_directory(rn) && rn->old_dir->nlinks > 1)
		inode_link_dropped(rn->old_dir);
}

/* Adds the new name, makes it durable if that is needed first, removes the old name. All slots are
 * held. */
static int exchange(const struct mfs_rename *rn, struct dir_slot *slots)
{
	struct mfs *fs = rn->old_dir->fs;
	bool is_one_block = slots[0].buf.block == slots[1].buf.block;

	add_new_name(rn, &slots[1], &slots[2]);
	/* An error here means that the medium refuses writes: nothing is on it, nothing is lost,
	 * and all stays dirty. */
	if (!is_one_block && commit_barrier(fs))
		fs->io.report(fs->io.ctx, "a rename could not be ordered, inode", rn->source->ino);
	remove_old_name(rn, &slots[0]);
	return 0;
}

int mfs_rename(const struct mfs_rename *rn)
{
	struct dir_slot slots[3] = {{.is_held = false}}; /* old name, new name, the source's ".." */
	struct mfs *fs = rn->old_dir->fs;
	int r;

	if (rn->source == rn->target)
		return 0;
	r = check_rename(rn);
	if (!r)
		r = hold_new_slot(rn, &slots[1]);
	if (!r)
		r = hold_old_slot(rn, &slots[0]);
	if (!r && moves_directory(rn))
		r = dir_find(rn->source, dotdot, &slots[2]);
	if (!r)
		r = exchange(rn, slots);
	for (unsigned i = 0; i < 3; i++)
		dir_release(fs, &slots[i]);
	return r;
}
