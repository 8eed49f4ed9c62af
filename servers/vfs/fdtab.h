/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A table of file descriptors. Pure: it stores pointers and flags; who holds references is the
 * caller's business. `top` is one above the highest descriptor that is in use.
 */
#ifndef SERVERS_VFS_FDTAB_H
#define SERVERS_VFS_FDTAB_H

#include "axolotl/types.h"

#define FDS_MAX 1024

struct fdtab {
	uint32_t refs; /* processes that share it (CLONE_FILES); 0: free */
	unsigned top;
	unsigned lowest; /* no free descriptor below */
	void *files[FDS_MAX];
	uint64_t cloexec[FDS_MAX / 64];
};

void fdtab_init(struct fdtab *t);
/* Lowest free descriptor >= from, not yet taken; -EMFILE. */
int fdtab_find_free(const struct fdtab *t, unsigned from) MUST_CHECK;
void fdtab_set(struct fdtab *t, unsigned fd, void *file, bool cloexec);
void *fdtab_get(const struct fdtab *t, int fd); /* NULL: not open or out of range */
void *fdtab_clear(struct fdtab *t, int fd);     /* what was there */
bool fdtab_cloexec(const struct fdtab *t, unsigned fd);
void fdtab_set_cloexec(struct fdtab *t, unsigned fd, bool on);

#endif
