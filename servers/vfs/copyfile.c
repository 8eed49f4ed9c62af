/* SPDX-License-Identifier: BSD-2-Clause */
/* Positions and whole files: lseek, sendfile, copy_file_range, hints, fallocate, sync. */
#include <signal.h>
#include <string.h>
#include "blkdev.h"
#include "vfs.h"

#define SEEK_DATA_ 3
#define SEEK_HOLE_ 4

static int64_t seek_base(struct call *c, struct file *f, int whence)
{
	int r;

	if (whence == SEEK_SET)
		return 0;
	if (whence == SEEK_CUR)
		return (int64_t)f->pos;
	if (whence != SEEK_END || !f->vn)
		return -EINVAL;
	r = vnode_attr(c, f->vn);
	return r ? r : (int64_t)f->vn->attr.size_bytes;
}

/* Files are seen as without holes: all is data, and the one hole begins at the end. */
static int64_t seek_hole(struct call *c, struct file *f, int64_t offset, int whence)
{
	int r = f->vn ? vnode_attr(c, f->vn) : -EINVAL;

	if (r)
		return r;
	if (offset < 0 || (uint64_t)offset >= f->vn->attr.size_bytes)
		return -ENXIO;
	return whence == SEEK_DATA_ ? offset : (int64_t)f->vn->attr.size_bytes;
}

static int64_t seek(struct call *c, struct file *f, int64_t offset, int whence)
{
	int64_t base;

	if (!f->ops->is_seekable)
		return -ESPIPE;
	if (whence == SEEK_DATA_ || whence == SEEK_HOLE_) {
		base = seek_hole(c, f, offset, whence);
		offset = 0;
	} else {
		base = seek_base(c, f, whence);
	}
	if (base < 0)
		return base;
	if (__builtin_add_overflow(base, offset, &base) || base < 0)
		return -EINVAL;
	f->pos = (uint64_t)base;
	return base;
}

int64_t sys_lseek(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);
	int64_t r;

	if (!f)
		return -EBADF;
	file_pos_lock(c, f);
	r = seek(c, f, (int64_t)c->args[1], (int)c->args[2]);
	file_pos_unlock(f);
	file_unref(f);
	return r;
}

/* ---- copies inside the system ---- */

struct copy {
	struct file *in, *out;
	uint64_t *in_pos, *out_pos; /* NULL: the file's own position */
	uint64_t len;
};

static int64_t side(struct call *c, struct file *f, struct io *io, bool is_write)
{
	return is_write ? file_write(c, f, io) : file_read(c, f, io);
}

/* One piece between a file and c->buf. */
static int64_t piece(struct call *c, struct file *f, uint64_t *pos, struct io *io)
{
	bool is_write = io->flags & 1;
	int64_t n;

	io->ep = EP_SELF;
	if (!f->ops->is_seekable)
		return side(c, f, io, is_write);
	if (pos) {
		io->pos = *pos;
		n = side(c, f, io, is_write);
		*pos = io->pos;
		return n;
	}
	file_pos_lock(c, f);
	io->pos = f->pos;
	n = side(c, f, io, is_write);
	if (n > 0)
		f->pos = io->pos;
	file_pos_unlock(f);
	return n;
}

static int64_t copy_loop(struct call *c, struct copy *k)
{
	int64_t total = 0;

	while ((uint64_t)total < k->len) {
		uint64_t want = k->len - (uint64_t)total;
		struct io in = {.addr = (uint64_t)c->buf,
		                .len = want < sizeof(c->buf) ? want : sizeof(c->buf)};
		int64_t n = piece(c, k->in, k->in_pos, &in), put = 0;

		if (n <= 0)
			return total ? total : n;
		while (put < n) {
			struct io out = {.addr = (uint64_t)c->buf + (uint64_t)put,
			                 .len = (uint64_t)(n - put),
			                 .flags = 1};
			int64_t w = piece(c, k->out, k->out_pos, &out);

			if (w <= 0) {
				/* What was read and not written must be read again. */
				uint64_t *pos = k->in_pos ? k->in_pos : &k->in->pos;

				if (k->in->ops->is_seekable)
					*pos -= (uint64_t)(n - put);
				total += put;
				return total ? total : w;
			}
			put += w;
		}
		total += n;
	}
	return total;
}

static int64_t copy_files(struct call *c, struct copy *k)
{
	bool to_socket = k->out && file_is_socket(k->out); /* sends its SIGPIPE itself */
	int64_t n;

	if (!k->in || !k->out)
		n = -EBADF;
	else if (!FILE_READABLE(k->in) || !FILE_WRITABLE(k->out))
		n = -EBADF;
	else
		n = copy_loop(c, k);
	if (k->in)
		file_unref(k->in);
	if (k->out)
		file_unref(k->out);
	if (n == -EPIPE && !to_socket)
		(void)proc_signal(c->proc->pid, SIGPIPE, EP_NONE);
	return n == -EINTR ? -ERESTARTSYS : n;
}

static int get_pos(struct call *c, uint64_t addr, uint64_t *pos, uint64_t **used)
{
	*used = NULL;
	if (!addr)
		return 0;
	*used = pos;
	if (user_read(c, pos, addr, sizeof(*pos)) != 0)
		return -EFAULT;
	return (int64_t)*pos < 0 ? -EINVAL : 0;
}

int64_t sys_sendfile(struct call *c)
{
	uint64_t pos;
	struct copy k = {.len = c->args[3]};
	int64_t n = get_pos(c, c->args[2], &pos, &k.in_pos);

	if (n)
		return n;
	k.in = file_get(c, (int)c->args[1]);
	k.out = file_get(c, (int)c->args[0]);
	/* Only files that keep what was not sent can be the source. */
	if (k.in && k.out && !k.in->ops->is_seekable) {
		file_unref(k.in);
		file_unref(k.out);
		return -EINVAL;
	}
	n = copy_files(c, &k);
	if (n >= 0 && k.in_pos && user_write(c, c->args[2], &pos, sizeof(pos)) != 0)
		return -EFAULT;
	return n;
}

int64_t sys_copy_file_range(struct call *c)
{
	uint64_t in_pos, out_pos;
	struct copy k = {.len = c->args[4]};
	int64_t n = get_pos(c, c->args[1], &in_pos, &k.in_pos);

	if (!n)
		n = get_pos(c, c->args[3], &out_pos, &k.out_pos);
	if (n || c->args[5])
		return n ? n : -EINVAL;
	k.in = file_get(c, (int)c->args[0]);
	k.out = file_get(c, (int)c->args[2]);
	if (k.in && k.out &&
	    (k.in->ops != &regular_ops || k.out->ops != &regular_ops || k.in->vn == k.out->vn)) {
		file_unref(k.in);
		file_unref(k.out);
		return -EINVAL;
	}
	n = copy_files(c, &k);
	if (n >= 0 && k.in_pos && user_write(c, c->args[1], &in_pos, sizeof(in_pos)) != 0)
		return -EFAULT;
	if (n >= 0 && k.out_pos && user_write(c, c->args[3], &out_pos, sizeof(out_pos)) != 0)
		return -EFAULT;
	return n;
}

/* ---- hints, allocation, durability ---- */

/* Cached data are read ahead by the file server on its own; the hint is only checked. */
int64_t sys_readahead(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);
	int64_t r = 0;

	if (!f)
		return -EBADF;
	if (!f->vn || !VN_IS(f->vn, S_IFREG))
		r = -EINVAL;
	file_unref(f);
	return r;
}

int64_t sys_fadvise(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);
	int64_t r = 0;

	if (!f)
		return -EBADF;
	if (file_is_pipe(f))
		r = -ESPIPE;
	else if (c->args[3] > POSIX_FADV_NOREUSE)
		r = -EINVAL;
	else if (c->args[3] == POSIX_FADV_DONTNEED && f->vn && VN_IS(f->vn, S_IFREG))
		r = fs_op(c, f->vn->mount, FS_EVICT, f->vn->ino);
	file_unref(f);
	return r == -ENOSYS ? 0 : r;
}

int64_t sys_fallocate(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);

	if (!f)
		return -EBADF;
	file_unref(f);
	return -EOPNOTSUPP;
}

int64_t sys_fsync(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);
	int64_t r = -EINVAL;

	if (!f)
		return -EBADF;
	if (f->vn && (VN_IS(f->vn, S_IFREG) || VN_IS(f->vn, S_IFDIR)))
		r = fs_op(c, f->vn->mount, FS_FSYNC, f->vn->ino);
	else if (f->vn && VN_IS(f->vn, S_IFBLK))
		r = blk_sync(c, f);
	file_unref(f);
	return r;
}

int64_t sys_fdatasync(struct call *c)
{
	return sys_fsync(c);
}

int64_t sys_sync(struct call *c)
{
	for (unsigned i = 0; i < MOUNTS_MAX; i++) {
		struct mount *mt = &mounts[i];

		if (mt->in_use && !mt->is_busy && !mt->is_dev && !mt->is_dead &&
		    fs_op(c, mt, FS_SYNC, 0) == -EIO)
			sys_log("vfs: sync of %s failed", mt->label);
	}
	return 0;
}

int64_t sys_syncfs(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);
	int64_t r = 0;

	if (!f)
		return -EBADF;
	if (f->vn)
		r = fs_op(c, f->vn->mount, FS_SYNC, 0);
	file_unref(f);
	return r;
}
