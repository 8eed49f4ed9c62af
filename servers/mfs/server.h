/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of mfs share: requests of vfs and their handlers. Each request runs in a fiber of
 * its own.
 *
 * Lock order: names (for changes of names), inodes, epoch. Only who holds `names` locks more than
 * one inode.
 */
#ifndef MFS_SERVER_H
#define MFS_SERVER_H

#include "axolotl/fsp.h"
#include "volume.h"

struct request {
	struct msg m;
	enum ipc_primitive how;
	struct volume *volume;
	struct request *next;
};

/* Fills in the reply; the result is set by the caller from what is returned. */
typedef int (*op_fn_t)(struct request *rq, struct fs_rep *rep);

/* ops_file.c */
int op_getattr(struct request *rq, struct fs_rep *rep);
int op_setattr(struct request *rq, struct fs_rep *rep);
int op_read(struct request *rq, struct fs_rep *rep);
int op_write(struct request *rq, struct fs_rep *rep);
int op_readlink(struct request *rq, struct fs_rep *rep);
int op_fsync(struct request *rq, struct fs_rep *rep);
int op_sync(struct request *rq, struct fs_rep *rep);
int op_evict(struct request *rq, struct fs_rep *rep);

/* ops_dir.c */
int op_lookup(struct request *rq, struct fs_rep *rep);
int op_forget(struct request *rq, struct fs_rep *rep);
int op_readdir(struct request *rq, struct fs_rep *rep);
int op_statfs(struct request *rq, struct fs_rep *rep);

/* ops_name.c */
int op_create(struct request *rq, struct fs_rep *rep);
int op_mkdir(struct request *rq, struct fs_rep *rep);
int op_mknod(struct request *rq, struct fs_rep *rep);
int op_symlink(struct request *rq, struct fs_rep *rep);
int op_link(struct request *rq, struct fs_rep *rep);
int op_unlink(struct request *rq, struct fs_rep *rep);
int op_rmdir(struct request *rq, struct fs_rep *rep);
int op_rename(struct request *rq, struct fs_rep *rep);

/* ops_mount.c */
int op_mount(struct request *rq, struct fs_rep *rep);
int op_unmount(struct request *rq, struct fs_rep *rep);

/* inodes.c: inodes as vfs knows them */

/* A reference for this request, to an inode that vfs holds; -ESTALE if it does not. */
MFS_MUST_CHECK int inode_hold(struct volume *v, uint32_t ino, struct mfs_inode **ip);
/* [fiber] Drops a reference, with the lock that this needs. NULL is allowed. */
void inode_release(struct volume *v, struct mfs_inode *ip);
/* Turns this request's reference into one of vfs. */
void inode_give(struct volume *v, struct mfs_inode *ip, struct fs_rep *rep);
/* [fiber] Writes the attributes into vfs's grant, unless that is GRANT_INVALID. May take ip's lock. */
MFS_MUST_CHECK int inode_copy_attr(const struct request *rq, struct mfs_inode *ip, grant_t grant);
/* 16 bits on the medium; what does not fit becomes "nobody". */
uint16_t inode_id16(uint32_t id);

/* The name (and second name) of a struct fs_name. */
struct names {
	struct mfs_name first, second;
	char text[2 * FS_NAME_MAX];
};
MFS_MUST_CHECK int names_fetch(const struct request *rq, const struct fs_name *req,
                               struct names *n);

/* ahead.c: [fiber] Starts to read what a sequential reader will want. */
void read_ahead(struct volume *v, struct mfs_inode *ip, uint32_t pos, uint32_t len);

/* main.c: changes exist; see to it that they are written in time, now if there are many. */
void server_note_changes(struct volume *v);
/* Requests at work other than the caller's. */
unsigned server_other_requests(void);

#endif
