/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mirror filter without its main loop, over two disks in memory that can be pulled and come back, and
 * a client that knows what each block must contain. lib/blockdev is replaced: units are opened when their disk
 * is there (opened: 0, else -ENXIO), requests take up to 2 ms and end in any order.
 */
#ifndef TESTS_MIRROR_WORLD_H
#define TESTS_MIRROR_WORLD_H

#include "filters/block/mirror/mirror.h"

#define LEGS         2
#define DATA_REGIONS 8
#define LEG_SECTORS  (MIRROR_DATA_START + DATA_REGIONS * MIRROR_REGION_MIN)
#define LEG_BYTES    ((size_t)LEG_SECTORS * MIRROR_SECTOR)
#define BLOCK        8u /* sectors that the client reads and writes at a time */
#define BLOCKS       (DATA_REGIONS * MIRROR_REGION_MIN / BLOCK)
#define MS           1000000ull
#define SECOND       1000000000ull

struct leg_disk {
	uint8_t *medium, *cache; /* reads see the cache; the medium survives a loss of power */
	bool is_there;
	bool has_lost_writes; /* its next FLUSH fails */
	bool has_unflushed;
	uint64_t writes;
};

struct world {
	uint64_t now;
	uint32_t random;
	struct leg_disk *disks[LEGS]; /* that is, or was last, in the bay */
	uint32_t versions[BLOCKS];
	unsigned pending;          /* of the client */
	unsigned good, failed;     /* of the client, done */
	unsigned reads_with_error; /* of these */
};
extern struct world world;

void world_start(void); /* formatted legs; the mirror runs */
void world_run(uint64_t ns);
void world_run_until(bool (*is_so)(void)); /* two minutes at most */
uint32_t world_random(uint32_t below);

void disk_make(struct leg_disk *d);
void leg_pull(unsigned leg);
void leg_plug(unsigned leg, struct leg_disk *disk);
/* It loses its power and has it again before anybody looks. */
void leg_blink(unsigned leg);

void legs_step(void); /* what is due by now happens */
bool legs_are_busy(void);

bool client_is_idle(void);
/* Starts it; false: the block is busy. */
bool client_write(uint32_t block);
bool client_read(uint32_t block);
void client_flush(void);

bool mirror_is_good(void); /* both legs are */
/* Both legs have the client's data, all of it. */
void world_expect_equal(void);

#endif
