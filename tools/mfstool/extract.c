/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies everything in an image into a folder of the host, which is made if need be. The image is not trusted: names with a
 * slash are never handed out by the library, existing files are not followed or overwritten, and
 * depth is bounded.
 */
#include "mfstool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { DEPTH_MAX = 64, NAMES_MAX = 1 << 20 };

struct names {
	char (*text)[MFS_NAME_MAX + 1];
	size_t count;
	bool is_short_of_memory;
};

static int collect(void *ctx, uint32_t ino, struct mfs_name name, uint32_t next)
{
	struct names *names = ctx;
	char(*grown)[MFS_NAME_MAX + 1];

	(void)ino;
	(void)next;
	if ((name.len == 1 && name.text[0] == '.') ||
	    (name.len == 2 && memcmp(name.text, "..", 2) == 0))
		return 0;
	grown = names->count < NAMES_MAX ? realloc(names->text, (names->count + 1) * sizeof(*grown))
	                                 : NULL;
	if (!grown) {
		names->is_short_of_memory = true;
		return 1;
	}
	names->text = grown;
	memcpy(grown[names->count], name.text, name.len);
	grown[names->count++][name.len] = 0;
	return 0;
}

static int write_all(void *ctx, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(*(const int *)ctx, at, len);

		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

static int extract_file(int dir_fd, const char *name, struct mfs_inode *ip)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return -errno;
	r = read_content(ip, write_all, &fd);
	if (!r && fchmod(fd, ip->mode & 07777) < 0)
		r = -errno;
	close(fd);
	return r;
}

static int extract_link(int dir_fd, const char *name, struct mfs_inode *ip)
{
	char target[MFS_LINK_TARGET_MAX + 1];
	size_t len;
	int r = mfs_read_link(ip, target, sizeof(target), &len);

	if (r)
		return r;
	if (len >= sizeof(target))
		return -ENAMETOOLONG;
	target[len] = 0;
	return symlinkat(target, dir_fd, name) < 0 ? -errno : 0;
}

static int extract_node(int dir_fd, const char *name, struct mfs_inode *ip)
{
	uint32_t rdev = ip->zone[0];
	dev_t dev = makedev(rdev >> 8 & 0xfff, (rdev & 0xff) | (rdev >> 12 & ~0xffU));

	return mknodat(dir_fd, name, ip->mode, dev) < 0 ? -errno : 0;
}

static int extract_dir(int fd, struct mfs_inode *dir, unsigned depth);

static int extract_subdir(int dir_fd, const char *name, struct mfs_inode *ip, unsigned depth)
{
	int fd, r;

	if (mkdirat(dir_fd, name, 0700) < 0)
		return -errno;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = extract_dir(fd, ip, depth + 1);
	if (!r && fchmod(fd, ip->mode & 07777) < 0)
		r = -errno;
	close(fd);
	return r;
}

static int extract_one(int dir_fd, struct mfs_inode *dir, const char *name, unsigned depth)
{
	struct mfs_inode *ip;
	int r = mfs_lookup(dir, (struct mfs_name){.text = name, .len = strlen(name)}, &ip);

	if (r)
		return complain(r, "%s", name);
	if (S_ISDIR(ip->mode))
		r = extract_subdir(dir_fd, name, ip, depth);
	else if (S_ISREG(ip->mode))
		r = extract_file(dir_fd, name, ip);
	else if (S_ISLNK(ip->mode))
		r = extract_link(dir_fd, name, ip);
	else
		r = extract_node(dir_fd, name, ip);
	mfs_put_inode(ip);
	return r < 0 ? complain(r, "%s", name) : r;
}

/* 0, 1 after a complaint, or -errno. */
static int extract_dir(int fd, struct mfs_inode *dir, unsigned depth)
{
	struct names names = {.count = 0};
	int r = depth > DEPTH_MAX ? -ELOOP : mfs_read_dir(dir, 0, collect, &names);

	if (!r && names.is_short_of_memory)
		r = -ENOMEM;
	for (size_t i = 0; i < names.count && !r; i++)
		r = extract_one(fd, dir, names.text[i], depth);
	free(names.text);
	return r;
}

int command_extract(struct volume *v, const char *path)
{
	struct mfs_inode *root;
	int fd, r;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return complain(errno, "%s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return complain(errno, "%s", path);
	r = mfs_get_inode(v->fs, MFS_ROOT_INO, &root);
	if (!r) {
		r = extract_dir(fd, root, 0);
		mfs_put_inode(root);
	}
	close(fd);
	return r < 0 ? complain(r, "%s", path) : r;
}
