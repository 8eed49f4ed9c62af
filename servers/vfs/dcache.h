/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Name cache: (mount, directory, name) -> inode number. Pure.
 *
 * It holds no references: a hit is only worth something while the vnode table still has the inode.
 * All changes of names go through vfs, which drops the entry; a directory can only be removed when
 * it is empty, so its entries are gone by then. Names that are too long are never stored.
 */
#ifndef SERVERS_VFS_DCACHE_H
#define SERVERS_VFS_DCACHE_H

#include "axolotl/types.h"

#define DCACHE_NAME_MAX 49

struct dcache_key {
	unsigned mount;
	uint32_t dir;
	const char *name;
};

void dcache_put(const struct dcache_key *k, uint32_t ino);
bool dcache_get(const struct dcache_key *k, uint32_t *ino);
void dcache_drop(const struct dcache_key *k);
void dcache_drop_mount(unsigned mount);
/* Some name of an inode: its directory; the name (DCACHE_NAME_MAX + 1 bytes) is copied out. */
bool dcache_name_of(unsigned mount, uint32_t ino, uint32_t *dir, char *name);

#endif
