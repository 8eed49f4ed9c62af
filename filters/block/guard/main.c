/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guard(lower, timeout=1s, n=3, m=1): does not take no for an answer. Put above a driver that is not
 * trusted to notice its own failures.
 *
 *   -timeout  a request that takes longer breaks B8: complaint, so that rs replaces the server
 *   -n        a request that fails is tried so many times more
 *   -m        then rs is told (B5: a request inside the medium must succeed), at most so many times
 *             for a request, and it is tried again with the replacement; then it fails with EIO
 *
 * The other rules (B2-B4, R3-R5) are watched by lib/blockdev, whose complaints name them.
 *
 *      SENT --ok--> done         --error, tries left--> SENT
 *        ^  \--error, no tries left, complaints left--> PAUSED --100 ms--/
 *        \--------------------------------------------------/   else: failed
 *
 * Errors that are the client's own (EINVAL, EROFS, EACCES) are passed on at once. No state is kept
 * over a restart.
 */
#include <stdio.h>
#include "filter/filter.h"

#define REQUESTS_MAX BSERVER_REQUESTS_MAX
#define PAUSE_NS     100000000ull /* for rs to act on a complaint */

struct request {
	struct filter_request f;
	uint64_t tries, complaints;
	struct filter_timer timer;
};

static struct request requests[REQUESTS_MAX];
static uint64_t timeout_us = 1000000, tries_max = 3, complaints_max = 1;
static uint64_t retried, rescued, complained, failed;

static void send(struct request *q);

static void send_again(struct filter_timer *t)
{
	struct request *q = &requests[0];

	while (&q->timer != t)
		q++;
	send(q);
}

static bool is_clients_fault(int status)
{
	return status == -EINVAL || status == -EROFS || status == -EACCES || status == -ECANCELED;
}

static void give_up(struct request *q)
{
	unsigned long long tries = (tries_max + 1) * (q->complaints + 1);

	failed++;
	sys_log("%s: request at sector %llu failed %llu times, %llu complaints: error %d\n",
	        filter_lower(0), (unsigned long long)q->f.io.sector, tries,
	        (unsigned long long)q->complaints, -q->f.io.status);
	filter_complete(q->f.r, &q->f.io);
}

static void done(struct bdev_io *io)
{
	const struct filter_request *f = io->cookie;
	struct request *q = &requests[f->r->slot];

	if (io->status == 0 || is_clients_fault(io->status)) {
		rescued += io->status == 0 && q->tries + q->complaints > 0;
		filter_complete(f->r, io);
	} else if (q->tries < tries_max) {
		q->tries++;
		retried++;
		send(q);
	} else if (q->complaints < complaints_max) {
		q->complaints++;
		q->tries = 0;
		complained++;
		bdev_complain(filter_single(), RULE_B5, io, &io->sector, sizeof(io->sector));
		q->timer.fn = send_again;
		filter_timer_set(&q->timer, now_ns() + PAUSE_NS);
	} else {
		give_up(q);
	}
}

static void send(struct request *q)
{
	filter_request_init(&q->f, q->f.r);
	filter_send(&q->f, done);
}

static void submit(struct bserver_request *r)
{
	struct request *q = &requests[r->slot];

	q->f.r = r;
	q->tries = q->complaints = 0;
	send(q);
}

/* ---- start ---- */

static int configure(const struct stack_options *o)
{
	const struct filter_number timeout = {"timeout", STACK_DURATION, 1000, 600000000};
	const struct filter_number n = {"n", STACK_NUMBER, 0, 100};
	const struct filter_number m = {"m", STACK_NUMBER, 0, 100};

	if (filter_option(o, &timeout, &timeout_us) != 0 || filter_option(o, &n, &tries_max) != 0)
		return -EINVAL;
	return filter_option(o, &m, &complaints_max);
}

static int start(void)
{
	const struct bdev_config config = {.deadline_ns = timeout_us * 1000};

	bdev_configure(&config);
	return 0;
}

static int status(char *buf, size_t len)
{
	int n = snprintf(buf, len,
	                 "timeout_us=%llu\nretried=%llu\nrescued=%llu\ncomplaints=%llu\n"
	                 "given_up=%llu\n",
	                 (unsigned long long)timeout_us, (unsigned long long)retried,
	                 (unsigned long long)rescued, (unsigned long long)complained,
	                 (unsigned long long)failed);

	return n < 0 || (size_t)n >= len ? 0 : n;
}

int main(int argc, char **argv)
{
	static const char *const options[] = {"timeout", "n", "m", NULL};
	static const struct filter filter = {.name = "guard",
	                                     .options = options,
	                                     .lowers_min = 1,
	                                     .lowers_max = 1,
	                                     .submit = submit,
	                                     .configure = configure,
	                                     .start = start,
	                                     .status = status};

	filter_main(argc, argv, &filter);
}
