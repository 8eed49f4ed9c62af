/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mkfs.mfs [-b BLOCK_SIZE] [-i INODES] DEVICE [BLOCKS]: makes an empty MINIX 3 file system on a
 * device or in a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/image.h"
#include "fs/mfs.h"

static int usage(void)
{
	fputs("usage: mkfs.mfs [-b BLOCK_SIZE] [-i INODES] DEVICE [BLOCKS]\n"
	      "BLOCK_SIZE is 1024 .. 65536, a power of two; the default is 4096\n",
	      stderr);
	return 2;
}

static int fail(const char *what, int error)
{
	fprintf(stderr, "mkfs.mfs: %s: %s\n", what, strerror(-error));
	return 1;
}

static int write_all(int fd, const struct mfs_geometry *geo)
{
	struct mfs_image *image;
	int r = mfs_image_open(fd, geo->block_size, &image);

	if (!r)
		r = mfs_format_device(geo, mfs_image_io(image));
	if (!r)
		r = mfs_image_flush(image);
	if (!r && fsync(fd) < 0)
		r = -errno;
	mfs_image_close(image);
	return r;
}

static int format_device(int fd, struct mfs_format *format, uint64_t blocks)
{
	struct mfs_geometry geo;
	const char *reason;
	int r = mfs_image_size(fd, &format->device_bytes);

	if (r)
		return fail("the size of the device is unknown", r);
	if (blocks > format->device_bytes / format->block_size) {
		fputs("mkfs.mfs: the device has not so many blocks\n", stderr);
		return 1;
	}
	if (blocks)
		format->device_bytes = blocks * format->block_size;
	if (mfs_plan_format(format, &geo, &reason)) {
		fprintf(stderr, "mkfs.mfs: %s\n", reason);
		return 1;
	}
	r = write_all(fd, &geo);
	if (r)
		return fail("writing failed", r);
	printf("%u blocks of %u bytes, %u inodes\n", geo.zones, geo.block_size, geo.inodes);
	return 0;
}

int main(int argc, char **argv)
{
	struct mfs_format format = {.block_size = 4096};
	uint64_t blocks = 0;
	int option, fd, r;

	while ((option = getopt(argc, argv, "b:i:")) != -1) {
		if (option == 'b')
			format.block_size = (uint32_t)strtoul(optarg, NULL, 0);
		else if (option == 'i')
			format.inodes = (uint32_t)strtoul(optarg, NULL, 0);
		else
			return usage();
	}
	if (argc - optind < 1 || argc - optind > 2 || format.block_size == 0)
		return usage();
	if (argc - optind == 2)
		blocks = strtoull(argv[optind + 1], NULL, 0);
	if (mfs_image_is_mounted(argv[optind]))
		return fail(argv[optind], -EBUSY);
	fd = open(argv[optind], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail(argv[optind], -errno);
	r = format_device(fd, &format, blocks);
	if (close(fd) < 0 && !r)
		r = fail("closing failed", -errno);
	return r;
}
