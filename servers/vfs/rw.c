/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * read and write in all their forms, and operations of regular files.
 *
 * A large transfer of a regular file is one request to the file server for each FS_IO_MAX bytes,
 * copied between its cache and the application's memory by a proxy grant. Vectors of up to a page
 * are gathered, so that they are one request (and one atomic write into a pipe).
 */
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include "socket.h"
#include "vfs.h"

#define VECTOR_CHUNK 16u
#define GATHER_MAX   SCRATCH

/* ---- regular files ---- */

static uint32_t io_flags(const struct io *io)
{
	uint32_t flags = 0;

	if (io->flags & O_DIRECT)
		flags |= FS_IO_DIRECT;
	if (io->flags & (O_SYNC | O_DSYNC))
		flags |= FS_IO_SYNC;
	return flags;
}

static int64_t regular_read(struct call *c, struct file *f, struct io *io)
{
	uint32_t flags = io_flags(io);
	uint64_t start = io->pos;
	int64_t n;

	if (VN_IS(f->vn, S_IFDIR))
		return -EISDIR;
	if (f->next_pos == start)
		flags |= FS_IO_AHEAD;
	n = ahead_wants(f, io) ? ahead_read(c, f, io) : fs_read(c, f->vn, io, flags);
	if (n > 0)
		f->next_pos = start + (uint64_t)n;
	return n;
}

static int64_t regular_write(struct call *c, struct file *f, struct io *io)
{
	uint32_t flags = io_flags(io);

	if (f->vn->mount->flags & 1)
		return -EROFS;
	if (f->flags & O_APPEND)
		flags |= FS_IO_APPEND;
	return fs_write(c, f->vn, io, flags);
}

const struct file_ops regular_ops = {
	.read = regular_read,
	.write = regular_write,
	.release = ahead_release,
	.is_seekable = true,
};

/* ---- one transfer with the file's position ---- */

struct rw {
	bool is_write;
	bool has_pos; /* pread and friends */
};

static int64_t transfer(struct call *c, struct file *f, struct io *io, const struct rw *rw)
{
	int64_t n;

	if (rw->has_pos || !f->ops->is_seekable)
		return rw->is_write ? file_write(c, f, io) : file_read(c, f, io);
	file_pos_lock(c, f);
	io->pos = f->pos;
	n = rw->is_write ? file_write(c, f, io) : file_read(c, f, io);
	if (n > 0)
		f->pos = io->pos;
	file_pos_unlock(f);
	return n;
}

/* Sockets send their SIGPIPE themselves: not every EPIPE of theirs has one. */
static int64_t finish_rw(struct call *c, int64_t n, bool is_socket)
{
	if (n == -EPIPE && !is_socket)
		(void)proc_signal(c->proc->pid, SIGPIPE, EP_NONE);
	return n == -EINTR && !is_socket ? -ERESTARTSYS : n;
}

static int get_file(struct call *c, const struct rw *rw, struct file **out)
{
	struct file *f = file_get(c, (int)c->args[0]);

	*out = f;
	if (!f)
		return -EBADF;
	if (rw->is_write ? FILE_WRITABLE(f) : FILE_READABLE(f))
		if (!rw->has_pos || f->ops->is_seekable)
			return 0;
	file_unref(f);
	return rw->has_pos && !f->ops->is_seekable ? -ESPIPE : -EBADF;
}

static int64_t simple(struct call *c, const struct rw *rw, uint64_t pos)
{
	struct io io = {.ep = c->ep, .addr = c->args[1], .len = c->args[2], .pos = pos};
	bool is_socket;
	struct file *f;
	int64_t n;
	int r;

	if (rw->has_pos && (int64_t)pos < 0)
		return -EINVAL;
	if (io.len > IO_BYTES_MAX)
		io.len = IO_BYTES_MAX;
	r = get_file(c, rw, &f);
	if (r)
		return r;
	if (io.len && (io.addr >= VM_USER_TOP || io.len > VM_USER_TOP - io.addr))
		n = -EFAULT;
	else
		n = transfer(c, f, &io, rw);
	is_socket = file_is_socket(f);
	file_unref(f);
	return finish_rw(c, n, is_socket);
}

int64_t sys_read(struct call *c)
{
	return simple(c, &(struct rw){0}, 0);
}

int64_t sys_write(struct call *c)
{
	return simple(c, &(struct rw){.is_write = true}, 0);
}

int64_t sys_pread(struct call *c)
{
	return simple(c, &(struct rw){.has_pos = true}, c->args[3]);
}

int64_t sys_pwrite(struct call *c)
{
	return simple(c, &(struct rw){.is_write = true, .has_pos = true}, c->args[3]);
}

/* ---- vectors ---- */

int vector_check(struct call *c, struct vector *v)
{
	struct iovec iov[VECTOR_CHUNK];

	if (v->count > IOV_MAX)
		return -EINVAL;
	v->total = 0;
	for (unsigned at = 0; at < v->count; at += VECTOR_CHUNK) {
		unsigned n = v->count - at < VECTOR_CHUNK ? v->count - at : VECTOR_CHUNK;

		if (user_read(c, iov, v->addr + at * sizeof(iov[0]), n * sizeof(iov[0])) != 0)
			return -EFAULT;
		for (unsigned i = 0; i < n; i++) {
			uint64_t base = (uint64_t)iov[i].iov_base;

			if (iov[i].iov_len > SSIZE_MAX - v->total)
				return -EINVAL;
			if (iov[i].iov_len &&
			    (base >= VM_USER_TOP || iov[i].iov_len > VM_USER_TOP - base))
				return -EFAULT;
			v->total += iov[i].iov_len;
		}
	}
	return 0;
}

/* Copies between c->buf and the vector: the first `len` bytes. */
static int copy_vector(struct call *c, const struct vector *v, size_t len, bool to_user)
{
	struct iovec iov;
	size_t done = 0;

	for (unsigned i = 0; i < v->count && done < len; i++) {
		size_t n;
		int r = user_read(c, &iov, v->addr + i * sizeof(iov), sizeof(iov));

		if (r)
			return r;
		n = iov.iov_len < len - done ? iov.iov_len : len - done;
		r = to_user ? user_write(c, (uint64_t)iov.iov_base, c->buf + done, n)
		            : user_read(c, c->buf + done, (uint64_t)iov.iov_base, n);
		if (r)
			return r;
		done += n;
	}
	return 0;
}

static int64_t gathered(struct call *c, struct file *f, const struct vector *v, struct io *io)
{
	struct rw rw = {.is_write = io->flags & 1, .has_pos = io->flags & 2};
	int64_t n;
	int r;

	io->ep = EP_SELF;
	io->addr = (uint64_t)c->buf;
	io->len = v->total;
	if (rw.is_write) {
		r = copy_vector(c, v, v->total, false);
		return r ? r : transfer(c, f, io, &rw);
	}
	n = transfer(c, f, io, &rw);
	if (n > 0) {
		r = copy_vector(c, v, (size_t)n, true);
		n = r ? r : n;
	}
	return n;
}

static int64_t scattered(struct call *c, struct file *f, const struct vector *v, struct io *io)
{
	struct rw rw = {.is_write = io->flags & 1, .has_pos = io->flags & 2};
	int64_t total = 0, n;
	struct iovec iov;

	for (unsigned i = 0; i < v->count; i++) {
		int r = user_read(c, &iov, v->addr + i * sizeof(iov), sizeof(iov));

		if (r)
			return total ? total : r;
		if (iov.iov_len == 0)
			continue;
		io->ep = c->ep;
		io->addr = (uint64_t)iov.iov_base;
		io->len = iov.iov_len;
		n = transfer(c, f, io, &rw);
		if (n < 0)
			return total ? total : n;
		total += n;
		if ((uint64_t)n < iov.iov_len)
			break;
	}
	return total;
}

static int64_t vectored(struct call *c, const struct rw *rw, uint64_t pos)
{
	struct vector v = {.addr = c->args[1], .count = (unsigned)c->args[2]};
	struct io io = {.pos = pos};
	bool is_socket;
	struct file *f;
	int64_t n;
	int r;

	if (rw->has_pos && (int64_t)pos < 0)
		return -EINVAL;
	if (c->args[2] > IOV_MAX)
		return -EINVAL;
	r = get_file(c, rw, &f);
	if (r)
		return r;
	io.flags = (rw->is_write ? 1u : 0u) | (rw->has_pos ? 2u : 0u);
	n = vector_check(c, &v);
	is_socket = file_is_socket(f);
	/* A page is gathered, but direct transfers need the application's own aligned buffer. */
	if (!n && is_socket)
		n = sock_vectored(c, f,
		                  &(struct xfer){.uiov = v.addr, .iovs = v.count, .total = v.total},
		                  rw->is_write);
	else if (!n && v.total <= GATHER_MAX && v.count > 1 && !(f->flags & O_DIRECT))
		n = gathered(c, f, &v, &io);
	else if (!n)
		n = scattered(c, f, &v, &io);
	file_unref(f);
	return finish_rw(c, n, is_socket);
}

int64_t sys_readv(struct call *c)
{
	return vectored(c, &(struct rw){0}, 0);
}

int64_t sys_writev(struct call *c)
{
	return vectored(c, &(struct rw){.is_write = true}, 0);
}

int64_t sys_preadv(struct call *c)
{
	return vectored(c, &(struct rw){.has_pos = true}, c->args[3]);
}

int64_t sys_pwritev(struct call *c)
{
	return vectored(c, &(struct rw){.is_write = true, .has_pos = true}, c->args[3]);
}

/* The forms with flags: none of the flags is supported; position -1 means the file's own. */
int64_t sys_preadv2(struct call *c)
{
	if (c->args[5])
		return -EOPNOTSUPP;
	return vectored(c, &(struct rw){.has_pos = c->args[3] != UINT64_MAX}, c->args[3]);
}

int64_t sys_pwritev2(struct call *c)
{
	struct rw rw = {.is_write = true, .has_pos = c->args[3] != UINT64_MAX};

	return c->args[5] ? -EOPNOTSUPP : vectored(c, &rw, c->args[3]);
}
