/* SPDX-License-Identifier: BSD-2-Clause */
/* stat, statx, statfs, access, readlink. */
#include <string.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include "vfs.h"

_Static_assert(sizeof(struct stat) == 144, "struct stat is the ABI's");
_Static_assert(sizeof(struct statfs) == 120, "struct statfs is the ABI's");
#define STATX_BASIC 0x7ffu

struct xtime {
	int64_t sec;
	uint32_t nsec;
	int32_t reserved;
};
struct xstat { /* struct statx of the ABI */
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare0;
	uint64_t ino, size, blocks, attributes_mask;
	struct xtime atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t spare[14];
};
_Static_assert(sizeof(struct xstat) == 256, "struct statx is the ABI's");

static uint64_t device_of(const struct mount *m)
{
	return (uint64_t)(m - mounts) + 1;
}

static void fill(const struct vnode *v, struct stat *st)
{
	const struct fs_attr *a = &v->attr;

	memset(st, 0, sizeof(*st));
	st->st_dev = device_of(v->mount);
	st->st_ino = v->ino;
	st->st_mode = a->mode;
	st->st_nlink = a->nlink;
	st->st_uid = a->uid;
	st->st_gid = a->gid;
	st->st_rdev = a->rdev;
	st->st_size = (off_t)a->size_bytes;
	st->st_blksize = a->block_bytes ? a->block_bytes : (blksize_t)PAGE_BYTES;
	st->st_blocks = (blkcnt_t)a->blocks;
	st->st_atim.tv_sec = a->atime_s;
	st->st_mtim.tv_sec = a->mtime_s;
	st->st_ctim.tv_sec = a->ctime_s;
}

static int vnode_stat(struct call *c, struct vnode *v, struct stat *st)
{
	int r = vnode_attr(c, v);

	if (!r)
		fill(v, st);
	return r;
}

/* Pipes, sockets and the like have no vnode. */
int file_stat(struct call *c, struct file *f, struct stat *st)
{
	if (f->vn)
		return vnode_stat(c, f->vn, st);
	memset(st, 0, sizeof(*st));
	st->st_dev = MOUNTS_MAX + 1;
	st->st_ino = f->arg;
	st->st_mode = file_is_socket(f) ? S_IFSOCK | 0777 : (file_is_pipe(f) ? S_IFIFO : 0) | 0600;
	st->st_nlink = 1;
	st->st_blksize = (blksize_t)PAGE_BYTES;
	st->st_uid = c->proc->euid;
	st->st_gid = c->proc->egid;
	return 0;
}

/* AT_EMPTY_PATH with an empty (or, for statx, no) path: the descriptor itself. */
static bool is_empty_path(struct call *c, const struct at *at)
{
	char first = 1;

	if (!(at->flags & AT_EMPTY_PATH))
		return false;
	return at->upath == 0 || (user_read(c, &first, at->upath, 1) == 0 && first == '\0');
}

static int stat_at(struct call *c, const struct at *at, struct stat *st)
{
	struct vnode *v;
	int r;

	if (is_empty_path(c, at) && at->dirfd != AT_FDCWD) {
		struct file *f = file_get(c, at->dirfd);

		if (!f)
			return -EBADF;
		r = file_stat(c, f, st);
		file_unref(f);
		return r;
	}
	if (is_empty_path(c, at)) {
		v = c->proc->fs->cwd;
		if (!v)
			return -ENOENT;
		vnode_ref(v);
		r = 0;
	} else {
		r = path_vnode(c, at, &v);
	}
	if (r)
		return r;
	r = vnode_stat(c, v, st);
	vnode_unref(v);
	return r;
}

static int64_t stat_to(struct call *c, const struct at *at, uint64_t ubuf)
{
	struct stat st;
	int r = stat_at(c, at, &st);

	return r ? r : user_write(c, ubuf, &st, sizeof(st));
}

int64_t sys_stat(struct call *c)
{
	return stat_to(c, &(struct at){AT_FDCWD, c->args[0], 0}, c->args[1]);
}

int64_t sys_lstat(struct call *c)
{
	return stat_to(c, &(struct at){AT_FDCWD, c->args[0], AT_SYMLINK_NOFOLLOW}, c->args[1]);
}

int64_t sys_fstat(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);
	struct stat st;
	int r;

	if (!f)
		return -EBADF;
	r = file_stat(c, f, &st);
	file_unref(f);
	return r ? r : user_write(c, c->args[1], &st, sizeof(st));
}

int64_t sys_newfstatat(struct call *c)
{
	uint32_t flags = (uint32_t)c->args[3];

	if (flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	return stat_to(c, &(struct at){(int)c->args[0], c->args[1], flags}, c->args[2]);
}

static void fill_statx(const struct stat *st, struct xstat *x)
{
	memset(x, 0, sizeof(*x));
	x->mask = STATX_BASIC;
	x->blksize = (uint32_t)st->st_blksize;
	x->nlink = (uint32_t)st->st_nlink;
	x->uid = st->st_uid;
	x->gid = st->st_gid;
	x->mode = (uint16_t)st->st_mode;
	x->ino = st->st_ino;
	x->size = (uint64_t)st->st_size;
	x->blocks = (uint64_t)st->st_blocks;
	x->atime.sec = st->st_atim.tv_sec;
	x->mtime.sec = st->st_mtim.tv_sec;
	x->ctime.sec = st->st_ctim.tv_sec;
	x->rdev_major = major(st->st_rdev);
	x->rdev_minor = minor(st->st_rdev);
	x->dev_major = major(st->st_dev);
	x->dev_minor = minor(st->st_dev);
}

int64_t sys_statx(struct call *c)
{
	struct at at = {(int)c->args[0], c->args[1], (uint32_t)c->args[2]};
	struct xstat x;
	struct stat st;
	int r;

	if (at.flags & ~(uint32_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | 0x6000))
		return -EINVAL;
	r = stat_at(c, &at, &st);
	if (r)
		return r;
	fill_statx(&st, &x);
	return user_write(c, c->args[4], &x, sizeof(x));
}

static int64_t statfs_to(struct call *c, struct mount *mt, uint64_t ubuf)
{
	struct fs_statfs s;
	struct statfs out;
	int r = fs_statfs(c, mt, &s);

	if (r)
		return r;
	memset(&out, 0, sizeof(out));
	out.f_type = s.magic;
	out.f_bsize = s.block_bytes;
	out.f_blocks = s.blocks;
	out.f_bfree = out.f_bavail = s.blocks_free;
	out.f_files = s.files;
	out.f_ffree = s.files_free;
	out.f_fsid.__val[0] = (int)device_of(mt);
	out.f_namelen = s.name_max;
	out.f_frsize = s.block_bytes;
	out.f_flags = 0x20 | (mt->flags & 1); /* ST_VALID, ST_RDONLY */
	return user_write(c, ubuf, &out, sizeof(out));
}

int64_t sys_statfs(struct call *c)
{
	struct vnode *v;
	int64_t r = path_vnode(c, &(struct at){AT_FDCWD, c->args[0], 0}, &v);

	if (r)
		return r;
	r = statfs_to(c, v->mount, c->args[1]);
	vnode_unref(v);
	return r;
}

int64_t sys_fstatfs(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);
	int64_t r;

	if (!f)
		return -EBADF;
	r = statfs_to(c, f->vn ? f->vn->mount : root_vnode->mount, c->args[1]);
	file_unref(f);
	return r;
}

/* ---- access ---- */

static int64_t access_at(struct call *c, const struct at *at, unsigned mode)
{
	struct cred cr = {.proc = c->proc, .uid = c->proc->uid, .gid = c->proc->gid};
	struct vnode *v;
	int64_t r;

	if (mode & ~7u)
		return -EINVAL;
	if (at->flags & AT_EACCESS) {
		cr.uid = c->proc->euid;
		cr.gid = c->proc->egid;
	}
	r = path_vnode(c, at, &v);
	if (r)
		return r;
	r = vnode_access_as(c, v, &cr, (int)mode);
	if (!r && (mode & W_OK) && (v->mount->flags & 1) &&
	    (VN_IS(v, S_IFREG) || VN_IS(v, S_IFDIR)))
		r = -EROFS;
	vnode_unref(v);
	return r;
}

int64_t sys_access(struct call *c)
{
	return access_at(c, &(struct at){AT_FDCWD, c->args[0], 0}, (unsigned)c->args[1]);
}

int64_t sys_faccessat(struct call *c)
{
	return access_at(c, &(struct at){(int)c->args[0], c->args[1], 0}, (unsigned)c->args[2]);
}

int64_t sys_faccessat2(struct call *c)
{
	struct at at = {(int)c->args[0], c->args[1], (uint32_t)c->args[3]};

	if (at.flags & ~(uint32_t)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return access_at(c, &at, (unsigned)c->args[2]);
}

/* ---- readlink ---- */

static int64_t readlink_at(struct call *c, int dirfd, uint64_t upath, const uint64_t *buf_len)
{
	struct walk w = {.flags = 0};
	int64_t n;
	int r;

	if ((int64_t)buf_len[1] <= 0)
		return -EINVAL;
	r = path_at(c, &w, dirfd, upath);
	if (r)
		return r;
	n = VN_IS(w.vn, S_IFLNK) ? path_readlink(c, w.vn, w.name) : -EINVAL;
	walk_done(&w);
	if (n < 0)
		return n;
	if ((uint64_t)n > buf_len[1])
		n = (int64_t)buf_len[1];
	r = user_write(c, buf_len[0], c->buf, (size_t)n);
	return r ? r : n;
}

int64_t sys_readlink(struct call *c)
{
	return readlink_at(c, AT_FDCWD, c->args[0], &c->args[1]);
}

int64_t sys_readlinkat(struct call *c)
{
	return readlink_at(c, (int)c->args[0], c->args[1], &c->args[2]);
}
