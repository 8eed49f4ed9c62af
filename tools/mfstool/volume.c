/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening, mounting and reading an image.
 */
#include "mfstool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { INODE_SLOTS = 8192, CHUNK_BYTES = 1 << 20 };

int complain(int error, const char *fmt, ...)
{
	va_list args;

	fputs("mfstool: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	if (error)
		fprintf(stderr, ": %s", strerror(error < 0 ? -error : error));
	fputc('\n', stderr);
	return 1;
}

static void print_report(const char *what, uint32_t number)
{
	fprintf(stderr, "mfstool: damaged image: %s %u\n", what, number);
}

static int mount_image(struct volume *v, const struct mfs_geometry *geo, uint64_t bytes,
                       bool want_write)
{
	struct mfs_config config = {.device_bytes = bytes,
	                            .block_size = geo->block_size,
	                            .inode_slots = INODE_SLOTS,
	                            .is_read_only = !want_write};
	const char *reason = NULL;
	int r = mfs_image_open(v->fd, geo->block_size, &v->image);

	if (r)
		return complain(r, "no memory for the cache");
	mfs_image_on_report(v->image, print_report);
	config.io = mfs_image_io(v->image);
	config.memory_bytes = (mfs_memory_needed(geo, INODE_SLOTS) + 15) & ~(size_t)15;
	config.memory = v->memory = aligned_alloc(16, config.memory_bytes);
	if (!v->memory)
		return complain(ENOMEM, "cannot mount");
	r = mfs_mount(&config, &v->fs, &reason);
	return r ? complain(r, "cannot mount: %s", reason) : 0;
}

static void release(struct volume *v)
{
	mfs_image_close(v->image);
	free(v->memory);
	if (v->fd >= 0)
		close(v->fd);
}

int volume_open(struct volume *v, const char *path, bool want_write)
{
	struct mfs_geometry geo;
	const char *reason;
	uint64_t bytes;
	int r;

	memset(v, 0, sizeof(*v));
	v->fd = open(path, (want_write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	if (v->fd < 0)
		return complain(errno, "%s", path);
	r = mfs_image_probe(v->fd, &geo, &bytes, &reason);
	if (r)
		r = complain(0, "%s: %s", path, reason);
	else
		r = mount_image(v, &geo, bytes, want_write);
	if (r)
		release(v);
	return r;
}

int volume_close(struct volume *v, bool want_write)
{
	int r = mfs_unmount(v->fs);

	if (!r && want_write)
		r = mfs_image_flush(v->image);
	release(v);
	return r ? complain(r, "cannot write the image") : 0;
}

int volume_find(struct volume *v, const char *path, struct mfs_inode **ip)
{
	int r = mfs_get_inode(v->fs, MFS_ROOT_INO, ip);

	while (!r) {
		struct mfs_inode *dir = *ip;

		path += strspn(path, "/");
		if (!*path)
			return 0;
		r = mfs_lookup(dir, (struct mfs_name){.text = path, .len = strcspn(path, "/")}, ip);
		mfs_put_inode(dir);
		path += strcspn(path, "/");
	}
	return r;
}

static int move_out(void *ctx, size_t at, const struct mfs_piece *pieces, unsigned count)
{
	uint8_t *to = (uint8_t *)ctx + at;

	for (unsigned i = 0; i < count; i++) {
		memcpy(to, pieces[i].data, pieces[i].len);
		to += pieces[i].len;
	}
	return 0;
}

int read_content(struct mfs_inode *ip, content_fn_t fn, void *ctx)
{
	uint8_t *chunk = malloc(CHUNK_BYTES);
	uint32_t pos = 0;
	int r = chunk ? 0 : -ENOMEM;

	while (!r && pos < ip->size) {
		struct mfs_transfer tr = {
			.pos = pos, .len = CHUNK_BYTES, .move = move_out, .ctx = chunk};
		size_t done;

		r = mfs_read(ip, &tr, &done);
		if (!r)
			r = fn(ctx, chunk, done);
		pos += (uint32_t)done;
	}
	free(chunk);
	return r;
}
