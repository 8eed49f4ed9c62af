/* SPDX-License-Identifier: BSD-2-Clause */
/* File locks (lock.c) and the interest lists of epoll (epoll.c), as far as closing concerns them.
 */
#ifndef SERVERS_VFS_LOCK_H
#define SERVERS_VFS_LOCK_H

#include "vfs.h"

/* A descriptor of v in table t was closed: the record locks of its processes on v go. */
void lock_fd_closed(struct vnode *v, const struct fdtab *t);
/* The last reference to an open file goes: its flock and OFD locks too. */
void lock_file_closed(const struct file *f);
void epoll_file_closed(const struct file *f);
int64_t lock_fcntl(struct call *c, struct file *f, unsigned cmd, uint64_t arg);

#endif
