/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace(lower, log=no): counts and times what passes, and changes nothing. Histograms by operation,
 * of latency in us and of size in sectors, are in STATUS; with log=yes each request is a line of the
 * system log (rate-limited). No state is kept over a restart: counters begin anew.
 */
#include <stdio.h>
#include "filter/filter.h"
#include "histogram/histogram.h"

#define OPS 5 /* enum blk_op counts from 1 */

static struct filter_request requests[BSERVER_REQUESTS_MAX];
static bool want_log;
static struct histogram latency_us[OPS], sectors[OPS];
static uint64_t errors[OPS], sequential[OPS], next_sector[OPS];

static const char *const op_names[OPS] = {"", "read", "write", "flush", "sync"};

static void count(const struct filter_request *q)
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
	const struct filter_request *q = io->cookie;

	count(q);
	filter_complete(q->r, io);
}

static void submit(struct bserver_request *r)
{
	struct filter_request *q = &requests[r->slot];

	filter_request_init(q, r);
	sequential[r->op] += r->sector == next_sector[r->op];
	next_sector[r->op] = r->sector + r->sectors;
	filter_send(q, done);
}

/* ---- start ---- */

static int configure(const struct stack_options *o)
{
	return filter_option_flag(o, "log", &want_log);
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
	static const struct filter filter = {.name = "trace",
	                                     .options = options,
	                                     .lowers_min = 1,
	                                     .lowers_max = 1,
	                                     .submit = submit,
	                                     .configure = configure,
	                                     .status = status};

	filter_main(argc, argv, &filter);
}
