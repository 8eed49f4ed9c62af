/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end of an epoch: everything that changed goes to the medium in the order that mfs.h promises.
 * mfs_commit() is the only place where metadata is written; until its last step nothing is
 * forgotten, so a failed commit is just repeated.
 */
#include "fs/priv.h"

#include <string.h>

enum pass { PASS_SAFE, PASS_FINAL };

bool mfs_has_changes(const struct mfs *fs)
{
	return fs->dirty_inodes || fs->imap.stale_count || fs->zmap.stale_count;
}

bool mfs_wants_commit(const struct mfs *fs)
{
	return fs->dirty_inodes > fs->slot_count / 2;
}

/* Does the first pass write something else than the last one? */
static bool differs_in_passes(const struct mfs_inode *ip)
{
	return ip->drops || ip->is_dying || ip->safe_size != ip->size;
}

static bool is_freed(const struct mfs_inode *ip)
{
	return ip->is_dying && ip->refs == 0;
}

static void encode(const struct mfs_inode *ip, enum pass pass, struct mfs_disk_inode *disk)
{
	bool keeps_size = S_ISDIR(ip->mode) && !ip->is_new && pass == PASS_SAFE;

	disk->mode = ip->mode;
	disk->nlinks = (uint16_t)(ip->nlinks + (pass == PASS_SAFE ? ip->drops : 0));
	disk->uid = ip->uid;
	disk->gid = ip->gid;
	disk->size = keeps_size && ip->safe_size < ip->size ? ip->safe_size : ip->size;
	disk->atime = ip->atime;
	disk->mtime = ip->mtime;
	disk->ctime = ip->ctime;
	memcpy(disk->zone, ip->zone, sizeof(disk->zone));
	if (is_freed(ip))
		memset(disk, 0, sizeof(*disk));
}

static int write_inode(struct mfs_inode *ip, enum pass pass)
{
	struct mfs_disk_inode *disk;
	struct mfs_buf buf;
	int r = inode_disk(ip->fs, ip->ino, &buf, &disk);

	if (r)
		return r;
	encode(ip, pass, disk);
	fs_dirty(ip->fs, &buf, MFS_NODE);
	fs_put(ip->fs, &buf);
	return 0;
}

static int write_inodes(struct mfs *fs, enum pass pass)
{
	uint32_t in_batch = 0;
	int r = 0;

	for (uint32_t i = fs->dirty_head; i && !r; i = fs->slots[i - 1].dirty_next) {
		struct mfs_inode *ip = &fs->slots[i - 1];

		if (pass == PASS_SAFE ? ip->is_dying : !differs_in_passes(ip))
			continue;
		r = write_inode(ip, pass);
		if (!r && ++in_batch == MFS_COMMIT_BATCH) {
			r = fs->io.write_out(fs->io.ctx, MFS_NODE);
			in_batch = 0;
		}
	}
	return r ? r : fs->io.write_out(fs->io.ctx, MFS_NODE);
}

static void settle_inodes(struct mfs *fs)
{
	while (fs->dirty_head) {
		struct mfs_inode *ip = &fs->slots[fs->dirty_head - 1];

		fs->dirty_head = ip->dirty_next;
		inode_settle(ip);
	}
}

int mfs_commit(struct mfs *fs)
{
	int r = 0;

	if (fs->is_read_only || !mfs_has_changes(fs))
		return 0;
	if (!fs->is_marked)
		r = super_mark(fs, false);
	if (!r)
		r = bitmap_write(fs, &fs->imap);
	if (!r)
		r = bitmap_write(fs, &fs->zmap);
	if (!r)
		r = fs->io.write_out(fs->io.ctx, MFS_FRESH);
	if (!r)
		r = write_inodes(fs, PASS_SAFE);
	if (!r)
		r = fs->io.write_out(fs->io.ctx, MFS_DIR);
	if (!r)
		r = write_inodes(fs, PASS_FINAL);
	if (r)
		return r;
	settle_inodes(fs);
	bitmap_settle(fs, &fs->imap);
	bitmap_settle(fs, &fs->zmap);
	return 0;
}

int commit_barrier(struct mfs *fs)
{
	return fs->io.barrier ? fs->io.barrier(fs->io.ctx) : mfs_commit(fs);
}
