/* SPDX-License-Identifier: BSD-2-Clause */
/* Block devices as files. */
#ifndef SERVERS_VFS_BLKDEV_H
#define SERVERS_VFS_BLKDEV_H

#include "devfs.h"

void blk_init(void);
/* "blk.<unit>" was published (a value) or deleted (an empty one). */
void blk_announced(const char *unit, const char *value);
int blk_open(struct call *c, struct dev *d, uint32_t flags, struct file **out) MUST_CHECK;

int blk_sync(struct call *c, struct file *f) MUST_CHECK; /* fsync of a block device */

#endif
