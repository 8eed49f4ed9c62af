/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checksum(lower, n=8, algo=xxh64, verify=yes, scrub=0): detects what a device or driver gets wrong
 * in contents or address, and heals it from another replica. rs starts it from a stack expression.
 *
 *   checksum -label L -unit U -lower A [-n 8] [-algo crc32c|xxh64|sha1|sha256] [-verify yes|no]
 *            [-scrub BYTES_PER_SECOND]
 *
 * Model. The medium has n data sectors, then one with their sums (lib/checksum/layout.h). A request
 * becomes one contiguous lower request in a staging arena that is laid out as the medium, and data
 * is copied and summed in one pass: what a client gets is what was verified.
 *
 *   read:   lower read -> verify + copy -> mismatch? heal that group, go on
 *   write:  groups at the ends that are written in part are read and verified (healed) first
 *           -> copy + sum -> lower write(s)
 *   heal:   read the group from each replica, take for each sector a pair that agrees, write back
 *   sync:   after an unclean stop, where the lower unit says that its replicas may differ (BLK_SYNC):
 *           the same, and where two are good and differ, the first one counts
 *
 * Each request is a fiber. Invariants: a group is locked while it is written or healed, shared
 * while it is read; sums of neighbours are carried over, never computed from unverified data.
 *
 * A medium that does not match the stack (or has no superblock) is refused with the reason, and
 * never formatted here: that is mkstack's. Arguments n and algo that are not given mean: as the
 * medium says.
 *
 * State kept over a restart: on the medium; and in ds how far a scrub has come. Limits, said honestly: a write that was lost as a
 * whole (old data, old sums) looks good; a loss of power in the middle of a write can leave sectors
 * whose sums do not match, on every replica at worst, and these read as EIO until written again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "checksum.h"

#define PROBE_AGAIN_NS 2000000000ull

struct medium medium = {.want_verify = true};
struct counters counters;

static enum sum_algo wanted_algo; /* 0: any */
static uint64_t wanted_n, scrub_rate;
static bool is_open; /* the lower unit, once */
static struct fiber *prober;
static bool prober_waits;

/* ---- arguments ---- */

static int configure(const struct stack_options *o)
{
	const struct filter_number n = {"n", STACK_NUMBER, 1, CHECKSUM_N_MAX};
	const struct filter_number scrub = {"scrub", STACK_SIZE, 0, 1ull << 40};
	const char *algo = stack_option(o, "algo", 0);
	const char *verify = stack_option(o, "verify", 0);

	if (algo != NULL && sum_by_name(algo, &wanted_algo) != 0)
		return filter_usage("algo=%s: expected crc32c, xxh64, sha1 or sha256", algo);
	if (verify != NULL && strcmp(verify, "yes") != 0 && strcmp(verify, "no") != 0)
		return filter_usage("verify=%s: expected yes or no", verify);
	medium.want_verify = verify == NULL || strcmp(verify, "yes") == 0;
	if (filter_option(o, &n, &wanted_n) != 0)
		return -EINVAL;
	return filter_option(o, &scrub, &scrub_rate);
}

/* ---- the medium ---- */

static int check_medium(const uint8_t *header, const struct blk_info *info)
{
	char why[96];

	switch (checksum_super_probe(header, info->sectors, &medium.super)) {
	case CHECKSUM_VALID: break;
	case CHECKSUM_BLANK:
		sys_log("refused: %s has no checksum superblock; format it with mkstack\n",
		        filter_lower(0));
		return -EUCLEAN;
	case CHECKSUM_DAMAGED:
		sys_log("refused: the superblock of %s is damaged, or of a larger medium\n",
		        filter_lower(0));
		return -EUCLEAN;
	}
	if (checksum_super_match(&medium.super, wanted_algo, (uint32_t)wanted_n, why) != 0) {
		sys_log("refused: %s\n", why);
		return -EUCLEAN;
	}
	return 0;
}

static int setup_codec(const struct blk_info *info)
{
	struct checksum_codec *k = &medium.codec;
	uint64_t most = info->max_bytes / SUM_SECTOR;
	int r;

	checksum_layout_of(&medium.super, &k->layout);
	r = sum_init(&k->summer, (enum sum_algo)medium.super.algo, medium.super.uuid, now_ns);
	if (r != 0)
		return r;
	most = checksum_fitting(&k->layout, most < LOWER_MOST ? most : LOWER_MOST);
	if (most == 0) {
		sys_log("refused: requests of %s are too small for a group\n", filter_lower(0));
		return -EUCLEAN;
	}
	medium.data_max = most < DATA_MOST ? (uint32_t)most : DATA_MOST;
	medium.replicas =
		info->replicas < CHECKSUM_REPLICAS_MAX ? info->replicas : CHECKSUM_REPLICAS_MAX;
	return 0;
}

/* From any replica that has a valid superblock: all have the same. */
static int read_header(const struct extent *header, const struct blk_info *info)
{
	struct checksum_super super;
	uint32_t replica = 0;
	int r;

	do {
		r = lower_transfer(header, BLK_READ, 0, (uint8_t)replica);
	} while ((r != 0 ||
	          checksum_super_probe(header->memory, info->sectors, &super) != CHECKSUM_VALID) &&
	         info->replicas > 1 && replica++ < info->replicas);
	return r;
}

static int probe(void)
{
	struct extent header = {.sectors = CHECKSUM_HEADER_SECTORS,
	                        .memory = staging_take(CHECKSUM_HEADER_SECTORS)};
	const struct blk_info *info = bdev_info(medium.lower);
	int r = read_header(&header, info);

	if (r != 0)
		sys_log("the superblock of %s cannot be read: error %d\n", filter_lower(0), -r);
	else
		r = check_medium(header.memory, info);
	staging_give(header.memory);
	return r != 0 ? r : setup_codec(info);
}

static void run(void)
{
	const struct checksum_layout *l = &medium.codec.layout;

	heal_setup();
	medium.is_running = true;
	if (medium.refused != 0 && (bserver_unpublish(filter_unit()) != 0 ||
	                            bserver_publish(filter_unit(), FILTER_UNIT) != 0))
		sys_log("the unit cannot be announced\n");
	medium.refused = 0;
	sys_log("%s: %s, n=%u, %llu sectors, %u replicas\n", filter_lower(0),
	        sum_name((enum sum_algo)medium.super.algo), l->n,
	        (unsigned long long)l->data_sectors, medium.replicas);
	bserver_units_changed();
	sync_kick();
	scrub_run(scrub_rate);
}

static void probe_until_good(void *arg)
{
	(void)arg;
	for (;;) {
		int r;

		while (!is_open) {
			prober_waits = true;
			(void)fiber_wait();
			prober_waits = false;
		}
		r = probe();
		if (r == 0)
			break;
		medium.refused = -EUCLEAN;
		bserver_units_changed();
		filter_sleep(PROBE_AGAIN_NS);
	}
	run();
}

static void opened(void *ctx, struct bdev *b, int status)
{
	(void)ctx;
	(void)b;
	if (status != 0) {
		sys_log("%s cannot be opened: error %d\n", filter_lower(0), -status);
		return;
	}
	is_open = true;
	sync_kick();
	if (prober_waits) {
		prober_waits = false;
		fiber_wake(prober, 0);
	}
}

static int start(void)
{
	static const struct bdev_events events = {.opened = opened};
	int r = staging_setup();

	if (r != 0)
		return r;
	medium.lower =
		bdev_open(filter_lower(0), BLK_ACCESS_READ | BLK_ACCESS_WRITE | BLK_ACCESS_JUDGE,
	                  &events, NULL);
	if (medium.lower == NULL)
		return -ENOSPC;
	prober = fiber_start(probe_until_good, NULL);
	if (prober == NULL || scrub_start() != 0)
		return -ENOMEM;
	return sync_start();
}

/* ---- server ---- */

static int info(unsigned unit, struct blk_info *out)
{
	const struct blk_info *lower = bdev_info(medium.lower);

	if (unit != FILTER_UNIT)
		return -ENXIO;
	if (!medium.is_running || lower == NULL)
		return medium.refused != 0 ? medium.refused : -EAGAIN;
	*out = (struct blk_info){.sectors = medium.codec.layout.data_sectors,
	                         .physical_sector_bytes = lower->physical_sector_bytes,
	                         .max_bytes = medium.data_max * SUM_SECTOR,
	                         .max_elements = BLK_ELEMENTS_MAX,
	                         .queue_depth = REQUESTS_MAX,
	                         .replicas = 1,
	                         .flags = lower->flags & ~BLK_FLAG_SYNC,
	                         .model = "Axolotl checksum"};
	return 0;
}

static int status(char *buf, size_t len)
{
	const struct counters *c = &counters;
	int n = snprintf(
		buf, len,
		"state=%s\nalgo=%s\nn=%u\nreplicas=%u\nreads=%llu\nwrites=%llu\npartial=%llu\n"
		"mismatches=%llu\ntransient=%llu\ncorrupt=%llu\nhealed=%llu\nlost=%llu\n"
		"heal_errors=%llu\nequalised=%llu\n"
		"read_us=%llu\nheal_us=%llu\n",
		medium.is_running ? "good" : (medium.refused != 0 ? "refused" : "waiting"),
		sum_name((enum sum_algo)medium.super.algo), medium.super.n, medium.replicas,
		(unsigned long long)c->reads, (unsigned long long)c->writes,
		(unsigned long long)c->partial, (unsigned long long)c->mismatches,
		(unsigned long long)c->transient, (unsigned long long)c->corrupt,
		(unsigned long long)c->healed, (unsigned long long)c->lost,
		(unsigned long long)c->heal_errors, (unsigned long long)c->equalised,
		(unsigned long long)c->lower_ns / 1000, (unsigned long long)c->sum_ns / 1000);

	return n < 0 || (size_t)n >= len ? 0 : n + scrub_status(buf + n, len - (size_t)n);
}

int main(int argc, char **argv)
{
	static const char *const options[] = {"n", "algo", "verify", "scrub", NULL};
	static const struct bserver_ops ops = {
		.info = info, .submit = request_submit, .status = filter_status};
	static const struct filter filter = {.name = "checksum",
	                                     .options = options,
	                                     .lowers_min = 1,
	                                     .lowers_max = 1,
	                                     .maps_arenas = true,
	                                     .fibers = REQUESTS_MAX + 4,
	                                     .queue_depth = REQUESTS_MAX,
	                                     .ops = &ops,
	                                     .configure = configure,
	                                     .start = start,
	                                     .status = status,
	                                     .control = scrub_control};

	filter_main(argc, argv, &filter);
}
