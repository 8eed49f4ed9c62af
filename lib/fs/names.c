/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and removing names. Each operation first prepares the directory slot and the inode, which
 * can fail and leaves at most a spare directory block behind; then it fills the entry, which
 * cannot.
 */
#include "fs/priv.h"

#include <string.h>

/* Allocates the only block of a directory or symlink and holds it, empty. */
static int first_block(struct mfs_inode *ip, struct mfs_buf *buf)
{
	struct mfs_extent ext;
	int r = map_alloc(ip, 0, 1, &ext);

	if (!r)
		r = fs_get(ip->fs, ext.block, MFS_ZERO, buf);
	if (!r)
		fs_dirty(ip->fs, buf, MFS_FRESH);
	return r;
}

static int fill_new_dir(struct mfs_inode *ip, uint32_t parent)
{
	struct mfs_disk_entry *entry;
	struct mfs_buf buf;
	int r = first_block(ip, &buf);

	if (r)
		return r;
	entry = (struct mfs_disk_entry *)(void *)buf.data;
	entry[0].ino = ip->ino;
	memcpy(entry[0].name, ".", 1);
	entry[1].ino = parent;
	memcpy(entry[1].name, "..", 2);
	fs_put(ip->fs, &buf);
	ip->size = 2 * MFS_ENTRY_BYTES;
	return 0;
}

static int fill_new_link(struct mfs_inode *ip, struct mfs_name target)
{
	struct mfs_buf buf;
	int r = first_block(ip, &buf);

	if (r)
		return r;
	memcpy(buf.data, target.text, target.len);
	fs_put(ip->fs, &buf);
	ip->size = (uint32_t)target.len;
	return 0;
}

static int check_new(const struct mfs_inode *dir, const struct mfs_new *what)
{
	if (S_ISDIR(what->mode))
		return dir->nlinks >= MFS_LINK_MAX ? -EMLINK : 0;
	if (!S_ISLNK(what->mode))
		return 0;
	if (what->target.len == 0)
		return -ENOENT;
	if (what->target.len > MFS_LINK_TARGET_MAX || what->target.len >= dir->fs->geo.block_size)
		return -ENAMETOOLONG;
	return memchr(what->target.text, 0, what->target.len) ? -EINVAL : 0;
}

static int make_inode(struct mfs_inode *dir, const struct mfs_new *what, struct mfs_inode **ip)
{
	int r = inode_new(dir->fs, what, ip);

	if (r)
		return r;
	if (S_ISDIR(what->mode))
		r = fill_new_dir(*ip, dir->ino);
	else if (S_ISLNK(what->mode))
		r = fill_new_link(*ip, what->target);
	if (r)
		inode_undo_new(*ip);
	return r;
}

int mfs_create(struct mfs_inode *dir, struct mfs_name name, const struct mfs_new *what,
               struct mfs_inode **ip)
{
	struct dir_slot slot;
	int r = dir_check_writable(dir, name);

	*ip = NULL;
	if (!r)
		r = check_new(dir, what);
	if (!r)
		r = dir_prepare(dir, name, &slot);
	if (r)
		return r;
	r = make_inode(dir, what, ip);
	if (!r) {
		dir_fill(dir, &slot, name, (*ip)->ino);
		if (S_ISDIR(what->mode))
			inode_link_added(dir);
	} else {
		*ip = NULL;
	}
	dir_release(dir->fs, &slot);
	return r;
}

int mfs_link(struct mfs_inode *dir, struct mfs_name name, struct mfs_inode *ip)
{
	struct dir_slot slot;
	int r = dir_check_writable(dir, name);

	if (r)
		return r;
	if (S_ISDIR(ip->mode))
		return -EPERM;
	if (ip->nlinks >= MFS_LINK_MAX)
		return -EMLINK;
	if (ip->nlinks == 0)
		return -ENOENT;
	r = dir_prepare(dir, name, &slot);
	if (r)
		return r;
	dir_fill(dir, &slot, name, ip->ino);
	inode_link_added(ip);
	dir_release(dir->fs, &slot);
	return 0;
}

/* Holds the entry of a name that must mean `victim`. */
static int find_victim(struct mfs_inode *dir, struct mfs_name name, const struct mfs_inode *victim,
                       struct dir_slot *slot)
{
	int r = dir_check_writable(dir, name);

	if (!r)
		r = dir_find(dir, name, slot);
	if (r)
		return r;
	if (slot->ino == victim->ino)
		return 0;
	dir_release(dir->fs, slot);
	return -ESTALE;
}

int mfs_unlink(struct mfs_inode *dir, struct mfs_name name, struct mfs_inode *victim)
{
	struct dir_slot slot;
	int r;

	if (S_ISDIR(victim->mode))
		return -EISDIR;
	r = find_victim(dir, name, victim, &slot);
	if (r)
		return r;
	dir_clear(dir, &slot);
	dir_release(dir->fs, &slot);
	if (victim->nlinks)
		inode_link_dropped(victim);
	else
		(void)fs_damaged(dir->fs, "a file has more names than links, inode", victim->ino);
	return 0;
}

static int check_rmdir(struct mfs_name name, struct mfs_inode *victim)
{
	if (!S_ISDIR(victim->mode))
		return -ENOTDIR;
	if (name.len == 1 && name.text[0] == '.')
		return -EINVAL;
	if (name.len == 2 && memcmp(name.text, "..", 2) == 0)
		return -ENOTEMPTY;
	if (victim->ino == MFS_ROOT_INO)
		return -EBUSY;
	return dir_check_empty(victim);
}

/* The links that a directory loses with its name: that one and its own "."; its parent loses "..".
 */
void dir_unlinked(struct mfs_inode *parent, struct mfs_inode *victim)
{
	while (victim->nlinks)
		inode_link_dropped(victim);
	if (parent->nlinks > 1)
		inode_link_dropped(parent);
}

int mfs_rmdir(struct mfs_inode *dir, struct mfs_name name, struct mfs_inode *victim)
{
	struct dir_slot slot;
	int r = check_rmdir(name, victim);

	if (!r)
		r = find_victim(dir, name, victim, &slot);
	if (r)
		return r;
	dir_clear(dir, &slot);
	dir_release(dir->fs, &slot);
	dir_unlinked(dir, victim);
	return 0;
}
