/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device in memory with a write-back cache in front of it, for tests of lib/fs. The cache holds
 * every block; what reaches the medium, and in which order, follows the rules of struct mfs_io. The
 * medium can be frozen after any number of block writes, as by a loss of power, and can be told to
 * fail.
 */
#ifndef TEST_MEMDEV_H
#define TEST_MEMDEV_H

#include "fs/mfs.h"

struct memdev {
	struct mfs_io io;
	uint32_t block_size;
	uint32_t blocks;
	uint8_t *medium;
	uint8_t *cache;
	uint8_t *state; /* of each block: MEMDEV_* and its class */
	uint8_t *pins;
	uint64_t writes;    /* blocks written to the medium */
	uint64_t freeze_at; /* writes from here on are lost */
	bool is_failing;    /* reads of what is not cached, and writes, give -EIO */
	unsigned reports;
	char last_report[80];
	bool want_quiet;
	uint32_t clock;
	uint64_t random;
};

void memdev_init(struct memdev *d, uint32_t block_size, uint32_t blocks);
void memdev_free(struct memdev *d);
/* Formats it; 0 inodes: the default. Drops the cache. */
void memdev_format(struct memdev *d, uint32_t inodes);
/* Forgets what is only in the cache. */
void memdev_drop_cache(struct memdev *d);
unsigned memdev_pinned(const struct memdev *d);
uint64_t memdev_random(struct memdev *d);
/* Mounts; the memory is *memory, to be freed by the caller. */
int memdev_mount(struct memdev *d, uint32_t slots, struct mfs **fs, void **memory);
/* Checks the medium (not the cache). */
int memdev_check(struct memdev *d, bool want_repair, struct mfs_check_result *result);

#endif
