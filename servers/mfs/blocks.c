/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The blocks that lib/fs sees: struct mfs_io on top of the cache.
 */
#include "volume.h"

#include <errno.h>

static int wait_for_slot(struct volume *v)
{
	if (v->ios_in_use == 0 && v->pinned == 0) {
		if (v->cache.dirty_count[MFS_DATA] == 0 || blockio_write(v, MFS_DATA, 0))
			return -EIO;
		return 0;
	}
	if (v->ios_in_use == 0 && v->cache.dirty_count[MFS_DATA])
		return blockio_write(v, MFS_DATA, 0);
	(void)wait_on(&v->slot_waiters);
	return 0;
}

static bool wants_content(enum mfs_fill fill)
{
	return fill == MFS_READ || fill == MFS_CHANGE;
}

/* A slot for a block that is not in the cache. 0: look for it again; *s: it was made without
 * reading. */
static int make_slot(struct volume *v, uint32_t block, enum mfs_fill fill, struct slot **s)
{
	*s = cache_take(&v->cache);
	if (!*s)
		return wait_for_slot(v);
	cache_enter(&v->cache, *s, block);
	if (wants_content(fill)) {
		int r = blockio_read(v, *s);

		*s = NULL;
		return r;
	}
	(*s)->flags |= SLOT_VALID;
	return 0;
}

/* The slot of a block that is in the cache and at rest; a read that fails is tried once more,
 * alone. */
static int find_slot(struct volume *v, struct mfs_buf *buf, enum mfs_fill fill, struct slot **found)
{
	bool has_failed = false;

	for (;;) {
		struct slot *s = cache_find(&v->cache, buf->block);
		uint16_t busy = fill == MFS_READ ? SLOT_READING : SLOT_READING | SLOT_WRITING;
		bool is_reading = !s || (s->flags & SLOT_READING);
		int r;

		if (s && !(s->flags & (busy | SLOT_DOOMED))) {
			v->cache.hits++;
			*found = s;
			return 0;
		}
		if (s) {
			r = wait_on(&s->waiters);
		} else {
			v->cache.misses++;
			r = make_slot(v, buf->block, fill, &s);
			if (s) {
				buf->is_blank = fill == MFS_ANY;
				*found = s;
				return 0;
			}
		}
		if (r && is_reading && has_failed)
			return r;
		has_failed |= r && is_reading;
	}
}

static int blocks_get(void *ctx, uint32_t block, enum mfs_fill fill, struct mfs_buf *buf)
{
	struct volume *v = ctx;
	struct slot *s;
	int r;

	buf->block = block;
	buf->is_blank = false;
	if (block >= v->blocks)
		return -EIO;
	r = find_slot(v, buf, fill, &s);
	if (r)
		return r;
	if (fill == MFS_ZERO)
		memset(cache_data(&v->cache, s), 0, v->cache.block_size);
	if (s->flags & SLOT_AHEAD)
		s->flags &= (uint16_t)~SLOT_AHEAD;
	else
		s->flags |= SLOT_USED;
	if (fill != MFS_READ)
		s->flags |= SLOT_CHANGING;
	s->pins++;
	v->pinned++;
	buf->data = cache_data(&v->cache, s);
	buf->handle = s;
	return 0;
}

static void blocks_put(void *ctx, struct mfs_buf *buf)
{
	struct volume *v = ctx;
	struct slot *s = buf->handle;

	SYS_ASSERT(s->pins > 0 && s->block == buf->block);
	v->pinned--;
	if (--s->pins)
		return;
	s->flags &= (uint16_t)~SLOT_CHANGING;
	if (v->slot_waiters) {
		struct waiter *list = v->slot_waiters;

		v->slot_waiters = NULL;
		wait_wake(list, 0);
	}
}

static void blocks_dirty(void *ctx, struct mfs_buf *buf, enum mfs_class class)
{
	struct volume *v = ctx;
	struct slot *s = buf->handle;

	SYS_ASSERT(s->pins > 0);
	if (class == MFS_DATA)
		s->ino = buf->ino;
	cache_make_dirty(&v->cache, s, (uint8_t) class);
}

static void blocks_forget(void *ctx, uint32_t block, uint32_t count)
{
	struct volume *v = ctx;

	for (uint32_t i = block; i < block + count; i++) {
		struct slot *s = cache_find(&v->cache, i);

		if (!s)
			continue;
		cache_make_clean(&v->cache, s);
		if (slot_is_busy(s))
			s->flags |= SLOT_DOOMED;
		else if (!s->pins)
			cache_drop(&v->cache, s);
	}
}

static void blocks_prefetch(void *ctx, uint32_t block, uint32_t count)
{
	blockio_prefetch(ctx, block, count);
}

static int blocks_write_out(void *ctx, enum mfs_class class)
{
	int r = blockio_write(ctx, (uint8_t) class, 0);

	return r ? r : blockio_flush(ctx);
}

/* See fs/mfs.h. The fiber holds the epoch lock shared and locks of inodes. */
static int blocks_barrier(void *ctx)
{
	struct volume *v = ctx;
	int r;

	unlock_shared(&v->epoch);
	r = volume_sync(v);
	lock_shared(&v->epoch);
	return r;
}

static uint32_t blocks_now(void *ctx)
{
	(void)ctx;
	return (uint32_t)(wall_ns() / 1000000000u);
}

static void blocks_report(void *ctx, const char *what, uint32_t number)
{
	struct volume *v = ctx;

	v->reports++;
	sys_log("%s: damaged: %s %u; run fsck.mfs\n", v->unit, what, number);
}

void blocks_init(struct volume *v)
{
	v->io = (struct mfs_io){.ctx = v,
	                        .get = blocks_get,
	                        .put = blocks_put,
	                        .dirty = blocks_dirty,
	                        .forget = blocks_forget,
	                        .prefetch = blocks_prefetch,
	                        .write_out = blocks_write_out,
	                        .barrier = blocks_barrier,
	                        .now = blocks_now,
	                        .report = blocks_report};
}

static void evict(struct volume *v, struct slot *s)
{
	if (s && !s->pins && !s->waiters && !slot_is_busy(s) && !(s->flags & SLOT_DIRTY))
		cache_drop(&v->cache, s);
}

void blocks_evict(struct volume *v, uint32_t block, uint32_t count)
{
	for (uint32_t i = block; i < block + count; i++)
		evict(v, cache_find(&v->cache, i));
}

void blocks_evict_all(struct volume *v)
{
	for (uint32_t i = 0; i < v->cache.slot_count; i++) {
		if (v->cache.slots[i].flags & SLOT_HASHED)
			evict(v, &v->cache.slots[i]);
	}
}
