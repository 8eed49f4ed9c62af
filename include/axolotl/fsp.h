/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file server protocol: vfs is the client, mfs, procfs (and later ones) are servers.
 *
 * Requests go by ASEND and carry an id; replies (type | MSG_REPLY, struct fs_rep) come by ASEND. A
 * server works on many requests at once and may answer in any order. Names are single path components
 * (no '/'), 1..FS_NAME_MAX bytes, read from a grant; attributes are written into a grant as struct
 * fs_attr. vfs checks permissions, follows symbolic links, crosses mount points, and holds counted
 * references: each reply that returns an inode number (LOOKUP, CREATE, MKDIR, MKNOD, SYMLINK, MOUNT)
 * adds one reference, FORGET takes some away; an inode without links lives until its last reference goes.
 * A request that fails has no effect. When the server dies, vfs fails everything pending with EIO.
 */
#ifndef AXOLOTL_FSP_H
#define AXOLOTL_FSP_H

#include "axolotl/ipc.h"

#define FS_NAME_MAX 255
#define FS_IO_MAX   (1u << 20) /* largest READ or WRITE */

enum fs_msg {
	FS_MOUNT = MSG_FS_BASE + 1, /* struct fs_mount */
	FS_UNMOUNT, /* struct fs_req: flush all, -EBUSY while references are out (except the root's) */
	FS_LOOKUP,  /* struct fs_name: ino = directory; "." and ".." are allowed */
	FS_FORGET,  /* struct fs_forget, no reply */
	FS_GETATTR, /* struct fs_name: ino, attr grant */
	FS_SETATTR, /* struct fs_setattr: chmod, chown, utimens, truncate, by mask */
	FS_READ,    /* struct fs_io: count = bytes copied into the grant, 0 at the end */
	FS_WRITE, /* struct fs_io: count = bytes taken; FS_IO_APPEND writes at the end, pos returned */
	FS_READDIR, /* struct fs_io: pos = cookie (0 first); struct fs_dirent records; pos = next cookie,
	                 count = bytes, 0 at the end */
	FS_CREATE,   /* struct fs_name: regular file, -EEXIST if there */
	FS_MKDIR,    /* struct fs_name */
	FS_MKNOD,    /* struct fs_name: fifo, socket, device */
	FS_SYMLINK,  /* struct fs_name plus target through grant2 */
	FS_READLINK, /* struct fs_io: count = length */
	FS_LINK,     /* struct fs_name: ino2 = existing inode, ino = new directory */
	FS_UNLINK,   /* struct fs_name */
	FS_RMDIR,    /* struct fs_name */
	FS_RENAME, /* struct fs_name: ino/name -> ino2/name2 (same grant: name at 0, name2 behind it) */
	FS_FSYNC,  /* struct fs_req: data and metadata of ino durable, down to a device FLUSH */
	FS_SYNC,   /* struct fs_req: the whole file system durable */
	FS_STATFS, /* struct fs_io: struct fs_statfs into the grant */
	FS_EVICT, /* struct fs_req: drop clean cached data of ino (0: of all), BLKFLSBUF, fadvise */
	FS_OPS_END
};

struct fs_req {
	uint32_t id;
	uint32_t ino;
};
#define FS_MOUNT_RDONLY 1u
struct fs_mount {
	uint32_t id;
	uint32_t flags;
	char unit
		[LABEL_MAX]; /* block unit, e.g. "ram0", "sata0", "disk"; "none" where there is none */
	grant_t attr_grant; /* attributes of the root */
};
struct fs_name {
	uint32_t id;
	uint32_t ino;
	grant_t name_grant;
	uint16_t name_len, name2_len;
	uint32_t ino2;
	grant_t grant2; /* SYMLINK: target of target_len bytes */
	uint32_t target_len;
	grant_t attr_grant; /* GRANT_INVALID: not wanted */
	uint32_t mode, uid, gid;
	uint32_t rdev;
};
struct fs_forget {
	uint32_t ino;
	uint32_t count;
};
#define FS_SET_MODE      0x01u
#define FS_SET_UID       0x02u
#define FS_SET_GID       0x04u
#define FS_SET_SIZE      0x08u
#define FS_SET_ATIME     0x10u
#define FS_SET_MTIME     0x20u
#define FS_SET_ATIME_NOW 0x40u
#define FS_SET_MTIME_NOW 0x80u
struct fs_setattr {
	uint32_t id;
	uint32_t ino;
	uint32_t mask;
	uint32_t mode, uid, gid;
	uint64_t size_bytes;
	int64_t atime_s, mtime_s;
	grant_t attr_grant;
};
#define FS_IO_APPEND 1u
#define FS_IO_DIRECT 2u /* bypass the cache (O_DIRECT): sector aligned */
#define FS_IO_SYNC   4u /* durable before the reply (O_SYNC, O_DSYNC) */
#define FS_IO_AHEAD  8u /* the caller reads sequentially */
struct fs_io {
	uint32_t id;
	uint32_t ino;
	uint64_t pos;
	uint32_t len_bytes;
	grant_t grant; /* of vfs: usually a proxy grant for the application's buffer */
	uint32_t flags;
	uint32_t grant_offset;
};
struct fs_rep {
	uint32_t id;
	int32_t result; /* 0 or -errno; -ENOTREADY: a page of the buffer must be read in first (VM_FAULTIN) */
	uint32_t ino;
	uint32_t count;
	uint64_t pos;
};
struct fs_attr {
	uint32_t ino;
	uint32_t mode; /* S_IFMT and permissions */
	uint32_t nlink;
	uint32_t uid, gid;
	uint32_t rdev;
	uint64_t size_bytes;
	uint64_t blocks; /* of 512 bytes */
	uint32_t block_bytes;
	uint32_t flags; /* FS_ATTR_* */
	int64_t atime_s, mtime_s, ctime_s;
};
#define FS_ATTR_VOLATILE                                                                           \
	1u         /* contents change by themselves (procfs): never cache data, size or names */
struct fs_dirent { /* padded to 8 bytes; rec_len from this record to the next */
	uint64_t cookie; /* where to go on after this one */
	uint32_t ino;
	uint16_t rec_len;
	uint8_t type; /* DT_* of Linux */
	uint8_t name_len;
	char name[]; /* not terminated */
};
struct fs_statfs {
	uint32_t magic; /* f_type of statfs(2) */
	uint32_t block_bytes;
	uint64_t blocks, blocks_free, files, files_free;
	uint32_t name_max;
	uint32_t flags;
};

#endif
