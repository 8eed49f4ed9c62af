/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of mfstool share: an opened and mounted image, and the commands.
 */
#ifndef MFSTOOL_H
#define MFSTOOL_H

#include "fs/image.h"
#include "fs/mfs.h"

struct volume {
	int fd;
	struct mfs_image *image;
	struct mfs *fs;
	void *memory;
};

/* Prints what went wrong, with the text of -error unless it is 0; always returns 1. */
int complain(int error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Both return 0, or 1 after a complaint. */
int volume_open(struct volume *v, const char *path, bool want_write);
int volume_close(struct volume *v, bool want_write);
/* Follows a path from the root; symbolic links are not followed. The caller puts the inode back. */
int volume_find(struct volume *v, const char *path, struct mfs_inode **ip);

/* Hands the content of a regular file to fn in pieces of up to 1 MiB. */
typedef int (*content_fn_t)(void *ctx, const void *data, size_t len);
int read_content(struct mfs_inode *ip, content_fn_t fn, void *ctx);

int command_populate(struct volume *v, const char *dir);
int command_extract(struct volume *v, const char *path);

#endif
