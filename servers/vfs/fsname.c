/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on names, with the name cache. An answer of LOOKUP is only remembered if no change of
 * the directory's names began or ended while it was under way (name_gen).
 */
#include <string.h>
#include "dcache.h"
#include "devfs.h"
#include "vfs.h"

static struct dcache_key key_of(const struct vnode *dir, const char *name)
{
	return (struct dcache_key){(unsigned)(dir->mount - mounts), dir->ino, name};
}

/* The beginning of a request about a name in dir. */
struct name_req {
	enum fs_msg op;
	struct fs_name n;
};

/* Grants, sends, waits. A reply that carries an inode becomes *out (if wanted). */
static int name_request(struct call *c, struct vnode *dir, struct name_req *q, struct vnode **out)
{
	struct mount *mt = dir->mount;
	struct fs_rep rep;
	struct msg m;
	int r;

	q->n.id = await_prepare(c, mt->ep, q->op);
	q->n.name_grant = grant_direct(mt->ep, c->name, q->n.name_len + q->n.name2_len, GRANT_READ);
	q->n.attr_grant =
		out ? grant_direct(mt->ep, &c->attr, sizeof(c->attr), GRANT_WRITE) : GRANT_INVALID;
	if (q->op != FS_SYMLINK)
		q->n.grant2 = GRANT_INVALID;
	msg_put(&m, q->op, &q->n);
	r = fs_transact(c, mt, &m, &rep);
	grant_revoke(q->n.name_grant);
	grant_revoke(q->n.attr_grant);
	if (r || !out)
		return r;
	if (c->attr.ino != rep.ino)
		return -EIO;
	*out = vnode_from_reply(mt, &c->attr);
	return *out ? 0 : -ENFILE;
}

static void put_name(struct call *c, struct fs_name *n, const char *name)
{
	n->name_len = (uint16_t)strlen(name);
	memcpy(c->name, name, n->name_len);
}

int fs_lookup(struct call *c, struct vnode *dir, const char *name, struct vnode **out)
{
	struct name_req q = {.op = FS_LOOKUP, .n.ino = dir->ino};
	struct dcache_key k = key_of(dir, name);
	uint32_t gen = dir->name_gen, ino;
	bool is_dots = !strcmp(name, "..") || !strcmp(name, ".");
	int r;

	if (dir->mount->is_dead)
		return -EIO;
	if (dir->mount->is_dev)
		return devfs_lookup(c, dir, name, out);
	if (!dir->mount->is_volatile && !is_dots && dcache_get(&k, &ino)) {
		*out = vnode_find(dir->mount, ino);
		if (*out)
			return 0;
	}
	put_name(c, &q.n, name);
	r = name_request(c, dir, &q, out);
	if (!r && !is_dots && gen == dir->name_gen && !dir->mount->is_volatile)
		dcache_put(&k, (*out)->ino);
	return r;
}

/* Names of dir are about to change, or have just changed. */
static void names_change(struct vnode *dir, const char *name)
{
	struct dcache_key k = key_of(dir, name);

	dir->name_gen++;
	vnode_changed(dir);
	dcache_drop(&k);
}

int fs_make(struct call *c, struct walk *w, const struct fs_make *k)
{
	struct name_req q = {.op = k->op, .n.ino = w->dir->ino, .n.rdev = k->rdev};
	struct dcache_key key = key_of(w->dir, w->name);
	struct vnode *dir = w->dir;
	int r;

	if (dir->mount->is_dev)
		return -EPERM;
	q.n.mode = k->op == FS_SYMLINK ? S_IFLNK | 0777 : k->mode;
	q.n.uid = c->proc ? c->proc->euid : 0;
	q.n.gid = c->proc ? c->proc->egid : 0;
	r = vnode_attr(c, dir);
	if (r)
		return r;
	if (dir->attr.mode & S_ISGID) {
		q.n.gid = dir->attr.gid;
		if (k->op == FS_MKDIR)
			q.n.mode |= S_ISGID;
	}
	put_name(c, &q.n, w->name);
	if (k->op == FS_SYMLINK) {
		q.n.target_len = (uint32_t)strlen(k->target);
		q.n.grant2 = grant_direct(dir->mount->ep, k->target, q.n.target_len, GRANT_READ);
	}
	names_change(dir, w->name);
	r = name_request(c, dir, &q, &w->vn);
	names_change(dir, w->name);
	if (k->op == FS_SYMLINK)
		grant_revoke(q.n.grant2);
	if (!r && !dir->mount->is_volatile)
		dcache_put(&key, w->vn->ino);
	return r;
}

/* A name of v is gone: its attributes have changed, and if it was the last one, so is the file. */
static void name_lost(struct vnode *v)
{
	bool is_last = !v->attr_valid || v->attr.nlink <= 1 || VN_IS(v, S_IFDIR);

	vnode_changed(v);
	if (is_last) {
		v->is_gone = true;
		token_outdated(v);
	}
}

int fs_remove(struct call *c, struct walk *w, enum fs_msg op)
{
	struct name_req q = {.op = op, .n.ino = w->dir->ino};
	int r;

	if (w->dir->mount->is_dev)
		return devfs_remove(c, w);
	put_name(c, &q.n, w->name);
	names_change(w->dir, w->name);
	r = name_request(c, w->dir, &q, NULL);
	names_change(w->dir, w->name);
	if (!r)
		name_lost(w->vn);
	return r;
}

int fs_link(struct call *c, struct walk *w, struct vnode *old)
{
	struct name_req q = {.op = FS_LINK, .n.ino = w->dir->ino, .n.ino2 = old->ino};
	int r;

	if (w->dir->mount->is_dev)
		return -EPERM;
	put_name(c, &q.n, w->name);
	names_change(w->dir, w->name);
	vnode_changed(old);
	r = name_request(c, w->dir, &q, NULL);
	names_change(w->dir, w->name);
	vnode_changed(old);
	return r;
}

int fs_rename(struct call *c, struct walk *from, struct walk *to)
{
	struct name_req q = {.op = FS_RENAME, .n.ino = from->dir->ino, .n.ino2 = to->dir->ino};
	int r;

	if (from->dir->mount->is_dev)
		return -EPERM;
	put_name(c, &q.n, from->name);
	q.n.name2_len = (uint16_t)to->name_len;
	memcpy(c->name + q.n.name_len, to->name, to->name_len);
	names_change(from->dir, from->name);
	names_change(to->dir, to->name);
	r = name_request(c, from->dir, &q, NULL);
	names_change(from->dir, from->name);
	names_change(to->dir, to->name);
	vnode_changed(from->vn);
	if (!r && to->vn && to->vn != from->vn)
		name_lost(to->vn);
	return r;
}
