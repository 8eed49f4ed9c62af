/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replicas that may differ after an unclean stop. The lower unit (a mirror) knows where that may be and
 * leaves it to us to say which replica is right (blk.h, BLK_SYNC):
 *
 *     ask -> place -> look at its groups on every replica -> differ? bad? -> heal, equalise
 *      ^                                                                          |
 *      \--- report: equal there now <--- FLUSH: what was written is on the medium -/
 *
 * A sector that is good nowhere stays on each replica as it is: it reads as EIO, is reported, and is
 * never given a new sum. A place with a group that could not be read or written well enough is not
 * reported, and is tried again.
 *
 * No state: whatever was not reported is named again, to us or to our successor.
 */
#include <string.h>
#include "checksum.h"

#define AGAIN_NS 5000000000ull

static struct fiber *worker;
static bool is_idle, was_kicked;

void sync_kick(void)
{
	was_kicked = true;
	if (!is_idle || !medium.is_running)
		return;
	is_idle = false;
	fiber_wake(worker, 0);
}

static void wait_for_kick(void)
{
	if (!was_kicked || !medium.is_running) {
		is_idle = true;
		(void)fiber_wait();
	}
	was_kicked = false;
}

/* ---- one place ---- */

/* The superblock and its copy have a sum of their own; it was written when the medium was formatted. */
static void mend_header(uint32_t replicas)
{
	const size_t bytes = (size_t)CHECKSUM_HEADER_SECTORS * SUM_SECTOR;
	uint8_t *right = staging_take(2 * CHECKSUM_HEADER_SECTORS);
	struct extent found = {0, CHECKSUM_HEADER_SECTORS, right + bytes};
	const struct extent wanted = {0, CHECKSUM_HEADER_SECTORS, right};

	memset(right, 0, bytes);
	memcpy(right, &medium.super, sizeof(medium.super));
	memcpy(right + (size_t)CHECKSUM_SUPER_COPY * SUM_SECTOR, &medium.super,
	       sizeof(medium.super));
	for (unsigned i = 0; i < medium.replicas; i++) {
		uint8_t replica = (uint8_t)(i + 1);

		if ((replicas >> i & 1) == 0)
			continue;
		if (lower_transfer(&found, BLK_READ, 0, replica) == 0 &&
		    memcmp(found.memory, right, bytes) == 0)
			continue;
		sys_log("the header of replica %u is written anew\n", replica);
		if (lower_transfer(&wanted, BLK_WRITE, 0, replica) != 0)
			counters.heal_errors++;
	}
	staging_give(right);
}

static int equalise_groups(struct check *c)
{
	struct check_found found = {0};
	int result = 0;

	check_groups(c);
	for (uint32_t i = 0; i < c->count; i++) {
		int r = ((c->bad | c->differing) >> i & 1) != 0
		                ? check_mend(c->first + i, c->replicas, &found)
		                : 0;

		result = r != 0 ? r : result;
	}
	return result;
}

static int equalise(const struct bdev_io *place)
{
	const struct checksum_layout *l = &medium.codec.layout;
	const uint64_t end = place->next_sector + place->next_sectors;
	struct check c = {.replicas = place->next_replicas};
	uint64_t group = 0, groups = check_group_count(), last;
	int result = 0;

	if (place->next_sector < l->header_sectors)
		mend_header(c.replicas);
	else
		group = (place->next_sector - l->header_sectors) / (l->n + 1);
	if (end <= l->header_sectors)
		return result;
	last = (end - 1 - l->header_sectors) / (l->n + 1);
	if (last < groups)
		groups = last + 1;
	for (; group < groups; group += c.count) {
		int r;

		c.first = group;
		c.count = groups - group < check_most() ? (uint32_t)(groups - group) : check_most();
		r = equalise_groups(&c);
		result = r != 0 ? r : result;
	}
	return result;
}

/* ---- all places ---- */

static int flush(void)
{
	struct bdev_io io = {.op = BLK_FLUSH};

	return bdev_io_wait(medium.lower, &io);
}

/* Once around. 0, or an error of a place that was left as it is. */
static int sync_all(void)
{
	struct bdev_io io = {.op = BLK_SYNC};
	unsigned places = 0;
	int result = bdev_io_wait(medium.lower, &io);

	while (io.status == 0 && io.next_sectors > 0) {
		struct bdev_io next = {
			.op = BLK_SYNC, .sector = io.next_sector, .sectors = io.next_sectors};
		int r = equalise(&io);

		if (r == 0)
			r = flush();
		if (r != 0) { /* nothing to report: what is behind it? */
			result = r;
			next.sector += next.sectors;
			next.sectors = 0;
		}
		places += r == 0;
		r = bdev_io_wait(medium.lower, &next);
		result = r != 0 ? r : result;
		io = next;
	}
	if (places > 0)
		sys_log("replicas of %s are equal again in %u places; %llu groups differed\n",
		        filter_lower(0), places, (unsigned long long)counters.equalised);
	return result;
}

static void work(void *arg)
{
	(void)arg;
	for (;;) {
		wait_for_kick();
		if ((bdev_info(medium.lower)->flags & BLK_FLAG_SYNC) == 0)
			continue;
		while (sync_all() != 0)
			filter_sleep(AGAIN_NS);
	}
}

int sync_start(void)
{
	worker = fiber_start(work, NULL);
	return worker != NULL ? 0 : -ENOMEM;
}
