/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Skeleton of block filters: waiting in fibers, arenas that are passed on; arguments, timers and main loop
 * are in lib/filterbase. A filter is a block server above (blockserver.h) and a block client below
 * (blockdev.h); both halves keep the rules B1-B8 and replay, so a filter only says what to do with
 * a request.
 *
 * The unit is published in init(); until the filter calls bserver_units_changed() after its lowers
 * have opened, its info() says -EAGAIN and clients wait.
 *
 * A filter keeps nothing in memory that a restart must find again.
 */
#ifndef LIB_FILTER_H
#define LIB_FILTER_H

#include "blockdev/blockdev.h"
#include "blockdev/blockserver.h"
#include "fiber/fiber.h"
#include "filterbase/filterbase.h"
#include "sys/sys.h"

#define FILTER_LOWERS_MAX 4

struct filter {
	const char *name;
	const char *const *options; /* names without "-", ending with NULL */
	unsigned lowers_min, lowers_max;
	bool maps_arenas;     /* false: data is passed on, requests have no pointers */
	unsigned fibers;      /* pool size, 0: none */
	unsigned queue_depth; /* requests at a time; 0: as many as blockserver has */
	const struct bserver_ops
		*ops; /* NULL: one lower unit, shown as it is: only submit is needed */
	void (*submit)(struct bserver_request *r);
	/* Before anything else: arguments. 0, or -errno after a message by filter_usage(). */
	int (*configure)(const struct stack_options *o);
	/* In init(): open lowers, start control fibers; may be NULL without ops. 0 or -errno: rs
	 * tries again. */
	int (*start)(void);
	void (*idle)(void); /* may be NULL; before each RECEIVE, lowers and uppers come after it */
	/* key=value lines; returns bytes. The skeleton adds those of both halves. */
	int (*status)(char *buf, size_t len);
	int (*control)(const char *command, char *buf, size_t len); /* as in sys.h; may be NULL */
};

void filter_main(int argc, char **argv, const struct filter *f) __attribute__((noreturn));

/* ---- in fibers ---- */

/* A counter that one fiber waits for. */
struct filter_gate {
	unsigned pending;
	struct fiber *waiter;
};
/* Submits io; gate counts it. Status is in io->status when the gate opens. */
void filter_submit(struct filter_gate *g, struct bdev *b, struct bdev_io *io);
/* Waits until all that were submitted are done. */
void filter_wait(struct filter_gate *g);
void filter_sleep(uint64_t ns);

/* ---- passing requests on ---- */

/* For bserver_ops.arena_added and arena_removed of filters that do not map. */
int filter_arena_added(endpoint_t client, grant_t grant, size_t len_bytes, bool is_readonly);
void filter_arena_removed(unsigned tag);
/* Elements of an upper request as elements of a lower one. */
void filter_elements(const struct bserver_request *r, struct blk_element *out);
/* A lower request that does what r asks for; sector, done and cookie are the caller's. */
void filter_io_of(const struct bserver_request *r, const struct blk_element *elements,
                  struct bdev_io *io);

/* ---- filters with one lower unit that they show as it is (no ops) ---- */

struct bdev *filter_single(void); /* the unit below; NULL before and in start() */

/* A request on its way down. */
struct filter_request {
	struct bserver_request *r;
	struct bdev_io io;
	struct blk_element elements[BLK_ELEMENTS_MAX];
};
/* io becomes what r asks for; the filter may change it then. */
void filter_request_init(struct filter_request *q, struct bserver_request *r);
/* Sends q->io; io->cookie is q. `done` is called once, perhaps at once (io->status: refused). */
void filter_send(struct filter_request *q, bdev_done_fn_t done);
/* Completes r with status and results of what was done below. */
void filter_complete(struct bserver_request *r, const struct bdev_io *io);

#endif
