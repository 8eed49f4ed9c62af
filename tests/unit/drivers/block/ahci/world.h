/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver on a simulated controller (sim.h), with lib/blockdev replaced by the client of
 * client.h. There is no DMA behind a request's completion.
 */
#ifndef AHCI_WORLD_H
#define AHCI_WORLD_H

#include "drivers/block/ahci/ahci.h"
#include "machine.h"
#include "sim.h"
#include "tests/unit/drivers/block/client.h"

struct world {
	uint64_t now;
	struct sim_disk disk, other; /* A1, and B2, which is in no port yet */
	bool is_published[SIM_PORTS];
	bool is_open; /* as lib/blockdev has it */
	unsigned publishes, unpublishes, forgotten, changes;
	char log[200]; /* the last line */
};
extern struct world world;

int world_set_up(void **state); /* a disk in port 0, the driver is not started */
int world_tear_down(void **state);
void world_start(void);                    /* the first driver, until its unit is known */
void world_restart(void);                  /* kill; the next driver begins */
void world_run(uint64_t ns);               /* lets time pass */
void world_run_until(bool (*is_so)(void)); /* at most a minute */
bool world_is_ready(void);                 /* sata0 answers */
bool world_is_gone(void);                  /* there is no sata0 */
bool world_is_idle(void);                  /* no request is pending */
bool world_open(void); /* if sata0 can be opened, or is open: then requests may be made */
int world_info(struct blk_info *info);
void world_expect_status(const char *line); /* of sata0, contains it */

#endif
