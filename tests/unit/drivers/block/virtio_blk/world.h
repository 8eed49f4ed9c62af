/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver virtio_blk on a simulated device that works on the driver's ring, and a client instead of lib/blockdev
 * that knows what each sector contains. The device takes chains in order and ends them in any.
 */
#ifndef VIRTIO_BLK_WORLD_H
#define VIRTIO_BLK_WORLD_H

#include "blockdev/blockserver.h"
#include "drivers/block/virtio_blk/virtio_blk.h"

#define DISK_SECTORS 256u
#define ASKS         150
#define MS           1000000ull
#define SECOND       1000000000ull

enum fate { /* of a chain */
	    FATE_GOOD,
	    FATE_ERROR,
	    FATE_UNSUPPORTED,
	    FATE_NEVER,
	    FATE_SILENT, /* no interrupt */
	    FATE_SHORT,  /* of a read: half of the bytes, and success */
	    FATE_BAD_ID,
	    FATE_TWICE,
	    FATE_COUNT
};

struct device {
	uint8_t *cells;
	uint16_t ring_size, seg_max;
	uint64_t offered;
	enum fate fate[64]; /* of the next chains */
	unsigned fates, next_fate;
	unsigned fault_per_mille; /* then: any but NEVER */
	unsigned commands, flushes, unflushed;
	unsigned most; /* chains that it had at a time */
};

struct ask {
	struct bserver_request r;
	uint8_t *data;
	bool is_used, is_done;
	int status;
	uint32_t version;
};

struct world {
	uint64_t now, alarm_at;
	uint32_t random;
	unsigned pending;
	unsigned fragment; /* bytes of the pieces of memory */
	struct device device;
	uint32_t low[DISK_SECTORS], high[DISK_SECTORS]; /* versions that a sector may have */
	uint32_t version;
};
extern struct world world;

int set_up(void **state);
int tear_down(void **state);
void start_driver(void);
void kill_driver(void); /* requests are kept */
void replay(void);
struct ask *ask(enum blk_op op, uint64_t sector, uint32_t sectors, unsigned flags);
struct ask *any_done(void); /* or NULL; the caller clears is_used */
bool overlaps(uint64_t sector, uint32_t sectors);
int ask_and_wait(enum blk_op op, uint64_t sector, uint32_t sectors, unsigned flags);
void fate(enum fate f, unsigned count);
void run(uint64_t ns);
void run_until_idle(void);
uint32_t world_random(uint32_t below);

#endif
