/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The copier: a fiber that repairs what a leg could not read and brings stale regions up to date.
 * It locks the sectors that it copies: writes to them wait, and it waits for those under way, so it
 * never puts old data over new. While clients are active it pauses after each chunk.
 */
#include "mirror.h"

#define REPAIRS_MAX 64
#define DRAIN_NS    1000000ull    /* how often it looks whether writes have ended */
#define PAUSE_NS    2000000ull    /* between chunks while clients are active */
#define AGAIN_NS    1000000000ull /* after an error of the source */

static struct fiber *fiber;
static bool is_idle, was_kicked;
static struct repair repairs[REPAIRS_MAX];
static unsigned repair_count;
static uint64_t copied_sectors;

uint64_t copier_copied(void)
{
	return copied_sectors;
}

static bool has_work(void)
{
	struct mirror_set *s = &set;

	if (repair_count > 0)
		return true;
	for (unsigned i = 0; i < s->legs; i++) {
		if (mirror_takes_writes(s, i) && mirror_resync_left(s, i) > 0)
			return true;
	}
	return false;
}

void copier_kick(void)
{
	if (!has_work())
		return;
	if (!is_idle) {
		was_kicked = true;
		return;
	}
	is_idle = false;
	fiber_wake(fiber, 0);
}

/* When the queue is full the error will be met again. */
void copier_repair(const struct repair *r)
{
	if (repair_count < REPAIRS_MAX)
		repairs[repair_count++] = *r;
	copier_kick();
}

/* ---- locking ---- */

static void lock(uint64_t sector, uint32_t sectors)
{
	locked = (struct range){true, sector, sectors};
	while (data_writes_in(&locked))
		filter_sleep(DRAIN_NS);
}

static void unlock(void)
{
	locked.is_locked = false;
	data_unlocked();
}

/* ---- copying ---- */

static int transfer(unsigned leg, enum blk_op op, const struct mirror_chunk *chunk)
{
	struct blk_element element = {.offset = OWN_CHUNK,
	                              .len_bytes = chunk->sectors * MIRROR_SECTOR,
	                              .arena = (uint16_t)own_arena};
	struct bdev_io io = {.op = (uint8_t)op,
	                     .sector = chunk->sector + MIRROR_DATA_START,
	                     .sectors = chunk->sectors,
	                     .element_count = 1,
	                     .elements = &element};

	return legs[leg].b == NULL ? -EIO : bdev_io_wait(legs[leg].b, &io);
}

/* With the range locked. 0, or -errno of the source; an error of the target fails that leg. */
static int copy(const struct mirror_chunk *chunk)
{
	int r = transfer(chunk->from, BLK_READ, chunk);

	if (r != 0)
		return r;
	r = transfer(chunk->to, BLK_WRITE, chunk);
	if (r != 0)
		leg_fail(chunk->to, r);
	copied_sectors += r == 0 ? chunk->sectors : 0;
	return 0;
}

static uint32_t chunk_limit(void)
{
	uint32_t most = CHUNK_SECTORS;

	for (unsigned i = 0; i < set.legs; i++) {
		const struct blk_info *info = legs[i].b == NULL ? NULL : bdev_info(legs[i].b);

		if (info != NULL && info->max_bytes / MIRROR_SECTOR < most)
			most = info->max_bytes / MIRROR_SECTOR;
	}
	return most;
}

static void repair_one(void)
{
	struct repair r = repairs[0];
	uint32_t limit = chunk_limit();

	for (unsigned i = 1; i < repair_count; i++)
		repairs[i - 1] = repairs[i];
	repair_count--;
	while (r.sectors > 0 && mirror_takes_writes(&set, r.leg)) {
		struct mirror_chunk chunk = {r.sector, r.sectors < limit ? r.sectors : limit, r.leg,
		                             0};
		const struct mirror_read want = {chunk.sector, chunk.sectors, 0, 1u << r.leg};
		int from;

		lock(chunk.sector, chunk.sectors);
		from = mirror_choose(&set, MIRROR_PRIMARY, &want);
		chunk.from = (unsigned)from;
		if (from >= 0 && copy(&chunk) == 0 && mirror_takes_writes(&set, r.leg)) {
			legs[r.leg].repairs++;
			log_event(EV_HEAL, EP_SELF, sys_label(), chunk.sector, r.leg + 1);
		}
		unlock();
		r.sector += chunk.sectors;
		r.sectors -= chunk.sectors;
	}
}

static void resync_one(const struct mirror_chunk *chunk)
{
	bool is_complete = false;
	int r;

	lock(chunk->sector, chunk->sectors);
	r = copy(chunk);
	if (r == 0)
		is_complete = mirror_resync_done(&set, chunk);
	unlock();
	if (r != 0) {
		sys_log("resync: leg %u cannot read sector %llu: error %d\n", chunk->from,
		        (unsigned long long)chunk->sector, -r);
		filter_sleep(AGAIN_NS);
	}
	if (!is_complete)
		return;
	sys_log("leg %u (%s) is up to date\n", chunk->to, filter_lower(chunk->to));
	log_event(EV_LEG_GOOD, bdev_server(legs[chunk->to].b), sys_label(), chunk->to, 0);
	legs[chunk->to].retry_ns = 0;
	manager_kick(); /* superblocks */
}

static void work(void *arg)
{
	(void)arg;
	for (;;) {
		struct mirror_chunk chunk;

		if (repair_count > 0) {
			repair_one();
		} else if (set.is_running && mirror_resync_next(&set, chunk_limit(), &chunk)) {
			resync_one(&chunk);
			if (data_active() > 0)
				filter_sleep(PAUSE_NS);
		} else if (!was_kicked) {
			is_idle = true;
			(void)fiber_wait();
		}
		was_kicked = false;
	}
}

int copier_start(void)
{
	fiber = fiber_start(work, NULL);
	return fiber != NULL ? 0 : -ENOMEM;
}
