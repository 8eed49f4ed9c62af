/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mounted file system: device, cache, lib/fs and the locks around it (order and meaning:
 * fs/mfs.h).
 *
 *   blockio.c  requests to the device: reading ahead, clustered writing, flushing
 *   blocks.c   struct mfs_io for lib/fs: holding, dirtying and forgetting blocks
 *   volume.c   mounting, committing, unmounting
 *
 * Every function marked [fiber] may wait and must be called from a fiber.
 */
#ifndef MFS_VOLUME_H
#define MFS_VOLUME_H

#include "blockdev/blockdev.h"
#include "cache.h"
#include "sys/sys.h"
#include "wait.h"

enum {
	VOLUME_IOS = 48,           /* requests to the device at a time */
	VOLUME_IO_BYTES = 1 << 20, /* largest request */
	VOLUME_INODES = 8192,      /* inodes in memory */
	VOLUME_SYNC_SECONDS = 5,   /* changes are on the medium after so long */
};

struct volume;

/* One request to the device and the slots that it fills or empties. */
struct block_io {
	struct bdev_io io;
	struct blk_element elements[BLK_ELEMENTS_MAX];
	struct volume *volume;
	struct block_io *next_free;
	uint64_t sequence;   /* of writes, counted in the order of their start */
	uint32_t first_slot; /* index + 1; the others follow by io_next */
	uint32_t last_slot;
	uint32_t blocks;
	bool is_used;
};

/* What mfs knows about an inode beside lib/fs; by its slot number. */
struct file {
	struct rwlock lock;
	uint32_t vfs_refs;  /* references that vfs holds */
	uint32_t next_pos;  /* where a sequential reader goes on */
	uint32_t ahead_end; /* read ahead up to here, in bytes */
	uint32_t window;    /* bytes to read ahead */
};

struct volume {
	/* Device. */
	struct bdev *device;
	int arena; /* number; -1: none */
	uint8_t *arena_memory;
	size_t arena_bytes;
	uint32_t max_io_blocks, max_elements;
	bool is_open, is_refused;
	int open_status;
	struct waiter *open_waiters;
	uint64_t open_deadline_ns; /* of a mount that waits for its device; 0: none */

	/* Cache and requests. */
	struct cache cache;
	void *cache_table;
	struct block_io ios[VOLUME_IOS];
	struct block_io *free_ios;
	unsigned ios_in_use;
	unsigned waits; /* requests outside of ios: superblock, FLUSH */
	uint64_t write_sequence;
	uint64_t write_failures;
	bool has_unflushed; /* writes completed since the last FLUSH */
	uint32_t pinned;
	struct waiter *io_waiters;   /* woken at every completion */
	struct waiter *slot_waiters; /* woken when a slot may have become free */

	/* File system. */
	struct mfs_io io;
	struct mfs *fs;
	void *fs_memory;
	uint32_t blocks; /* of the device */
	bool is_mounted, is_read_only;
	struct mfs_inode *root; /* the mount's own reference */
	struct file *files;
	uint32_t file_count;
	struct rwlock epoch;
	struct rwlock
		names; /* exclusive: changes of names, one at a time; they lock several inodes */
	char unit[LABEL_MAX];
	uint64_t reports;
	uint64_t commits;
	uint64_t reads_ahead;
};

/* --- blockio.c --- */

void blockio_init(struct volume *v);
/* [fiber] Reads a slot that was just entered and waits. 0 or -errno: the slot is gone. */
MFS_MUST_CHECK int blockio_read(struct volume *v, struct slot *s);
/* Starts to read what is not in the cache, in clusters, as far as room allows. Does not wait. */
void blockio_prefetch(struct volume *v, uint32_t block, uint32_t count);
/* [fiber] Writes the dirty blocks of a class, of one inode (0: of all), and waits until also those
 * that were under way are done. -EIO: some failed and are dirty still. */
MFS_MUST_CHECK int blockio_write(struct volume *v, uint8_t class, uint32_t ino);
/* [fiber] Makes completed writes durable. */
MFS_MUST_CHECK int blockio_flush(struct volume *v);
/* [fiber] One request of the caller's own. */
MFS_MUST_CHECK int blockio_wait(struct volume *v, struct bdev_io *io);
/* [fiber] Waits for everything that is under way. */
void blockio_drain(struct volume *v);

/* --- blocks.c --- */

void blocks_init(struct volume *v);
/* Drops blocks from the cache that are clean and not in use. */
void blocks_evict(struct volume *v, uint32_t block, uint32_t count);
void blocks_evict_all(struct volume *v);

/* --- volume.c --- */

/* [fiber] 0 or -errno; the reason is logged. */
MFS_MUST_CHECK int volume_mount(struct volume *v, const char *unit, bool want_read_only);
/* [fiber] -EBUSY while vfs has references other than to the root. */
MFS_MUST_CHECK int volume_unmount(struct volume *v);
/* [fiber] Data, then metadata, then FLUSH. */
MFS_MUST_CHECK int volume_sync(struct volume *v);
/* [fiber] The same for what the durability of one inode needs. */
MFS_MUST_CHECK int volume_sync_inode(struct volume *v, uint32_t ino);
/* [fiber] Before an operation that changes something and holds no lock yet: makes room if too much
 * is dirty. */
MFS_MUST_CHECK int volume_make_room(struct volume *v);
/* The clock: gives up waiting for a device. */
void volume_tick(struct volume *v, uint64_t t_now_ns);
bool volume_has_changes(const struct volume *v);
struct file *volume_file(struct volume *v, const struct mfs_inode *ip);

#endif
