/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mirror(a, b, ...): one unit kept on several lower ones. rs starts it from a stack expression; its
 * clients are mfs, vfs and other filters.
 *
 *   mirror -label L -unit U -lower A -lower B [...] [-policy primary|roundrobin|shortest]
 *          [-patience 5s] [-timeout 5s]
 *
 * Model. Writes go to all legs that take writes, reads to one of them; data is never touched, the
 * client's arenas are granted on to the legs. What a leg is allowed to do is decided by lib/mirror.
 *
 *   write:  locked by the copier? wait -> region marked on the medium? else wait for the bitmap
 *           -> all legs -> a leg failed? it is recorded on the others -> complete
 *   read:   one leg -> error: another leg, and the first one is repaired -> complete
 *
 * Three fibers do what takes several steps: the manager (assembly, superblocks, bitmap, legs that
 * come back), the sweeper (regions that are no longer written) and the copier (resync, repair). Requests themselves are callbacks.
 *
 * A leg fails by a write error, by a repair that fails, when its medium leaves, or by the absence of its server for
 * longer than -timeout. The death of a driver is no failure: lib/blockdev replays what was pending.
 * request.replica = leg + 1 reads or writes that leg alone; for such a read there is no other leg
 * and no repair, that is the business of who asked.
 *
 * State kept over a restart: on the legs (lib/mirror/super.h); and in ds, until the system stops, that
 * the legs are equal. After a stop of the system the bitmap names the regions that were being
 * written, and the legs are made equal there: by the client, if it is one that can judge contents
 * (BLK_SYNC), else by copying from the first good one, with what is corrupt on it, because nothing
 * here can tell. Until somebody opens the unit for writing nothing is decided and nothing is copied.
 */
#include <stdio.h>
#include <string.h>
#include "arena/arena.h"
#include "mirror.h"

struct mirror_set set;
enum mirror_policy policy = MIRROR_SHORTEST;
uint64_t patience_ns = 5000000000ull;
int own_arena;
uint8_t *own_memory;

static uint64_t timeout_us = 5000000;

static int configure_policy(const struct stack_options *o)
{
	static const char *const names[] = {
		[MIRROR_PRIMARY] = "primary",
		[MIRROR_ROUND_ROBIN] = "roundrobin",
		[MIRROR_SHORTEST] = "shortest",
	};
	const char *wanted = stack_option(o, "policy", 0);

	for (unsigned i = 0; wanted != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], wanted) == 0) {
			policy = (enum mirror_policy)i;
			return 0;
		}
	}
	return wanted == NULL ? 0
	                      : filter_usage("policy=%s: expected primary, roundrobin or shortest",
	                                     wanted);
}

static int configure(const struct stack_options *o)
{
	const struct filter_number patience = {"patience", STACK_DURATION, 0, 600000000};
	const struct filter_number timeout = {"timeout", STACK_DURATION, 1000, 600000000};
	uint64_t patience_us = patience_ns / 1000;
	int r = configure_policy(o);

	if (r == 0)
		r = filter_option(o, &patience, &patience_us);
	if (r == 0)
		r = filter_option(o, &timeout, &timeout_us);
	patience_ns = patience_us * 1000;
	return r;
}

/* A judge may have come, or somebody who is none. */
static int opened(unsigned unit, unsigned access)
{
	(void)unit;
	(void)access;
	manager_kick();
	return 0;
}

static int start(void)
{
	struct bdev_config config = {.offline_ns = timeout_us * 1000};
	int r;

	set.legs = filter_lower_count();
	bdev_configure(&config);
	own_memory = arena_pages(OWN_BYTES);
	if (own_memory == NULL)
		return -ENOMEM;
	own_arena = bdev_arena(own_memory, OWN_BYTES, false);
	if (own_arena < 0)
		return own_arena;
	data_init();
	for (unsigned i = 0; i < set.legs; i++)
		leg_open(i);
	r = manager_start();
	return r != 0 ? r : copier_start();
}

static const char *set_state(void)
{
	if (manager_is_refused())
		return "refused";
	if (!set.is_running)
		return "waiting";
	return mirror_is_degraded(&set) ? "degraded" : "good";
}

static int status(char *buf, size_t len)
{
	int n = snprintf(buf, len,
	                 "state=%s\ngeneration=%llu\nsectors=%llu\nregion_sectors=%u\n"
	                 "copied_sectors=%llu\ndirty_regions=%u\nunsynced_regions=%u\n",
	                 set_state(), (unsigned long long)set.super.generation,
	                 (unsigned long long)set.super.data_sectors, set.super.region_sectors,
	                 (unsigned long long)copier_copied(), mirror_dirty_regions(&set),
	                 set.unsynced_count);

	return n < 0 || (size_t)n >= len ? 0 : n + leg_status(buf + n, len - (size_t)n);
}

int main(int argc, char **argv)
{
	static const char *const options[] = {"policy", "patience", "timeout", NULL};
	static const struct bserver_ops ops = {.info = data_info,
	                                       .open = opened,
	                                       .submit = data_submit,
	                                       .status = filter_status,
	                                       .arena_added = filter_arena_added,
	                                       .arena_removed = filter_arena_removed};
	static const struct filter filter = {.name = "mirror",
	                                     .options = options,
	                                     .lowers_min = 1,
	                                     .lowers_max = MIRROR_LEGS_MAX,
	                                     .fibers = 4,
	                                     .ops = &ops,
	                                     .configure = configure,
	                                     .start = start,
	                                     .idle = leg_close_due,
	                                     .status = status};

	filter_main(argc, argv, &filter);
}
