/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of one component, as a state machine without IPC. rs feeds it events; what it wants done
 * in the world it says through act_*() (act.c; the unit tests put a model in their place).
 *
 *          up              deps there             devices assigned
 *   DOWN -----> WAITING --------------> CLAIMING -----------------> STARTING --ready--> RUNNING
 *    ^             ^      (spawn, or    (PCI only)                     |                   |
 *    |             |       the standby)     |                          |              down,| update
 *    |             +--- BACKOFF <---+       v     fail: exit, silence, timeout, complaint  v
 *    |                  (delay or   +-- SILENCING <----------------------------------- STOPPING
 *    +---- down --------- script)       (PCI only)
 *
 *   state      events taken                                  what callers see
 *   DOWN       up                                            the name does not exist
 *   WAITING    advance (a dependency runs), down             the name keeps its last endpoint
 *   CLAIMING   pci reply, exit, down, timeout                    "
 *   STARTING   ready, exit, complaint, down, timeout             "
 *   RUNNING    exit, missed heartbeats, complaint, down, replace  the name points to it
 *   STOPPING   exit, timeout (then it is killed)                 "
 *   SILENCING  pci reply, timeout (asked again)                  "
 *   BACKOFF    timeout, go (from a recovery script), down        "
 *
 * Invariants: `now` is a live process in CLAIMING, STARTING, RUNNING, STOPPING and none elsewhere.
 * No process of a label gets its privileges before the devices of the last one are silent.
 */
#ifndef RS_MACHINE_H
#define RS_MACHINE_H

#include "axolotl/types.h"
#include "axolotl/event.h"
#include "axolotl/rs.h"
#include "backoff/backoff.h"

enum comp_state {
	CS_DOWN,
	CS_WAITING,
	CS_CLAIMING,
	CS_STARTING,
	CS_RUNNING,
	CS_STOPPING,
	CS_SILENCING,
	CS_BACKOFF,
	CS_COUNT
};

struct process {
	endpoint_t ep; /* EP_NONE: none */
	int32_t pid;
};

struct life {
	/* configuration: set before machine_up(), changed by refresh */
	bool has_pci;
	bool is_guarded; /* replaced when it dies; else it goes DOWN */
	bool wants_standby;
	bool has_script;    /* a recovery script decides when it comes back */
	uint64_t period_ns; /* between heartbeats, 0: none */
	uint64_t init_ns;   /* for SYS_INIT to SYS_READY */
	uint64_t stop_ns;   /* for SYS_SHUTDOWN to the exit */
	struct backoff_config delays;

	/* state */
	enum comp_state state;
	struct process now, standby;
	bool was_started; /* `now` runs already: it was a standby */
	bool want_down;
	bool is_trial;         /* brought up by somebody and never ready yet: a failure is final */
	bool is_claimed;       /* pci holds devices for the label */
	uint32_t restarts;     /* since it was brought up */
	enum rs_cause cause;   /* of the last recovery */
	int last_error;        /* why it is not running, or 0 */
	uint64_t deadline_ns;  /* of the state, 0: none */
	uint64_t standby_ns;   /* when to make the next standby, 0: not */
	uint64_t heartbeat_ns; /* next one, 0: none */
	unsigned unanswered;   /* heartbeats in a row */
	uint64_t detect_ns, ready_ns; /* of the last recovery: for status */
	uint64_t uptime_ns;           /* of the incarnation that died last */
	uint64_t up_since_ns;         /* `now` became ready; 0: not yet */
	struct backoff backoff;
};

#define HEARTBEATS_MISSED_MAX 2
#define CLAIM_TIMEOUT_NS      2000000000ull
#define SILENCE_TIMEOUT_NS    1000000000ull
#define SCRIPT_TIMEOUT_NS     30000000000ull
#define STANDBY_CALM_NS       20000000ull
#define STANDBY_RETRY_NS      1000000000ull

struct component;

void machine_init(struct component *c);
void machine_up(struct component *c);
/* A dependency may have become ready. */
void machine_advance(struct component *c);
void machine_exited(struct component *c, enum rs_cause cause);
void machine_standby_exited(struct component *c);
/* Misbehaviour of a live process: it is killed and replaced. */
void machine_condemn(struct component *c, enum rs_cause cause);
void machine_ready(struct component *c, int status);
/* Replies of pci: to PCI_ALLOW (result or number of devices), to PCI_SILENCE. */
void machine_claimed(struct component *c, int result, unsigned devices);
void machine_silenced(struct component *c, unsigned devices);
/* pci is back: what it was asked before is lost. */
void machine_ask_pci_again(struct component *c);
void machine_down(struct component *c);
/* Stop politely and come back: new binary, new policy or just fresh. */
void machine_replace(struct component *c);
/* From a recovery script: no need to wait longer. */
void machine_go(struct component *c);
void machine_alive(struct component *c);
void machine_tick(struct component *c);
uint64_t machine_next_ns(const struct component *c); /* when to tick; 0: never */

const char *machine_state_name(enum comp_state s);
const char *machine_cause_name(enum rs_cause cause);

/* ---- what the machine asks for ---- */

uint64_t act_now(void);
bool act_deps_ready(const struct component *c);
/* Not running yet; a spare has a name of its own until it is promoted. */
int act_spawn(struct component *c, struct process *p, bool is_spare) MUST_CHECK;
int act_assign(struct component *c, endpoint_t ep) MUST_CHECK; /* the label's privileges */
int act_start(endpoint_t ep) MUST_CHECK;                       /* let it run */
int act_start_standby(endpoint_t ep) MUST_CHECK; /* let it run with those of a standby */
int act_init(struct component *c, uint32_t how) MUST_CHECK;
int act_claim(struct component *c) MUST_CHECK;
int act_silence(struct component *c) MUST_CHECK;
void act_release(struct component *c); /* the label gives its devices up */
int act_publish(struct component *c) MUST_CHECK;
void act_unpublish(struct component *c);
void act_shutdown(struct component *c);
void act_kill(endpoint_t ep);
void act_bury(struct component *c, endpoint_t ep); /* reap it when there is time */
void act_ping(struct component *c);
/* True: somebody runs the recovery script, machine_go() follows. */
bool act_script(struct component *c);
void act_event(const struct component *c, enum event_kind kind, uint64_t a, uint64_t b);
/* Whoever waits for this component to be up or down can be told: 0 or -errno. */
void act_settled(struct component *c, int result);
/* It runs now: those who wait for it may go on; a promoted spare gets the component's name. */
void act_running(struct component *c);

#endif
