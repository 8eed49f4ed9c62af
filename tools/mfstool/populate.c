/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies a folder of the host into an image: files, directories, symbolic and hard links, device
 * nodes, FIFOs; modes and modification times stay, the owner is root. Entries are taken in the
 * order of their names, so that the same folder gives the same image.
 */
#include "mfstool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { DEPTH_MAX = 64 };

/* A file with several names: where its first one went. */
struct known {
	dev_t dev;
	ino_t ino;
	uint32_t image_ino;
};

struct populate {
	struct volume *v;
	struct known *known;
	size_t known_count;
	unsigned depth;
};

/* One entry that is being copied. */
struct entry {
	const char *path;
	struct mfs_name name;
	struct stat st;
};

static struct mfs_name name_of(const char *text)
{
	return (struct mfs_name){.text = text, .len = strlen(text)};
}

static int move_in(void *ctx, size_t at, const struct mfs_piece *pieces, unsigned count)
{
	const uint8_t *from = (const uint8_t *)ctx + at;

	for (unsigned i = 0; i < count; i++) {
		memcpy(pieces[i].data, from, pieces[i].len);
		from += pieces[i].len;
	}
	return 0;
}

static int copy_content(const struct entry *e, struct mfs_inode *ip)
{
	struct mfs_transfer tr = {.len = (size_t)e->st.st_size, .move = move_in};
	size_t done;
	int fd, r;

	if (e->st.st_size == 0)
		return 0;
	fd = open(e->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	tr.ctx = mmap(NULL, tr.len, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (tr.ctx == MAP_FAILED)
		return -errno;
	r = mfs_write(ip, &tr, &done);
	munmap(tr.ctx, tr.len);
	return r;
}

static int make(struct mfs_inode *dir, const struct entry *e, struct mfs_inode **ip)
{
	struct mfs_new what = {.mode = (uint16_t)e->st.st_mode};
	char target[PATH_MAX];
	ssize_t n;

	if (S_ISLNK(e->st.st_mode)) {
		n = readlink(e->path, target, sizeof(target));
		if (n < 0)
			return -errno;
		what.target = (struct mfs_name){.text = target, .len = (size_t)n};
	} else if (S_ISCHR(e->st.st_mode) || S_ISBLK(e->st.st_mode)) {
		uint32_t minor_number = minor(e->st.st_rdev);

		what.rdev = (minor_number & 0xff) | (uint32_t)major(e->st.st_rdev) << 8 |
		            (minor_number & ~0xffU) << 12;
	}
	return mfs_create(dir, e->name, &what, ip);
}

static int remember(struct populate *p, const struct stat *st, uint32_t image_ino)
{
	struct known *grown = realloc(p->known, (p->known_count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	p->known = grown;
	p->known[p->known_count++] = (struct known){st->st_dev, st->st_ino, image_ino};
	return 0;
}

/* Another name of a file that is in the image already: 1; no such file: 0. */
static int link_known(struct populate *p, struct mfs_inode *dir, const struct entry *e)
{
	for (size_t i = 0; i < p->known_count; i++) {
		struct mfs_inode *ip;
		int r;

		if (p->known[i].dev != e->st.st_dev || p->known[i].ino != e->st.st_ino)
			continue;
		r = mfs_get_inode(p->v->fs, p->known[i].image_ino, &ip);
		if (r)
			return r;
		r = mfs_link(dir, e->name, ip);
		mfs_put_inode(ip);
		return r ? r : 1;
	}
	return 0;
}

static int populate_dir(struct populate *p, const char *path, struct mfs_inode *dir);

static int copy_inside(struct populate *p, const struct entry *e, struct mfs_inode *ip)
{
	const struct mfs_attr attr = {.which = MFS_SET_MTIME | MFS_SET_ATIME,
	                              .mtime = (uint32_t)e->st.st_mtime,
	                              .atime = (uint32_t)e->st.st_mtime};
	int r = 0;

	if (S_ISREG(e->st.st_mode))
		r = copy_content(e, ip);
	else if (S_ISDIR(e->st.st_mode))
		r = populate_dir(p, e->path, ip);
	if (!r && !S_ISDIR(e->st.st_mode) && e->st.st_nlink > 1)
		r = remember(p, &e->st, ip->ino);
	return r ? r : mfs_set_attr(ip, &attr);
}

static int copy_entry(struct populate *p, struct mfs_inode *dir, const struct entry *e)
{
	struct mfs_inode *ip = NULL;
	int r = 0;

	if (mfs_wants_commit(p->v->fs))
		r = mfs_commit(p->v->fs);
	if (!r && !S_ISDIR(e->st.st_mode) && e->st.st_nlink > 1)
		r = link_known(p, dir, e);
	if (r)
		return r < 0 ? r : 0;
	if (S_ISDIR(e->st.st_mode))
		r = mfs_lookup(dir, e->name, &ip);
	if (!S_ISDIR(e->st.st_mode) || r == -ENOENT)
		r = make(dir, e, &ip);
	if (r || !ip)
		return r;
	r = copy_inside(p, e, ip);
	mfs_put_inode(ip);
	return r;
}

static int wanted(const struct dirent *d)
{
	return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int populate_one(struct populate *p, const char *path, struct mfs_inode *dir,
                        const char *name)
{
	char full[PATH_MAX];
	struct entry e = {.path = full, .name = name_of(name)};
	int r = 0;

	if ((size_t)snprintf(full, sizeof(full), "%s/%s", path, name) >= sizeof(full))
		return complain(ENAMETOOLONG, "%s", path);
	if (lstat(full, &e.st) < 0)
		r = -errno;
	if (!r)
		r = copy_entry(p, dir, &e);
	return r < 0 ? complain(r, "%s", full) : r;
}

/* 0, or 1 after a complaint. */
static int populate_dir(struct populate *p, const char *path, struct mfs_inode *dir)
{
	struct dirent **list;
	int n = scandir(path, &list, wanted, by_name);
	int r = 0;

	if (n < 0)
		return complain(errno, "%s", path);
	if (++p->depth > DEPTH_MAX)
		r = complain(ELOOP, "%s", path);
	for (int i = 0; i < n; i++) {
		if (!r)
			r = populate_one(p, path, dir, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	p->depth--;
	return r;
}

int command_populate(struct volume *v, const char *dir)
{
	struct populate p = {.v = v};
	struct mfs_inode *root;
	int r = mfs_get_inode(v->fs, MFS_ROOT_INO, &root);

	if (r)
		return complain(r, "the root of the image");
	r = populate_dir(&p, dir, root);
	mfs_put_inode(root);
	free(p.known);
	return r;
}
