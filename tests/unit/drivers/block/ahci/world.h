/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver on a simulated controller (sim.h), with lib/blockdev replaced by a client that knows what
 * each sector may contain. Every request is watched: one completion, within its time, and no DMA behind it.
 */
#ifndef AHCI_WORLD_H
#define AHCI_WORLD_H

#include "drivers/block/ahci/ahci.h"
#include "machine.h"
#include "sim.h"

#define ASKS_MAX    200 /* at a time */
#define ASK_SECTORS 300
#define MS          1000000ull
#define SECOND      1000000000ull

struct ask {
	struct bserver_request r;
	uint8_t *data; /* of the request: ASK_SECTORS at most */
	bool is_used, is_done;
	int status;
	uint64_t t_done;
	unsigned power_losses;         /* before it */
	uint32_t version;              /* that a write puts into its sectors */
	uint32_t settled[SIM_SECTORS]; /* of a flush: what was there before */
};

/* What a sector of the disk may contain: versions from `low` to `high`, 0 is zeros. */
struct belief {
	uint32_t low, high;
	uint32_t durable; /* as low, should the disk lose power */
};

struct world {
	uint64_t now;
	struct sim_disk disk;
	struct belief beliefs[SIM_SECTORS];
	uint32_t version;
	unsigned power_losses;
	unsigned pending;
	unsigned fragment; /* bytes of the pieces that memory consists of */
	bool is_published[SIM_PORTS];
	bool is_patient; /* a request may take any time */
	bool is_open;    /* as lib/blockdev has it */
	unsigned publishes, unpublishes, forgotten, changes;
	char log[200]; /* the last line */
};
extern struct world world;

/* ---- world.c ---- */

int world_set_up(void **state); /* a disk in port 0, the driver is not started */
int world_tear_down(void **state);
void world_start(void);                    /* the first driver, until its unit is known */
void world_restart(void);                  /* kill; the next driver begins */
void world_run(uint64_t ns);               /* lets time pass */
void world_run_until(bool (*is_so)(void)); /* at most a minute */
bool world_is_ready(void);                 /* sata0 answers */
bool world_is_idle(void);                  /* no request is pending */
void world_submit(struct bserver_request *r);
bool world_open(void); /* if sata0 can be opened, or is open: then requests may be made */
int world_info(struct blk_info *info);
void world_expect_status(const char *line); /* of sata0, contains it */

/* ---- client.c ---- */

struct ask *ask(enum blk_op op, uint64_t sector, uint32_t sectors, unsigned flags);
int ask_and_wait(enum blk_op op, uint64_t sector, uint32_t sectors, unsigned flags); /* status */
void ask_forget(struct ask *a); /* it is done */
void client_reset(void);
void client_driver_died(void); /* what is pending is submitted again when the next one is there */
void client_replay(void);
/* Reads the whole disk and compares. */
void client_check_disk(void);
void client_power_lost(void); /* what was not flushed may be gone */
void client_other_disk(void); /* empty */
bool client_overlaps(uint64_t sector, uint32_t sectors);
struct ask *client_any(bool want_done); /* one of them, or NULL */

#endif
