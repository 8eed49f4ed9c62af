/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests: each runs in a fiber of its own, from submit to completion. The story is in main.c. */
#include <string.h>
#include "checksum.h"

static struct range_locks locks;

static const struct checksum_layout *layout(void)
{
	return &medium.codec.layout;
}

/* ---- locks ---- */

static void lock(struct range_lock *l, uint64_t lba, uint64_t count, bool is_exclusive)
{
	*l = (struct range_lock){.first = checksum_group_of(layout(), lba),
	                         .last = checksum_group_of(layout(), lba + count - 1),
	                         .is_exclusive = is_exclusive,
	                         .waiter = fiber_self()};
	if (!range_lock(&locks, l))
		(void)fiber_wait();
}

static void unlock(struct range_lock *l)
{
	struct range_lock *granted;

	range_unlock(&locks, l);
	while ((granted = range_granted(&locks)) != NULL)
		fiber_wake(granted->waiter, 0);
}

void request_lock_group(struct range_lock *l, uint64_t group, uint64_t count, bool is_exclusive)
{
	lock(l, group * layout()->n, count * layout()->n, is_exclusive);
}

void request_unlock(struct range_lock *l)
{
	unlock(l);
}

/* ---- the client's buffer ---- */

static void pieces_of(const struct bserver_request *r, struct checksum_piece *pieces,
                      struct checksum_cursor *cursor)
{
	for (unsigned i = 0; i < r->element_count; i++)
		pieces[i] = (struct checksum_piece){r->elements[i].ptr, r->elements[i].len_bytes};
	*cursor = (struct checksum_cursor){.pieces = pieces, .count = r->element_count};
}

/* ---- reads ---- */

/* What the client has got so far. */
struct delivery {
	struct checksum_cursor to;
	uint64_t good;    /* sectors of the span, from its start */
	uint32_t replica; /* that served the last piece */
};

/* Sector `at` of the span did not match: heals its group and delivers, from the healed group, all
 * that the span has of it. *at moves behind that. */
static int heal_and_deliver(const struct checksum_span *span, uint64_t *at, uint32_t replica,
                            struct checksum_cursor *to)
{
	const uint32_t n = layout()->n;
	const uint64_t group = checksum_group_of(layout(), span->lba + *at);
	uint32_t i = (uint32_t)((span->lba + *at) % n);
	const struct heal_seen seen = {(int)i, replica, 0};
	struct heal_result healed;
	struct range_lock l;
	int r;

	counters.mismatches++;
	request_lock_group(&l, group, 1, true);
	heal_enter();
	r = heal_group(group, &seen, &healed);
	for (; r == 0 && i < n && *at < span->count; i++, (*at)++) {
		if (checksum_mask_has(&healed.lost, i))
			r = -EIO;
		else
			memcpy(checksum_cursor_next(to), healed.good + (size_t)i * SUM_SECTOR,
			       SUM_SECTOR);
	}
	heal_leave();
	unlock(&l);
	return r;
}

/* A long read goes down in pieces that end with a group, all at once, so that one is verified while
 * the next is still on its way. */
#define PIECE_SECTORS 512u
#define PIECES_MAX    (DATA_MOST / (PIECE_SECTORS - CHECKSUM_N_MAX) + 2)

struct piece {
	uint64_t end; /* sectors of the span up to here */
	struct lower_io o;
	struct filter_gate gate;
};

static unsigned send_pieces(const struct checksum_span *span, struct piece *pieces)
{
	const uint64_t start = checksum_data_sector(layout(), span->lba);
	const uint64_t end = span->lba + span->count;
	unsigned count = 0;

	for (uint64_t lba = span->lba; lba < end; count++) {
		uint64_t next = (lba + PIECE_SECTORS) / layout()->n * layout()->n;
		struct piece *p = &pieces[count];
		struct extent e = {.sector = checksum_data_sector(layout(), lba)};

		SYS_ASSERT(count < PIECES_MAX);
		next = next < end ? next : end;
		e.sectors = (uint32_t)checksum_extent(layout(), lba, next - lba);
		e.memory = span->staging + (e.sector - start) * SUM_SECTOR;
		*p = (struct piece){.end = next - span->lba, .o = {.io = {.op = BLK_READ}}};
		lower_submit(&p->gate, &e, &p->o);
		lba = next;
	}
	return count;
}

/* Waits for all pieces; delivers from the start as far as everything matches. *good: so far it came.
 * 0 or the first error. */
static int take_pieces(const struct checksum_span *span, struct piece *pieces, unsigned count,
                       struct delivery *d)
{
	int result = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct checksum_span part = {span->lba, pieces[i].end, span->staging};
		uint64_t begin = i == 0 ? 0 : pieces[i - 1].end;

		filter_wait(&pieces[i].gate);
		if (result == 0)
			result = pieces[i].o.io.status;
		if (result != 0 || d->good != begin || !medium.want_verify)
			continue;
		d->replica = pieces[i].o.io.served_replica;
		d->good = checksum_read(&medium.codec, &part, begin, &d->to);
	}
	return result;
}

static int heal_rest(const struct checksum_span *span, struct delivery *d)
{
	while (d->good < span->count) {
		int r = heal_and_deliver(span, &d->good, d->replica, &d->to);

		if (r != 0)
			return r;
		d->good = checksum_read(&medium.codec, span, d->good, &d->to);
	}
	return 0;
}

static void copy_unverified(const struct checksum_span *span, struct checksum_cursor *to)
{
	const uint64_t first = checksum_data_sector(layout(), span->lba);

	for (uint64_t i = 0; i < span->count; i++) {
		uint64_t sector = checksum_data_sector(layout(), span->lba + i) - first;

		memcpy(checksum_cursor_next(to), span->staging + sector * SUM_SECTOR, SUM_SECTOR);
	}
}

static int do_read(struct bserver_request *r)
{
	const uint32_t extent = (uint32_t)checksum_extent(layout(), r->sector, r->sectors);
	struct checksum_piece client[BLK_ELEMENTS_MAX];
	struct checksum_span span = {.lba = r->sector, .count = r->sectors};
	struct piece pieces[PIECES_MAX];
	struct delivery d = {0};
	struct range_lock l;
	uint64_t start_ns, read_ns;
	int result;

	counters.reads++;
	pieces_of(r, client, &d.to);
	span.staging = staging_take(extent);
	lock(&l, r->sector, r->sectors, false);
	start_ns = now_ns();
	result = take_pieces(&span, pieces, send_pieces(&span, pieces), &d);
	unlock(&l); /* what was read is ours alone */
	read_ns = now_ns();
	counters.lower_ns += read_ns - start_ns;
	if (result == 0 && medium.want_verify)
		result = heal_rest(&span, &d);
	else if (result == 0)
		copy_unverified(&span, &d.to);
	counters.sum_ns += now_ns() - read_ns;
	staging_give(span.staging);
	return result;
}

/* ---- writes ---- */

/* The sum sector of a group that is written in part, read, verified and healed, goes to staging.
 * `scratch` has room for a group. */
static int prepare_partial(const struct checksum_span *span, uint64_t group, uint8_t *scratch)
{
	const uint32_t n = layout()->n;
	const struct extent e = {checksum_group_start(layout(), group), n + 1, scratch};
	const struct heal_seen seen = {-1, 0, 0};
	struct heal_result healed = {.good = scratch};
	struct checksum_mask mask;
	uint8_t *sums = span->staging + (checksum_sum_sector(layout(), group) -
	                                 checksum_data_sector(layout(), span->lba)) *
	                                        SUM_SECTOR;
	int r = lower_transfer(&e, BLK_READ, 0, 0);
	bool is_bad = r != 0 || !checksum_verify_group(&medium.codec, group, scratch, &mask);

	counters.partial++;
	if (is_bad) {
		heal_enter();
		r = heal_group(group, &seen, &healed);
	}
	if (r == 0)
		memcpy(sums, healed.good + (size_t)n * SUM_SECTOR, SUM_SECTOR);
	if (is_bad)
		heal_leave();
	return r;
}

static int prepare_ends(const struct checksum_span *span, uint8_t *scratch)
{
	const uint32_t n = layout()->n;
	const uint64_t end = span->lba + span->count;
	const uint64_t first = checksum_group_of(layout(), span->lba);
	const uint64_t last = checksum_group_of(layout(), end - 1);
	bool head = span->lba % n != 0 || (first == last && end % n != 0);
	bool tail = last != first && end % n != 0;
	int r = head ? prepare_partial(span, first, scratch) : 0;

	return r == 0 && tail ? prepare_partial(span, last, scratch) : r;
}

/* One run if the last group is written to its end; else its sum sector is a run of its own. */
static int write_down(const struct checksum_span *span, uint8_t flags)
{
	const uint64_t last = span->lba + span->count - 1;
	const uint64_t start = checksum_data_sector(layout(), span->lba);
	const uint64_t sums = checksum_sum_sector(layout(), checksum_group_of(layout(), last));
	struct extent e = {.sector = start, .memory = span->staging};
	struct lower_io data = {.io = {.op = BLK_WRITE, .flags = flags}}, tail = data;
	struct filter_gate g = {0};

	e.sectors = (uint32_t)(checksum_data_sector(layout(), last) + 1 - start);
	if (start + e.sectors == sums) {
		e.sectors++;
	} else {
		struct extent t = {sums, 1, span->staging + (sums - start) * SUM_SECTOR};

		lower_submit(&g, &t, &tail);
	}
	lower_submit(&g, &e, &data);
	filter_wait(&g);
	return data.io.status != 0 ? data.io.status : tail.io.status;
}

static int do_write(struct bserver_request *r)
{
	struct checksum_piece pieces[BLK_ELEMENTS_MAX];
	struct checksum_cursor from;
	struct checksum_span span = {.lba = r->sector, .count = r->sectors};
	const uint32_t extent = (uint32_t)checksum_extent(layout(), span.lba, span.count);
	struct range_lock l;
	int result;

	counters.writes++;
	pieces_of(r, pieces, &from);
	span.staging = staging_take(extent + layout()->n + 1); /* a group more: scratch */
	lock(&l, r->sector, r->sectors, true);
	result = prepare_ends(&span, span.staging + (size_t)extent * SUM_SECTOR);
	if (result == 0) {
		checksum_write(&medium.codec, &span, &from);
		result = write_down(&span, r->flags);
	}
	unlock(&l);
	staging_give(span.staging);
	return result;
}

static int do_flush(void)
{
	struct bdev_io io = {.op = BLK_FLUSH};

	return bdev_io_wait(medium.lower, &io);
}

/* ---- fibers ---- */

static void serve(void *arg)
{
	struct bserver_request *r = arg;
	int result = -EINVAL;

	switch (r->op) {
	case BLK_READ: result = do_read(r); break;
	case BLK_WRITE: result = do_write(r); break;
	case BLK_FLUSH: result = do_flush(); break;
	case BLK_SYNC: break; /* not offered */
	}
	bserver_complete(r, result);
}

void request_submit(struct bserver_request *r)
{
	/* The pool has a fiber for each request that blockserver hands out. */
	if (fiber_start(serve, r) == NULL)
		bserver_complete(r, -ENOMEM);
}
