/* SPDX-License-Identifier: BSD-2-Clause */
/* open in all its forms. */
#include <string.h>
#include "devfs.h"
#include "lock.h"
#include "pathname.h"
#include "vfs.h"

/* Flags that stay with the open file. */
#define STATUS_FLAGS                                                                               \
	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_DIRECT | O_NOATIME |             \
	 O_DIRECTORY | O_NOFOLLOW | O_PATH | 0100000 /* O_LARGEFILE of the ABI */)

static const struct file_ops path_ops = {0}; /* O_PATH: names a file, transfers nothing */

static int wanted_access(uint32_t flags)
{
	int want = 0;

	switch (flags & O_ACCMODE) {
	case O_RDONLY: want = R_OK; break;
	case O_WRONLY: want = W_OK; break;
	default: want = R_OK | W_OK; break;
	}
	return flags & O_TRUNC ? want | W_OK : want;
}

static int truncate_opened(struct call *c, struct vnode *v)
{
	struct fs_setattr s = {.mask = FS_SET_SIZE | FS_SET_MTIME_NOW, .size_bytes = 0};

	token_outdated(v);
	return fs_setattr(c, v, &s);
}

static int open_device(struct call *c, struct vnode *v, uint32_t flags, struct file **out)
{
	struct dev *d = dev_by_rdev(v->attr.mode, v->attr.rdev);

	return d ? dev_open(c, d, flags, out) : -ENXIO;
}

static int open_by_type(struct call *c, struct vnode *v, uint32_t flags, struct file **out)
{
	if (flags & O_PATH) {
		*out = file_new(&path_ops, flags);
		return *out ? 0 : -ENFILE;
	}
	switch (v->attr.mode & S_IFMT) {
	case S_IFCHR:
	case S_IFBLK: return open_device(c, v, flags, out);
	case S_IFIFO: return pipe_open_fifo(c, v, flags, out);
	case S_IFSOCK: return -ENXIO;
	case S_IFLNK: return -ELOOP;
	case S_IFDIR:
		if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT))
			return -EISDIR;
		break;
	default: break;
	}
	*out = file_new(&regular_ops, flags);
	return *out ? 0 : -ENFILE;
}

int open_vnode(struct call *c, struct vnode *v, uint32_t flags, struct file **out)
{
	int r = open_by_type(c, v, flags, out);

	if (r)
		return r;
	vnode_ref(v);
	(*out)->vn = v;
	(*out)->flags = flags & STATUS_FLAGS;
	return 0;
}

static int check_existing(struct call *c, const struct walk *w, uint32_t flags)
{
	struct vnode *v = w->vn;

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (VN_IS(v, S_IFLNK) && !(flags & O_PATH))
		return -ELOOP;
	if ((flags & O_DIRECTORY || w->want_dir) && !VN_IS(v, S_IFDIR))
		return -ENOTDIR;
	if (flags & O_PATH)
		return 0;
	if ((wanted_access(flags) & W_OK) && VN_IS(v, S_IFDIR))
		return -EISDIR;
	if ((wanted_access(flags) & W_OK) && VN_IS(v, S_IFREG) && (v->mount->flags & 1))
		return -EROFS;
	return vnode_access(c, v, wanted_access(flags));
}

static int create(struct call *c, struct walk *w, const uint64_t *mode)
{
	struct fs_make k = {.op = FS_CREATE,
	                    .mode = S_IFREG | (*mode & 07777 & ~c->proc->fs->umask)};
	int r;

	if (w->want_dir)
		return -EISDIR;
	if (w->dir->mount->flags & 1)
		return -EROFS;
	r = vnode_access(c, w->dir, W_OK | X_OK);
	return r ? r : fs_make(c, w, &k);
}

struct open_req {
	int dirfd;
	uint64_t upath;
	uint32_t flags;
	uint64_t mode;
};

static int open_walked(struct call *c, struct walk *w, const struct open_req *q, struct file **out)
{
	bool is_new = false;
	int r;

	if (!w->vn) {
		r = create(c, w, &q->mode);
		is_new = !r;
		if (r == -EEXIST && !(q->flags & O_EXCL)) /* somebody was faster */
			r = fs_lookup(c, w->dir, w->name, &w->vn);
		if (r)
			return r;
	}
	if (!is_new) {
		r = check_existing(c, w, q->flags);
		if (r)
			return r;
	}
	if (!is_new && (q->flags & O_TRUNC) && !(q->flags & O_PATH) && VN_IS(w->vn, S_IFREG)) {
		r = truncate_opened(c, w->vn);
		if (r)
			return r;
	}
	return open_vnode(c, w->vn, q->flags, out);
}

/* A path that means a descriptor of ours: the file behind it is opened once more. */
static int open_own_fd(struct call *c, int fd, uint32_t flags, struct file **out)
{
	struct file *f = file_get(c, fd);
	int r;

	if (!f)
		return -ENOENT;
	if (file_is_pipe(f)) {
		r = pipe_reopen(f, flags & (O_ACCMODE | O_NONBLOCK), out);
	} else if (!f->vn) {
		r = -ENXIO;
	} else {
		r = flags & O_PATH ? 0 : vnode_access(c, f->vn, wanted_access(flags));
		if (!r && (flags & O_TRUNC) && VN_IS(f->vn, S_IFREG))
			r = truncate_opened(c, f->vn);
		if (!r)
			r = open_vnode(c, f->vn, flags, out);
	}
	file_unref(f);
	return r;
}

static int open_path(struct call *c, struct walk *w, const struct open_req *q, struct file **out)
{
	int r = path_fetch(c, q->upath), fd;

	if (r)
		return r;
	fd = q->flags & O_NOFOLLOW ? -1 : path_own_fd(c->path);
	if (fd >= 0)
		return open_own_fd(c, fd, q->flags, out);
	r = path_from(c, w, q->dirfd);
	if (r)
		return r;
	r = open_walked(c, w, q, out);
	walk_done(w);
	return r;
}

static int64_t do_open(struct call *c, const struct open_req *q)
{
	struct walk w = {.flags = q->flags & O_NOFOLLOW ? 0 : WALK_FOLLOW};
	struct file *f;
	int r;

	if (q->flags & O_CREAT) {
		w.flags |= WALK_PARENT;
		if (q->flags & O_EXCL)
			w.flags &= ~WALK_FOLLOW;
	}
	if ((q->flags & O_TMPFILE) == O_TMPFILE)
		return -EOPNOTSUPP;
	r = fdtab_find_free(c->proc->fds, 0);
	if (r < 0)
		return r;
	r = open_path(c, &w, q, &f);
	if (r)
		return r == -EINTR ? -ERESTARTSYS : r;
	return file_install(c, f, q->flags & O_CLOEXEC);
}

int64_t sys_open(struct call *c)
{
	return do_open(c,
	               &(struct open_req){AT_FDCWD, c->args[0], (uint32_t)c->args[1], c->args[2]});
}

int64_t sys_openat(struct call *c)
{
	return do_open(c, &(struct open_req){(int)c->args[0], c->args[1], (uint32_t)c->args[2],
	                                     c->args[3]});
}

int64_t sys_creat(struct call *c)
{
	return do_open(c, &(struct open_req){AT_FDCWD, c->args[0], O_CREAT | O_WRONLY | O_TRUNC,
	                                     c->args[1]});
}

int64_t sys_close(struct call *c)
{
	return file_close(c->proc, (int)c->args[0]);
}

#define CLOSE_RANGE_UNSHARE_ 2u
#define CLOSE_RANGE_CLOEXEC_ 4u

int64_t sys_close_range(struct call *c)
{
	unsigned first = (unsigned)c->args[0], last = (unsigned)c->args[1],
		 flags = (unsigned)c->args[2];
	struct proc *p = c->proc;
	int r;

	if (first > last || flags & ~(CLOSE_RANGE_UNSHARE_ | CLOSE_RANGE_CLOEXEC_))
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE_) {
		r = proc_unshare_fds(p);
		if (r)
			return r;
	}
	for (unsigned fd = first; fd <= last && fd < p->fds->top; fd++) {
		if (!p->fds->files[fd])
			continue;
		if (flags & CLOSE_RANGE_CLOEXEC_)
			fdtab_set_cloexec(p->fds, fd, true);
		else
			(void)file_close(p, (int)fd);
	}
	return 0;
}
