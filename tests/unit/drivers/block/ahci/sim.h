/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A simulated AHCI 1.3.1 controller with SATA disks, for tests of the driver. It takes the place of regs.c.
 *
 *   sim_hba.c     registers, interrupts, links: plug, unplug, COMRESET
 *   sim_engine.c  command lists: fetch, DMA, completion, errors
 *   sim_disk.c    contents, write cache, IDENTIFY data
 *
 * Time is *clock; each access to a register takes a little of it, and what is due happens then. Bus
 * addresses are pointers. What the standard forbids to software ends the test, and so does DMA to memory
 * that was not allowed (sim_allow).
 *
 * Where the standard leaves room it does what hurts: an engine that is being stopped moves some more data, commands
 * that were not stopped before a disk was exchanged are sent to the new one, unplugging loses any part of what the
 * cache holds.
 */
#ifndef AHCI_SIM_H
#define AHCI_SIM_H

#include "drivers/block/ahci/ahci_hw.h"
#include "axolotl/types.h"

#define SIM_PORTS     2
#define SIM_SECTORS   256u
#define SIM_PLAN_MAX  64
#define SIM_NO_SECTOR UINT64_MAX
#define SIM_TABLES_AT 128 /* alignment of command tables */

/* Bits that the driver does not use. */
#define SERR_DIAG_N (1u << 16)
#define SERR_DIAG_X (1u << 26)
#define TFD_READY   0x50u
#define TFD_FAILED  0x0441u /* aborted, error */
#define TFD_NONE    0x7fu

enum sim_fate { /* of a command */
	        FATE_GOOD,
	        FATE_ERROR,  /* task file error */
	        FATE_NEVER,  /* it is never completed */
	        FATE_LATE,   /* after late_ns */
	        FATE_SHORT,  /* success of half of the bytes; in the queue an error */
	        FATE_SILENT, /* its interrupt is lost */
	        FATE_LINK,   /* interface fatal error */
	        FATE_BUS,    /* host bus fatal error */
	        FATE_UNPLUG, /* the disk goes in the middle of it */
	        FATE_COUNT
};

struct sim_disk {
	uint64_t sectors;
	uint8_t *medium; /* survives a loss of power */
	uint8_t *cache;  /* what reads see */
	char model[41], serial[21];
	bool has_ncq, has_fua, has_cache;
	unsigned depth;
	bool is_queue_failed; /* after an error in the queue: aborts all until it is reset */
	uint64_t bad_sector;  /* errors, always */
	bool is_large;        /* logical sectors are not 512 bytes */
	bool has_bad_data;    /* IDENTIFY is damaged */
	unsigned commands, flushes, identifies;
};

struct sim_slot {
	bool is_fetched;
	uint64_t t_fetch, t_done; /* 0: not */
	enum sim_fate fate;
	uint8_t fis[20];
};

struct sim_plan {
	enum sim_fate fate[SIM_PLAN_MAX];
	unsigned next, count;
};

struct sim_port {
	uint64_t clb, fb;
	uint32_t is, ie, cmd, tfd, sig, ssts, sctl, serr, sact, ci;
	struct sim_disk *disk;
	struct sim_slot slots[SLOTS_MAX];
	bool is_halted; /* by an error, until ST is cleared */
	uint64_t t_reset, t_cr, t_fr, t_link, t_signature;

	/* What the test wants. */
	struct sim_plan data, identify; /* fates of the next commands */
	bool has_stuck_cr, has_stuck_fr, has_stuck_bsy;
	uint32_t signature;
	unsigned comresets;
};

struct sim {
	uint32_t cap, ghc, is;
	struct sim_port port[SIM_PORTS];
	bool is_master; /* of the bus */
	bool has_interrupt;
	bool has_stuck_reset;
	bool has_storm; /* its interrupt register never reads 0 */
	unsigned resets;
	uint64_t t_reset_done;
	uint64_t command_ns, link_ns, signature_ns, stop_ns, late_ns; /* how long things take */
	uint32_t random;
	/* If set: fates of data commands that are not in a plan. */
	enum sim_fate (*choose)(uint8_t command);
};
extern struct sim sim;
extern uint64_t *sim_clock;
#define SIM_BAR_BYTES (HBA_PORTS + 32 * PORT_BYTES)
extern volatile uint32_t sim_bar[SIM_BAR_BYTES / 4]; /* never read: its addresses name registers */

/* ---- sim_hba.c ---- */

void sim_start(uint64_t *clock, uint32_t seed);
/* What is due by now happens. */
void sim_run(void);
uint64_t sim_next(void); /* when something happens next; 0: never */
bool sim_take_interrupt(void);
void sim_plan(struct sim_plan *plan, enum sim_fate fate, unsigned count);
void sim_plug(unsigned port, struct sim_disk *disk);
/* Loses any part of what only the cache holds. */
void sim_unplug(unsigned port);
/* The link goes and is back at once; the disk keeps its power, and forgets its commands. with_reset:
 * it announced itself (COMINIT), as a disk that was just plugged in does. */
void sim_glitch(unsigned port, bool with_reset);
void sim_spurious(unsigned port, uint32_t causes);
uint32_t sim_random(uint32_t below);
void sim_wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- sim_engine.c ---- */

void sim_allow(const void *memory, size_t bytes);
void sim_forbid(const void *memory); /* `memory` as it was allowed */
void sim_forget_memory(void);        /* forbids all */
void sim_issue(struct sim_port *p, uint32_t slots);
void sim_fetch_again(struct sim_port *p); /* whatever can be sent to the disk is */
void sim_drop_slots(struct sim_port *p);
void sim_stopping(struct sim_port *p); /* data moves for the last time */
void sim_fetch(struct sim_port *p, unsigned slot);
void sim_complete(struct sim_port *p, unsigned slot);
void sim_raise(struct sim_port *p, uint32_t causes);
void sim_receive(struct sim_port *p, unsigned offset, uint8_t type); /* FIS into memory */

/* ---- sim_disk.c ---- */

void sim_disk_make(struct sim_disk *d, const char *serial, uint64_t sectors);
void sim_disk_free(struct sim_disk *d);
void sim_disk_identify(const struct sim_disk *d, uint16_t words[256]);
void sim_disk_flush(struct sim_disk *d);
void sim_disk_lose_power(struct sim_disk *d);
/* May the command run? false: it is aborted. */
bool sim_disk_accepts(const struct sim_disk *d, uint64_t sector, uint64_t sectors);

#endif
