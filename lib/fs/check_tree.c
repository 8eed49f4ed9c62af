/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checker's look at one inode: every zone number must be inside the data area and owned by
 * nobody else; every entry of a directory must have a sound name and lead to a sound inode, and
 * only one entry to a directory. What is not so is cleared. A zone is claimed before it is looked
 * into, so damage cannot make this walk anything twice.
 */
#include "fs/check.h"

#include <string.h>

struct tree {
	struct checker *c;
	const struct check_item *item;
	bool is_dir;
	uint32_t size;
	uint64_t index; /* file block of the next data pointer */
};

static bool claim(struct tree *t, uint32_t zone)
{
	const struct mfs_geometry *geo = &t->c->geo;

	if (zone < geo->first_zone || zone >= geo->zones)
		return false;
	if (bitmap_test(t->c->zones, zone - geo->first_zone + 1))
		return false;
	check_set(t->c->zones, zone - geo->first_zone + 1);
	t->c->result->zones_used++;
	return true;
}

static bool is_sound_name(const struct mfs_disk_entry *entry)
{
	const char *end = memchr(entry->name, 0, sizeof(entry->name));
	size_t len = end ? (size_t)(end - entry->name) : sizeof(entry->name);

	if (len == 0 || memchr(entry->name, '/', len))
		return false;
	return !(entry->name[0] == '.' && (len == 1 || (len == 2 && entry->name[1] == '.')));
}

/* Sets *mode to the type of a sound inode, 0 otherwise; an odd size of a directory is put right
 * here. */
static int sound_inode_mode(struct checker *c, uint32_t ino, uint16_t *mode)
{
	struct mfs_disk_inode *disk;
	struct mfs_disk_inode copy;
	struct mfs_buf buf;
	bool is_changed = false;
	int r;

	*mode = 0;
	if (ino < 1 || ino > c->geo.inodes)
		return 0;
	r = check_get_inode(c, ino, &buf, &disk);
	if (r)
		return r;
	copy = *disk;
	if (S_ISDIR(copy.mode) && copy.size % MFS_ENTRY_BYTES) {
		copy.size -= copy.size % MFS_ENTRY_BYTES;
		is_changed = check_problem(c, "a directory has an odd size, inode", ino);
		if (is_changed)
			disk->size = copy.size;
	}
	if (!inode_defect(&c->geo, &copy) &&
	    (!S_ISDIR(copy.mode) || copy.size >= 2 * MFS_ENTRY_BYTES))
		*mode = copy.mode;
	check_put(c, &buf, is_changed);
	return 0;
}

/* Queues what an entry leads to. False: the entry must go. */
static bool reach(struct tree *t, uint32_t ino, uint16_t mode)
{
	struct checker *c = t->c;
	bool is_known = bitmap_test(c->inodes, ino);

	if (S_ISDIR(mode)) {
		if (is_known)
			return false;
		c->links[t->item->ino]++;
		c->links[ino] = 1;
	}
	c->links[ino]++;
	if (!is_known) {
		check_set(c->inodes, ino);
		c->queue[c->queued++] = (struct check_item){.ino = ino, .parent = t->item->ino};
	}
	return true;
}

static int check_entry(struct tree *t, struct mfs_disk_entry *entry, bool *is_changed)
{
	const char *what = NULL;
	uint16_t mode;
	int r = sound_inode_mode(t->c, entry->ino, &mode);

	if (r)
		return r;
	if (!is_sound_name(entry))
		what = "an entry has a bad name, directory";
	else if (mode == 0)
		what = "an entry leads to a bad inode, directory";
	else if (!reach(t, entry->ino, mode))
		what = "an entry is a second name of a directory, directory";
	if (what && check_problem(t->c, what, t->item->ino)) {
		memset(entry, 0, sizeof(*entry));
		*is_changed = true;
	}
	return 0;
}

static void check_dots(struct tree *t, struct mfs_disk_entry *entry, bool *is_changed)
{
	const struct mfs_disk_entry wanted[2] = {{t->item->ino, "."}, {t->item->parent, ".."}};

	for (unsigned i = 0; i < 2; i++) {
		/* Behind the end of the name there may be anything. */
		if (entry[i].ino == wanted[i].ino && strncmp(entry[i].name, wanted[i].name, 4) == 0)
			continue;
		if (check_problem(t->c, "\".\" or \"..\" is wrong, directory", t->item->ino)) {
			entry[i] = wanted[i];
			*is_changed = true;
		}
	}
}

static int check_dir_block(struct tree *t, uint32_t zone)
{
	uint32_t block_size = t->c->geo.block_size;
	uint64_t start = t->index * block_size;
	uint64_t end = t->size > start ? t->size - start : 0;
	uint32_t at = 0;
	bool is_changed = false;
	struct mfs_buf buf;
	int r;

	if (end == 0)
		return 0;
	r = check_get(t->c, zone, &buf);
	if (r)
		return r;
	if (t->index == 0) {
		check_dots(t, (struct mfs_disk_entry *)(void *)buf.data, &is_changed);
		at = 2 * MFS_ENTRY_BYTES;
	}
	for (; !r && at < end && at < block_size; at += MFS_ENTRY_BYTES) {
		struct mfs_disk_entry *entry = (struct mfs_disk_entry *)(void *)(buf.data + at);

		if (entry->ino)
			r = check_entry(t, entry, &is_changed);
	}
	check_put(t->c, &buf, is_changed);
	return r;
}

/* A pointer to data. */
static int check_data(struct tree *t, uint32_t *pointer, bool *is_changed)
{
	int r = 0;

	if (*pointer && !claim(t, *pointer)) {
		if (check_problem(t->c, "a zone is bad or belongs to two files, inode",
		                  t->item->ino)) {
			*pointer = 0;
			*is_changed = true;
		}
	} else if (*pointer && t->is_dir) {
		r = check_dir_block(t, *pointer);
	}
	t->index++;
	return r;
}

struct tree_level {
	struct mfs_buf buf;
	uint32_t next;
	bool is_changed;
};

/* The tree below one indirect pointer of the inode. */
struct descent {
	struct tree_level level[MFS_INDIRECT_LEVELS];
	uint32_t depth;
	uint32_t top;
};

/* Goes into an indirect block; *is_changed: its pointer was cleared. */
static int descend(struct tree *t, struct descent *d, uint32_t *pointer, bool *is_changed)
{
	uint32_t shift = t->c->geo.block_shift - 2;
	struct tree_level *l = &d->level[d->top];

	if (*pointer && claim(t, *pointer)) {
		int r = check_get(t->c, *pointer, &l->buf);

		if (r)
			return r;
		l->next = 0;
		l->is_changed = false;
		d->top++;
		return 0;
	}
	t->index += 1ULL << (shift * (d->depth - d->top));
	if (*pointer &&
	    check_problem(t->c, "an indirect block is bad or belongs to two files, inode",
	                  t->item->ino)) {
		*pointer = 0;
		*is_changed = true;
	}
	return 0;
}

static int check_tree(struct tree *t, uint32_t depth, uint32_t *root, bool *is_changed)
{
	uint32_t pointers = t->c->geo.block_size / 4;
	struct descent d = {.depth = depth};
	int r = descend(t, &d, root, is_changed);

	while (d.top) {
		struct tree_level *l = &d.level[d.top - 1];
		uint32_t *pointer = (uint32_t *)(void *)l->buf.data + l->next;

		if (r || l->next == pointers) {
			check_put(t->c, &l->buf, l->is_changed);
			d.top--;
			continue;
		}
		l->next++;
		if (d.top == depth)
			r = check_data(t, pointer, &l->is_changed);
		else
			r = descend(t, &d, pointer, &l->is_changed);
	}
	return r;
}

int check_inode(struct checker *c, const struct check_item *item)
{
	struct tree t = {.c = c, .item = item};
	struct mfs_disk_inode *disk;
	bool is_changed = false;
	struct mfs_buf buf;
	int r = check_get_inode(c, item->ino, &buf, &disk);

	if (r)
		return r;
	t.is_dir = S_ISDIR(disk->mode);
	t.size = disk->size - disk->size % (t.is_dir ? MFS_ENTRY_BYTES : 1);
	if (t.is_dir)
		c->result->directories++;
	else
		c->result->files++;
	if (t.is_dir || S_ISREG(disk->mode) || S_ISLNK(disk->mode)) {
		for (uint32_t i = 0; !r && i < MFS_DIRECT_ZONES; i++)
			r = check_data(&t, &disk->zone[i], &is_changed);
		for (uint32_t depth = 1; !r && depth <= MFS_INDIRECT_LEVELS; depth++)
			r = check_tree(&t, depth, &disk->zone[MFS_DIRECT_ZONES + depth - 1],
			               &is_changed);
	}
	check_put(c, &buf, is_changed);
	return r;
}
