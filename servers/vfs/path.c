/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Path walking: components one by one, symbolic links spliced into what is left, mount points
 * crossed in both directions, search permission checked in every directory. ".." never leaves the
 * caller's root.
 */
#include <string.h>
#include "dcache.h"
#include "devfs.h"
#include "pathname.h"
#include "vfs.h"

struct cursor {
	struct vnode *at; /* with a reference */
	struct vnode *root;
	const char *rest; /* in c->path */
	unsigned links;
};

static void move_to(struct cursor *k, struct vnode *v)
{
	vnode_unref(k->at);
	k->at = v;
}

static struct vnode *top_of(struct vnode *v)
{
	while (v->mounted && !v->mounted->is_busy) {
		struct vnode *root = v->mounted->root;

		vnode_ref(root);
		vnode_unref(v);
		v = root;
	}
	return v;
}

/* The parent of k->at, or k->at itself at the caller's root. */
static int lookup_parent(struct call *c, struct cursor *k, struct vnode **out)
{
	struct vnode *v = k->at;
	int r;

	if (v == k->root || (!v->mount->covered && v == v->mount->root)) {
		vnode_ref(v);
		*out = v;
		return 0;
	}
	vnode_ref(v);
	while (v == v->mount->root && v->mount->covered) {
		struct vnode *below = v->mount->covered;

		vnode_ref(below);
		vnode_unref(v);
		v = below;
	}
	r = fs_lookup(c, v, "..", out);
	vnode_unref(v);
	if (!r)
		*out = top_of(*out);
	return r;
}

int path_readlink(struct call *c, struct vnode *v, const char *name)
{
	/* /proc/self and /proc/thread-self are the caller's, which their server cannot know. */
	if (c->proc && v->mount->is_proc && (!strcmp(name, "self") || !strcmp(name, "thread-self")))
		return snprintf(c->buf, sizeof(c->buf), "%d", c->proc->pid);
	return fs_readlink(c, v);
}

static int lookup(struct call *c, struct cursor *k, const char *name, struct vnode **out)
{
	int r;

	if (name[0] == '\0' || !strcmp(name, ".")) {
		vnode_ref(k->at);
		*out = k->at;
		return 0;
	}
	if (!strcmp(name, ".."))
		return lookup_parent(c, k, out);
	r = fs_lookup(c, k->at, name, out);
	if (!r)
		*out = top_of(*out);
	return r;
}

/* k->at stays (or becomes the root); c->path becomes what the link v says plus what was left. */
static int follow(struct call *c, struct cursor *k, struct vnode *v, const char *name)
{
	int r;

	if (++k->links > LINKS_MAX)
		return -ELOOP;
	r = path_readlink(c, v, name);
	if (r < 0)
		return r;
	if (r == 0)
		return -ENOENT;
	r = path_splice(c->path, sizeof(c->path), c->buf, k->rest);
	if (r)
		return r;
	k->rest = c->path;
	if (c->path[0] == '/') {
		vnode_ref(k->root);
		move_to(k, k->root);
	}
	return 0;
}

static int take_component(struct cursor *k, struct walk *w)
{
	size_t len;
	const char *name = path_component(&k->rest, &len);

	if (len > FS_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(w->name, name, len);
	w->name[len] = '\0';
	w->name_len = (unsigned)len;
	w->want_dir = len > 0 && *k->rest == '/';
	w->is_dots = len == 0 || !strcmp(w->name, ".") || !strcmp(w->name, "..");
	return 0;
}

/* One component. 1: the walk is over, w->vn (and w->dir) are set; 0: go on; -errno. */
static int step(struct call *c, struct cursor *k, struct walk *w)
{
	struct vnode *v = NULL;
	bool is_last;
	int r = take_component(k, w);

	if (r)
		return r;
	if (!VN_IS(k->at, S_IFDIR))
		return -ENOTDIR;
	is_last = path_is_end(k->rest);
	r = vnode_access(c, k->at, X_OK);
	if (r)
		return r;
	r = lookup(c, k, w->name, &v);
	if (r && !(r == -ENOENT && is_last && (w->flags & WALK_PARENT)))
		return r;
	if (v && VN_IS(v, S_IFLNK) &&
	    (!is_last || (w->flags & WALK_FOLLOW) || (w->want_dir && !(w->flags & WALK_PARENT)))) {
		r = follow(c, k, v, w->name);
		vnode_unref(v);
		return r;
	}
	if (is_last) {
		w->vn = v;
		if (w->flags & WALK_PARENT) {
			vnode_ref(k->at);
			w->dir = k->at;
		}
		return v && w->want_dir && !VN_IS(v, S_IFDIR) ? -ENOTDIR : 1;
	}
	move_to(k, v);
	return 0;
}

int path_walk(struct call *c, struct walk *w, struct vnode *base)
{
	struct fsctx *fs = c->proc ? c->proc->fs : NULL;
	struct cursor k = {.rest = c->path, .root = fs ? fs->root : root_vnode};
	int r = 0;

	w->dir = w->vn = NULL;
	w->name[0] = '\0';
	w->name_len = 0;
	w->is_dots = true;
	w->want_dir = false;
	if (!k.root)
		return -ENOENT;
	if (c->path[0] == '\0')
		return -ENOENT;
	if (c->path[0] == '/' || (!base && !fs))
		k.at = k.root;
	else
		k.at = base ? base : fs->cwd;
	vnode_ref(k.root); /* another thread may chroot */
	vnode_ref(k.at);
	if (path_is_end(c->path)) { /* nothing but slashes */
		vnode_ref(k.at);
		w->vn = k.at;
		if (w->flags & WALK_PARENT) {
			vnode_ref(k.at);
			w->dir = k.at;
		}
		r = 1;
	}
	while (r == 0)
		r = step(c, &k, w);
	vnode_unref(k.at);
	vnode_unref(k.root);
	if (r < 0)
		walk_done(w);
	return r < 0 ? r : 0;
}

void walk_done(struct walk *w)
{
	vnode_unref(w->dir);
	vnode_unref(w->vn);
	w->dir = w->vn = NULL;
}

/* The directory that dirfd means for a relative path: *out NULL = cwd; with a reference. */
static int base_of(struct call *c, int dirfd, struct vnode **out)
{
	struct file *f;

	*out = NULL;
	if (c->path[0] == '/' || dirfd == AT_FDCWD)
		return 0;
	f = file_get(c, dirfd);
	if (!f)
		return -EBADF;
	if (f->vn && VN_IS(f->vn, S_IFDIR)) {
		vnode_ref(f->vn);
		*out = f->vn;
	}
	file_unref(f);
	return *out ? 0 : -ENOTDIR;
}

int path_fetch(struct call *c, uint64_t upath)
{
	int r = user_string(c, c->path, upath, sizeof(c->path));

	return r > 0 ? 0 : r ? r : -ENOENT;
}

int path_at(struct call *c, struct walk *w, int dirfd, uint64_t upath)
{
	int r = path_fetch(c, upath);

	w->dir = w->vn = NULL;
	return r ? r : path_from(c, w, dirfd);
}

int path_from(struct call *c, struct walk *w, int dirfd)
{
	struct vnode *base;
	int r = base_of(c, dirfd, &base);

	w->dir = w->vn = NULL;
	if (r)
		return r;
	r = path_walk(c, w, base);
	vnode_unref(base);
	return r;
}

int path_vnode(struct call *c, const struct at *at, struct vnode **out)
{
	struct walk w = {.flags = at->flags & AT_SYMLINK_NOFOLLOW ? 0 : WALK_FOLLOW};
	int r = path_at(c, &w, at->dirfd, at->upath);

	if (r)
		return r;
	*out = w.vn;
	return 0;
}

/* ---- the other direction ---- */

/* Name of v in its parent `dir`, by reading the directory: into name. */
static int search_name(struct call *c, struct vnode *dir, uint32_t ino, char *name)
{
	uint64_t cookie = 0;

	for (;;) {
		int n = fs_readdir(c, dir, &cookie);

		if (n <= 0)
			return n ? n : -ENOENT;
		for (int at = 0; at + (int)sizeof(struct fs_dirent) <= n;) {
			const struct fs_dirent *d = (const void *)(c->buf + at);

			if (d->rec_len < sizeof(*d) || at + d->rec_len > n)
				return -EIO;
			if (d->ino == ino && sizeof(*d) + d->name_len <= d->rec_len &&
			    !(d->name_len <= 2 && d->name[0] == '.' &&
			      (d->name_len == 1 || d->name[1] == '.'))) {
				memcpy(name, d->name, d->name_len);
				name[d->name_len] = '\0';
				return 0;
			}
			at += d->rec_len;
		}
	}
}

/* The parent of v, which is no root, and v's name in it. Only directories can be searched for. */
static int find_parent(struct call *c, struct vnode *v, struct vnode **parent, char *name)
{
	uint32_t dir;
	int r;

	if (v->mount->is_dev) {
		const char *leaf = devfs_name(v, parent);

		if (!leaf)
			return -ENOENT;
		(void)snprintf(name, FS_NAME_MAX + 1, "%s", leaf);
		return 0;
	}
	*parent = NULL;
	if (!v->is_gone && dcache_name_of((unsigned)(v->mount - mounts), v->ino, &dir, name))
		*parent = vnode_find(v->mount, dir);
	if (*parent)
		return 0;
	if (!VN_IS(v, S_IFDIR))
		return -ENOENT;
	r = fs_lookup(c, v, "..", parent);
	if (r)
		return r;
	r = search_name(c, *parent, v->ino, name);
	if (r)
		vnode_unref(*parent);
	return r;
}

/* One level up: *v becomes its parent, name what it is called there. */
static int climb(struct call *c, struct vnode **v, char *name)
{
	struct vnode *parent;
	int r;

	while (*v == (*v)->mount->root && (*v)->mount->covered) {
		struct vnode *below = (*v)->mount->covered;

		vnode_ref(below);
		vnode_unref(*v);
		*v = below;
	}
	if ((*v)->mount->ep == c->ep)
		return -EDEADLK; /* its server waits for us */
	r = find_parent(c, *v, &parent, name);
	if (r)
		return r;
	vnode_unref(*v);
	*v = parent;
	return 0;
}

int path_of(struct call *c, struct vnode *v, char *out, size_t size)
{
	struct vnode *root = c->proc ? c->proc->fs->root : root_vnode;
	char name[FS_NAME_MAX + 1];
	size_t at = size - 1;
	int r = 0;

	vnode_ref(v);
	out[at] = '\0';
	while (!r && v != root && !(v == v->mount->root && !v->mount->covered)) {
		size_t len;

		r = climb(c, &v, name);
		len = strlen(name);
		if (!r && len + 2 > at)
			r = -ENAMETOOLONG;
		if (!r) {
			at -= len + 1;
			out[at] = '/';
			memcpy(out + at + 1, name, len);
		}
	}
	vnode_unref(v);
	if (r)
		return r;
	if (out[at] == '\0')
		out[--at] = '/';
	memmove(out, out + at, size - at);
	return (int)(size - at - 1);
}
