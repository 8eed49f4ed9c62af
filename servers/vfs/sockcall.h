/* SPDX-License-Identifier: BSD-2-Clause */
/* What the calls of sockets share: sock.c, sockio.c. */
#ifndef SERVERS_VFS_SOCKCALL_H
#define SERVERS_VFS_SOCKCALL_H

#include "ready.h"
#include "socket.h"

/* The socket behind a descriptor, with a reference: 0, -EBADF, -ENOTSOCK. */
int sock_get(struct call *c, int fd, struct file **out) MUST_CHECK;
int sock_get_addr(struct call *c, uint64_t uaddr, uint64_t len, struct sock_addr *a) MUST_CHECK;
int sock_put_addr(struct call *c, uint64_t uaddr, uint64_t ulen,
                  const struct sock_addr *a) MUST_CHECK;

#endif
