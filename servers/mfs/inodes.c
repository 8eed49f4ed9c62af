/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inodes as vfs knows them: counted references, attributes, and names from grants.
 */
#include "server.h"

#include <errno.h>
#include <sys/stat.h>

enum { ID_NOBODY = 65534 };

int inode_hold(struct volume *v, uint32_t ino, struct mfs_inode **ip)
{
	int r = mfs_get_inode(v->fs, ino, ip);

	if (r)
		return r;
	if (volume_file(v, *ip)->vfs_refs || *ip == v->root)
		return 0;
	inode_release(v, *ip);
	*ip = NULL;
	return -ESTALE;
}

void inode_release(struct volume *v, struct mfs_inode *ip)
{
	if (!ip)
		return;
	if (ip->refs > 1 || ip->nlinks) {
		mfs_put_inode(ip);
		return;
	}
	lock_shared(&v->epoch);
	mfs_put_inode(ip);
	unlock_shared(&v->epoch);
	server_note_changes(v);
}

void inode_give(struct volume *v, struct mfs_inode *ip, struct fs_rep *rep)
{
	struct file *f = volume_file(v, ip);

	/* A slot is used for one inode after another; only locks outlive that. */
	if (f->vfs_refs++ == 0) {
		f->next_pos = 0;
		f->ahead_end = 0;
		f->window = 0;
	}
	rep->ino = ip->ino;
}

uint16_t inode_id16(uint32_t id)
{
	return id <= UINT16_MAX ? (uint16_t)id : ID_NOBODY;
}

/* Of what is damaged, the blocks that its size needs: attributes can always be had. */
static uint64_t count_blocks(struct volume *v, struct mfs_inode *ip)
{
	const struct mfs_geometry *geo = mfs_get_geometry(ip->fs);
	uint32_t count;
	int r;

	if (ip->is_counted)
		return ip->blocks;
	lock_shared(&volume_file(v, ip)->lock);
	r = mfs_count_blocks(ip, &count);
	unlock_shared(&volume_file(v, ip)->lock);
	return r ? ((uint64_t)ip->size + geo->block_size - 1) >> geo->block_shift : count;
}

int inode_copy_attr(const struct request *rq, struct mfs_inode *ip, grant_t grant)
{
	const struct mfs_geometry *geo = mfs_get_geometry(ip->fs);
	bool is_device = S_ISCHR(ip->mode) || S_ISBLK(ip->mode);
	uint64_t blocks = grant == GRANT_INVALID ? 0 : count_blocks(rq->volume, ip);
	struct fs_attr attr = {.ino = ip->ino,
	                       .mode = ip->mode,
	                       .nlink = ip->nlinks,
	                       .uid = ip->uid,
	                       .gid = ip->gid,
	                       .rdev = is_device ? ip->zone[0] : 0,
	                       .size_bytes = ip->size,
	                       .blocks = blocks << (geo->block_shift - 9),
	                       .block_bytes = geo->block_size,
	                       .atime_s = ip->atime,
	                       .mtime_s = ip->mtime,
	                       .ctime_s = ip->ctime};

	if (grant == GRANT_INVALID)
		return 0;
	return k_safecopy_to(rq->m.source, grant, 0, &attr, sizeof(attr));
}

int names_fetch(const struct request *rq, const struct fs_name *req, struct names *n)
{
	size_t len = (size_t)req->name_len + req->name2_len;
	int r;

	if (req->name_len == 0 || req->name_len > FS_NAME_MAX || req->name2_len > FS_NAME_MAX)
		return -EINVAL;
	r = k_safecopy_from(rq->m.source, req->name_grant, 0, n->text, len);
	n->first = (struct mfs_name){.text = n->text, .len = req->name_len};
	n->second = (struct mfs_name){.text = n->text + req->name_len, .len = req->name2_len};
	return r;
}
