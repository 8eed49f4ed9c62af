/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contents and attributes. Bytes are copied once, between cache blocks and the application's
 * buffer.
 */
#include "server.h"

#include <errno.h>
#include <sys/stat.h>

/* The other end of a transfer. */
struct mover {
	endpoint_t ep;
	grant_t grant;
	uint64_t offset;
	bool is_to_grant;
};

/* Pieces that lie one behind the other in the cache are copied as one. */
static unsigned make_vector(const struct mover *mv, size_t at, const struct mfs_piece *pieces,
                            unsigned count, struct safecopy_vec *vec)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t local = (uint64_t)(uintptr_t)pieces[i].data;

		if (n && vec[n - 1].local + vec[n - 1].len_bytes == local) {
			vec[n - 1].len_bytes += pieces[i].len;
		} else {
			vec[n++] = (struct safecopy_vec){.grantor = mv->ep,
			                                 .grant = mv->grant,
			                                 .offset = mv->offset + at,
			                                 .local = local,
			                                 .len_bytes = pieces[i].len,
			                                 .to_grantor = mv->is_to_grant};
		}
		at += pieces[i].len;
	}
	return n;
}

static int move(void *ctx, size_t at, const struct mfs_piece *pieces, unsigned count)
{
	const struct mover *mv = ctx;
	struct safecopy_vec vec[MFS_PIECES_MAX];
	unsigned n = make_vector(mv, at, pieces, count, vec);

	if (n != 1)
		return n ? k_vsafecopy(vec, n) : 0;
	if (mv->is_to_grant)
		return k_safecopy_to(mv->ep, mv->grant, vec[0].offset,
		                     (const void *)(uintptr_t)vec[0].local, vec[0].len_bytes);
	return k_safecopy_from(mv->ep, mv->grant, vec[0].offset, (void *)(uintptr_t)vec[0].local,
	                       vec[0].len_bytes);
}

static int check_io(const struct mfs_inode *ip, const struct fs_io *io)
{
	if (!S_ISREG(ip->mode))
		return S_ISDIR(ip->mode) ? -EISDIR : -EINVAL;
	if (io->len_bytes > FS_IO_MAX)
		return -EINVAL;
	if ((io->flags & FS_IO_DIRECT) && (io->pos | io->len_bytes) % BLK_SECTOR)
		return -EINVAL;
	return 0;
}

/* Drops what is cached of a part of the file, so that a direct read asks the device. */
static int evict_range(struct volume *v, struct mfs_inode *ip, uint64_t pos, uint64_t len)
{
	const struct mfs_geometry *geo = mfs_get_geometry(v->fs);
	uint64_t stop = pos + len < ip->size ? pos + len : ip->size;
	uint32_t index = (uint32_t)(pos >> geo->block_shift);
	uint32_t end = (uint32_t)((stop + geo->block_size - 1) >> geo->block_shift);

	while (index < end) {
		struct mfs_extent ext;
		int r = mfs_map_file(ip, index, end - index, &ext);

		if (r)
			return r;
		if (ext.block)
			blocks_evict(v, ext.block, ext.count);
		index += ext.count;
	}
	return 0;
}

static int read_locked(struct request *rq, struct mfs_inode *ip, const struct fs_io *io,
                       size_t *done)
{
	struct mover mv = {.ep = rq->m.source,
	                   .grant = io->grant,
	                   .offset = io->grant_offset,
	                   .is_to_grant = true};
	struct mfs_transfer tr = {.len = io->len_bytes, .move = move, .ctx = &mv};
	int r = 0;

	*done = 0;
	if (io->pos >= ip->size || io->len_bytes == 0)
		return 0;
	tr.pos = (uint32_t)io->pos;
	if (io->flags & FS_IO_DIRECT)
		r = evict_range(rq->volume, ip, io->pos, io->len_bytes);
	else
		read_ahead(rq->volume, ip, tr.pos, io->len_bytes);
	return r ? r : mfs_read(ip, &tr, done);
}

/* A read or write under way: the inode is held and the request makes sense. */
struct transfer {
	struct mfs_inode *ip;
	struct fs_io io;
	size_t done;
};

static int transfer_begin(struct request *rq, struct transfer *t)
{
	int r;

	t->done = 0;
	msg_get(&rq->m, &t->io);
	r = inode_hold(rq->volume, t->io.ino, &t->ip);
	if (r)
		return r;
	r = check_io(t->ip, &t->io);
	if (r)
		inode_release(rq->volume, t->ip);
	return r;
}

static void transfer_end(struct request *rq, const struct transfer *t, struct fs_rep *rep)
{
	rep->count = (uint32_t)t->done;
	rep->pos = t->io.pos;
	inode_release(rq->volume, t->ip);
}

int op_read(struct request *rq, struct fs_rep *rep)
{
	struct transfer t;
	int r = transfer_begin(rq, &t);

	if (r)
		return r;
	lock_shared(&volume_file(rq->volume, t.ip)->lock);
	r = read_locked(rq, t.ip, &t.io, &t.done);
	unlock_shared(&volume_file(rq->volume, t.ip)->lock);
	transfer_end(rq, &t, rep);
	/* What could be read before an error counts, but for copies: those are repeated. */
	return r == -EIO && t.done ? 0 : r;
}

/* Takes back what an appending write did: it will be sent again, whole. */
static int undo_append(struct mfs_inode *ip, uint32_t old_size, int r)
{
	int undone = ip->size > old_size ? mfs_truncate(ip, old_size) : 0;

	return undone ? undone : r;
}

static int write_locked(struct request *rq, struct mfs_inode *ip, struct fs_io *io, size_t *done)
{
	struct mover mv = {.ep = rq->m.source, .grant = io->grant, .offset = io->grant_offset};
	struct mfs_transfer tr = {.len = io->len_bytes, .move = move, .ctx = &mv};
	uint32_t old_size = ip->size;
	int r;

	*done = 0;
	if (io->flags & FS_IO_APPEND)
		io->pos = ip->size;
	if (io->len_bytes == 0)
		return 0;
	if (io->pos >= mfs_get_geometry(ip->fs)->max_size)
		return -EFBIG;
	tr.pos = (uint32_t)io->pos;
	r = mfs_write(ip, &tr, done);
	if (r == -ENOTREADY && (io->flags & FS_IO_APPEND))
		return undo_append(ip, old_size, r);
	/* A short write says so by its count; its reason comes with the next one. */
	return r == -ENOTREADY || *done == 0 ? r : 0;
}

static int write_through(struct volume *v, const struct mfs_inode *ip, const struct fs_io *io)
{
	if (io->flags & FS_IO_SYNC)
		return volume_sync_inode(v, ip->ino);
	if (io->flags & FS_IO_DIRECT)
		return blockio_write(v, MFS_DATA, ip->ino);
	return 0;
}

int op_write(struct request *rq, struct fs_rep *rep)
{
	struct volume *v = rq->volume;
	struct transfer t;
	int r = volume_make_room(v);

	if (!r)
		r = transfer_begin(rq, &t);
	if (r)
		return r;
	lock_exclusive(&volume_file(v, t.ip)->lock);
	lock_shared(&v->epoch);
	r = write_locked(rq, t.ip, &t.io, &t.done);
	unlock_shared(&v->epoch);
	unlock_exclusive(&volume_file(v, t.ip)->lock);
	server_note_changes(v);
	if (!r)
		r = write_through(v, t.ip, &t.io);
	transfer_end(rq, &t, rep);
	return r;
}

int op_getattr(struct request *rq, struct fs_rep *rep)
{
	struct mfs_inode *ip;
	struct fs_name req;
	int r;

	msg_get(&rq->m, &req);
	r = inode_hold(rq->volume, req.ino, &ip);
	if (r)
		return r;
	r = inode_copy_attr(rq, ip, req.attr_grant);
	rep->ino = ip->ino;
	inode_release(rq->volume, ip);
	return r;
}

static uint32_t time32(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds;
}

static struct mfs_attr decode_attr(const struct fs_setattr *req)
{
	uint32_t now = time32((int64_t)(wall_ns() / 1000000000u));
	struct mfs_attr attr = {.mode = (uint16_t)(req->mode & 07777),
	                        .uid = inode_id16(req->uid),
	                        .gid = inode_id16(req->gid),
	                        .atime = req->mask & FS_SET_ATIME_NOW ? now : time32(req->atime_s),
	                        .mtime = req->mask & FS_SET_MTIME_NOW ? now : time32(req->mtime_s)};

	attr.which |= req->mask & FS_SET_MODE ? MFS_SET_MODE : 0;
	attr.which |= req->mask & FS_SET_UID ? MFS_SET_UID : 0;
	attr.which |= req->mask & FS_SET_GID ? MFS_SET_GID : 0;
	attr.which |= req->mask & (FS_SET_ATIME | FS_SET_ATIME_NOW) ? MFS_SET_ATIME : 0;
	attr.which |= req->mask & (FS_SET_MTIME | FS_SET_MTIME_NOW) ? MFS_SET_MTIME : 0;
	return attr;
}

static int setattr_locked(struct mfs_inode *ip, const struct fs_setattr *req)
{
	struct mfs_attr attr = decode_attr(req);
	int r = 0;

	if (req->mask & FS_SET_SIZE) {
		if (req->size_bytes > UINT32_MAX)
			r = -EFBIG;
		else
			r = mfs_truncate(ip, (uint32_t)req->size_bytes);
	}
	if (!r && attr.which)
		r = mfs_set_attr(ip, &attr);
	return r;
}

int op_setattr(struct request *rq, struct fs_rep *rep)
{
	struct volume *v = rq->volume;
	struct fs_setattr req;
	struct mfs_inode *ip;
	int r;

	msg_get(&rq->m, &req);
	r = volume_make_room(v);
	if (!r)
		r = inode_hold(v, req.ino, &ip);
	if (r)
		return r;
	lock_exclusive(&volume_file(v, ip)->lock);
	lock_shared(&v->epoch);
	r = setattr_locked(ip, &req);
	unlock_shared(&v->epoch);
	unlock_exclusive(&volume_file(v, ip)->lock);
	server_note_changes(v);
	if (!r)
		r = inode_copy_attr(rq, ip, req.attr_grant);
	rep->ino = ip->ino;
	inode_release(v, ip);
	return r;
}

int op_readlink(struct request *rq, struct fs_rep *rep)
{
	struct volume *v = rq->volume;
	char target[MFS_LINK_TARGET_MAX];
	struct mfs_inode *ip;
	struct fs_io io;
	size_t len = 0;
	int r;

	msg_get(&rq->m, &io);
	r = inode_hold(v, io.ino, &ip);
	if (r)
		return r;
	lock_shared(&volume_file(v, ip)->lock);
	r = mfs_read_link(ip, target, sizeof(target), &len);
	unlock_shared(&volume_file(v, ip)->lock);
	inode_release(v, ip);
	if (r)
		return r;
	if (len > sizeof(target))
		return -EIO;
	if (len > io.len_bytes)
		len = io.len_bytes;
	rep->count = (uint32_t)len;
	return k_safecopy_to(rq->m.source, io.grant, io.grant_offset, target, len);
}

int op_fsync(struct request *rq, struct fs_rep *rep)
{
	struct volume *v = rq->volume;
	struct mfs_inode *ip;
	struct fs_req req;
	int r;

	(void)rep;
	msg_get(&rq->m, &req);
	r = inode_hold(v, req.ino, &ip);
	if (r || v->is_read_only) {
		if (!r)
			inode_release(v, ip);
		return r;
	}
	/* Nobody changes the file meanwhile, so all of it is written. */
	lock_shared(&volume_file(v, ip)->lock);
	r = volume_sync_inode(v, ip->ino);
	unlock_shared(&volume_file(v, ip)->lock);
	inode_release(v, ip);
	return r;
}

int op_sync(struct request *rq, struct fs_rep *rep)
{
	(void)rep;
	return rq->volume->is_read_only ? 0 : volume_sync(rq->volume);
}

int op_evict(struct request *rq, struct fs_rep *rep)
{
	struct volume *v = rq->volume;
	struct mfs_inode *ip;
	struct fs_req req;
	int r;

	(void)rep;
	msg_get(&rq->m, &req);
	if (req.ino == 0) {
		blocks_evict_all(v);
		return 0;
	}
	r = inode_hold(v, req.ino, &ip);
	if (r)
		return r;
	lock_shared(&volume_file(v, ip)->lock);
	if (S_ISREG(ip->mode))
		r = evict_range(v, ip, 0, ip->size);
	unlock_shared(&volume_file(v, ip)->lock);
	inode_release(v, ip);
	return r;
}
