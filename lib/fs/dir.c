/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories: files of 64-byte entries, searched from the front. dir_prepare() does all that can
 * fail, dir_fill() and dir_clear() cannot. Removing an entry never makes a directory shorter, so a
 * cookie (the position of an entry) stays valid.
 */
#include "fs/priv.h"

#include <string.h>

enum { NO_POS = UINT32_MAX };

static struct mfs_disk_entry *entry_at(const struct mfs_buf *buf, uint32_t in_buf)
{
	return (struct mfs_disk_entry *)(void *)(buf->data + in_buf);
}

static uint32_t name_len(const struct mfs_disk_entry *entry)
{
	const char *end = memchr(entry->name, 0, sizeof(entry->name));

	return end ? (uint32_t)(end - entry->name) : (uint32_t)sizeof(entry->name);
}

static bool is_named(const struct mfs_disk_entry *entry, struct mfs_name name)
{
	return entry->name[0] == name.text[0] && memcmp(entry->name, name.text, name.len) == 0 &&
	       (name.len == MFS_NAME_MAX || entry->name[name.len] == 0);
}

int dir_check_name(struct mfs_name name)
{
	if (name.len == 0)
		return -ENOENT;
	if (name.len > MFS_NAME_MAX)
		return -ENAMETOOLONG;
	if (memchr(name.text, '/', name.len) || memchr(name.text, 0, name.len))
		return -EINVAL;
	return 0;
}

static bool is_dots(struct mfs_name name)
{
	return name.text[0] == '.' && (name.len == 1 || (name.len == 2 && name.text[1] == '.'));
}

/* Names that may be made or removed, in a directory that still has a name itself. */
int dir_check_writable(struct mfs_inode *dir, struct mfs_name name)
{
	int r = dir_check_name(name);

	if (r)
		return r;
	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	if (dir->fs->is_read_only)
		return -EROFS;
	return dir->nlinks ? 0 : -ENOENT;
}

/* Bytes of the directory that lie in its block `index`. */
static uint32_t bytes_in_block(const struct mfs_inode *dir, uint32_t index)
{
	uint32_t size = dir->fs->geo.block_size;
	uint32_t start = index * size;

	return dir->size - start < size ? dir->size - start : size;
}

static uint32_t block_count(const struct mfs_inode *dir)
{
	return (uint32_t)(((uint64_t)dir->size + dir->fs->geo.block_size - 1) >>
	                  dir->fs->geo.block_shift);
}

/* Searches a held block; true: slot has it. Notes the first free place. */
static bool search_block(struct mfs_inode *dir, uint32_t index, struct mfs_name name,
                         struct dir_slot *slot)
{
	uint32_t end = bytes_in_block(dir, index);

	for (uint32_t at = 0; at < end; at += MFS_ENTRY_BYTES) {
		const struct mfs_disk_entry *entry = entry_at(&slot->buf, at);

		if (entry->ino == 0) {
			if (slot->free_at == NO_POS)
				slot->free_at = index * dir->fs->geo.block_size + at;
			continue;
		}
		if (is_named(entry, name)) {
			slot->in_buf = at;
			slot->pos = index * dir->fs->geo.block_size + at;
			slot->ino = entry->ino;
			return true;
		}
	}
	return false;
}

int dir_find(struct mfs_inode *dir, struct mfs_name name, struct dir_slot *slot)
{
	uint32_t blocks = block_count(dir);

	*slot = (struct dir_slot){.free_at = NO_POS};
	for (uint32_t i = 0; i < blocks; i++) {
		bool is_hole;
		int r = map_get_block(dir, i, &slot->buf, &is_hole);

		if (r)
			return r;
		if (is_hole)
			continue;
		if (search_block(dir, i, name, slot)) {
			slot->is_held = true;
			return 0;
		}
		fs_put(dir->fs, &slot->buf);
	}
	if (slot->free_at == NO_POS)
		slot->free_at = dir->size;
	return -ENOENT;
}

void dir_release(struct mfs *fs, struct dir_slot *slot)
{
	if (slot->is_held)
		fs_put(fs, &slot->buf);
	slot->is_held = false;
}

/* The block behind the last one; it may be there already, from an attempt that failed later. */
static int get_next_block(struct mfs_inode *dir, uint32_t index, struct mfs_buf *buf)
{
	struct mfs_extent ext;
	int r = mfs_map_file(dir, index, 1, &ext);

	if (!r && !ext.block)
		r = map_alloc(dir, index, 1, &ext);
	if (!r)
		r = fs_get(dir->fs, ext.block, MFS_ZERO, buf);
	if (r)
		return r;
	/* Not within the directory's size yet: to be written before the size. */
	fs_dirty(dir->fs, buf, MFS_FRESH);
	return 0;
}

int dir_prepare(struct mfs_inode *dir, struct mfs_name name, struct dir_slot *slot)
{
	struct mfs *fs = dir->fs;
	bool is_hole = false;
	int r = dir_find(dir, name, slot);

	if (r == 0) {
		dir_release(fs, slot);
		return -EEXIST;
	}
	if (r != -ENOENT)
		return r;
	slot->pos = slot->free_at;
	slot->in_buf = slot->pos & (fs->geo.block_size - 1);
	if (slot->pos > fs->geo.max_size - MFS_ENTRY_BYTES)
		return -ENOSPC;
	if (slot->pos == dir->size && slot->in_buf == 0)
		r = get_next_block(dir, slot->pos >> fs->geo.block_shift, &slot->buf);
	else
		r = map_get_block(dir, slot->pos >> fs->geo.block_shift, &slot->buf, &is_hole);
	if (!r && is_hole)
		r = fs_damaged(fs, "a directory ends in a hole, inode", dir->ino);
	slot->is_held = r == 0;
	return r;
}

/* Writes an entry into a slot that is free, or that names something else now. */
void dir_fill(struct mfs_inode *dir, struct dir_slot *slot, struct mfs_name name, uint32_t ino)
{
	struct mfs_disk_entry *entry = entry_at(&slot->buf, slot->in_buf);

	memset(entry->name, 0, sizeof(entry->name));
	memcpy(entry->name, name.text, name.len);
	entry->ino = ino;
	slot->ino = ino;
	fs_dirty(dir->fs, &slot->buf, MFS_DIR);
	if (slot->pos == dir->size)
		dir->size += MFS_ENTRY_BYTES;
	inode_changed(dir);
}

void dir_clear(struct mfs_inode *dir, struct dir_slot *slot)
{
	memset(entry_at(&slot->buf, slot->in_buf), 0, MFS_ENTRY_BYTES);
	fs_dirty(dir->fs, &slot->buf, MFS_DIR);
	inode_changed(dir);
}

static bool entry_is_sound(struct mfs *fs, const struct mfs_disk_entry *entry)
{
	uint32_t len = name_len(entry);

	return entry->ino <= fs->geo.inodes && len && !memchr(entry->name, '/', len);
}

/* Hands the entries of a held block to fn; 1: fn wants no more. */
static int list_block(struct mfs_inode *dir, const struct mfs_buf *buf, uint32_t pos,
                      const struct dir_lister *lister)
{
	struct mfs *fs = dir->fs;
	uint32_t index = pos >> fs->geo.block_shift;
	uint32_t end = bytes_in_block(dir, index);

	for (uint32_t at = pos & (fs->geo.block_size - 1); at < end; at += MFS_ENTRY_BYTES) {
		const struct mfs_disk_entry *entry = entry_at(buf, at);
		uint32_t next = (index << fs->geo.block_shift) + at + MFS_ENTRY_BYTES;

		if (entry->ino == 0)
			continue;
		if (!entry_is_sound(fs, entry)) {
			(void)fs_damaged(fs, "a directory has a bad entry, inode", dir->ino);
			continue;
		}
		if (lister->fn(lister->ctx, entry->ino, name_of(entry->name, name_len(entry)),
		               next))
			return 1;
	}
	return 0;
}

int mfs_read_dir(struct mfs_inode *dir, uint32_t from, mfs_entry_fn_t fn, void *ctx)
{
	const struct dir_lister lister = {.fn = fn, .ctx = ctx};
	struct mfs *fs = dir->fs;
	uint32_t blocks = block_count(dir);
	uint32_t pos = from;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	if (from % MFS_ENTRY_BYTES)
		return -EINVAL;
	for (uint32_t i = from >> fs->geo.block_shift; i < blocks; i++) {
		struct mfs_buf buf;
		bool is_hole;
		int r = map_get_block(dir, i, &buf, &is_hole);

		if (r)
			return r;
		if (!is_hole) {
			r = list_block(dir, &buf, pos, &lister);
			fs_put(fs, &buf);
			if (r)
				return 0;
		}
		pos = (i + 1) << fs->geo.block_shift;
	}
	return 0;
}

static int find_visible(void *ctx, uint32_t ino, struct mfs_name name, uint32_t next)
{
	bool *is_empty = ctx;

	(void)ino;
	(void)next;
	if (is_dots(name))
		return 0;
	*is_empty = false;
	return 1;
}

int dir_check_empty(struct mfs_inode *dir)
{
	bool is_empty = true;
	int r = mfs_read_dir(dir, 0, find_visible, &is_empty);

	if (r)
		return r;
	return is_empty ? 0 : -ENOTEMPTY;
}

int mfs_lookup(struct mfs_inode *dir, struct mfs_name name, struct mfs_inode **ip)
{
	struct dir_slot slot;
	int r = dir_check_name(name);

	*ip = NULL;
	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	if (r)
		return r;
	if (is_dots(name) && (name.len == 1 || dir->ino == MFS_ROOT_INO)) {
		mfs_ref_inode(dir);
		*ip = dir;
		return 0;
	}
	r = dir_find(dir, name, &slot);
	if (r)
		return r;
	r = mfs_get_inode(dir->fs, slot.ino, ip);
	dir_release(dir->fs, &slot);
	return r;
}
