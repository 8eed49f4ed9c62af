/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting and unmounting. All memory is carved from what the caller gave:
 *
 *   struct mfs | inode slots | hash heads | per bitmap: used words, pending words, stale bytes
 *
 * On the medium, the flag "clean" is cleared before the first change and set again by an unmount.
 */
#include "fs/priv.h"

#include <string.h>

/* Hands out parts of the caller's memory; with no base, only measures. */
struct carver {
	uint8_t *base;
	size_t used;
};

static void *carve(struct carver *c, size_t bytes)
{
	void *part = c->base ? c->base + c->used : NULL;

	c->used += (bytes + 15) & ~(size_t)15;
	return part;
}

static uint32_t hash_size(uint32_t slots)
{
	uint32_t n = MFS_SLOTS_MIN;

	while (n < slots && n < (1U << 30))
		n *= 2;
	return n;
}

static void shape_bitmap(struct bitmap *map, uint32_t bits, uint32_t block_size)
{
	map->bits = bits;
	map->words = (uint32_t)(((uint64_t)bits + 63) / 64);
	map->blocks = (uint32_t)(((uint64_t)bits + block_size * 8 - 1) / (block_size * 8));
	map->rotor = 1;
}

static void carve_bitmap(struct carver *c, struct bitmap *map, uint32_t block_size)
{
	size_t bytes = (size_t)map->blocks * block_size;

	map->used = carve(c, bytes);
	map->pending = carve(c, bytes);
	map->stale = carve(c, map->blocks);
}

static struct mfs *carve_all(struct carver *c, const struct mfs_geometry *geo, uint32_t slots,
                             struct mfs *shape)
{
	struct mfs *fs = carve(c, sizeof(*fs));

	shape->geo = *geo;
	shape->slot_count = slots;
	shape->hash_mask = hash_size(slots) - 1;
	shape->slots = carve(c, (size_t)slots * sizeof(*shape->slots));
	shape->hash = carve(c, (size_t)hash_size(slots) * sizeof(*shape->hash));
	shape_bitmap(&shape->imap, geo->inodes + 1, geo->block_size);
	shape_bitmap(&shape->zmap, geo->zones - geo->first_zone + 1, geo->block_size);
	shape->imap.first_block = MFS_FIRST_MAP_BLOCK;
	shape->zmap.first_block = MFS_FIRST_MAP_BLOCK + geo->imap_blocks;
	carve_bitmap(c, &shape->imap, geo->block_size);
	carve_bitmap(c, &shape->zmap, geo->block_size);
	return fs;
}

size_t mfs_memory_needed(const struct mfs_geometry *geo, uint32_t inode_slots)
{
	struct carver c = {.base = NULL};
	struct mfs shape = {.is_read_only = true};

	carve_all(&c, geo, inode_slots, &shape);
	return c.used;
}

/* The superblock's bytes inside a held block 0 or 1. */
static uint8_t *super_bytes(const struct mfs_geometry *geo, struct mfs_buf *buf)
{
	return buf->data + (geo->block_size > MFS_SUPER_OFFSET ? MFS_SUPER_OFFSET : 0);
}

static uint32_t super_block(const struct mfs_geometry *geo)
{
	return geo->block_size > MFS_SUPER_OFFSET ? 0 : 1;
}

int super_mark(struct mfs *fs, bool is_clean)
{
	struct mfs_disk_super sb;
	struct mfs_buf buf;
	int r = fs_get(fs, super_block(&fs->geo), MFS_READ, &buf);

	if (r)
		return r;
	memcpy(&sb, super_bytes(&fs->geo, &buf), sizeof(sb));
	sb.flags &= (uint16_t)~MFS_FLAG_CLEAN;
	if (is_clean)
		sb.flags |= MFS_FLAG_CLEAN;
	memcpy(super_bytes(&fs->geo, &buf), &sb, sizeof(sb));
	fs_dirty(fs, &buf, MFS_BITMAP);
	fs_put(fs, &buf);
	r = fs->io.write_out(fs->io.ctx, MFS_BITMAP);
	if (!r)
		fs->is_marked = !is_clean;
	return r;
}

/* Reads the superblock through the caller's cache, which must already use the right block size. */
static int read_geometry(const struct mfs_config *cf, struct mfs_geometry *geo, const char **reason)
{
	uint8_t area[MFS_SUPER_AREA] = {0};
	struct mfs_geometry guess = *geo;
	struct mfs_buf buf = {.block = super_block(&guess)};
	int r = cf->io->get(cf->io->ctx, buf.block, MFS_READ, &buf);

	if (r) {
		*reason = "cannot read the superblock";
		return r;
	}
	memcpy(area + MFS_SUPER_OFFSET, super_bytes(&guess, &buf), MFS_SUPER_BYTES);
	cf->io->put(cf->io->ctx, &buf);
	r = mfs_probe(area, cf->device_bytes, geo, reason);
	if (!r && geo->block_size != guess.block_size) {
		*reason = "the superblock changed between probe and mount";
		r = -EINVAL;
	}
	return r;
}

static int check_config(const struct mfs_config *cf, const struct mfs_geometry *geo,
                        const char **reason)
{
	*reason = NULL;
	if (cf->inode_slots < MFS_SLOTS_MIN || cf->inode_slots > (1U << 24))
		*reason = "bad number of inode slots";
	else if (!cf->memory || ((uintptr_t)cf->memory & 15))
		*reason = "memory missing or not aligned";
	else if (cf->memory_bytes < mfs_memory_needed(geo, cf->inode_slots))
		*reason = "too little memory";
	return *reason ? -EINVAL : 0;
}

static int check_root(struct mfs *fs, const char **reason)
{
	struct mfs_inode *root;
	int r = mfs_get_inode(fs, MFS_ROOT_INO, &root);

	if (!r && !S_ISDIR(root->mode))
		r = -EIO;
	if (r) {
		*reason = "the root directory is damaged";
		return r;
	}
	mfs_put_inode(root);
	return 0;
}

int mfs_mount(const struct mfs_config *cf, struct mfs **fs, const char **reason)
{
	struct mfs shape = {.io = *cf->io, .is_read_only = cf->is_read_only};
	struct mfs_geometry geo = {.block_size = cf->block_size};
	struct carver c = {.base = cf->memory};
	int r;

	*fs = NULL;
	r = read_geometry(cf, &geo, reason);
	if (!r)
		r = check_config(cf, &geo, reason);
	if (r)
		return r;
	*fs = carve_all(&c, &geo, cf->inode_slots, &shape);
	memset(cf->memory, 0, c.used);
	**fs = shape;
	(*fs)->is_marked = !geo.was_clean;
	for (uint32_t i = 0; i < cf->inode_slots; i++)
		(*fs)->slots[i].slot = i;
	r = bitmap_load(*fs, &(*fs)->imap);
	if (!r)
		r = bitmap_load(*fs, &(*fs)->zmap);
	if (r)
		*reason = "cannot read the bitmaps";
	if (!r)
		r = check_root(*fs, reason);
	return r;
}

int mfs_unmount(struct mfs *fs)
{
	int r;

	if (fs->ref_count)
		return -EBUSY;
	r = mfs_commit(fs);
	/* The first commit makes pending frees free; the second writes those bits. */
	if (!r)
		r = mfs_commit(fs);
	/* Only a check may call a file system clean that was not when it was mounted. */
	if (!r && fs->is_marked && fs->geo.was_clean && !fs->is_read_only)
		r = super_mark(fs, true);
	return r;
}

const struct mfs_geometry *mfs_get_geometry(const struct mfs *fs)
{
	return &fs->geo;
}

void mfs_get_statfs(const struct mfs *fs, struct mfs_statfs *st)
{
	*st = (struct mfs_statfs){
		.block_size = fs->geo.block_size,
		.blocks = fs->geo.zones - fs->geo.first_zone,
		.blocks_free = fs->zmap.free_count + fs->zmap.pending_count,
		.inodes = fs->geo.inodes,
		.inodes_free = fs->imap.free_count + fs->imap.pending_count,
		.name_max = MFS_NAME_MAX,
	};
}
