/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of lib/fs share. Callers include mfs.h only.
 */
#ifndef FS_PRIV_H
#define FS_PRIV_H

#include <errno.h>
#include <sys/stat.h>

#include "fs/mfs.h"
#include "fs/mfs_disk.h"

/*
 * One allocation bitmap. `used` is what the medium is to hold; `pending` are the bits that this
 * epoch freed: still set in `used`, cleared when the epoch is complete. stale[b]: map block b on
 * the medium differs from `used`.
 */
struct bitmap {
	uint64_t *used;
	uint64_t *pending;
	uint8_t *stale;
	uint32_t bits; /* bits 1 .. bits - 1 exist */
	uint32_t words;
	uint32_t free_count;
	uint32_t pending_count;
	uint32_t pending_low; /* words that may have pending bits: low .. high - 1 */
	uint32_t pending_high;
	uint32_t rotor;
	uint32_t first_block;
	uint32_t blocks;
	uint32_t stale_count;
};

struct mfs {
	struct mfs_io io;
	struct mfs_geometry geo;
	bool is_read_only;
	bool is_marked; /* the medium's superblock says "in use" */
	struct bitmap imap;
	struct bitmap zmap;
	struct mfs_inode *slots;
	uint32_t slot_count;
	uint32_t slot_hand; /* where the search for a free slot goes on */
	uint32_t *hash;     /* slot index + 1; 0 ends a chain */
	uint32_t hash_mask;
	uint32_t ref_count;
	uint32_t dirty_inodes;
	uint32_t dirty_head; /* slot index + 1; 0 ends the list */
};

/* bitmap.c */
MFS_MUST_CHECK int bitmap_load(struct mfs *fs, struct bitmap *map);
uint32_t bitmap_alloc_run(struct bitmap *map, uint32_t goal, uint32_t want, uint32_t *first);
bool bitmap_free(struct bitmap *map, uint32_t bit);
void bitmap_undo(const struct mfs *fs, struct bitmap *map, uint32_t bit);
void bitmap_settle(const struct mfs *fs, struct bitmap *map);
MFS_MUST_CHECK int bitmap_write(struct mfs *fs, struct bitmap *map);
void bitmap_mark_stale(const struct mfs *fs, struct bitmap *map, uint32_t bit);

static inline bool bitmap_test(const uint64_t *words, uint32_t bit)
{
	return (words[bit / 64] >> (bit % 64)) & 1;
}

/* alloc.c */
MFS_MUST_CHECK int zone_alloc_run(struct mfs *fs, uint32_t goal, uint32_t want,
                                  struct mfs_extent *run);
void zone_undo_run(struct mfs *fs, const struct mfs_extent *run);
bool zone_free(struct mfs *fs, uint32_t zone);
MFS_MUST_CHECK int inode_alloc(struct mfs *fs, uint32_t *ino);
void inode_free(struct mfs *fs, uint32_t ino);
bool inode_is_used(const struct mfs *fs, uint32_t ino);

static inline bool zone_is_valid(const struct mfs *fs, uint32_t zone)
{
	return zone >= fs->geo.first_zone && zone < fs->geo.zones;
}

/* super.c */
MFS_MUST_CHECK int super_mark(struct mfs *fs, bool is_clean);

/* inode.c */
MFS_MUST_CHECK int inode_new(struct mfs *fs, const struct mfs_new *what, struct mfs_inode **ip);
/* Are its zones blocks of data (a device has its number there)? */
static inline bool inode_has_zones(const struct mfs_inode *ip)
{
	return S_ISREG(ip->mode) || S_ISDIR(ip->mode) || S_ISLNK(ip->mode);
}
void inode_touch(struct mfs_inode *ip);
MFS_MUST_CHECK int inode_disk(struct mfs *fs, uint32_t ino, struct mfs_buf *buf,
                              struct mfs_disk_inode **disk);
void inode_changed(struct mfs_inode *ip); /* mtime and ctime are now; touched */
void inode_link_added(struct mfs_inode *ip);
void inode_link_dropped(struct mfs_inode *ip);
void inode_settle(struct mfs_inode *ip);
/* Takes back inode_new(): nothing refers to it. */
void inode_undo_new(struct mfs_inode *ip);
/* NULL, or what is wrong with an inode of the medium. */
const char *inode_defect(const struct mfs_geometry *geo, const struct mfs_disk_inode *disk);

/* map.c */
struct path {
	uint32_t depth;   /* indirect blocks on the way; 0: a direct zone */
	uint32_t root;    /* index into zone[] */
	uint64_t offset;  /* in file blocks, from the first that this root maps */
	uint32_t in_leaf; /* index into the single indirect block */
};
MFS_MUST_CHECK int map_find_path(const struct mfs *fs, uint32_t index, struct path *path);
MFS_MUST_CHECK int map_alloc(struct mfs_inode *ip, uint32_t index, uint32_t max,
                             struct mfs_extent *ext);
/* Gets one block of a file; *is_hole: there is none, nothing is held. */
MFS_MUST_CHECK int map_get_block(struct mfs_inode *ip, uint32_t index, struct mfs_buf *buf,
                                 bool *is_hole);

static inline uint32_t pointers_shift(const struct mfs *fs)
{
	return fs->geo.block_shift - 2;
}

static inline uint32_t pointers_per_block(const struct mfs *fs)
{
	return fs->geo.block_size >> 2;
}

/* trunc.c */
void trunc_zones(struct mfs_inode *ip, uint32_t keep_blocks);

/* dir.c */
struct dir_slot {
	struct mfs_buf buf;
	uint32_t pos;     /* of the entry in the directory */
	uint32_t in_buf;  /* of the entry in the block */
	uint32_t ino;     /* what the entry names; 0: free */
	bool is_held;     /* buf is valid */
	uint32_t free_at; /* after -ENOENT: where a new entry can go */
};
MFS_MUST_CHECK int dir_check_name(struct mfs_name name);
MFS_MUST_CHECK int dir_find(struct mfs_inode *dir, struct mfs_name name, struct dir_slot *slot);
/* -EEXIST, or a slot that dir_fill() cannot fail to fill. */
MFS_MUST_CHECK int dir_prepare(struct mfs_inode *dir, struct mfs_name name, struct dir_slot *slot);
void dir_fill(struct mfs_inode *dir, struct dir_slot *slot, struct mfs_name name, uint32_t ino);
void dir_clear(struct mfs_inode *dir, struct dir_slot *slot);
void dir_release(struct mfs *fs, struct dir_slot *slot);
struct dir_lister {
	mfs_entry_fn_t fn;
	void *ctx;
};
MFS_MUST_CHECK int dir_check_empty(struct mfs_inode *dir);
MFS_MUST_CHECK int dir_check_writable(struct mfs_inode *dir, struct mfs_name name);

/* names.c */
void dir_unlinked(struct mfs_inode *parent, struct mfs_inode *victim);

static inline struct mfs_name name_of(const char *text, size_t len)
{
	return (struct mfs_name){.text = text, .len = len};
}

/* commit.c */
MFS_MUST_CHECK int commit_barrier(struct mfs *fs);

/* small helpers */
static inline int fs_get(struct mfs *fs, uint32_t block, enum mfs_fill fill, struct mfs_buf *buf)
{
	buf->ino = 0;
	buf->is_blank = false;
	buf->block = block;
	return fs->io.get(fs->io.ctx, block, fill, buf);
}

static inline void fs_put(struct mfs *fs, struct mfs_buf *buf)
{
	fs->io.put(fs->io.ctx, buf);
}

static inline void fs_dirty(struct mfs *fs, struct mfs_buf *buf, enum mfs_class class)
{
	fs->io.dirty(fs->io.ctx, buf, class);
}

static inline int fs_damaged(struct mfs *fs, const char *what, uint32_t number)
{
	fs->io.report(fs->io.ctx, what, number);
	return -EIO;
}

static inline uint32_t fs_now(struct mfs *fs)
{
	return fs->io.now(fs->io.ctx);
}

#endif
