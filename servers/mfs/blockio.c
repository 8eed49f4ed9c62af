/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to the device. Slots with consecutive block numbers join one request of at most
 * VOLUME_IO_BYTES; slots that also lie one behind the other in memory share an element.
 * lib/blockdev repeats what was pending when a driver died, so a request here ends once, with the
 * device's verdict.
 *
 * A failed read drops its slots (whoever waits is told and may try alone). A failed write leaves
 * them dirty.
 */
#include "volume.h"

#include <errno.h>

enum { COLLECT_MAX = 512, ROUNDS_MAX = 8 };

/* A request in the making. */
struct builder {
	struct volume *v;
	struct block_io *b;
	uint8_t op;
	bool may_wait;
};

static struct slot *slot_at(struct volume *v, uint32_t index_plus_one)
{
	return &v->cache.slots[index_plus_one - 1];
}

static void release_io(struct volume *v, struct block_io *b)
{
	b->is_used = false;
	b->next_free = v->free_ios;
	v->free_ios = b;
	v->ios_in_use--;
}

void blockio_init(struct volume *v)
{
	v->free_ios = NULL;
	v->ios_in_use = VOLUME_IOS;
	for (unsigned i = 0; i < VOLUME_IOS; i++) {
		v->ios[i].volume = v;
		release_io(v, &v->ios[i]);
	}
}

static void end_slot_read(struct cache *c, struct slot *s, int status)
{
	s->flags &= (uint16_t)~SLOT_READING;
	if (status || (s->flags & SLOT_DOOMED))
		cache_drop(c, s);
	else
		s->flags |= SLOT_VALID;
}

static void end_slot_write(struct cache *c, struct slot *s, int status)
{
	s->flags &= (uint16_t)~SLOT_WRITING;
	if ((s->flags & SLOT_DOOMED) && !s->pins)
		cache_drop(c, s);
	else if (status && !(s->flags & SLOT_DOOMED))
		cache_make_dirty(c, s, s->class);
	s->flags &= (uint16_t)~SLOT_DOOMED;
}

/* Moves the waiters of a slot to the front of a list. */
static void take_waiters(struct slot *s, struct waiter **list)
{
	struct waiter *last = s->waiters;

	if (!last)
		return;
	while (last->next)
		last = last->next;
	last->next = *list;
	*list = s->waiters;
	s->waiters = NULL;
}

static void finish(struct block_io *b, int status)
{
	struct volume *v = b->volume;
	bool is_write = b->io.op == BLK_WRITE;
	struct waiter *slot_list = NULL, *io_list = v->io_waiters, *room_list = v->slot_waiters;

	for (uint32_t i = b->first_slot; i;) {
		struct slot *s = slot_at(v, i);

		i = s->io_next;
		s->io_next = 0;
		take_waiters(s, &slot_list);
		if (is_write)
			end_slot_write(&v->cache, s, status);
		else
			end_slot_read(&v->cache, s, status);
	}
	if (is_write && status == 0)
		v->has_unflushed = true;
	if (is_write && status)
		v->write_failures++;
	if (status)
		sys_log("%s: %s of %u blocks at %u failed: %d\n", v->unit,
		        is_write ? "write" : "read", b->blocks,
		        (uint32_t)(b->io.sector / (v->cache.block_size / BLK_SECTOR)), status);
	release_io(v, b);
	v->io_waiters = NULL;
	v->slot_waiters = NULL;
	/* Fibers run from here on: everything is consistent, nothing of ours is used any more. */
	wait_wake(slot_list, status);
	wait_wake(io_list, 0);
	wait_wake(room_list, 0);
}

static void on_done(struct bdev_io *io)
{
	finish(io->cookie, io->status);
}

static void submit(struct builder *m)
{
	struct block_io *b = m->b;
	int r;

	m->b = NULL;
	if (!b)
		return;
	b->io.done = on_done;
	b->io.cookie = b;
	b->io.elements = b->elements;
	r = bdev_submit(m->v->device, &b->io);
	if (r)
		finish(b, r);
}

static struct block_io *take_io(struct volume *v, bool may_wait)
{
	struct block_io *b;

	while (!v->free_ios) {
		if (!may_wait)
			return NULL;
		(void)wait_on(&v->io_waiters);
	}
	b = v->free_ios;
	v->free_ios = b->next_free;
	v->ios_in_use++;
	b->is_used = true;
	b->first_slot = 0;
	b->last_slot = 0;
	b->blocks = 0;
	return b;
}

static bool is_next(const struct builder *m, const struct slot *s)
{
	const struct block_io *b = m->b;
	uint32_t per_block = m->v->cache.block_size / BLK_SECTOR;

	return b->blocks < m->v->max_io_blocks &&
	       (uint64_t)s->block * per_block == b->io.sector + b->io.sectors;
}

/* Appends the slot's memory; false: the request has no element left. */
static bool append_memory(struct builder *m, const struct slot *s)
{
	struct block_io *b = m->b;
	uint32_t size = m->v->cache.block_size;
	uint64_t offset = (uint64_t)(s - m->v->cache.slots) * size;
	struct blk_element *last =
		b->io.element_count ? &b->elements[b->io.element_count - 1] : NULL;

	if (last && last->offset + last->len_bytes == offset) {
		last->len_bytes += size;
		return true;
	}
	if (b->io.element_count == m->v->max_elements)
		return false;
	b->elements[b->io.element_count++] = (struct blk_element){
		.offset = offset, .len_bytes = size, .arena = (uint16_t)m->v->arena};
	return true;
}

/* A request that starts with this slot. */
static bool begin(struct builder *m, const struct slot *s)
{
	m->b = take_io(m->v, m->may_wait);
	if (!m->b)
		return false;
	m->b->io = (struct bdev_io){
		.op = m->op, .sector = (uint64_t)s->block * (m->v->cache.block_size / BLK_SECTOR)};
	if (m->op == BLK_WRITE)
		m->b->sequence = ++m->v->write_sequence;
	return append_memory(m, s);
}

/* Adds a slot to the request, or to a new one; false: no request is free (only if it may not wait).
 */
static bool add_slot(struct builder *m, struct slot *s)
{
	struct volume *v = m->v;
	uint32_t index = (uint32_t)(s - v->cache.slots) + 1;

	if (!m->b || !is_next(m, s) || !append_memory(m, s)) {
		submit(m);
		if (!begin(m, s))
			return false;
	}
	m->b->io.sectors += v->cache.block_size / BLK_SECTOR;
	m->b->blocks++;
	s->flags |= m->op == BLK_READ ? SLOT_READING : SLOT_WRITING;
	s->io_next = 0;
	if (m->b->last_slot)
		slot_at(v, m->b->last_slot)->io_next = index;
	else
		m->b->first_slot = index;
	m->b->last_slot = index;
	return true;
}

int blockio_read(struct volume *v, struct slot *s)
{
	struct builder m = {.v = v, .op = BLK_READ, .may_wait = true};

	/* Others who look for the block wait with us, also while we wait for a request. */
	s->flags |= SLOT_READING;
	if (!add_slot(&m, s))
		return -EIO;
	submit(&m);
	/* submit() does not complete, but a refused request has: then the slot is free again. */
	if (!(s->flags & SLOT_READING))
		return -EIO;
	return wait_on(&s->waiters);
}

void blockio_prefetch(struct volume *v, uint32_t block, uint32_t count)
{
	struct builder m = {.v = v, .op = BLK_READ};

	for (uint32_t i = block; i < block + count && i < v->blocks; i++) {
		struct slot *s;

		if (cache_find(&v->cache, i))
			continue;
		if (!m.b && !v->free_ios)
			break;
		s = cache_take(&v->cache);
		if (!s)
			break;
		cache_enter(&v->cache, s, i);
		s->flags |= SLOT_AHEAD;
		if (!add_slot(&m, s)) {
			cache_drop(&v->cache, s);
			break;
		}
	}
	submit(&m);
}

/* While we wait for a free request, others may write, forget or reuse the slots of the list. */
static void write_collected(struct volume *v, struct slot **list, uint32_t count, uint8_t class)
{
	struct builder m = {.v = v, .op = BLK_WRITE, .may_wait = true};

	for (uint32_t i = 0; i < count; i++) {
		struct slot *s = list[i];

		if (m.b && !is_next(&m, s))
			submit(&m);
		while (!m.b && !v->free_ios)
			(void)wait_on(&v->io_waiters);
		if (!cache_is_writable(s, class))
			continue;
		if (add_slot(&m, s))
			cache_make_clean(&v->cache, s);
	}
	submit(&m);
}

static bool has_writes_until(const struct volume *v, uint64_t sequence)
{
	for (unsigned i = 0; i < VOLUME_IOS; i++) {
		const struct block_io *b = &v->ios[i];

		if (b->is_used && b->io.op == BLK_WRITE && b->sequence <= sequence)
			return true;
	}
	return false;
}

int blockio_write(struct volume *v, uint8_t class, uint32_t ino)
{
	struct slot *list[COLLECT_MAX];
	uint64_t failures = v->write_failures;
	uint32_t left = v->cache.slot_count;
	uint64_t sequence;

	/* Bounded, so that somebody who keeps writing does not keep us here. */
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		uint32_t count = 1;

		while (count && left && failures == v->write_failures) {
			count = cache_collect(&v->cache, class, ino, list, COLLECT_MAX);
			write_collected(v, list, count, class);
			left -= count < left ? count : left;
		}
		sequence = v->write_sequence;
		while (has_writes_until(v, sequence))
			(void)wait_on(&v->io_waiters);
		if (failures != v->write_failures)
			return -EIO;
		if (!left || !cache_collect(&v->cache, class, ino, list, 1))
			break;
	}
	return 0;
}

int blockio_wait(struct volume *v, struct bdev_io *io)
{
	int r;

	v->waits++;
	r = bdev_io_wait(v->device, io);
	v->waits--;
	return r;
}

int blockio_flush(struct volume *v)
{
	struct bdev_io io = {.op = BLK_FLUSH};
	int r;

	if (!v->has_unflushed)
		return 0;
	v->has_unflushed = false;
	r = blockio_wait(v, &io);
	if (r)
		v->has_unflushed = true;
	return r;
}

void blockio_drain(struct volume *v)
{
	while (v->ios_in_use)
		(void)wait_on(&v->io_waiters);
}
