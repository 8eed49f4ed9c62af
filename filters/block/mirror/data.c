/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of the mirror. A request is in exactly one place: at legs (pending > 0), or in one of
 *
 *   blocked   a write to sectors that the copier has locked         data_unlocked()
 *   unmarked  a write whose regions are not yet in the bitmap       data_bitmap_written()
 *   held      done, but a leg failed and that is not recorded yet   data_recorded()
 */
#include <string.h>
#include "mirror.h"

static struct request requests[REQUESTS_MAX];
static struct request *free_list;
static unsigned active;
static uint64_t writes_begun;
static struct request_list blocked, unmarked, held;
struct range locked;

/* ---- lists ---- */

void list_init(struct request_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

void list_add(struct request_list *l, struct request *q)
{
	q->next = NULL;
	*l->tail = q;
	l->tail = &q->next;
}

struct request *list_take_all(struct request_list *l)
{
	struct request *first = l->head;

	list_init(l);
	return first;
}

void data_init(void)
{
	list_init(&blocked);
	list_init(&unmarked);
	list_init(&held);
	for (unsigned i = REQUESTS_MAX; i-- > 0;) {
		requests[i].next = free_list;
		free_list = &requests[i];
	}
}

unsigned data_active(void)
{
	return active;
}

uint64_t data_writes_begun(void)
{
	return writes_begun;
}

static bool overlaps(const struct bserver_request *r, const struct range *range)
{
	return r->sector < range->sector + range->sectors && range->sector < r->sector + r->sectors;
}

bool data_writes_in(const struct range *range)
{
	for (unsigned i = 0; i < REQUESTS_MAX; i++) {
		const struct request *q = &requests[i];

		if (q->r != NULL && q->is_intent && overlaps(q->r, range))
			return true;
	}
	return false;
}

/* ---- information ---- */

static void narrow(struct blk_info *info, const struct blk_info *leg)
{
	info->max_bytes = leg->max_bytes < info->max_bytes ? leg->max_bytes : info->max_bytes;
	info->max_elements =
		leg->max_elements < info->max_elements ? leg->max_elements : info->max_elements;
	if (leg->physical_sector_bytes > info->physical_sector_bytes)
		info->physical_sector_bytes = leg->physical_sector_bytes;
	info->flags |= leg->flags & BLK_FLAG_VOLATILE_CACHE;
	if ((leg->flags & BLK_FLAG_FUA) == 0)
		info->flags &= ~BLK_FLAG_FUA;
}

int data_info(unsigned unit, struct blk_info *info)
{
	if (unit != FILTER_UNIT)
		return -ENXIO;
	if (manager_is_refused())
		return -EUCLEAN;
	if (!set.is_running)
		return -EAGAIN;
	*info = (struct blk_info){.sectors = set.super.data_sectors,
	                          .physical_sector_bytes = BLK_SECTOR,
	                          .max_bytes = BLK_REQUEST_MAX,
	                          .max_elements = BLK_ELEMENTS_MAX,
	                          .queue_depth = REQUESTS_MAX,
	                          .replicas = set.legs,
	                          .flags = BLK_FLAG_FUA | BLK_FLAG_SYNC,
	                          .model = "Axolotl mirror"};
	for (unsigned i = 0; i < set.legs; i++) {
		if (legs[i].b != NULL && bdev_info(legs[i].b) != NULL)
			narrow(info, bdev_info(legs[i].b));
	}
	return 0;
}

/* ---- completion ---- */

static void finish(struct request *q, int status)
{
	struct bserver_request *r = q->r;

	q->r = NULL;
	q->next = free_list;
	free_list = q;
	active--;
	if (r->op == BLK_FLUSH && active == 0)
		manager_flushed();
	bserver_complete(r, status);
	copier_kick();
}

/* A write or flush came back from all legs that had it. */
static void finish_write(struct request *q)
{
	if (set.want_record) {
		list_add(&held, q);
		manager_kick();
		return;
	}
	if (q->is_intent)
		mirror_write_end(&set, q->r->sector, q->r->sectors);
	q->is_intent = false;
	finish(q, q->good > 0 ? 0 : q->error);
}

void data_recorded(void)
{
	struct request *next;

	for (struct request *q = list_take_all(&held); q != NULL; q = next) {
		next = q->next;
		finish_write(q);
	}
}

/* ---- reads ---- */

static void send_read(struct request *q);

static void repair_others(const struct request *q)
{
	for (unsigned i = 0; i < set.legs; i++) {
		if ((q->tried >> i & 1) != 0)
			copier_repair(&(struct repair){q->r->sector, q->r->sectors, i});
	}
}

static void read_done(struct bdev_io *io)
{
	struct request *q = io->cookie;
	unsigned leg = (unsigned)(io - q->io);

	set.leg[leg].queue--;
	if (io->status == 0) {
		q->r->served_replica = leg + 1;
		legs[leg].reads++;
		repair_others(q);
		finish(q, 0);
		return;
	}
	q->error = io->status;
	legs[leg].errors++;
	if (q->r->replica != 0) {
		finish(q, io->status);
		return;
	}
	q->tried |= 1u << leg;
	send_read(q);
}

static void send_read(struct request *q)
{
	const struct mirror_read want = {q->r->sector, q->r->sectors, q->r->replica, q->tried};

	for (;;) {
		struct mirror_read now = want;
		struct bdev_io *io;
		int leg, r;

		now.tried = q->tried;
		leg = mirror_choose(&set, policy, &now);
		if (leg < 0 || legs[leg].b == NULL) {
			finish(q, q->error != 0 ? q->error : -EIO);
			return;
		}
		io = &q->io[leg];
		filter_io_of(q->r, q->elements, io);
		io->sector += MIRROR_DATA_START;
		io->done = read_done;
		io->cookie = q;
		r = bdev_submit(legs[leg].b, io);
		if (r == 0) {
			set.leg[leg].queue++;
			return;
		}
		q->error = r;
		q->tried |= 1u << leg;
	}
}

/* ---- writes and flushes ---- */

static void leg_done(struct bdev_io *io)
{
	struct request *q = io->cookie;
	unsigned leg = (unsigned)(io - q->io);

	set.leg[leg].queue--;
	q->pending--;
	if (io->status == 0) {
		q->good++;
		legs[leg].writes++;
	} else {
		q->error = io->status;
		leg_fail(leg, io->status);
	}
	if (q->pending == 0)
		finish_write(q);
}

static void send_to_leg(struct request *q, unsigned leg)
{
	struct bdev_io *io = &q->io[leg];
	int r;

	filter_io_of(q->r, q->elements, io);
	if (io->op == BLK_WRITE)
		io->sector += MIRROR_DATA_START;
	io->done = leg_done;
	io->cookie = q;
	r = legs[leg].b == NULL ? -EIO : bdev_submit(legs[leg].b, io);
	if (r == 0) {
		q->pending++;
		set.leg[leg].queue++;
		return;
	}
	q->error = r;
	leg_fail(leg, r);
}

static void send_write(struct request *q)
{
	uint8_t replica = q->r->op == BLK_WRITE ? q->r->replica : 0;

	q->pending = 1; /* ours, until all are sent */
	q->error = -EIO;
	for (unsigned i = 0; i < set.legs; i++) {
		if (mirror_takes_writes(&set, i) && (replica == 0 || replica == i + 1))
			send_to_leg(q, i);
	}
	if (--q->pending == 0)
		finish_write(q);
}

static void start_write(struct request *q)
{
	if (locked.is_locked && overlaps(q->r, &locked)) {
		list_add(&blocked, q);
		return;
	}
	q->is_intent = true;
	writes_begun++;
	if (mirror_write_begin(&set, q->r->sector, q->r->sectors)) {
		send_write(q);
	} else {
		list_add(&unmarked, q);
		manager_kick();
	}
}

void data_bitmap_written(void)
{
	struct request *next;

	for (struct request *q = list_take_all(&unmarked); q != NULL; q = next) {
		next = q->next;
		if (mirror_write_marked(&set, q->r->sector, q->r->sectors))
			send_write(q);
		else
			list_add(&unmarked, q);
	}
}

void data_unlocked(void)
{
	struct request *next;

	for (struct request *q = list_take_all(&blocked); q != NULL; q = next) {
		next = q->next;
		start_write(q);
	}
}

/* ---- regions that may differ ---- */

static void answer_sync(struct request *q)
{
	struct bserver_request *r = q->r;
	struct mirror_range next;

	if ((r->flags & BLK_REQ_DELEGATE) != 0)
		manager_delegate();
	else if (r->sectors > 0)
		mirror_synced(&set, r->sector, r->sectors);
	if (mirror_next_unsynced(&set, r->sector + r->sectors, &next)) {
		r->next_sector = next.sector;
		r->next_sectors = next.sectors;
		r->next_replicas = next.legs;
	}
	manager_kick();
	finish(q, 0);
}

void data_submit(struct bserver_request *r)
{
	struct request *q = free_list;

	SYS_ASSERT(q != NULL); /* as many as blockserver hands out */
	free_list = q->next;
	active++;
	q->r = r;
	q->pending = q->good = q->tried = 0;
	q->error = 0;
	q->is_intent = false;
	filter_elements(r, q->elements);
	switch (r->op) {
	case BLK_READ: send_read(q); break;
	case BLK_WRITE: start_write(q); break;
	case BLK_FLUSH: send_write(q); break;
	case BLK_SYNC: answer_sync(q); break;
	}
}
