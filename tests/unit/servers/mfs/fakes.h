/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stand-ins for the kernel, lib/sys and lib/blockdev, so that mfs without its main loop runs on the
 * host: grants are pointers in a table, the device is memory, and its requests complete when and in
 * the order that the test wants.
 */
#ifndef TEST_MFS_FAKES_H
#define TEST_MFS_FAKES_H

#include "blockdev/blockdev.h"
#include "servers/mfs/server.h"

enum { FAKE_GRANTS = 256 };

struct fake {
	uint8_t *disk;
	size_t disk_bytes;
	size_t arena_limit; /* largest vm_alloc_dma */
	uint8_t *arena;
	struct bdev_io *pending[512];
	unsigned pending_count;
	uint64_t random;
	unsigned fail_percent; /* of reads and writes */
	bool is_readonly;
	unsigned reads, writes, flushes, multi_block;
	void *grant[FAKE_GRANTS];
	size_t grant_bytes[FAKE_GRANTS];
	unsigned not_ready_percent; /* of copies */
	bool want_log;
};
extern struct fake fake;

/* The disk through a trivial struct mfs_io, with blocks of this size. */
extern uint32_t fake_block_size;
extern const struct mfs_io fake_disk_io;

/* Aborts unless the disk is sound and was unmounted cleanly. */
void fake_check_disk(void);

uint64_t fake_random(void);
grant_t fake_grant(void *memory, size_t bytes);
void fake_revoke(grant_t g);
/* Completes one request, chosen at random; false: there is none. */
bool fake_complete_one(void);

#endif
