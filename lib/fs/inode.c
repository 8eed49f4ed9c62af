/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes in memory: a table of slots, found by a hash of the number.
 *
 *   empty --get, new--> referenced --put--> cached --slot wanted--> empty
 *                          |                   (dirty ones stay until a commit)
 *                          +--put, no links--> dying --commit--> empty
 *
 * Nothing blocks between finding out that a number is not in the table and entering it: the block
 * that holds the inode is got first, then the table is searched again.
 */
#include "fs/priv.h"

#include <string.h>

enum { HASH_MULTIPLIER = 0x9e3779b1 };

static uint32_t *hash_head(struct mfs *fs, uint32_t ino)
{
	return &fs->hash[(ino * (uint32_t)HASH_MULTIPLIER >> 8) & fs->hash_mask];
}

static struct mfs_inode *hash_find(struct mfs *fs, uint32_t ino)
{
	uint32_t i = *hash_head(fs, ino);

	while (i && fs->slots[i - 1].ino != ino)
		i = fs->slots[i - 1].next;
	return i ? &fs->slots[i - 1] : NULL;
}

static void hash_add(struct mfs *fs, struct mfs_inode *ip)
{
	uint32_t *head = hash_head(fs, ip->ino);

	ip->next = *head;
	*head = ip->slot + 1;
}

static void hash_remove(struct mfs *fs, const struct mfs_inode *ip)
{
	uint32_t *link = hash_head(fs, ip->ino);

	while (*link && *link != ip->slot + 1)
		link = &fs->slots[*link - 1].next;
	if (*link)
		*link = ip->next;
}

static void empty_slot(struct mfs *fs, struct mfs_inode *ip)
{
	uint32_t slot = ip->slot;

	if (ip->ino)
		hash_remove(fs, ip);
	memset(ip, 0, sizeof(*ip));
	ip->slot = slot;
	ip->fs = fs;
}

/* An empty slot, at the cost of a cached inode if need be. */
static int take_slot(struct mfs *fs, struct mfs_inode **ip)
{
	for (uint32_t n = 0; n < fs->slot_count; n++) {
		struct mfs_inode *slot = &fs->slots[fs->slot_hand];

		fs->slot_hand = fs->slot_hand + 1 < fs->slot_count ? fs->slot_hand + 1 : 0;
		if (slot->refs || slot->is_dirty)
			continue;
		empty_slot(fs, slot);
		*ip = slot;
		return 0;
	}
	return -ENFILE;
}

static bool type_is_known(uint16_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) || S_ISCHR(mode) || S_ISBLK(mode) ||
	       S_ISFIFO(mode) || S_ISSOCK(mode);
}

const char *inode_defect(const struct mfs_geometry *geo, const struct mfs_disk_inode *disk)
{
	if (!type_is_known(disk->mode))
		return "an inode has an unknown type, inode";
	if (disk->size > geo->max_size)
		return "a file is too large, inode";
	if (S_ISDIR(disk->mode) && disk->size % MFS_ENTRY_BYTES)
		return "a directory has an odd size, inode";
	if (S_ISLNK(disk->mode) && (disk->size == 0 || disk->size > geo->block_size))
		return "a symbolic link has a bad length, inode";
	return NULL;
}

int inode_disk(struct mfs *fs, uint32_t ino, struct mfs_buf *buf, struct mfs_disk_inode **disk)
{
	uint32_t per_block = fs->geo.block_size / MFS_INODE_BYTES;
	int r;

	if (ino < 1 || ino > fs->geo.inodes)
		return fs_damaged(fs, "an inode number is out of range, inode", ino);
	r = fs_get(fs, fs->geo.itable_block + (ino - 1) / per_block, MFS_READ, buf);
	if (!r)
		*disk = (struct mfs_disk_inode *)(void *)(buf->data +
		                                          (size_t)((ino - 1) % per_block) *
		                                                  MFS_INODE_BYTES);
	return r;
}

static void fill_slot(struct mfs *fs, struct mfs_inode *ip, uint32_t ino,
                      const struct mfs_disk_inode *disk)
{
	ip->ino = ino;
	ip->mode = disk->mode;
	ip->nlinks = disk->nlinks;
	ip->uid = disk->uid;
	ip->gid = disk->gid;
	ip->size = disk->size;
	ip->atime = disk->atime;
	ip->mtime = disk->mtime;
	ip->ctime = disk->ctime;
	ip->safe_size = disk->size;
	memcpy(ip->zone, disk->zone, sizeof(ip->zone));
	hash_add(fs, ip);
}

/* Enters the inode that lies at `disk`, unless somebody did meanwhile. Does not block. */
static int enter_inode(struct mfs *fs, uint32_t ino, const struct mfs_disk_inode *disk,
                       struct mfs_inode **ip)
{
	const char *defect = disk->nlinks ? inode_defect(&fs->geo, disk)
	                                  : "a name leads to an inode without links, inode";
	int r;

	*ip = hash_find(fs, ino);
	if (*ip)
		return 0;
	if (defect)
		return fs_damaged(fs, defect, ino);
	r = take_slot(fs, ip);
	if (!r)
		fill_slot(fs, *ip, ino, disk);
	return r;
}

int mfs_get_inode(struct mfs *fs, uint32_t ino, struct mfs_inode **ip)
{
	struct mfs_disk_inode *disk;
	struct mfs_buf buf;
	int r = 0;

	*ip = ino ? hash_find(fs, ino) : NULL;
	if (!*ip) {
		if (!inode_is_used(fs, ino))
			return fs_damaged(fs, "a name leads to an unused inode, inode", ino);
		r = inode_disk(fs, ino, &buf, &disk);
		if (r)
			return r;
		r = enter_inode(fs, ino, disk, ip);
		fs_put(fs, &buf);
	}
	if (!r && (*ip)->is_dying)
		r = fs_damaged(fs, "a name leads to a deleted inode, inode", ino);
	if (!r)
		mfs_ref_inode(*ip);
	return r;
}

void mfs_ref_inode(struct mfs_inode *ip)
{
	ip->refs++;
	ip->fs->ref_count++;
}

static void drop_ref(struct mfs_inode *ip)
{
	ip->refs--;
	ip->fs->ref_count--;
}

void mfs_put_inode(struct mfs_inode *ip)
{
	if (!ip)
		return;
	if (ip->refs == 1 && ip->nlinks == 0 && !ip->is_dying && !ip->fs->is_read_only) {
		ip->is_dying = true;
		if (inode_has_zones(ip))
			trunc_zones(ip, 0);
		ip->size = 0;
		inode_free(ip->fs, ip->ino);
		inode_touch(ip);
	}
	drop_ref(ip);
}

int mfs_peek_mode(struct mfs *fs, uint32_t ino, uint16_t *mode)
{
	struct mfs_inode *ip = hash_find(fs, ino);
	struct mfs_disk_inode *disk;
	struct mfs_buf buf;
	int r;

	if (ip) {
		*mode = ip->mode;
		return 0;
	}
	r = inode_disk(fs, ino, &buf, &disk);
	if (r)
		return r;
	*mode = disk->mode;
	fs_put(fs, &buf);
	return 0;
}

void inode_touch(struct mfs_inode *ip)
{
	if (ip->is_dirty)
		return;
	ip->is_dirty = true;
	ip->dirty_next = ip->fs->dirty_head;
	ip->fs->dirty_head = ip->slot + 1;
	ip->fs->dirty_inodes++;
}

void inode_changed(struct mfs_inode *ip)
{
	ip->mtime = fs_now(ip->fs);
	ip->ctime = ip->mtime;
	inode_touch(ip);
}

void inode_link_added(struct mfs_inode *ip)
{
	ip->nlinks++;
	ip->ctime = fs_now(ip->fs);
	inode_touch(ip);
}

void inode_link_dropped(struct mfs_inode *ip)
{
	ip->nlinks--;
	ip->drops++;
	ip->ctime = fs_now(ip->fs);
	inode_touch(ip);
}

/* The medium has it all. The caller has taken it off the dirty list. */
void inode_settle(struct mfs_inode *ip)
{
	ip->is_dirty = false;
	ip->dirty_next = 0;
	ip->is_new = false;
	ip->drops = 0;
	ip->safe_size = ip->size;
	ip->fs->dirty_inodes--;
	if (ip->is_dying && ip->refs == 0)
		empty_slot(ip->fs, ip);
}

/* A new inode with one reference and no contents; a directory gets the link of its own ".". */
int inode_new(struct mfs *fs, const struct mfs_new *what, struct mfs_inode **ip)
{
	uint32_t now = fs_now(fs);
	uint32_t ino;
	int r = inode_alloc(fs, &ino);

	if (r)
		return r;
	r = take_slot(fs, ip);
	if (r) {
		bitmap_undo(fs, &fs->imap, ino);
		return r;
	}
	(*ip)->ino = ino;
	(*ip)->mode = what->mode;
	(*ip)->uid = what->uid;
	(*ip)->gid = what->gid;
	(*ip)->nlinks = S_ISDIR(what->mode) ? 2 : 1;
	(*ip)->atime = now;
	(*ip)->mtime = now;
	(*ip)->ctime = now;
	(*ip)->is_new = true;
	(*ip)->is_counted = true;
	if (S_ISCHR(what->mode) || S_ISBLK(what->mode))
		(*ip)->zone[0] = what->rdev;
	hash_add(fs, *ip);
	mfs_ref_inode(*ip);
	inode_touch(*ip);
	return 0;
}

/* Dies like any inode that lost its last name; its number and zones come back with the next commit.
 */
void inode_undo_new(struct mfs_inode *ip)
{
	ip->nlinks = 0;
	mfs_put_inode(ip);
}
