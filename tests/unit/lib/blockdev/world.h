/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world of two for tests: the client half and the server half in one process, with lib/sys,
 * kernel, ds and vm replaced by tables. The server can die at any moment and come back with a new
 * endpoint.
 */
#ifndef TESTS_BLOCKDEV_WORLD_H
#define TESTS_BLOCKDEV_WORLD_H

#include "blockdev/blockdev.h"
#include "blockdev/blockserver.h"

#define DISK_SECTORS 2048u
#define HELD_MAX     256

enum disk_mode { DISK_WORKS, DISK_HOLDS, DISK_FAILS };

struct world {
	endpoint_t server; /* EP_NONE: dead */
	uint64_t now;
	enum disk_mode mode;
	uint8_t disk[DISK_SECTORS * BLK_SECTOR];
	struct bserver_request *held[HELD_MAX];
	unsigned held_count;
	unsigned submitted;   /* requests that reached the disk */
	uint64_t order[4096]; /* their sectors, in order of arrival */
	unsigned complaints, violations, notifies;
	enum proto_rule last_rule;
	unsigned events[64]; /* by kind */
	uint64_t last_args[64];
	int info_result;
	unsigned fewer_sectors;
	unsigned opens, closes;
	uint32_t cause;      /* of the next death, enum rs_cause */
	uint32_t info_flags; /* BLK_FLAG_* of the disk */
	enum bserver_lie lie;
	bool want_lie; /* in the next completion */
};
extern struct world world;

void world_reset(void);
void world_start_server(void); /* a new incarnation, published in ds */
void world_kill_server(void);
void world_remove_label(void);
/* Messages, doorbells and idle calls until nothing happens any more. */
void world_run(void);
void world_advance(uint64_t ns); /* time, then alarms, then run */
void world_release_held(unsigned count, int status);

#endif
