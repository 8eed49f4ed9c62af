/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace(lower, log=no): counts and times what passes, and changes nothing. Histograms by operation,
 * of latency in us and of size in sectors, are in STATUS; with log=yes each request is a line of the
 * system log (rate-limited). No state is kept over a restart: counters begin anew.
 */
#include <stdio.h>
#include <string.h>
#include "filter/filter.h"
#include "histogram/histogram.h"

#define OPS 4 /* enum blk_op counts from 1 */

struct request {
	struct bserver_request *r;
	struct bdev_io io;
	struct blk_element elements[BLK_ELEMENTS_MAX];
};

static struct request requests[BSERVER_REQUESTS_MAX];
static struct bdev *lower;
static bool want_log;
static struct histogram latency_us[OPS], sectors[OPS];
static uint64_t errors[OPS], sequential[OPS], next_sector[OPS];

static const char *const op_names[OPS] = {"", "read", "write", "flush"};

static void count(const struct request *q)
{
	unsigned op = q->io.op;
	uint64_t us = (now_ns() - q->r->t_start_ns) / 1000;

	histogram_add(&latency_us[op], us);
	histogram_add(&sectors[op], q->io.sectors);
	errors[op] += q->io.status != 0;
	if (want_log)
		sys_log("%s sector %llu count %u replica %u: %d after %llu us\n", op_names[op],
		        (unsigned long long)q->io.sector, q->io.sectors, q->io.replica,
		        q->io.status, (unsigned long long)us);
}

static void done(struct bdev_io *io)
{
	struct request *q = io->cookie;

	count(q);
	q->r->served_replica = io->served_replica;
	bserver_complete(q->r, io->status);
}

static void submit(struct bserver_request *r)
{
	struct request *q = &requests[r->slot];
	int result;

	q->r = r;
	filter_elements(r, q->elements);
	filter_io_of(r, q->elements, &q->io);
	q->io.replica = r->replica;
	q->io.done = done;
	q->io.cookie = q;
	sequential[r->op] += r->sector == next_sector[r->op];
	next_sector[r->op] = r->sector + r->sectors;
	result = bdev_submit(lower, &q->io);
	if (result != 0)
		bserver_complete(r, result);
}

/* ---- start ---- */

static int configure(const struct stack_options *o)
{
	const char *word = stack_option(o, "log", 0);

	if (word != NULL && strcmp(word, "yes") != 0 && strcmp(word, "no") != 0)
		return filter_usage("log=%s: expected yes or no", word);
	want_log = word != NULL && strcmp(word, "yes") == 0;
	return 0;
}

static void opened(void *ctx, struct bdev *b, int status)
{
	(void)ctx;
	(void)b;
	if (status == 0)
		bserver_units_changed();
}

static int start(void)
{
	static const struct bdev_events events = {.opened = opened};

	lower = bdev_open(filter_lower(0), BLK_ACCESS_READ | BLK_ACCESS_WRITE, &events, NULL);
	return lower == NULL ? -ENOSPC : 0;
}

static int info(unsigned unit, struct blk_info *out)
{
	return filter_pass_info(lower, unit, out);
}

static int status(char *buf, size_t len)
{
	size_t used = 0;

	for (unsigned op = BLK_READ; op < OPS && used < len; op++) {
		char name[32];

		snprintf(name, sizeof(name), "%s_us", op_names[op]);
		used += (size_t)histogram_print(&latency_us[op], name, buf + used, len - used);
		snprintf(name, sizeof(name), "%s_sectors", op_names[op]);
		if (used < len)
			used += (size_t)histogram_print(&sectors[op], name, buf + used, len - used);
		if (used < len)
			used += (size_t)snprintf(buf + used, len - used,
			                         "%s_errors=%llu\n%s_sequential=%llu\n",
			                         op_names[op], (unsigned long long)errors[op],
			                         op_names[op], (unsigned long long)sequential[op]);
	}
	return (int)(used < len ? used : len);
}

int main(int argc, char **argv)
{
	static const char *const options[] = {"log", NULL};
	static const struct bserver_ops ops = {.info = info,
	                                       .submit = submit,
	                                       .status = filter_status,
	                                       .arena_added = filter_arena_added,
	                                       .arena_removed = filter_arena_removed};
	static const struct filter filter = {.name = "trace",
	                                     .options = options,
	                                     .lowers_min = 1,
	                                     .lowers_max = 1,
	                                     .ops = &ops,
	                                     .configure = configure,
	                                     .start = start,
	                                     .status = status};

	filter_main(argc, argv, &filter);
}
