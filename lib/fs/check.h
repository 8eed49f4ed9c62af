/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the checker share: check.c (passes), check_tree.c (one inode: its zones and
 * entries).
 */
#ifndef FS_CHECK_H
#define FS_CHECK_H

#include "fs/priv.h"

struct check_item {
	uint32_t ino;
	uint32_t parent;
};

struct checker {
	const struct mfs_check *cf;
	struct mfs_geometry geo;
	struct mfs_check_result *result;
	uint64_t *zones;  /* bit z - first_zone + 1: an inode that was reached owns zone z */
	uint64_t *inodes; /* bit i: inode i was reached */
	uint32_t *links;  /* that inode i should have */
	struct check_item *queue; /* inodes that were reached, in this order */
	uint32_t queued;
};

/* Counts and reports; returns whether to repair. */
bool check_problem(struct checker *c, const char *what, uint32_t number);
MFS_MUST_CHECK int check_get(struct checker *c, uint32_t block, struct mfs_buf *buf);
/* Puts back a block, dirty if it was repaired. */
void check_put(struct checker *c, struct mfs_buf *buf, bool is_changed);
MFS_MUST_CHECK int check_get_inode(struct checker *c, uint32_t ino, struct mfs_buf *buf,
                                   struct mfs_disk_inode **disk);
/* Looks at one inode that was reached: claims its zones and, of a directory, queues what it names.
 */
MFS_MUST_CHECK int check_inode(struct checker *c, const struct check_item *item);

static inline void check_set(uint64_t *words, uint32_t bit)
{
	words[bit / 64] |= 1ULL << (bit % 64);
}

#endif
