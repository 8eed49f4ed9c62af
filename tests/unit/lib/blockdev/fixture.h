/* SPDX-License-Identifier: BSD-2-Clause */
/* A client with one opened unit, an arena and requests that count how they end, for tests in world.h. */
#ifndef TESTS_BLOCKDEV_FIXTURE_H
#define TESTS_BLOCKDEV_FIXTURE_H

#include "world.h"

#define IOS 300

extern uint8_t *memory; /* the arena: 64 pages */
extern int arena;
extern struct bdev *bdev;
extern struct bdev_io ios[IOS];
extern struct blk_element elements[IOS][BLK_ELEMENTS_MAX];
extern unsigned done_count, lost_count, opened_count;
extern int opened_status;
extern uint64_t done_order[IOS]; /* sectors */

int setup(void **state);
int teardown(void **state);
/* Request number i: `count` sectors at `sector`, data at i pages into the arena. */
struct bdev_io *make(unsigned i, enum blk_op op, uint64_t sector, unsigned count);
void submit(unsigned i, enum blk_op op, uint64_t sector, unsigned count);
/* A server starts, and keeps a read of one sector, request 0. */
void hold_a_read(void);
/* The server dies, the next one works: request 0 has ended well. */
void next_server_ends_it(void);

#endif
