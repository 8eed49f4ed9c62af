/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of a file or device behind a file descriptor, for programs: mfstool, mkfs.mfs, fsck.mfs
 * and the tests. A small cache; dirty blocks are written in order of position. Gives a struct
 * mfs_io whose context is the image.
 */
#ifndef FS_IMAGE_H
#define FS_IMAGE_H

#include "fs/mfs.h"

struct mfs_image;

/* Uses fd until close. *image is NULL after an error. */
MFS_MUST_CHECK int mfs_image_open(int fd, uint32_t block_size, struct mfs_image **image);
/* Does not write what is dirty: mfs_image_flush() does. */
void mfs_image_close(struct mfs_image *image);
MFS_MUST_CHECK int mfs_image_flush(struct mfs_image *image);
const struct mfs_io *mfs_image_io(const struct mfs_image *image);
/* Bytes of the file or device. */
MFS_MUST_CHECK int mfs_image_size(int fd, uint64_t *bytes);
/* Is the device in the list of mounts? Writing to it would be undone or do damage. */
bool mfs_image_is_mounted(const char *device);
/* Reads the superblock area and probes it. */
MFS_MUST_CHECK int mfs_image_probe(int fd, struct mfs_geometry *geo, uint64_t *bytes,
                                   const char **reason);
/* Reports of damage go to this function (default: nowhere); the clock is the system's. */
void mfs_image_on_report(struct mfs_image *image, void (*fn)(const char *what, uint32_t number));

#endif
