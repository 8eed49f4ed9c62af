/* SPDX-License-Identifier: BSD-2-Clause */
/* What the calls of sockets share: sock.c, sockio.c. */
#ifndef SERVERS_VFS_SOCKCALL_H
#define SERVERS_VFS_SOCKCALL_H

#include "ready.h"
#include "socket.h"

typedef int64_t (*sock_fn_t)(struct call *c, struct file *f);
/* With the socket that the call's first argument names, or -EBADF, -ENOTSOCK. */
int64_t sock_with(struct call *c, sock_fn_t fn);
int sock_get_addr(struct call *c, uint64_t uaddr, uint64_t len, struct sock_addr *a) MUST_CHECK;
int sock_put_addr(struct call *c, uint64_t uaddr, uint64_t ulen,
                  const struct sock_addr *a) MUST_CHECK;

#endif
