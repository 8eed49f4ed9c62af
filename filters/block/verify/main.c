/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify(lower, n=2): reads back what was written, before the client is told that it was.
 *
 *   write:  lower write with FUA -> FLUSH -> read into a buffer of our own -> compare with the client's
 *           memory -> differs? write again, n times; then complaint (B6: a write must have been done)
 *           and EIO
 *
 * The flush makes the reading check the medium and not a cache of the server. Reads and flushes are
 * passed on. A request is a fiber; no state is kept over a restart.
 */
#include <stdio.h>
#include <string.h>
#include "arena/arena.h"
#include "filter/filter.h"

#define REQUESTS_MAX 32
#define BUFFER_BYTES (64u * 1024) /* for each request; longer ones are compared piece by piece */

static uint8_t *buffers;
static int arena;
static uint64_t tries_max = 2;
static bool is_used[REQUESTS_MAX];
static uint64_t verified, differing, rewritten, failed;

static unsigned take_buffer(void)
{
	unsigned i = 0;

	while (is_used[i]) /* as many as requests */
		i++;
	is_used[i] = true;
	return i;
}

/* ---- comparing ---- */

struct walk {
	const struct bserver_request *r;
	unsigned element;
	uint32_t offset;
};

static bool equals_client(struct walk *w, const uint8_t *data, size_t len)
{
	while (len > 0) {
		const struct bserver_element *e = &w->r->elements[w->element];
		size_t part = e->len_bytes - w->offset < len ? e->len_bytes - w->offset : len;

		if (memcmp((const uint8_t *)e->ptr + w->offset, data, part) != 0)
			return false;
		data += part;
		len -= part;
		w->offset += (uint32_t)part;
		if (w->offset == e->len_bytes) {
			w->element++;
			w->offset = 0;
		}
	}
	return true;
}

/* 0: the medium has it; 1: it has something else; -errno. */
static int compare(const struct bserver_request *r, unsigned buffer)
{
	struct walk w = {.r = r};

	for (uint32_t done = 0; done < r->sectors;) {
		uint32_t most = BUFFER_BYTES / BLK_SECTOR;
		uint32_t sectors = r->sectors - done < most ? r->sectors - done : most;
		struct blk_element e = {.offset = (uint64_t)buffer * BUFFER_BYTES,
		                        .len_bytes = sectors * BLK_SECTOR,
		                        .arena = (uint16_t)arena};
		struct bdev_io io = {.op = BLK_READ,
		                     .replica = r->replica,
		                     .sector = r->sector + done,
		                     .sectors = sectors,
		                     .element_count = 1,
		                     .elements = &e};
		int result = bdev_io_wait(filter_single(), &io);

		if (result != 0)
			return result;
		if (!equals_client(&w, buffers + e.offset, e.len_bytes))
			return 1;
		done += sectors;
	}
	return 0;
}

/* ---- requests ---- */

static void pass(struct bserver_request *r)
{
	struct filter_request q;

	filter_request_init(&q, r);
	q.io.status = bdev_io_wait(filter_single(), &q.io);
	filter_complete(r, &q.io);
}

static int write_durably(struct bserver_request *r)
{
	struct filter_request q;

	filter_request_init(&q, r);
	q.io.flags |= BLK_REQ_FUA;
	return bdev_io_wait(filter_single(), &q.io);
}

static int write_once(struct bserver_request *r, unsigned buffer)
{
	struct bdev_io flush = {.op = BLK_FLUSH};
	int result = write_durably(r);

	if (result == 0)
		result = bdev_io_wait(filter_single(), &flush);
	return result != 0 ? result : compare(r, buffer);
}

static int write_verified(struct bserver_request *r)
{
	unsigned buffer = take_buffer();
	int result = write_once(r, buffer);

	for (uint64_t i = 0; result == 1 && i < tries_max; i++) {
		differing++;
		log_event(EV_CORRUPT, bdev_server(filter_single()), sys_label(), r->sector,
		          r->replica);
		result = write_once(r, buffer);
		if (result == 0) {
			rewritten++;
			log_event(EV_HEAL, bdev_server(filter_single()), sys_label(), r->sector,
			          r->replica);
		}
	}
	is_used[buffer] = false;
	if (result == 1) {
		failed++;
		bdev_complain(filter_single(), RULE_B6, NULL, &r->sector, sizeof(r->sector));
		result = -EIO;
	}
	verified += result == 0;
	return result;
}

static void serve(void *arg)
{
	struct bserver_request *r = arg;

	if (r->op == BLK_WRITE)
		bserver_complete(r, write_verified(r));
	else
		pass(r);
}

static void submit(struct bserver_request *r)
{
	if (fiber_start(serve, r) == NULL)
		bserver_complete(r, -ENOMEM);
}

/* ---- start ---- */

static int configure(const struct stack_options *o)
{
	const struct filter_number n = {"n", STACK_NUMBER, 0, 100};

	return filter_option(o, &n, &tries_max);
}

static int start(void)
{
	const size_t bytes = (size_t)REQUESTS_MAX * BUFFER_BYTES;

	buffers = arena_pages(bytes);
	if (buffers == NULL)
		return -ENOMEM;
	arena = bdev_arena(buffers, bytes, false);
	return arena < 0 ? arena : 0;
}

static int status(char *buf, size_t len)
{
	int n = snprintf(buf, len, "verified=%llu\ndiffering=%llu\nrewritten=%llu\ngiven_up=%llu\n",
	                 (unsigned long long)verified, (unsigned long long)differing,
	                 (unsigned long long)rewritten, (unsigned long long)failed);

	return n < 0 || (size_t)n >= len ? 0 : n;
}

int main(int argc, char **argv)
{
	static const char *const options[] = {"n", NULL};
	static const struct filter filter = {.name = "verify",
	                                     .options = options,
	                                     .lowers_min = 1,
	                                     .lowers_max = 1,
	                                     .maps_arenas = true,
	                                     .fibers = REQUESTS_MAX,
	                                     .queue_depth = REQUESTS_MAX,
	                                     .submit = submit,
	                                     .configure = configure,
	                                     .start = start,
	                                     .status = status};

	filter_main(argc, argv, &filter);
}
