/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that change attributes: chmod, chown, times, truncate. */
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <utime.h>
#include "vfs.h"

#define UTIME_NOW_  0x3fffffffl
#define UTIME_OMIT_ 0x3ffffffel

/* What to do with the vnode once it is found. */
typedef int (*vnode_fn_t)(struct call *c, struct vnode *v, const struct fs_setattr *s);

static int on_path(struct call *c, const struct at *at, vnode_fn_t fn, const struct fs_setattr *s)
{
	struct vnode *v;
	int r = path_vnode(c, at, &v);

	if (r)
		return r;
	r = v->mount->flags & 1 ? -EROFS : vnode_attr(c, v);
	if (!r)
		r = fn(c, v, s);
	vnode_unref(v);
	return r;
}

static int on_fd(struct call *c, int fd, vnode_fn_t fn, const struct fs_setattr *s)
{
	struct file *f = file_get(c, fd);
	int r;

	if (!f)
		return -EBADF;
	if (!f->vn)
		r = 0; /* pipes and sockets: nobody sees their attributes */
	else
		r = f->vn->mount->flags & 1 ? -EROFS : vnode_attr(c, f->vn);
	if (!r && f->vn)
		r = fn(c, f->vn, s);
	file_unref(f);
	return r;
}

static bool is_owner(const struct call *c, const struct vnode *v)
{
	return c->proc->euid == 0 || c->proc->euid == v->attr.uid;
}

/* ---- mode ---- */

static int set_mode(struct call *c, struct vnode *v, const struct fs_setattr *s)
{
	struct fs_setattr set = *s;

	if (!is_owner(c, v))
		return -EPERM;
	if (c->proc->euid != 0 && !proc_in_group(c->proc, v->attr.gid))
		set.mode &= ~(uint32_t)S_ISGID;
	set.mask = FS_SET_MODE;
	set.mode = (v->attr.mode & S_IFMT) | (set.mode & 07777);
	return fs_setattr(c, v, &set);
}

int64_t sys_chmod(struct call *c)
{
	struct fs_setattr s = {.mode = (uint32_t)c->args[1]};

	return on_path(c, &(struct at){AT_FDCWD, c->args[0], 0}, set_mode, &s);
}

int64_t sys_fchmodat(struct call *c)
{
	struct fs_setattr s = {.mode = (uint32_t)c->args[2]};

	return on_path(c, &(struct at){(int)c->args[0], c->args[1], 0}, set_mode, &s);
}

int64_t sys_fchmod(struct call *c)
{
	return on_fd(c, (int)c->args[0], set_mode,
	             &(struct fs_setattr){.mode = (uint32_t)c->args[1]});
}

/* ---- owner ---- */

static int set_owner(struct call *c, struct vnode *v, const struct fs_setattr *s)
{
	struct fs_setattr set = *s;

	if (s->uid != UINT32_MAX)
		set.mask |= FS_SET_UID;
	if (s->gid != UINT32_MAX)
		set.mask |= FS_SET_GID;
	if (c->proc->euid != 0) {
		if (c->proc->euid != v->attr.uid || (s->uid != UINT32_MAX && s->uid != v->attr.uid))
			return -EPERM;
		if (s->gid != UINT32_MAX && !proc_in_group(c->proc, s->gid))
			return -EPERM;
	}
	if (!VN_IS(v, S_IFDIR) && (v->attr.mode & (S_ISUID | S_ISGID))) {
		set.mask |= FS_SET_MODE;
		set.mode = v->attr.mode & ~(uint32_t)(S_ISUID | S_ISGID);
	}
	return set.mask ? fs_setattr(c, v, &set) : 0;
}

static int64_t chown_at(struct call *c, const struct at *at, const uint64_t *ids)
{
	struct fs_setattr s = {.uid = (uint32_t)ids[0], .gid = (uint32_t)ids[1]};

	return on_path(c, at, set_owner, &s);
}

int64_t sys_chown(struct call *c)
{
	return chown_at(c, &(struct at){AT_FDCWD, c->args[0], 0}, &c->args[1]);
}

int64_t sys_lchown(struct call *c)
{
	return chown_at(c, &(struct at){AT_FDCWD, c->args[0], AT_SYMLINK_NOFOLLOW}, &c->args[1]);
}

int64_t sys_fchown(struct call *c)
{
	struct fs_setattr s = {.uid = (uint32_t)c->args[1], .gid = (uint32_t)c->args[2]};

	return on_fd(c, (int)c->args[0], set_owner, &s);
}

int64_t sys_fchownat(struct call *c)
{
	uint32_t flags = (uint32_t)c->args[4];
	struct fs_setattr s = {.uid = (uint32_t)c->args[2], .gid = (uint32_t)c->args[3]};
	char first;

	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && user_read(c, &first, c->args[1], 1) == 0 && !first)
		return on_fd(c, (int)c->args[0], set_owner, &s);
	return on_path(c, &(struct at){(int)c->args[0], c->args[1], flags}, set_owner, &s);
}

/* ---- times ---- */

static int set_times(struct call *c, struct vnode *v, const struct fs_setattr *s)
{
	struct fs_setattr set = *s;
	int r;

	if (!set.mask)
		return 0;
	if (!is_owner(c, v)) {
		/* Setting both to now needs only write permission. */
		if (set.mask & (FS_SET_ATIME | FS_SET_MTIME))
			return -EPERM;
		r = vnode_access(c, v, W_OK);
		if (r)
			return r;
	}
	return fs_setattr(c, v, &set);
}

static int decode_time(const struct timespec *ts, struct fs_setattr *s, bool is_mtime)
{
	if (ts->tv_nsec == UTIME_OMIT_)
		return 0;
	if (ts->tv_nsec == UTIME_NOW_) {
		s->mask |= is_mtime ? FS_SET_MTIME_NOW : FS_SET_ATIME_NOW;
		return 0;
	}
	if (ts->tv_nsec < 0 || ts->tv_nsec >= 1000000000)
		return -EINVAL;
	s->mask |= is_mtime ? FS_SET_MTIME : FS_SET_ATIME;
	if (is_mtime)
		s->mtime_s = ts->tv_sec;
	else
		s->atime_s = ts->tv_sec;
	return 0;
}

/* times: NULL = now; else access and modification time. */
static int64_t times_at(struct call *c, const struct at *at, const struct timespec *times)
{
	struct fs_setattr s = {.mask = 0};
	int r = 0;

	if (!times) {
		s.mask = FS_SET_ATIME_NOW | FS_SET_MTIME_NOW;
	} else {
		r = decode_time(&times[0], &s, false);
		if (!r)
			r = decode_time(&times[1], &s, true);
	}
	if (r)
		return r;
	if (!at->upath && at->dirfd != AT_FDCWD)
		return on_fd(c, at->dirfd, set_times, &s);
	return on_path(c, at, set_times, &s);
}

int64_t sys_utimensat(struct call *c)
{
	struct at at = {(int)c->args[0], c->args[1], (uint32_t)c->args[3]};
	struct timespec ts[2];

	if (at.flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (c->args[2] && user_read(c, ts, c->args[2], sizeof(ts)) != 0)
		return -EFAULT;
	return times_at(c, &at, c->args[2] ? ts : NULL);
}

static int64_t timevals_at(struct call *c, const struct at *at, uint64_t utimes)
{
	struct timeval tv[2];
	struct timespec ts[2];

	if (!utimes)
		return times_at(c, at, NULL);
	if (user_read(c, tv, utimes, sizeof(tv)) != 0)
		return -EFAULT;
	for (unsigned i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			return -EINVAL;
		ts[i] = (struct timespec){tv[i].tv_sec, tv[i].tv_usec * 1000};
	}
	return times_at(c, at, ts);
}

int64_t sys_utimes(struct call *c)
{
	return timevals_at(c, &(struct at){AT_FDCWD, c->args[0], 0}, c->args[1]);
}

int64_t sys_futimesat(struct call *c)
{
	return timevals_at(c, &(struct at){(int)c->args[0], c->args[1], 0}, c->args[2]);
}

int64_t sys_utime(struct call *c)
{
	struct at at = {AT_FDCWD, c->args[0], 0};
	struct utimbuf times;
	struct timespec ts[2];

	if (!c->args[1])
		return times_at(c, &at, NULL);
	if (user_read(c, &times, c->args[1], sizeof(times)) != 0)
		return -EFAULT;
	ts[0] = (struct timespec){times.actime, 0};
	ts[1] = (struct timespec){times.modtime, 0};
	return times_at(c, &at, ts);
}

/* ---- size ---- */

static int set_size(struct call *c, struct vnode *v, const struct fs_setattr *s)
{
	struct fs_setattr set = *s;
	int r;

	if (VN_IS(v, S_IFDIR))
		return -EISDIR;
	if (!VN_IS(v, S_IFREG))
		return -EINVAL;
	set.mask = FS_SET_SIZE | FS_SET_MTIME_NOW;
	token_outdated(v);
	r = fs_setattr(c, v, &set);
	token_outdated(v);
	return r;
}

static int set_size_checked(struct call *c, struct vnode *v, const struct fs_setattr *s)
{
	int r = VN_IS(v, S_IFDIR) ? -EISDIR : vnode_access(c, v, W_OK);

	return r ? r : set_size(c, v, s);
}

int64_t sys_truncate(struct call *c)
{
	struct fs_setattr s = {.size_bytes = c->args[1]};

	if ((int64_t)c->args[1] < 0)
		return -EINVAL;
	return on_path(c, &(struct at){AT_FDCWD, c->args[0], 0}, set_size_checked, &s);
}

int64_t sys_ftruncate(struct call *c)
{
	struct fs_setattr s = {.size_bytes = c->args[1]};
	struct file *f = file_get(c, (int)c->args[0]);
	bool is_writable;

	if (!f)
		return -EBADF;
	is_writable = FILE_WRITABLE(f) && f->vn && f->ops == &regular_ops;
	file_unref(f);
	if ((int64_t)c->args[1] < 0 || !is_writable)
		return -EINVAL;
	return on_fd(c, (int)c->args[0], set_size, &s);
}

int64_t sys_xattr(struct call *c)
{
	(void)c;
	return -EOPNOTSUPP;
}
