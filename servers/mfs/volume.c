/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting, committing and unmounting. The cache's memory is one contiguous piece from vm, granted
 * to the block server as one arena; it is kept for the next mount.
 */
#include "volume.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	ARENA_MAX_BYTES = 32 << 20,
	ARENA_SMALL_BYTES =
		16 << 20, /* for small devices: 256 blocks of 64 KiB, enough for all fibers */
	ARENA_MIN_BYTES = 2 << 20, /* when vm has no more */
	ARENA_COLOUR = 67, /* page index modulo 512, away from where buffers of applications mostly
			      start */
	OPEN_SECONDS = 10,
};

struct file *volume_file(struct volume *v, const struct mfs_inode *ip)
{
	return &v->files[ip->slot];
}

bool volume_has_changes(const struct volume *v)
{
	return v->is_mounted && !v->is_read_only &&
	       (v->cache.dirty_count[MFS_DATA] || cache_dirty_metadata(&v->cache) ||
	        mfs_has_changes(v->fs));
}

/* --- Device --- */

static void on_opened(void *ctx, struct bdev *b, int status)
{
	struct volume *v = ctx;
	struct waiter *list = v->open_waiters;

	(void)b;
	v->is_open = status == 0;
	v->is_refused = status != 0;
	v->open_status = status;
	v->open_waiters = NULL;
	wait_wake(list, status);
}

void volume_tick(struct volume *v, uint64_t t_now_ns)
{
	struct waiter *list = v->open_waiters;

	if (!v->open_deadline_ns || t_now_ns < v->open_deadline_ns)
		return;
	v->open_deadline_ns = 0;
	v->open_waiters = NULL;
	wait_wake(list, -ENODEV);
}

static const struct bdev_events device_events = {.opened = on_opened};

/* More than half of the device is not worth caching: it may be a RAM disk. */
static int allocate_arena(struct volume *v)
{
	uint64_t half = bdev_info(v->device)->sectors * (BLK_SECTOR / 2);
	size_t wanted = ARENA_MAX_BYTES;

	if (v->arena_memory)
		return 0;
	while (wanted / 2 >= half && wanted > ARENA_SMALL_BYTES)
		wanted /= 2;
	for (size_t bytes = wanted; bytes >= ARENA_MIN_BYTES && !v->arena_memory; bytes /= 2) {
		v->arena_memory = vm_alloc_dma(bytes, 0, ARENA_COLOUR, NULL);
		v->arena_bytes = bytes;
	}
	if (!v->arena_memory)
		return -ENOMEM;
	v->arena = bdev_arena(v->arena_memory, v->arena_bytes, false);
	return v->arena < 0 ? v->arena : 0;
}

static int try_open(struct volume *v, const char *unit, unsigned access)
{
	v->is_open = false;
	v->is_refused = false;
	v->open_status = -ENODEV; /* if the clock ends the wait */
	v->device = bdev_open(unit, access, &device_events, v);
	if (!v->device)
		return -ENFILE;
	v->open_deadline_ns = now_ns() + OPEN_SECONDS * 1000000000ull;
	if (!v->is_open && !v->is_refused)
		(void)wait_on(&v->open_waiters);
	v->open_deadline_ns = 0;
	if (v->is_open)
		return 0;
	bdev_close(v->device);
	v->device = NULL;
	return v->open_status;
}

/* A medium that cannot be written is used read-only. */
static int open_device(struct volume *v, const char *unit)
{
	int r = try_open(v, unit,
	                 v->is_read_only ? BLK_ACCESS_READ : BLK_ACCESS_READ | BLK_ACCESS_WRITE);

	if (!v->is_read_only && (r == -EROFS || r == -EACCES || r == -EPERM)) {
		v->is_read_only = true;
		r = try_open(v, unit, BLK_ACCESS_READ);
	}
	if (r)
		return r;
	if ((bdev_info(v->device)->flags & BLK_FLAG_READONLY) && !v->is_read_only) {
		sys_log("%s: the medium is read-only, and so is this mount\n", unit);
		v->is_read_only = true;
	}
	return 0;
}

static void close_device(struct volume *v)
{
	if (v->device)
		bdev_close(v->device);
	v->device = NULL;
}

/* --- File system --- */

static int read_super(struct volume *v, struct mfs_geometry *geo)
{
	uint64_t bytes = bdev_info(v->device)->sectors * BLK_SECTOR;
	struct blk_element element = {.len_bytes = MFS_SUPER_AREA, .arena = (uint16_t)v->arena};
	struct bdev_io io = {.op = BLK_READ,
	                     .element_count = 1,
	                     .sectors = MFS_SUPER_AREA / BLK_SECTOR,
	                     .elements = &element};
	const char *reason;
	int r;

	if (bytes < MFS_SUPER_AREA) {
		sys_log("%s: the device is too small\n", v->unit);
		return -EINVAL;
	}
	r = blockio_wait(v, &io);
	if (r) {
		sys_log("%s: the superblock cannot be read: %d\n", v->unit, r);
		return r;
	}
	r = mfs_probe(v->arena_memory, bytes, geo, &reason);
	if (r)
		sys_log("%s: not mounted: %s\n", v->unit, reason);
	return r;
}

static uint32_t at_least_one(uint32_t n)
{
	return n ? n : 1;
}

static int make_tables(struct volume *v, const struct mfs_geometry *geo)
{
	const struct blk_info *info = bdev_info(v->device);
	uint32_t slots = cache_slots(v->arena_bytes, geo->block_size);
	uint32_t io_bytes = info->max_bytes < VOLUME_IO_BYTES ? info->max_bytes : VOLUME_IO_BYTES;

	v->file_count = geo->inodes < VOLUME_INODES ? geo->inodes + MFS_SLOTS_MIN : VOLUME_INODES;
	v->files = calloc(v->file_count, sizeof(*v->files));
	v->cache_table = calloc(1, cache_table_bytes(slots));
	v->fs_memory = malloc(mfs_memory_needed(geo, v->file_count));
	if (!v->files || !v->cache_table || !v->fs_memory)
		return -ENOMEM;
	v->cache.block_size = geo->block_size;
	cache_init(&v->cache, v->arena_memory, v->arena_bytes, v->cache_table);
	v->max_io_blocks = at_least_one(io_bytes / geo->block_size);
	v->max_elements = at_least_one(info->max_elements < BLK_ELEMENTS_MAX ? info->max_elements
	                                                                     : BLK_ELEMENTS_MAX);
	v->blocks = geo->zones;
	v->has_unflushed = false;
	return 0;
}

static void free_tables(struct volume *v)
{
	free(v->files);
	free(v->cache_table);
	free(v->fs_memory);
	v->files = NULL;
	v->cache_table = NULL;
	v->fs_memory = NULL;
}

static int mount_fs(struct volume *v, const struct mfs_geometry *geo)
{
	struct mfs_config config = {.io = &v->io,
	                            .device_bytes = bdev_info(v->device)->sectors * BLK_SECTOR,
	                            .block_size = geo->block_size,
	                            .inode_slots = v->file_count,
	                            .is_read_only = v->is_read_only,
	                            .memory = v->fs_memory,
	                            .memory_bytes = mfs_memory_needed(geo, v->file_count)};
	const char *reason = "";
	int r = mfs_mount(&config, &v->fs, &reason);

	if (!r)
		r = mfs_get_inode(v->fs, MFS_ROOT_INO, &v->root);
	if (r)
		sys_log("%s: not mounted: %s (%d)\n", v->unit, reason, r);
	else if (!geo->was_clean)
		sys_log("%s: was not unmounted cleanly (or never by us); fsck.mfs can check it\n",
		        v->unit);
	return r;
}

int volume_mount(struct volume *v, const char *unit, bool want_read_only)
{
	struct mfs_geometry geo;
	int r;

	if (v->is_mounted || v->device)
		return -EBUSY;
	v->is_read_only = want_read_only;
	snprintf(v->unit, sizeof(v->unit), "%s", unit);
	r = open_device(v, unit);
	if (!r)
		r = allocate_arena(v);
	if (r) {
		close_device(v);
		sys_log("%s: cannot open the device: %d\n", unit, r);
		return r;
	}
	blockio_init(v);
	blocks_init(v);
	r = read_super(v, &geo);
	if (!r)
		r = make_tables(v, &geo);
	if (!r)
		r = mount_fs(v, &geo);
	v->is_mounted = r == 0;
	if (r) {
		blockio_drain(v);
		free_tables(v);
		close_device(v);
	}
	return r;
}

/* --- Durability --- */

/* New blocks of files are on the medium before the metadata that makes them visible. */
int volume_sync(struct volume *v)
{
	int r = v->is_read_only ? 0 : blockio_write(v, MFS_DATA, 0);

	if (r)
		return r;
	lock_exclusive(&v->epoch);
	/* What was written to files meanwhile. */
	if (!v->is_read_only)
		r = blockio_write(v, MFS_DATA, 0);
	if (!r && mfs_has_changes(v->fs)) {
		v->commits++;
		r = mfs_commit(v->fs);
	}
	unlock_exclusive(&v->epoch);
	return r ? r : blockio_flush(v);
}

int volume_sync_inode(struct volume *v, uint32_t ino)
{
	if (mfs_has_changes(v->fs))
		return volume_sync(v);
	if (blockio_write(v, MFS_DATA, ino))
		return -EIO;
	return blockio_flush(v);
}

int volume_make_room(struct volume *v)
{
	uint32_t slots = v->cache.slot_count;
	int r = 0;

	if (mfs_wants_commit(v->fs) || cache_dirty_metadata(&v->cache) > slots / 8)
		r = volume_sync(v);
	if (!r && v->cache.dirty_count[MFS_DATA] > slots / 2)
		r = blockio_write(v, MFS_DATA, 0);
	return r;
}

int volume_unmount(struct volume *v)
{
	int r;

	for (uint32_t i = 0; i < v->file_count; i++) {
		if (v->files[i].vfs_refs && i != v->root->slot)
			return -EBUSY;
	}
	while (volume_file(v, v->root)->vfs_refs) {
		volume_file(v, v->root)->vfs_refs--;
		mfs_put_inode(v->root);
	}
	r = volume_sync(v);
	if (r)
		return r;
	mfs_put_inode(v->root);
	lock_exclusive(&v->epoch);
	r = mfs_unmount(v->fs);
	unlock_exclusive(&v->epoch);
	if (!r)
		r = blockio_flush(v);
	if (r) {
		mfs_ref_inode(v->root);
		return r;
	}
	v->is_mounted = false;
	blockio_drain(v);
	free_tables(v);
	close_device(v);
	return 0;
}
