/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See image.h. Slots are found by a hash of the block number and reused in clock order; when the
 * next victim is dirty, everything dirty is written, sorted, neighbours in one call.
 */
#include "fs/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CACHE_BYTES = 8 << 20, SLOTS_MIN = 128, RUN_MAX = 256 };
#define IOCTL_BLKGETSIZE64 0x80081272UL /* _IOR(0x12, 114, size_t) */

struct image_slot {
	uint32_t block;
	uint32_t pins;
	uint32_t next; /* slot index + 1 in the hash chain */
	bool is_valid;
	bool is_dirty;
	bool was_used;
	uint8_t *data;
};

struct mfs_image {
	struct mfs_io io;
	int fd;
	uint32_t block_size;
	uint32_t slot_count;
	uint32_t hand;
	uint32_t dirty_count;
	struct image_slot *slots;
	struct image_slot **order; /* room to sort dirty slots */
	uint32_t *hash;
	uint32_t hash_mask;
	uint8_t *memory;
	void (*report)(const char *what, uint32_t number);
};

static uint32_t *hash_head(struct mfs_image *image, uint32_t block)
{
	return &image->hash[block & image->hash_mask];
}

static struct image_slot *find_slot(struct mfs_image *image, uint32_t block)
{
	uint32_t i = *hash_head(image, block);

	while (i && image->slots[i - 1].block != block)
		i = image->slots[i - 1].next;
	return i ? &image->slots[i - 1] : NULL;
}

static void unhash(struct mfs_image *image, struct image_slot *slot)
{
	uint32_t self = (uint32_t)(slot - image->slots) + 1;
	uint32_t *link = hash_head(image, slot->block);

	while (*link && *link != self)
		link = &image->slots[*link - 1].next;
	if (*link)
		*link = slot->next;
	slot->is_valid = false;
}

static int by_block(const void *a, const void *b)
{
	const struct image_slot *const *left = a;
	const struct image_slot *const *right = b;

	return ((*left)->block > (*right)->block) - ((*left)->block < (*right)->block);
}

/* Writes `count` slots with consecutive blocks. */
static int write_run(struct mfs_image *image, struct image_slot **run, uint32_t count)
{
	struct iovec vec[RUN_MAX];
	off_t pos = (off_t)run[0]->block * image->block_size;
	size_t want = (size_t)count * image->block_size;
	ssize_t n;

	for (uint32_t i = 0; i < count; i++)
		vec[i] = (struct iovec){.iov_base = run[i]->data, .iov_len = image->block_size};
	n = pwritev(image->fd, vec, (int)count, pos);
	if (n < 0)
		return -errno;
	if ((size_t)n != want)
		return -EIO;
	for (uint32_t i = 0; i < count; i++)
		run[i]->is_dirty = false;
	image->dirty_count -= count;
	return 0;
}

int mfs_image_flush(struct mfs_image *image)
{
	uint32_t count = 0;
	uint32_t done = 0;

	if (!image->dirty_count)
		return 0;
	for (uint32_t i = 0; i < image->slot_count; i++) {
		if (image->slots[i].is_valid && image->slots[i].is_dirty)
			image->order[count++] = &image->slots[i];
	}
	qsort(image->order, count, sizeof(struct image_slot *), by_block);
	while (done < count) {
		uint32_t n = 1;
		int r;

		while (n < RUN_MAX && done + n < count &&
		       image->order[done + n]->block == image->order[done]->block + n)
			n++;
		r = write_run(image, &image->order[done], n);
		if (r)
			return r;
		done += n;
	}
	return 0;
}

static int take_slot(struct mfs_image *image, struct image_slot **taken)
{
	for (uint32_t n = 0; n < 2 * image->slot_count + 1; n++) {
		struct image_slot *slot = &image->slots[image->hand];

		image->hand = image->hand + 1 < image->slot_count ? image->hand + 1 : 0;
		if (slot->pins)
			continue;
		if (slot->was_used) {
			slot->was_used = false;
			continue;
		}
		if (slot->is_valid && slot->is_dirty) {
			int r = mfs_image_flush(image);

			if (r)
				return r;
		}
		if (slot->is_valid)
			unhash(image, slot);
		*taken = slot;
		return 0;
	}
	return -ENOBUFS;
}

static int read_slot(struct mfs_image *image, struct image_slot *slot, uint32_t block)
{
	off_t pos = (off_t)block * image->block_size;
	ssize_t n = pread(image->fd, slot->data, image->block_size, pos);

	if (n < 0)
		return -errno;
	return n == (ssize_t)image->block_size ? 0 : -EIO;
}

static int image_get(void *ctx, uint32_t block, enum mfs_fill fill, struct mfs_buf *buf)
{
	struct mfs_image *image = ctx;
	struct image_slot *slot = find_slot(image, block);
	int r = 0;

	buf->is_blank = false;
	if (!slot) {
		r = take_slot(image, &slot);
		if (!r && (fill == MFS_READ || fill == MFS_CHANGE))
			r = read_slot(image, slot, block);
		if (r)
			return r;
		slot->block = block;
		slot->is_valid = true;
		slot->is_dirty = false;
		slot->next = *hash_head(image, block);
		*hash_head(image, block) = (uint32_t)(slot - image->slots) + 1;
		buf->is_blank = fill == MFS_ANY;
	}
	if (fill == MFS_ZERO)
		memset(slot->data, 0, image->block_size);
	slot->pins++;
	slot->was_used = true;
	buf->block = block;
	buf->data = slot->data;
	buf->handle = slot;
	return 0;
}

static void image_put(void *ctx, struct mfs_buf *buf)
{
	struct image_slot *slot = buf->handle;

	(void)ctx;
	slot->pins--;
}

static void image_dirty(void *ctx, struct mfs_buf *buf, enum mfs_class class)
{
	struct mfs_image *image = ctx;
	struct image_slot *slot = buf->handle;

	(void)class;
	if (!slot->is_dirty)
		image->dirty_count++;
	slot->is_dirty = true;
}

static void image_forget(void *ctx, uint32_t block, uint32_t count)
{
	struct mfs_image *image = ctx;

	for (uint32_t i = 0; i < count; i++) {
		struct image_slot *slot = find_slot(image, block + i);

		if (!slot || slot->pins)
			continue;
		if (slot->is_dirty)
			image->dirty_count--;
		slot->is_dirty = false;
		unhash(image, slot);
	}
}

/* No order is promised: these programs make or repair a file system that nobody else uses. */
static int image_write_out(void *ctx, enum mfs_class class)
{
	(void)ctx;
	(void)class;
	return 0;
}

static uint32_t image_now(void *ctx)
{
	(void)ctx;
	return (uint32_t)time(NULL);
}

static void image_report(void *ctx, const char *what, uint32_t number)
{
	const struct mfs_image *image = ctx;

	if (image->report)
		image->report(what, number);
}

void mfs_image_on_report(struct mfs_image *image, void (*fn)(const char *what, uint32_t number))
{
	image->report = fn;
}

const struct mfs_io *mfs_image_io(const struct mfs_image *image)
{
	return &image->io;
}

static int allocate(struct mfs_image *image)
{
	uint32_t heads = 1;

	while (heads < image->slot_count)
		heads *= 2;
	image->hash_mask = heads - 1;
	image->memory = aligned_alloc(4096, (size_t)image->slot_count * image->block_size);
	image->slots = calloc(image->slot_count, sizeof(*image->slots));
	image->order = calloc(image->slot_count, sizeof(struct image_slot *));
	image->hash = calloc(heads, sizeof(*image->hash));
	if (!image->memory || !image->slots || !image->order || !image->hash)
		return -ENOMEM;
	for (uint32_t i = 0; i < image->slot_count; i++)
		image->slots[i].data = image->memory + (size_t)i * image->block_size;
	return 0;
}

int mfs_image_open(int fd, uint32_t block_size, struct mfs_image **image)
{
	struct mfs_image *im = calloc(1, sizeof(*im));
	int r;

	*image = NULL;
	if (!im)
		return -ENOMEM;
	im->fd = fd;
	im->block_size = block_size;
	im->slot_count =
		CACHE_BYTES / block_size > SLOTS_MIN ? CACHE_BYTES / block_size : SLOTS_MIN;
	im->io = (struct mfs_io){.ctx = im,
	                         .get = image_get,
	                         .put = image_put,
	                         .dirty = image_dirty,
	                         .forget = image_forget,
	                         .write_out = image_write_out,
	                         .now = image_now,
	                         .report = image_report};
	r = allocate(im);
	if (r)
		mfs_image_close(im);
	else
		*image = im;
	return r;
}

void mfs_image_close(struct mfs_image *image)
{
	if (!image)
		return;
	free(image->memory);
	free(image->slots);
	free(image->order);
	free(image->hash);
	free(image);
}

int mfs_image_size(int fd, uint64_t *bytes)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	*bytes = (uint64_t)st.st_size;
	if (S_ISBLK(st.st_mode) && ioctl(fd, (int)IOCTL_BLKGETSIZE64, bytes) < 0)
		return -errno;
	return 0;
}

bool mfs_image_is_mounted(const char *device)
{
	FILE *mounts = fopen("/proc/mounts", "re");
	size_t len = strlen(device);
	bool is_mounted = false;
	char line[512];

	if (!mounts)
		return false;
	while (!is_mounted && fgets(line, sizeof(line), mounts))
		is_mounted = strncmp(line, device, len) == 0 && line[len] == ' ';
	fclose(mounts);
	return is_mounted;
}

int mfs_image_probe(int fd, struct mfs_geometry *geo, uint64_t *bytes, const char **reason)
{
	uint8_t area[MFS_SUPER_AREA];
	int r = mfs_image_size(fd, bytes);
	ssize_t n;

	*reason = "the size of the device is unknown";
	if (r)
		return r;
	n = pread(fd, area, sizeof(area), 0);
	if (n != (ssize_t)sizeof(area)) {
		*reason = "the superblock cannot be read";
		return n < 0 ? -errno : -EINVAL;
	}
	return mfs_probe(area, *bytes, geo, reason);
}
