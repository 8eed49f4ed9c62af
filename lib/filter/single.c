/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters with one lower unit that they show as it is: opening it, what it is, what its answers carry.
 * See filter.h.
 *
 * Who judges replicas (blk.h, BLK_SYNC) is none of their business: they open the lower unit as if
 * they could, pass such requests on, and say so below when nobody above them can.
 */
#include "filter/filter_impl.h"

static struct bdev *lower;
static struct bdev_io delegate; /* done is NULL: not under way */

struct bdev *filter_single(void)
{
	return lower;
}

static void delegated(struct bdev_io *io)
{
	if (io->status != 0)
		sys_log("%s cannot be told that nobody judges: error %d\n", filter_lower(0),
		        -io->status);
	io->done = NULL;
}

/* access: all that clients have above. */
static void tell_who_judges(unsigned access)
{
	const struct blk_info *info = bdev_info(lower);

	if ((access & BLK_ACCESS_WRITE) == 0 || (access & BLK_ACCESS_JUDGE) != 0 || info == NULL ||
	    (info->flags & BLK_FLAG_SYNC) == 0 || delegate.done != NULL)
		return;
	delegate = (struct bdev_io){.op = BLK_SYNC, .flags = BLK_REQ_DELEGATE, .done = delegated};
	delegate.status = bdev_submit(lower, &delegate);
	if (delegate.status != 0)
		delegated(&delegate);
}

static void lower_opened(void *ctx, struct bdev *b, int status)
{
	(void)ctx;
	(void)b;
	if (status != 0)
		return;
	bserver_units_changed();
	tell_who_judges(bserver_open_access(FILTER_UNIT));
}

/* So has ours: whoever has it open must open it again, and learns of it that way. */
static void lower_left(void *ctx, struct bdev *b)
{
	(void)ctx;
	(void)b;
	bserver_forget_opens(FILTER_UNIT);
}

int filter_single_open(void)
{
	static const struct bdev_events events = {.opened = lower_opened, .left = lower_left};

	lower = bdev_open(filter_lower(0), BLK_ACCESS_READ | BLK_ACCESS_WRITE | BLK_ACCESS_JUDGE,
	                  &events, NULL);
	return lower == NULL ? -ENOSPC : 0;
}

static int info(unsigned unit, struct blk_info *out)
{
	if (unit != FILTER_UNIT)
		return -ENXIO;
	if (lower == NULL || bdev_info(lower) == NULL)
		return -EAGAIN;
	*out = *bdev_info(lower);
	return 0;
}

static int opened(unsigned unit, unsigned access)
{
	(void)unit;
	tell_who_judges(access | bserver_open_access(FILTER_UNIT));
	return 0;
}

const struct bserver_ops *filter_single_ops(void (*submit)(struct bserver_request *r))
{
	static struct bserver_ops ops = {.info = info,
	                                 .open = opened,
	                                 .status = filter_status,
	                                 .arena_added = filter_arena_added,
	                                 .arena_removed = filter_arena_removed};

	ops.submit = submit;
	return &ops;
}

/* ---- requests ---- */

void filter_request_init(struct filter_request *q, struct bserver_request *r)
{
	q->r = r;
	filter_elements(r, q->elements);
	filter_io_of(r, q->elements, &q->io);
	q->io.replica = r->replica;
}

void filter_send(struct filter_request *q, bdev_done_fn_t done)
{
	int r;

	q->io.done = done;
	q->io.cookie = q;
	r = bdev_submit(lower, &q->io);
	if (r == 0)
		return;
	q->io.status = r;
	done(&q->io);
}

void filter_complete(struct bserver_request *r, const struct bdev_io *io)
{
	r->served_replica = io->served_replica;
	r->next_sector = io->next_sector;
	r->next_sectors = io->next_sectors;
	r->next_replicas = io->next_replicas;
	bserver_complete(r, io->status);
}
