/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories: getdents64, getcwd, chdir, chroot. */
#include <string.h>
#include "vfs.h"

struct dirent64 { /* of the ABI */
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
} __attribute__((packed));

struct out {
	uint64_t addr;
	uint64_t len;
	uint64_t used;
	uint64_t cookie; /* after the last record that fitted */
	bool is_full;
};

static int put_record(struct call *c, struct out *o, const struct fs_dirent *d)
{
	uint8_t rec[sizeof(struct dirent64) + FS_NAME_MAX + 1 + 8] = {0};
	struct dirent64 *out = (void *)rec;
	size_t len = (sizeof(*out) + d->name_len + 1 + 7) & ~7ul;
	int r;

	if (o->used + len > o->len) {
		o->is_full = true;
		return 0;
	}
	out->ino = d->ino;
	out->off = (int64_t)d->cookie;
	out->reclen = (uint16_t)len;
	out->type = d->type;
	memcpy(out->name, d->name, d->name_len);
	r = user_write(c, o->addr + o->used, rec, len);
	if (r)
		return r;
	o->used += len;
	o->cookie = d->cookie;
	return 0;
}

/* The records of one reply, in c->buf. */
static int put_records(struct call *c, struct out *o, int n)
{
	for (int at = 0; at + (int)sizeof(struct fs_dirent) <= n && !o->is_full;) {
		const struct fs_dirent *d = (const void *)(c->buf + at);
		int r;

		if (d->rec_len < sizeof(*d) + d->name_len || d->rec_len % 8 ||
		    at + d->rec_len > n || d->name_len == 0)
			return -EIO;
		r = put_record(c, o, d);
		if (r)
			return r;
		at += d->rec_len;
	}
	return 0;
}

static int64_t read_dir(struct call *c, struct file *f, struct out *o)
{
	int r = 0;

	o->cookie = f->pos;
	while (!o->is_full && !r) {
		uint64_t next = o->cookie;
		int n = fs_readdir(c, f->vn, &next);

		if (n <= 0) {
			r = n;
			break;
		}
		r = put_records(c, o, n);
	}
	if (o->used) {
		f->pos = o->cookie;
		return (int64_t)o->used;
	}
	return r ? r : o->is_full ? -EINVAL : 0;
}

int64_t sys_getdents64(struct call *c)
{
	struct out o = {.addr = c->args[1], .len = (uint32_t)c->args[2]};
	struct file *f = file_get(c, (int)c->args[0]);
	int64_t r;

	if (!f)
		return -EBADF;
	if (!f->vn || !VN_IS(f->vn, S_IFDIR) || !FILE_READABLE(f)) {
		r = -ENOTDIR;
	} else if (f->vn->is_gone) {
		r = -ENOENT;
	} else {
		file_pos_lock(c, f);
		r = read_dir(c, f, &o);
		file_pos_unlock(f);
	}
	file_unref(f);
	return r;
}

int64_t sys_getcwd(struct call *c)
{
	struct vnode *cwd = c->proc->fs->cwd;
	int n;

	if (!cwd || cwd->is_gone)
		return -ENOENT;
	n = path_of(c, cwd, c->path, sizeof(c->path));
	if (n < 0)
		return n;
	if ((uint64_t)n + 1 > c->args[1])
		return -ERANGE;
	n = user_write(c, c->args[0], c->path, (size_t)n + 1) ? -EFAULT : n + 1;
	return n;
}

static int enter(struct call *c, struct vnode *v, struct vnode **slot)
{
	int r;

	if (!VN_IS(v, S_IFDIR))
		return -ENOTDIR;
	r = vnode_access(c, v, X_OK);
	if (r)
		return r;
	vnode_ref(v);
	vnode_unref(*slot);
	*slot = v;
	return 0;
}

int64_t sys_chdir(struct call *c)
{
	struct vnode *v;
	int r = path_vnode(c, &(struct at){AT_FDCWD, c->args[0], 0}, &v);

	if (r)
		return r;
	r = enter(c, v, &c->proc->fs->cwd);
	vnode_unref(v);
	return r;
}

int64_t sys_fchdir(struct call *c)
{
	struct file *f = file_get(c, (int)c->args[0]);
	int r;

	if (!f)
		return -EBADF;
	r = f->vn ? enter(c, f->vn, &c->proc->fs->cwd) : -ENOTDIR;
	file_unref(f);
	return r;
}

int64_t sys_chroot(struct call *c)
{
	struct vnode *v;
	int r;

	if (c->proc->euid != 0)
		return -EPERM;
	r = path_vnode(c, &(struct at){AT_FDCWD, c->args[0], 0}, &v);
	if (r)
		return r;
	r = enter(c, v, &c->proc->fs->root);
	vnode_unref(v);
	return r;
}
