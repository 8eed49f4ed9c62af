/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mounted file system in memory and a model of it, on which the same random operations are done;
 * each operation's result is compared at once, the trees when asked.
 */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include "tests/unit/lib/fs/memdev.h"
#include "tests/unit/lib/fs/model.h"

enum { INODE_SLOTS = 200 };

struct world {
	struct memdev dev;
	struct model model;
	struct mfs *fs;
	void *memory;
	uint8_t *buffer;
};

struct world *world_new(uint32_t block_size, uint32_t bytes, uint64_t seed);
void world_free(struct world *w);
uint32_t world_pick(struct world *w, uint32_t below);
void world_step(struct world *w);
void world_compare(struct world *w);
/* Unmounts, checks that there is no problem, mounts again. */
void world_remount(struct world *w);

#endif
