/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that change names: mkdir, mknod, symlink, link, unlink, rmdir, rename. */
#include <string.h>
#include "vfs.h"

#define RENAME_NOREPLACE_ 1u

int names_may_make(struct call *c, struct vnode *dir)
{
	int r;

	if (dir->mount->flags & 1)
		return -EROFS;
	r = vnode_access(c, dir, W_OK | X_OK);
	return r ? r : dir->is_gone ? -ENOENT : 0;
}

/* Walks to a name that is to be made. The caller ends with walk_done() on success. */
static int walk_new(struct call *c, struct walk *w, int dirfd, uint64_t upath)
{
	int r;

	w->flags = WALK_PARENT;
	r = path_at(c, w, dirfd, upath);
	if (r)
		return r;
	if (w->vn)
		r = -EEXIST;
	if (!r)
		r = names_may_make(c, w->dir);
	if (r)
		walk_done(w);
	return r;
}

static int64_t make_at(struct call *c, int dirfd, uint64_t upath, const struct fs_make *k)
{
	struct walk w;
	int r = walk_new(c, &w, dirfd, upath);

	if (r)
		return r;
	r = w.want_dir && k->op != FS_MKDIR ? -ENOENT : fs_make(c, &w, k);
	walk_done(&w);
	return r;
}

static int64_t mkdir_at(struct call *c, int dirfd, uint64_t upath, uint64_t mode)
{
	struct fs_make k = {.op = FS_MKDIR, .mode = S_IFDIR | (mode & 01777 & ~c->proc->fs->umask)};

	return make_at(c, dirfd, upath, &k);
}

int64_t sys_mkdir(struct call *c)
{
	return mkdir_at(c, AT_FDCWD, c->args[0], c->args[1]);
}

int64_t sys_mkdirat(struct call *c)
{
	return mkdir_at(c, (int)c->args[0], c->args[1], c->args[2]);
}

static int64_t mknod_at(struct call *c, int dirfd, const uint64_t *args)
{
	uint32_t mode = (uint32_t)args[1] & ~c->proc->fs->umask;
	struct fs_make k = {.op = FS_MKNOD, .rdev = (uint32_t)args[2]};

	switch (mode & S_IFMT) {
	case 0: mode |= S_IFREG; break;
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK: break;
	case S_IFCHR:
	case S_IFBLK:
		if (c->proc->euid != 0)
			return -EPERM;
		break;
	case S_IFDIR: return -EPERM;
	default: return -EINVAL;
	}
	if ((mode & S_IFMT) == S_IFREG)
		k.op = FS_CREATE;
	k.mode = mode & (S_IFMT | 07777);
	return make_at(c, dirfd, args[0], &k);
}

int64_t sys_mknod(struct call *c)
{
	return mknod_at(c, AT_FDCWD, &c->args[0]);
}

int64_t sys_mknodat(struct call *c)
{
	return mknod_at(c, (int)c->args[0], &c->args[1]);
}

/* The target must outlive the walk, which uses c->path and c->buf: it goes onto the stack. */
static int64_t symlink_at(struct call *c, uint64_t utarget, int dirfd, uint64_t upath)
{
	char target[PATH_MAX];
	struct fs_make k = {.op = FS_SYMLINK, .target = target};
	int r = user_string(c, target, utarget, sizeof(target));

	if (r <= 0)
		return r ? r : -ENOENT;
	return make_at(c, dirfd, upath, &k);
}

int64_t sys_symlink(struct call *c)
{
	return symlink_at(c, c->args[0], AT_FDCWD, c->args[1]);
}

int64_t sys_symlinkat(struct call *c)
{
	return symlink_at(c, c->args[0], (int)c->args[1], c->args[2]);
}

/* ---- link ---- */

struct link_req {
	struct at old;
	int dirfd;
	uint64_t upath;
};

static int64_t link_vnode(struct call *c, struct vnode *old, const struct link_req *q)
{
	struct walk w;
	int r;

	if (VN_IS(old, S_IFDIR))
		return -EPERM;
	r = walk_new(c, &w, q->dirfd, q->upath);
	if (r)
		return r;
	if (w.dir->mount != old->mount)
		r = -EXDEV;
	else if (w.want_dir || old->is_gone)
		r = -ENOENT;
	else
		r = fs_link(c, &w, old);
	walk_done(&w);
	return r;
}

static int64_t link_at(struct call *c, const struct link_req *q)
{
	struct vnode *old;
	int64_t r = path_vnode(c, &q->old, &old);

	if (r)
		return r;
	r = link_vnode(c, old, q);
	vnode_unref(old);
	return r;
}

int64_t sys_link(struct call *c)
{
	struct link_req q = {{AT_FDCWD, c->args[0], AT_SYMLINK_NOFOLLOW}, AT_FDCWD, c->args[1]};

	return link_at(c, &q);
}

int64_t sys_linkat(struct call *c)
{
	uint32_t follow = c->args[4] & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW;
	struct link_req q = {{(int)c->args[0], c->args[1], follow}, (int)c->args[2], c->args[3]};

	return c->args[4] & ~(uint64_t)AT_SYMLINK_FOLLOW ? -EINVAL : link_at(c, &q);
}

/* ---- unlink, rmdir ---- */

/* Sticky directory: only the owners of file and directory, and root. */
static int check_sticky(struct call *c, const struct walk *w)
{
	int r;

	if (!(w->dir->attr.mode & S_ISVTX) || c->proc->euid == 0)
		return 0;
	r = vnode_attr(c, w->vn);
	if (r)
		return r;
	return c->proc->euid == w->vn->attr.uid || c->proc->euid == w->dir->attr.uid ? 0 : -EPERM;
}

static int check_removal(struct call *c, const struct walk *w)
{
	int r = names_may_make(c, w->dir);

	if (!r)
		r = check_sticky(c, w);
	if (!r && w->vn->mount != w->dir->mount)
		r = -EBUSY; /* something is mounted there */
	return r;
}

static int rmdir_walked(struct call *c, struct walk *w)
{
	int r;

	if (w->is_dots)
		return !strcmp(w->name, ".") ? -EINVAL : w->name[0] ? -ENOTEMPTY : -EBUSY;
	if (!VN_IS(w->vn, S_IFDIR))
		return -ENOTDIR;
	r = check_removal(c, w);
	return r ? r : fs_remove(c, w, FS_RMDIR);
}

static int unlink_walked(struct call *c, struct walk *w)
{
	int r;

	if (VN_IS(w->vn, S_IFDIR))
		return -EISDIR;
	if (w->want_dir)
		return -ENOTDIR;
	r = check_removal(c, w);
	return r ? r : fs_remove(c, w, FS_UNLINK);
}

static int64_t remove_at(struct call *c, const struct at *at)
{
	struct walk w = {.flags = WALK_PARENT};
	int r = path_at(c, &w, at->dirfd, at->upath);

	if (r)
		return r;
	if (!w.vn)
		r = -ENOENT;
	else
		r = at->flags & AT_REMOVEDIR ? rmdir_walked(c, &w) : unlink_walked(c, &w);
	walk_done(&w);
	return r;
}

int64_t sys_unlink(struct call *c)
{
	return remove_at(c, &(struct at){AT_FDCWD, c->args[0], 0});
}

int64_t sys_rmdir(struct call *c)
{
	return remove_at(c, &(struct at){AT_FDCWD, c->args[0], AT_REMOVEDIR});
}

int64_t sys_unlinkat(struct call *c)
{
	if (c->args[2] & ~(uint64_t)AT_REMOVEDIR)
		return -EINVAL;
	return remove_at(c, &(struct at){(int)c->args[0], c->args[1], (uint32_t)c->args[2]});
}

/* ---- rename ---- */

/* A directory must not become its own ancestor. */
static int check_not_below(struct call *c, struct vnode *moved, struct vnode *dir)
{
	struct vnode *v = dir, *parent;
	int r;

	vnode_ref(v);
	for (unsigned depth = 0; depth < PATH_MAX; depth++) {
		if (v == moved || v == v->mount->root) {
			r = v == moved ? -EINVAL : 0;
			vnode_unref(v);
			return r;
		}
		r = fs_lookup(c, v, "..", &parent);
		vnode_unref(v);
		if (r)
			return r;
		v = parent;
	}
	vnode_unref(v);
	return -ELOOP;
}

static int check_types(const struct walk *from, const struct walk *to)
{
	if (!VN_IS(from->vn, S_IFDIR))
		return from->want_dir || to->want_dir     ? -ENOTDIR
		       : to->vn && VN_IS(to->vn, S_IFDIR) ? -EISDIR
		                                          : 0;
	return to->vn && !VN_IS(to->vn, S_IFDIR) ? -ENOTDIR : 0;
}

static int rename_walked(struct call *c, struct walk *from, struct walk *to, unsigned flags)
{
	int r;

	if (!from->vn)
		return -ENOENT;
	if (from->is_dots || to->is_dots)
		return -EBUSY;
	if (to->vn && (flags & RENAME_NOREPLACE_))
		return -EEXIST;
	if (from->dir->mount != to->dir->mount)
		return -EXDEV;
	r = check_removal(c, from);
	if (!r)
		r = to->vn ? check_removal(c, to) : names_may_make(c, to->dir);
	if (!r)
		r = check_types(from, to);
	if (r || from->vn == to->vn)
		return r; /* two names of one file: nothing happens */
	if (VN_IS(from->vn, S_IFDIR) && from->dir != to->dir)
		r = check_not_below(c, from->vn, to->dir);
	else if (from->vn == to->dir)
		r = -EINVAL;
	return r ? r : fs_rename(c, from, to);
}

struct rename_req {
	int from_fd, to_fd;
	uint64_t from, to;
	unsigned flags;
};

static int64_t rename_at(struct call *c, const struct rename_req *q)
{
	struct walk from = {.flags = WALK_PARENT}, to = {.flags = WALK_PARENT};
	int r;

	if (q->flags & ~RENAME_NOREPLACE_)
		return -EINVAL;
	r = path_at(c, &from, q->from_fd, q->from);
	if (r)
		return r;
	r = path_at(c, &to, q->to_fd, q->to);
	if (!r) {
		r = rename_walked(c, &from, &to, q->flags);
		walk_done(&to);
	}
	walk_done(&from);
	return r;
}

int64_t sys_rename(struct call *c)
{
	return rename_at(c, &(struct rename_req){AT_FDCWD, AT_FDCWD, c->args[0], c->args[1], 0});
}

int64_t sys_renameat(struct call *c)
{
	return rename_at(c, &(struct rename_req){(int)c->args[0], (int)c->args[2], c->args[1],
	                                         c->args[3], 0});
}

int64_t sys_renameat2(struct call *c)
{
	struct rename_req q = {(int)c->args[0], (int)c->args[2], c->args[1], c->args[3],
	                       (unsigned)c->args[4]};

	return rename_at(c, &q);
}
