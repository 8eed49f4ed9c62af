/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to ahci: controllers, ports, jobs.
 *
 *   hba.c    controllers: start, interrupts, block server callbacks   regs.c   access to registers
 *   port.c   state machine of a port                                  identify.c  pure: IDENTIFY data
 *   cmd.c    commands: tables, issue, completion, errors              deadline.c  how long all may take
 */
#ifndef AHCI_AHCI_H
#define AHCI_AHCI_H

#include "ahci_hw.h"
#include "blockdev/blockserver.h"
#include "driver/driver.h"
#include "sys/sys.h"

enum port_state {
	PORT_EMPTY,    /* no device, or one that is no disk; connect changes wake it up */
	PORT_RESET,    /* COMRESET is asserted */
	PORT_LINK,     /* waits for the link and the device's signature */
	PORT_IDENTIFY, /* IDENTIFY DEVICE is running */
	PORT_READY,
	PORT_FAILED /* the device does not come out of reset; tried again on connect changes */
};

/* A request on its way: from submit to completion. */
struct job {
	struct bserver_request *r;
	struct job *next;
	struct bserver_cursor cursor; /* what the next command starts with */
	uint64_t sectors_done, sectors_now;
	uint64_t t_limit_ns; /* it fails then, if something is wrong with the port */
	bool is_flush;       /* the next command is a FLUSH */
	bool is_careful; /* was pending at an error: alone, without NCQ, and its error is final */
};

struct disk {
	bool has_ncq, has_fua, has_cache;
	unsigned depth;
	struct blk_info info;
};

struct hba {
	struct pcidev pci;
	volatile uint32_t *regs;
	uint64_t len_bytes;
	struct port *ports[HBA_PORTS_MAX];
	bool was_reset; /* at the start: links are not up yet */
};

struct port {
	struct hba *hba;
	volatile uint32_t *regs;
	unsigned unit;
	unsigned number; /* on its controller */
	unsigned hba_slots;
	bool hba_has_ncq;
	enum port_state state;
	bool is_published;
	bool is_failed; /* was FAILED, and not READY since */
	bool is_quiet;  /* the predecessor left nothing under way: see port_stop() */
	uint64_t
		t_publish_ns; /* ds, which has the name from a life before, is told then; 0: told */
	unsigned dma_flags;
	struct port_memory *mem; /* NULL until a device was seen */
	uint64_t mem_bus;
	struct disk disk;

	uint32_t active;             /* slots whose command was issued */
	bool is_exclusive;           /* the active command is not NCQ */
	struct job *jobs[SLOTS_MAX]; /* NULL: IDENTIFY, or free */
	uint64_t t_deadline_ns[SLOTS_MAX];
	uint64_t t_look_ns; /* at what is active, not later than the first deadline; 0: not */
	struct job *wait_head, *wait_tail;
	unsigned careful_left;    /* waiting or active jobs that are careful */
	unsigned slow_left;       /* the same: FLUSH or FUA */
	uint64_t t_slow_limit_ns; /* limit of the last of these */
	uint64_t t_state_ns;      /* the state's next look */
	uint64_t t_give_up_ns;    /* deadline of RESET, LINK, IDENTIFY */
	uint64_t t_reset_ns;      /* when COMRESET began */
	unsigned resets;          /* since it was READY last */
	uint64_t errors, timeouts, unplugs;
};

/* hba.c */
extern const struct driver ahci_driver;
/* The last resort for the engine of one port: resets all. The others recover; this one is the caller's. */
void hba_rescue(struct hba *h, const struct port *stuck);

/* port.c */
/* Engines are stopped: IDENTIFY if the port is quiet, else COMRESET. */
void port_init(struct port *p, bool is_restart);
/* Command and FIS engines off; false: they do not stop. Notes whether the port was quiet. */
bool port_stop(struct port *p);
void port_changed(struct port *p, uint32_t causes); /* link came or went */
void port_was_reset(struct port *p);                /* with its controller, while it was in use */
void port_timer(struct port *p, uint64_t now);
uint64_t port_next_timer(const struct port *p); /* 0: none */
void port_identified(struct port *p);
/* The engine is stopped; a careful job that was active ends with `status`, unless that is 0; the other active
 * ones wait again, careful; then COMRESET. */
void port_recover(struct port *p, int status);

/* cmd.c */
void cmd_init(void);
void cmd_submit(struct port *p, struct bserver_request *r);
void cmd_pump(struct port *p);
void cmd_identify(struct port *p);
void cmd_interrupt(struct port *p, uint32_t causes);
/* Of a READY port, when t_look_ns has come. */
void cmd_check_deadlines(struct port *p, uint64_t now);
void cmd_finish(struct port *p, struct job *j, int status);
/* These with the engine stopped: the device may be writing into the requests' memory until then (B7). */
void cmd_requeue_active(struct port *p); /* becomes careful */
/* The careful job that is active, if there is one, has failed; after a time-out it may try again, behind all others. */
void cmd_end_careful(struct port *p, int status);
void cmd_fail_late(struct port *p, uint64_t now); /* waiting jobs whose limit has come */

/* deadline.c */
void deadline_submit(struct port *p, struct job *j); /* sets its limit */
void deadline_done(struct port *p, const struct bserver_request *r);
uint64_t deadline_first_limit(const struct port *p); /* of waiting jobs; 0: none waits */
void deadline_issue(struct port *p, unsigned slot, const struct job *j); /* starts its clock */
bool deadline_allows_retry(const struct job *j, uint64_t now);
bool deadline_has_passed(const struct port *p, uint64_t now); /* of an active command */
void deadline_plan_look(struct port *p, uint64_t now);        /* sets t_look_ns */

/* identify.c, pure: 0; -EIO: the data is damaged; -ENOTSUP: not a disk that we can drive */
int identify_parse(const uint16_t words[256], struct disk *d) MUST_CHECK;
bool identify_is_same(const struct disk *a, const struct disk *b); /* the same piece of hardware */

/* regs.c: byte offsets */
uint32_t reg_read(const volatile uint32_t *regs, unsigned reg);
void reg_write(volatile uint32_t *regs, unsigned reg, uint32_t value);

static inline uint32_t port_read(const struct port *p, unsigned reg)
{
	return reg_read(p->regs, reg);
}

static inline void port_write(const struct port *p, unsigned reg, uint32_t value)
{
	reg_write(p->regs, reg, value);
}

static inline uint32_t hba_read(const struct hba *h, unsigned reg)
{
	return reg_read(h->regs, reg);
}

static inline void hba_write(const struct hba *h, unsigned reg, uint32_t value)
{
	reg_write(h->regs, reg, value);
}

#endif
