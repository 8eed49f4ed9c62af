/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MINIX 3 file system (V3) as it lies on the medium; included by lib/fs only.
 *
 *   byte 0      boot block (1 KiB, ignored)
 *   byte 1024   superblock; always here, whatever the block size
 *   block 2     inode bitmap (imap_blocks), zone bitmap (zmap_blocks), inode table, data zones
 *
 * All numbers are little endian. Bit 0 of both bitmaps is reserved and set; inode i is bit i, zone
 * z is bit z - first_zone + 1. Bits behind the last one are set. Inode numbers start at 1, the root
 * is 1. A zone is a block (log_zone_size is 0). A file has 7 direct zones, then one single, one
 * double and one triple indirect zone. A directory is a file of 64-byte entries; inode 0 marks a
 * free one. The first two entries are "." and "..". A device's number is in zone[0].
 *
 * Everything is what `mkfs.minix -3` writes and Linux reads, with two additions: `flags` bit 0 is
 * MINIX's own "was unmounted cleanly" (util-linux and Linux call these two bytes padding and write
 * 0), and a block size of 64 KiB, which does not fit into 16 bits, is stored as 0.
 *
 * References: util-linux minix.h; Linux fs/minix; MINIX 3 mfs/super.h.
 */
#ifndef FS_MFS_DISK_H
#define FS_MFS_DISK_H

#include <stddef.h>
#include <stdint.h>

enum {
	MFS_MAGIC = 0x4d5a,
	MFS_SUPER_OFFSET = 1024,
	MFS_SUPER_BYTES = 32,
	MFS_FIRST_MAP_BLOCK = 2,
	MFS_FLAG_CLEAN = 1,
	MFS_FLAGS_MANDATORY = 0xff00, /* a set bit here: not mountable by who does not know it */
	MFS_DIRECT_ZONES = 7,
	MFS_INODE_ZONES = 10,
	MFS_INDIRECT_LEVELS = 3,
	MFS_INODE_BYTES = 64,
	MFS_ENTRY_BYTES = 64,
	MFS_BLOCK_MIN = 1024,
	MFS_BLOCK_MAX = 65536,
};

struct mfs_disk_super {
	uint32_t inodes;
	uint16_t pad0;
	uint16_t imap_blocks;
	uint16_t zmap_blocks;
	uint16_t first_zone; /* 0: does not fit, compute it */
	uint16_t log_zone_size;
	uint16_t flags;
	uint32_t max_size;
	uint32_t zones;
	uint16_t magic;
	uint16_t pad2;
	uint16_t block_size;
	uint8_t disk_version;
	uint8_t pad3;
};

struct mfs_disk_inode {
	uint16_t mode;
	uint16_t nlinks;
	uint16_t uid;
	uint16_t gid;
	uint32_t size;
	uint32_t atime;
	uint32_t mtime;
	uint32_t ctime;
	uint32_t zone[MFS_INODE_ZONES];
};

struct mfs_disk_entry {
	uint32_t ino;
	char name[60]; /* padded with NUL, not terminated at full length */
};

_Static_assert(sizeof(struct mfs_disk_super) == MFS_SUPER_BYTES, "superblock layout");
_Static_assert(offsetof(struct mfs_disk_super, magic) == 24, "superblock layout");
_Static_assert(sizeof(struct mfs_disk_inode) == MFS_INODE_BYTES, "inode layout");
_Static_assert(offsetof(struct mfs_disk_inode, zone) == 24, "inode layout");
_Static_assert(sizeof(struct mfs_disk_entry) == MFS_ENTRY_BYTES, "directory entry layout");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "disk structures are used in place");

#endif
