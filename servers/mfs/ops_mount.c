/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mounting and unmounting on vfs's request.
 */
#include "server.h"

#include <errno.h>

int op_mount(struct request *rq, struct fs_rep *rep)
{
	struct volume *v = rq->volume;
	struct fs_mount req;
	int r;

	msg_get(&rq->m, &req);
	req.unit[LABEL_MAX - 1] = 0;
	if (server_other_requests())
		return -EBUSY;
	r = volume_mount(v, req.unit, req.flags & FS_MOUNT_RDONLY);
	if (r)
		return r;
	/* One reference for vfs, beside the mount's own. */
	mfs_ref_inode(v->root);
	r = inode_copy_attr(rq, v->root, req.attr_grant);
	inode_give(v, v->root, rep);
	if (r && volume_unmount(v))
		sys_log("%s: stays mounted\n", v->unit);
	return r;
}

int op_unmount(struct request *rq, struct fs_rep *rep)
{
	(void)rep;
	/* Requests that are at work hold inodes. */
	return server_other_requests() ? -EBUSY : volume_unmount(rq->volume);
}
