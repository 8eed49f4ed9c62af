/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Read-ahead: a reader that goes on where it stopped gets a window that doubles with each request,
 * up to AHEAD_MAX; the next half is started when less than half of it is left, so that the device
 * works while the reader copies.
 */
#include "server.h"

enum { AHEAD_MIN = 128 << 10, AHEAD_MAX = 2 << 20 };

static uint32_t min_u32(uint64_t a, uint32_t b)
{
	return a < b ? (uint32_t)a : b;
}

/* Starts reading of the file's bytes [from, to). */
static void start(struct volume *v, struct mfs_inode *ip, uint32_t from, uint32_t to)
{
	const struct mfs_geometry *geo = mfs_get_geometry(v->fs);
	uint32_t index = from >> geo->block_shift;
	uint32_t end = (uint32_t)(((uint64_t)to + geo->block_size - 1) >> geo->block_shift);

	while (index < end) {
		struct mfs_extent ext;

		if (mfs_map_file(ip, index, end - index, &ext))
			return;
		if (ext.block)
			blockio_prefetch(v, ext.block, ext.count);
		index += ext.count;
	}
	v->reads_ahead++;
}

void read_ahead(struct volume *v, struct mfs_inode *ip, uint32_t pos, uint32_t len)
{
	struct file *f = volume_file(v, ip);
	uint64_t end = (uint64_t)pos + len;

	if (pos != f->next_pos) {
		f->next_pos = min_u32(end, ip->size);
		f->ahead_end = 0;
		f->window = 0;
		return;
	}
	f->next_pos = min_u32(end, ip->size);
	if (f->window < AHEAD_MAX)
		f->window = f->window ? f->window * 2 : AHEAD_MIN;
	if (f->ahead_end < pos)
		f->ahead_end = pos;
	if (f->ahead_end >= ip->size || f->ahead_end >= end + f->window / 2)
		return;
	pos = f->ahead_end;
	f->ahead_end = min_u32(end + f->window, ip->size);
	start(v, ip, pos, f->ahead_end);
}
