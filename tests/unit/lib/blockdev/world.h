/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world of two for tests: the client half and the server half in one process (peers.h), the server
 * with a disk in memory.
 */
#ifndef TESTS_BLOCKDEV_WORLD_H
#define TESTS_BLOCKDEV_WORLD_H

#include "blockdev/blockdev.h"
#include "blockdev/blockserver.h"
#include "../peers/peers.h"

#define DISK_SECTORS 2048u
#define HELD_MAX     256

enum disk_mode { DISK_WORKS, DISK_HOLDS, DISK_FAILS };

struct world {
	enum disk_mode mode;
	uint8_t disk[DISK_SECTORS * BLK_SECTOR];
	struct bserver_request *held[HELD_MAX];
	unsigned held_count;
	unsigned submitted;   /* requests that reached the disk */
	uint64_t order[4096]; /* their sectors, in order of arrival */
	int info_result;
	unsigned fewer_sectors;
	unsigned opens, closes;
	enum rs_cause cause; /* of the next death */
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
