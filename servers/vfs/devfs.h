/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device file system (/dev) and the table of devices. vfs serves it itself, without waiting.
 *
 * A device comes from ds ("blk.<unit>", "chr.<name>") or is built in; it is found by name (in /dev)
 * and by (type, number) for device nodes of other file systems.
 */
#ifndef SERVERS_VFS_DEVFS_H
#define SERVERS_VFS_DEVFS_H

#include "vfs.h"

#define DEVS_MAX (160 + CHR_PAIRS_MAX)

enum dev_kind {
	DEV_FREE,
	DEV_NULL,
	DEV_ZERO,
	DEV_FULL,
	DEV_RANDOM,
	DEV_TTY,     /* the controlling terminal of whoever opens it */
	DEV_CONSOLE, /* another name of the console's driver */
	DEV_CHR,     /* obj: struct chrdev */
	DEV_BLK,     /* obj: struct blkdev */
	DEV_LINK,    /* symbolic link */
	DEV_DIR,
};

struct dev {
	enum dev_kind kind;
	bool is_gone;         /* not in the directory any more, but known by number */
	char name[LABEL_MAX]; /* below /dev: "null", "pts/3" */
	const char *target;   /* DEV_LINK */
	unsigned dir;         /* index of the directory: 0 is /dev itself */
	uint32_t mode;        /* with S_IFMT */
	uint32_t first_mode;  /* before anybody changed it */
	uint32_t uid, gid;
	uint32_t rdev;
	int64_t time_s;
	void *obj;
};

void devfs_init(void);
struct vnode *devfs_root(struct mount *m); /* with a reference */
/* Adds a device or finds the one of that name; NULL: table full, or no such directory. */
struct dev *dev_add(enum dev_kind kind, const char *name, uint32_t mode);
/* A device that was added again is another one: the mode of its kind, this owner, a new time. */
void dev_renew(struct dev *d, uint32_t uid, uint32_t gid);
void dev_remove(struct dev *d);
struct dev *dev_by_name(enum dev_kind kind, const char *name);
struct dev *dev_by_rdev(uint32_t mode, uint32_t rdev);
unsigned dev_index(const struct dev *d);

/* The name in its directory; NULL: it is /dev. *dir: the directory, with a reference. */
const char *devfs_name(struct vnode *v, struct vnode **dir);
int devfs_getattr(struct vnode *v);
int devfs_setattr(struct vnode *v, const struct fs_setattr *s);
int devfs_lookup(struct call *c, struct vnode *dir, const char *name, struct vnode **out);
int devfs_readdir(struct call *c, struct vnode *v, uint64_t *cookie);
int devfs_readlink(struct call *c, struct vnode *v);
int devfs_remove(struct call *c, struct walk *w);

/* Opens a device node; f->vn is set by the caller. */
int dev_open(struct call *c, struct dev *d, uint32_t flags, struct file **out) MUST_CHECK;

#endif
