/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking up and listing names, references, statistics.
 */
#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

enum { LISTING_BYTES = 4096, STATFS_MAGIC = 0x4d5a };

int op_lookup(struct request *rq, struct fs_rep *rep)
{
	struct volume *v = rq->volume;
	struct mfs_inode *dir, *ip = NULL;
	struct fs_name req;
	struct names names;
	int r;

	msg_get(&rq->m, &req);
	r = names_fetch(rq, &req, &names);
	if (!r)
		r = inode_hold(v, req.ino, &dir);
	if (r)
		return r;
	lock_shared(&volume_file(v, dir)->lock);
	r = mfs_lookup(dir, names.first, &ip);
	unlock_shared(&volume_file(v, dir)->lock);
	if (!r)
		r = inode_copy_attr(rq, ip, req.attr_grant);
	if (!r)
		inode_give(v, ip, rep);
	else
		inode_release(v, ip);
	inode_release(v, dir);
	return r;
}

int op_forget(struct request *rq, struct fs_rep *rep)
{
	struct volume *v = rq->volume;
	struct fs_forget req;
	struct mfs_inode *ip;
	int r;

	(void)rep;
	msg_get(&rq->m, &req);
	r = inode_hold(v, req.ino, &ip);
	if (r)
		return r;
	while (req.count > 0 && volume_file(v, ip)->vfs_refs > 0) {
		volume_file(v, ip)->vfs_refs--;
		req.count--;
		mfs_put_inode(ip); /* not the last one: we hold it */
	}
	inode_release(v, ip);
	if (req.count)
		sys_log("%s: vfs forgot inode %u too often\n", v->unit, req.ino);
	return 0;
}

/* One page of records. */
struct listing {
	struct mfs *fs;
	uint8_t bytes[LISTING_BYTES];
	uint32_t len, limit;
	uint32_t next;
	int error;
};

static uint8_t type_of(uint16_t mode)
{
	return (uint8_t)((mode & S_IFMT) >> 12); /* DT_* are made so */
}

static int add_record(void *ctx, uint32_t ino, struct mfs_name name, uint32_t next)
{
	struct listing *l = ctx;
	uint32_t rec_len = (uint32_t)(sizeof(struct fs_dirent) + name.len + 7) & ~7u;
	struct fs_dirent head = {.cookie = next,
	                         .ino = ino,
	                         .rec_len = (uint16_t)rec_len,
	                         .name_len = (uint8_t)name.len};
	uint16_t mode = 0;

	if (l->len + rec_len > l->limit) {
		l->error = l->len ? 0 : -EINVAL;
		return 1;
	}
	/* An entry whose inode cannot be read is listed all the same. */
	head.type = mfs_peek_mode(l->fs, ino, &mode) ? DT_UNKNOWN : type_of(mode);
	memset(l->bytes + l->len, 0, rec_len);
	memcpy(l->bytes + l->len, &head, sizeof(head));
	memcpy(l->bytes + l->len + offsetof(struct fs_dirent, name), name.text, name.len);
	l->len += rec_len;
	l->next = next;
	return 0;
}

int op_readdir(struct request *rq, struct fs_rep *rep)
{
	struct volume *v = rq->volume;
	struct listing l = {.fs = v->fs};
	struct mfs_inode *dir;
	struct fs_io io;
	int r;

	msg_get(&rq->m, &io);
	l.limit = io.len_bytes < LISTING_BYTES ? io.len_bytes : LISTING_BYTES;
	if (io.pos > UINT32_MAX)
		return -EINVAL;
	r = inode_hold(v, io.ino, &dir);
	if (r)
		return r;
	l.next = (uint32_t)io.pos;
	lock_shared(&volume_file(v, dir)->lock);
	r = mfs_read_dir(dir, (uint32_t)io.pos, add_record, &l);
	unlock_shared(&volume_file(v, dir)->lock);
	inode_release(v, dir);
	if (!r)
		r = l.error;
	if (!r && l.len)
		r = k_safecopy_to(rq->m.source, io.grant, io.grant_offset, l.bytes, l.len);
	rep->count = l.len;
	rep->pos = l.next;
	return r;
}

int op_statfs(struct request *rq, struct fs_rep *rep)
{
	struct mfs_statfs st;
	struct fs_statfs out;
	struct fs_io io;

	msg_get(&rq->m, &io);
	if (io.len_bytes < sizeof(out))
		return -EINVAL;
	mfs_get_statfs(rq->volume->fs, &st);
	out = (struct fs_statfs){.magic = STATFS_MAGIC,
	                         .block_bytes = st.block_size,
	                         .blocks = st.blocks,
	                         .blocks_free = st.blocks_free,
	                         .files = st.inodes,
	                         .files_free = st.inodes_free,
	                         .name_max = st.name_max};
	rep->count = sizeof(out);
	return k_safecopy_to(rq->m.source, io.grant, io.grant_offset, &out, sizeof(out));
}
