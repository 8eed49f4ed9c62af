/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contents and attributes of files. A transfer holds up to MFS_PIECES_MAX cache blocks at a time
 * and hands them to the caller's move function in one call, so that one vector copy serves many
 * blocks.
 *
 * A new block holds zeroes or data, never what the medium happened to hold; bytes behind the end of
 * a file are zero.
 */
#include "fs/priv.h"

#include <string.h>

enum { ZEROES_BYTES = 4096 };
static const uint8_t zeroes[ZEROES_BYTES]; /* what a hole reads as */

/* Where a transfer is, and the blocks that it holds. */
struct gather {
	struct mfs_inode *ip;
	uint64_t end;          /* of the transfer, in the file */
	uint64_t pos;          /* of the next piece */
	struct mfs_extent ext; /* maps file blocks from ext_index on */
	uint32_t ext_index;
	struct mfs_piece piece[MFS_PIECES_MAX];
	struct mfs_buf buf[MFS_PIECES_MAX];
	bool is_new[MFS_PIECES_MAX];
	unsigned pieces;
	unsigned bufs;
	size_t bytes;
};

/* The arrays stay as they are: a batch fills what it uses. */
static void start_transfer(struct gather *g, struct mfs_inode *ip, const struct mfs_transfer *tr)
{
	g->ip = ip;
	g->pos = tr->pos;
	g->end = (uint64_t)tr->pos + tr->len;
	g->ext = (struct mfs_extent){.count = 0};
	g->ext_index = 0;
}

static uint32_t index_of(const struct gather *g)
{
	return (uint32_t)(g->pos >> g->ip->fs->geo.block_shift);
}

static bool is_full(const struct gather *g)
{
	return g->pos >= g->end || g->pieces == MFS_PIECES_MAX || g->bytes >= MFS_GATHER_BYTES;
}

/* Makes ext map the block at pos; asks the cache to read all of it if the caller is going to. */
static int find_extent(struct gather *g, bool want_prefetch)
{
	struct mfs *fs = g->ip->fs;
	uint32_t index = index_of(g);
	uint32_t last = (uint32_t)((g->end - 1) >> fs->geo.block_shift);
	int r;

	if (g->ext.count && index >= g->ext_index && index < g->ext_index + g->ext.count)
		return 0;
	g->ext_index = index;
	r = mfs_map_file(g->ip, index, last - index + 1, &g->ext);
	if (r)
		g->ext.count = 0;
	else if (want_prefetch && g->ext.block && fs->io.prefetch)
		fs->io.prefetch(fs->io.ctx, g->ext.block, g->ext.count);
	return r;
}

static size_t left_in_block(const struct gather *g)
{
	size_t in_block = g->pos & (g->ip->fs->geo.block_size - 1);
	size_t left = g->ip->fs->geo.block_size - in_block;

	return g->end - g->pos < left ? (size_t)(g->end - g->pos) : left;
}

static void add_piece(struct gather *g, uint8_t *data, size_t len)
{
	g->piece[g->pieces++] = (struct mfs_piece){.data = data, .len = len};
	g->bytes += len;
	g->pos += len;
}

static int add_for_read(struct gather *g)
{
	struct mfs *fs = g->ip->fs;
	size_t len = left_in_block(g);
	int r = find_extent(g, true);

	if (r)
		return r;
	if (!g->ext.block) {
		/* The move function only reads from this piece. */
		add_piece(g, (uint8_t *)(uintptr_t)zeroes, len < ZEROES_BYTES ? len : ZEROES_BYTES);
		return 0;
	}
	r = fs_get(fs, g->ext.block + (index_of(g) - g->ext_index), MFS_READ, &g->buf[g->bufs]);
	if (r)
		return r;
	add_piece(g, g->buf[g->bufs].data + (g->pos & (fs->geo.block_size - 1)), len);
	g->bufs++;
	return 0;
}

static void start_batch(struct gather *g)
{
	g->pieces = 0;
	g->bufs = 0;
	g->bytes = 0;
}

int mfs_read(struct mfs_inode *ip, const struct mfs_transfer *tr, size_t *done)
{
	struct gather g;
	int r = 0;

	*done = 0;
	start_transfer(&g, ip, tr);
	if (g.end > ip->size)
		g.end = ip->size;
	while (!r && g.pos < g.end) {
		start_batch(&g);
		while (!r && !is_full(&g))
			r = add_for_read(&g);
		/* What was got before an error still counts. */
		if (g.pieces) {
			int moved = tr->move(tr->ctx, *done, g.piece, g.pieces);

			if (!moved)
				*done += g.bytes;
			else
				r = moved;
		}
		for (unsigned i = 0; i < g.bufs; i++)
			fs_put(ip->fs, &g.buf[i]);
	}
	return r;
}

static int add_for_write(struct gather *g)
{
	struct mfs *fs = g->ip->fs;
	size_t len = left_in_block(g);
	uint32_t last = (uint32_t)((g->end - 1) >> fs->geo.block_shift);
	struct mfs_buf *buf = &g->buf[g->bufs];
	enum mfs_fill fill;
	int r = find_extent(g, false);

	if (!r && !g->ext.block) {
		g->ext_index = index_of(g);
		r = map_alloc(g->ip, g->ext_index, last - g->ext_index + 1, &g->ext);
	}
	if (r) {
		g->ext.count = 0;
		return r;
	}
	fill = g->ext.is_new ? MFS_ZERO : MFS_CHANGE;
	if (len == fs->geo.block_size)
		fill = MFS_ANY;
	r = fs_get(fs, g->ext.block + (index_of(g) - g->ext_index), fill, buf);
	if (r)
		return r;
	g->is_new[g->bufs] = g->ext.is_new;
	add_piece(g, buf->data + (g->pos & (fs->geo.block_size - 1)), len);
	g->bufs++;
	return 0;
}

/* New blocks that the transfer did not reach belong to the file all the same: they must not show
 * old data. */
static int clear_new_blocks(struct gather *g)
{
	struct mfs *fs = g->ip->fs;
	uint32_t first = index_of(g);
	int r = 0;

	if (g->pos & (fs->geo.block_size - 1))
		first++;
	if (!g->ext.is_new || first < g->ext_index)
		return 0;
	for (uint32_t i = first - g->ext_index; i < g->ext.count && !r; i++) {
		struct mfs_buf buf;

		r = fs_get(fs, g->ext.block + i, MFS_ZERO, &buf);
		if (r)
			continue;
		buf.ino = g->ip->ino;
		fs_dirty(fs, &buf, MFS_DATA);
		fs_put(fs, &buf);
	}
	return r;
}

/* After the move: blocks that hold data now are dirty; a blank one that got none goes, or holds
 * zeroes if it is new. */
static void finish_write_batch(struct gather *g, bool is_moved)
{
	struct mfs *fs = g->ip->fs;

	for (unsigned i = 0; i < g->bufs; i++) {
		struct mfs_buf *buf = &g->buf[i];
		uint32_t block = buf->block;
		bool is_lost = !is_moved && buf->is_blank && !g->is_new[i];

		if (!is_moved && buf->is_blank && g->is_new[i])
			memset(buf->data, 0, fs->geo.block_size);
		buf->ino = g->ip->ino;
		if (!is_lost)
			fs_dirty(fs, buf, MFS_DATA);
		fs_put(fs, buf);
		if (is_lost)
			fs->io.forget(fs->io.ctx, block, 1);
	}
}

static int write_batches(struct gather *g, const struct mfs_transfer *tr, size_t *done)
{
	int r = 0;

	while (!r && g->pos < g->end) {
		int moved = 0;

		start_batch(g);
		while (!r && !is_full(g))
			r = add_for_write(g);
		if (g->pieces)
			moved = tr->move(tr->ctx, *done, g->piece, g->pieces);
		finish_write_batch(g, moved == 0);
		if (moved) {
			r = moved;
		} else if (g->bytes) {
			*done += g->bytes;
			if (tr->pos + *done > g->ip->size)
				g->ip->size = (uint32_t)(tr->pos + *done);
		}
	}
	return r;
}

int mfs_write(struct mfs_inode *ip, const struct mfs_transfer *tr, size_t *done)
{
	struct gather g;
	int r;

	*done = 0;
	start_transfer(&g, ip, tr);
	if (tr->len == 0)
		return 0;
	if (tr->pos >= ip->fs->geo.max_size)
		return -EFBIG;
	if (g.end > ip->fs->geo.max_size)
		g.end = ip->fs->geo.max_size;
	r = write_batches(&g, tr, done);
	if (r) {
		int cleared = clear_new_blocks(&g);

		r = cleared ? cleared : r;
	}
	inode_changed(ip);
	return r;
}

/* Bytes behind the end of a file are zero. */
static int clear_tail(struct mfs_inode *ip, uint32_t size)
{
	struct mfs *fs = ip->fs;
	uint32_t tail = size & (fs->geo.block_size - 1);
	struct mfs_buf buf;
	bool is_hole;
	int r;

	if (tail == 0)
		return 0;
	r = map_get_block(ip, size >> fs->geo.block_shift, &buf, &is_hole);
	if (r || is_hole)
		return r;
	fs_put(fs, &buf);
	r = fs_get(fs, buf.block, MFS_CHANGE, &buf);
	if (r)
		return r;
	memset(buf.data + tail, 0, fs->geo.block_size - tail);
	buf.ino = ip->ino;
	fs_dirty(fs, &buf, MFS_DATA);
	fs_put(fs, &buf);
	return 0;
}

int mfs_truncate(struct mfs_inode *ip, uint32_t size)
{
	uint32_t block_size = ip->fs->geo.block_size;
	int r = 0;

	if (!S_ISREG(ip->mode))
		return S_ISDIR(ip->mode) ? -EISDIR : -EINVAL;
	if (size > ip->fs->geo.max_size)
		return -EFBIG;
	if (size < ip->size)
		r = clear_tail(ip, size);
	if (r)
		return r;
	if (size < ip->size)
		trunc_zones(ip, (uint32_t)(((uint64_t)size + block_size - 1) >>
		                           ip->fs->geo.block_shift));
	ip->size = size;
	inode_changed(ip);
	return 0;
}

int mfs_set_attr(struct mfs_inode *ip, const struct mfs_attr *attr)
{
	if (ip->fs->is_read_only)
		return -EROFS;
	if (attr->which & MFS_SET_MODE)
		ip->mode = (uint16_t)((ip->mode & S_IFMT) | (attr->mode & 07777));
	if (attr->which & MFS_SET_UID)
		ip->uid = attr->uid;
	if (attr->which & MFS_SET_GID)
		ip->gid = attr->gid;
	if (attr->which & MFS_SET_ATIME)
		ip->atime = attr->atime;
	if (attr->which & MFS_SET_MTIME)
		ip->mtime = attr->mtime;
	ip->ctime = fs_now(ip->fs);
	inode_touch(ip);
	return 0;
}

int mfs_read_link(struct mfs_inode *ip, char *text, size_t size, size_t *len)
{
	struct mfs_buf buf;
	bool is_hole;
	int r;

	if (!S_ISLNK(ip->mode))
		return -EINVAL;
	r = map_get_block(ip, 0, &buf, &is_hole);
	if (!r && is_hole)
		r = fs_damaged(ip->fs, "a symbolic link has no contents, inode", ip->ino);
	if (r)
		return r;
	*len = ip->size;
	memcpy(text, buf.data, ip->size < size ? ip->size : size);
	fs_put(ip->fs, &buf);
	return 0;
}
