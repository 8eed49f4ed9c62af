/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver virtio_blk on a simulated device that works on the driver's ring; lib/blockdev is
 * the client of client.h. The device takes chains in order and ends them in any.
 */
#ifndef VIRTIO_BLK_WORLD_H
#define VIRTIO_BLK_WORLD_H

#include "drivers/block/virtio_blk/virtio_blk.h"
#include "tests/unit/drivers/block/client.h"

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

struct world {
	uint64_t now, alarm_at;
	uint32_t random;
	struct device device;
};
extern struct world world;

int set_up(void **state);
int tear_down(void **state);
void start_driver(void);
void kill_driver(void); /* the client keeps its requests */
void fate(enum fate f, unsigned count);
void run(uint64_t ns);
void run_until_idle(void);
uint32_t world_random(uint32_t below);

#endif
