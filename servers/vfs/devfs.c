/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * /dev: a table of devices, served without a file server, with directories one level deep. Inode numbers
 * are table indices plus FIRST_INO; 1 is the root. Modes and owners can be changed and last until
 * the next boot; names come and go with devices.
 */
#include <dirent.h>
#include <string.h>
#include "devfs.h"
#include "devnum.h"

#define ROOT_INO  1u
#define FIRST_INO 2u

static struct dev devs[DEVS_MAX]; /* [0] is /dev itself */

unsigned dev_index(const struct dev *d)
{
	return (unsigned)(d - devs);
}

static struct dev *dev_of(uint32_t ino)
{
	unsigned i = ino == ROOT_INO ? 0 : ino - FIRST_INO;

	return i < DEVS_MAX && devs[i].kind != DEV_FREE ? &devs[i] : NULL;
}

static uint32_t ino_of(const struct dev *d)
{
	return d == &devs[0] ? ROOT_INO : dev_index(d) + FIRST_INO;
}

struct dev *dev_by_name(enum dev_kind kind, const char *name)
{
	for (unsigned i = 0; i < DEVS_MAX; i++)
		if (devs[i].kind == kind && !strcmp(devs[i].name, name))
			return &devs[i];
	return NULL;
}

struct dev *dev_by_rdev(uint32_t mode, uint32_t rdev)
{
	for (unsigned i = 1; i < DEVS_MAX; i++)
		if (devs[i].kind != DEV_FREE && (devs[i].mode & S_IFMT) == (mode & S_IFMT) &&
		    devs[i].rdev == rdev)
			return &devs[i];
	return NULL;
}

/* What it is called in its directory. */
static const char *leaf(const struct dev *d)
{
	const char *slash = strchr(d->name, '/');

	return slash && d != &devs[0] ? slash + 1 : d->name;
}

/* The directory that a new device of that name is in; NULL: there is none. */
static const struct dev *dir_for(const char *name)
{
	const char *slash = strchr(name, '/');
	char dir[LABEL_MAX];

	if (!slash || name == slash)
		return &devs[0];
	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(slash - name), name);
	return dev_by_name(DEV_DIR, dir);
}

struct dev *dev_add(enum dev_kind kind, const char *name, uint32_t mode)
{
	struct dev *d = dev_by_name(kind, name);
	const struct dev *dir = dir_for(name);

	if (!dir)
		return NULL;
	if (d) {
		d->is_gone = false;
		return d;
	}
	for (unsigned i = 0; i < DEVS_MAX; i++) {
		d = &devs[i];
		if (d->kind != DEV_FREE)
			continue;
		memset(d, 0, sizeof(*d));
		d->kind = kind;
		(void)snprintf(d->name, sizeof(d->name), "%s", name);
		d->dir = dev_index(dir);
		d->mode = d->first_mode = mode;
		d->rdev = devnum_of(name, S_ISBLK(mode), i);
		d->time_s = (int64_t)(wall_ns() / 1000000000u);
		return d;
	}
	return NULL;
}

void dev_remove(struct dev *d)
{
	d->is_gone = true;
}

void dev_renew(struct dev *d, uint32_t uid, uint32_t gid)
{
	d->mode = d->first_mode;
	d->uid = uid;
	d->gid = gid;
	d->time_s = (int64_t)(wall_ns() / 1000000000u);
	for (unsigned i = 0; i < MOUNTS_MAX; i++) {
		struct vnode *v = mounts[i].in_use && mounts[i].is_dev && mounts[i].root
		                          ? vnode_find(&mounts[i], ino_of(d))
		                          : NULL;

		if (v)
			vnode_changed(v);
		vnode_unref(v);
	}
}

static void add_link(const char *name, const char *target)
{
	struct dev *d = dev_add(DEV_LINK, name, S_IFLNK | 0777);

	if (d)
		d->target = target;
}

void devfs_init(void)
{
	static const struct {
		enum dev_kind kind;
		const char *name;
		uint32_t mode;
	} builtin[] = {
		{DEV_DIR, "/", S_IFDIR | 0755},         {DEV_NULL, "null", S_IFCHR | 0666},
		{DEV_ZERO, "zero", S_IFCHR | 0666},     {DEV_FULL, "full", S_IFCHR | 0666},
		{DEV_RANDOM, "random", S_IFCHR | 0666}, {DEV_RANDOM, "urandom", S_IFCHR | 0666},
		{DEV_TTY, "tty", S_IFCHR | 0666},       {DEV_CONSOLE, "console", S_IFCHR | 0600},
		{DEV_DIR, "pts", S_IFDIR | 0755},
	};

	for (unsigned i = 0; i < sizeof(builtin) / sizeof(builtin[0]); i++)
		SYS_ASSERT(dev_add(builtin[i].kind, builtin[i].name, builtin[i].mode));
	add_link("fd", "/proc/self/fd");
	add_link("stdin", "/proc/self/fd/0");
	add_link("stdout", "/proc/self/fd/1");
	add_link("stderr", "/proc/self/fd/2");
}

/* ---- file system ---- */

static void fill_attr(const struct dev *d, struct fs_attr *a)
{
	*a = (struct fs_attr){.ino = ino_of(d), .mode = d->mode, .nlink = S_ISDIR(d->mode) ? 2 : 1};
	a->uid = d->uid;
	a->gid = d->gid;
	a->rdev = S_ISCHR(d->mode) || S_ISBLK(d->mode) ? d->rdev : 0;
	a->size_bytes = d->target ? strlen(d->target) : 0;
	a->block_bytes = PAGE_BYTES;
	a->atime_s = a->mtime_s = a->ctime_s = d->time_s;
}

struct vnode *devfs_root(struct mount *m)
{
	struct fs_attr a;

	fill_attr(&devs[0], &a);
	return vnode_from_reply(m, &a);
}

const char *devfs_name(struct vnode *v, struct vnode **dir)
{
	const struct dev *d = dev_of(v->ino);
	struct fs_attr a;

	if (!d || d == &devs[0])
		return NULL;
	fill_attr(&devs[d->dir], &a);
	*dir = vnode_from_reply(v->mount, &a);
	return *dir ? leaf(d) : NULL;
}

int devfs_getattr(struct vnode *v)
{
	const struct dev *d = dev_of(v->ino);

	if (!d)
		return -ENOENT;
	fill_attr(d, &v->attr);
	v->attr_valid = true;
	return 0;
}

int devfs_setattr(struct vnode *v, const struct fs_setattr *s)
{
	struct dev *d = dev_of(v->ino);

	if (!d)
		return -ENOENT;
	if (s->mask & FS_SET_MODE)
		d->mode = (d->mode & S_IFMT) | (s->mode & 07777);
	if (s->mask & FS_SET_UID)
		d->uid = s->uid;
	if (s->mask & FS_SET_GID)
		d->gid = s->gid;
	if (s->mask & FS_SET_MTIME)
		d->time_s = s->mtime_s;
	vnode_changed(v);
	return 0;
}

int devfs_lookup(struct call *c, struct vnode *dir, const char *name, struct vnode **out)
{
	const struct dev *parent = dev_of(dir->ino), *d = NULL;
	struct fs_attr a;

	(void)c;
	if (!parent || parent->kind != DEV_DIR)
		return -ENOTDIR;
	if (!strcmp(name, "."))
		d = parent;
	else if (!strcmp(name, ".."))
		d = &devs[0];
	for (unsigned i = 1; !d && i < DEVS_MAX; i++)
		if (devs[i].kind != DEV_FREE && !devs[i].is_gone &&
		    devs[i].dir == dev_index(parent) && !strcmp(leaf(&devs[i]), name))
			d = &devs[i];
	if (!d)
		return -ENOENT;
	fill_attr(d, &a);
	*out = vnode_from_reply(dir->mount, &a);
	return *out ? 0 : -ENFILE;
}

/* Cookie: 0 ".", 1 "..", then 2 + table index. */
static size_t put_dirent(char *buf, const struct fs_dirent *head, const char *name)
{
	struct fs_dirent *out = (void *)buf;
	size_t len = strlen(name), rec = (sizeof(*out) + len + 7) & ~7ul;

	*out = *head;
	out->name_len = (uint8_t)len;
	out->rec_len = (uint16_t)rec;
	memcpy(out->name, name, len);
	return rec;
}

int devfs_readdir(struct call *c, struct vnode *v, uint64_t *cookie)
{
	unsigned dir = v->ino == ROOT_INO ? 0 : v->ino - FIRST_INO;
	size_t used = 0;

	for (uint64_t at = *cookie; at < DEVS_MAX + 2; at++) {
		unsigned i = at < 2 ? 0 : (unsigned)at - 2;
		const struct dev *d = &devs[i];
		struct fs_dirent head = {.cookie = at + 1};

		*cookie = at + 1;
		if (at >= 2 && (i == 0 || d->kind == DEV_FREE || d->is_gone || d->dir != dir))
			continue;
		head.ino = at == 0 ? v->ino : ino_of(d);
		head.type = at < 2 ? DT_DIR : (uint8_t)(d->mode >> 12 & 017);
		used += put_dirent(c->buf + used, &head, at == 0 ? "." : at == 1 ? ".." : leaf(d));
		if (used + sizeof(head) + LABEL_MAX + 8 > sizeof(c->buf))
			break;
	}
	return (int)used;
}

int devfs_readlink(struct call *c, struct vnode *v)
{
	const struct dev *d = dev_of(v->ino);
	size_t len;

	if (!d || !d->target)
		return -EINVAL;
	len = strlen(d->target);
	memcpy(c->buf, d->target, len);
	return (int)len;
}

int devfs_remove(struct call *c, struct walk *w)
{
	(void)c;
	(void)w;
	return -EPERM;
}
