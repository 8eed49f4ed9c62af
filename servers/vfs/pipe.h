/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes, as FIFOs and stream sockets use them too. */
#ifndef SERVERS_VFS_PIPE_H
#define SERVERS_VFS_PIPE_H

#include "pipebuf.h"
#include "vfs.h"

#define PIPES_MAX 512

struct pipe {
	uint32_t refs; /* open ends and waiting opens; 0: free */
	uint32_t readers, writers;
	uint32_t reader_opens, writer_opens; /* run on: a FIFO's open waits for a change */
	uint32_t number;
	struct vnode *fifo; /* whose it is, or NULL */
	struct waitq wq;
	struct pipebuf buf;
};

struct pipe *pipe_new(void); /* refs = 1; NULL: table full */
void pipe_unref(struct pipe *p);
/* Bytes, 0 (no writers), -EAGAIN, -EINTR; -EPIPE (no readers). `wq` is woken on progress. */
int64_t pipe_read(struct call *c, struct pipe *p, struct waitq *wq, struct io *io);
int64_t pipe_write(struct call *c, struct pipe *p, struct waitq *wq, struct io *io);

#endif
