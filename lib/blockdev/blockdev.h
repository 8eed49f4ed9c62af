/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Client half of the block protocol: for mfs, vfs and filters. Asynchronous; it follows the unit's
 * server through ds by itself, and replays on its own what was pending when a server died.
 *
 * Model: a *server* is a label with at most one session; each opened unit (struct bdev) hangs on
 * the server that ds names in "blk.<unit>"; requests (struct bdev_io, owned by the caller until
 * `done`) stand in one queue for each server, in the order of submission.
 *
 *     WAITING --label known--> ATTACHING --reply--> SETUP (arenas, opens, info) --all--> UP
 *        ^------------------------ endpoint changed or dead -------------------------/
 *
 * A first connection and a reconnection run the same code. On death everything pending is unsent
 * again and goes out in the original order before anything new (B-rules: docs/protocols.md). A
 * request that was pending at three crashes is sent alone; one more and it fails with EIO. Deaths
 * that somebody caused (SIGKILL, update) are not counted, nor are those for complaints about other
 * requests: ds tells the cause with the new endpoint. A request that was overdue gets twice the
 * time when it is sent again. Requests wait while there is no server, unless its name was deleted in ds
 * (service down) or `offline_ns` has passed, since the last kill from outside if there are several:
 * then they fail with EIO.
 *
 * Callbacks run from bdev_message(), bdev_doorbell(), bdev_ds_change(), bdev_idle() and
 * bdev_alarm(), never from inside bdev_submit(). They may submit.
 *
 * The component's main loop passes on what it gets:
 *
 *     message    if (bdev_message(m)) return;        doorbell   if (bdev_doorbell(from)) return;
 *     ds_change  if (bdev_ds_change(c)) return;      alarm      bdev_alarm(now)
 *     idle       bdev_idle(); then k_setalarm(bdev_next_deadline()) if that changed
 */
#ifndef LIB_BLOCKDEV_BLOCKDEV_H
#define LIB_BLOCKDEV_BLOCKDEV_H

#include "axolotl/types.h"
#include "axolotl/blk.h"
#include "axolotl/ds.h"
#include "sys/half.h"

#define BDEV_UNITS_MAX     16 /* opened at a time in one process */
#define BDEV_SERVERS_MAX   8
/* Points of blame that a pending request gets for a death of its server: see queue.h. */
#define BDEV_BLAME_HARD    2 /* exit, exception; a complaint about this request */
#define BDEV_BLAME_SOFT    1 /* heartbeat: perhaps the machine is just slow */
#define BDEV_BLAME_SUSPECT 6 /* is sent alone from then on */
#define BDEV_BLAME_KILLER  8 /* fails */
/* B8; six times as long for FLUSH and FUA, and for what waits behind them */
#define BDEV_DEADLINE_NS   5000000000ull
#define BDEV_OFFLINE_NS    30000000000ull /* how long requests wait for a server that went away */

struct bdev;
struct bdev_io;

/* Ends a request: io->status is 0 or -errno. The io may be reused or freed here. */
typedef void (*bdev_done_fn_t)(struct bdev_io *io);

struct bdev_io {
	/* The caller's; must not change until done. */
	uint8_t op;      /* enum blk_op */
	uint8_t flags;   /* BLK_REQ_* */
	uint8_t replica; /* 0 = any */
	uint8_t element_count;
	uint32_t sectors; /* sum of the elements; 0 for FLUSH */
	uint64_t sector;
	const struct blk_element
		*elements; /* arena numbers of bdev_arena(); stays valid until done */
	bdev_done_fn_t done;
	void *cookie;

	/* Result, valid in done. */
	int status;
	uint32_t served_replica; /* that served a read, 0 = unknown */
	uint32_t next_sectors;   /* of SYNC: where replicas may differ */
	uint32_t next_replicas;
	uint64_t next_sector;
	uint64_t t_submit_ns, t_done_ns; /* of this side */
	uint64_t t_server_start_ns, t_server_end_ns;
	uint8_t deaths, errors; /* of servers, that it is blamed for; bad completions */

	/* The library's. */
	uint8_t state;
	uint8_t is_suspect; /* sent alone */
	uint8_t was_sent;   /* at the last death; its cause is not known yet */
	uint8_t is_accused; /* we complained about it since the last death */
	uint8_t blame;      /* points */
	uint8_t times_overdue;
	uint32_t id;
	uint64_t order; /* of submission: replay goes by it */
	uint64_t t_deadline_ns;
	struct bdev *bdev;
	struct bdev_io *next, *prev;
};

/* Any may be NULL. `ctx` is that of bdev_open(). */
struct bdev_events {
	/* The unit was opened (status 0, bdev_info() is valid): the first time and after each
	 * recovery; or the server refused (-ENXIO, -EACCES, ...): tried again when ds announces a
	 * change. */
	void (*opened)(void *ctx, struct bdev *b, int status);
	/* Its server died or left; requests are kept. */
	void (*lost)(void *ctx, struct bdev *b);
	/* Its medium has left (unplugged), and may be back already: what was not flushed may be gone. The same
	 * medium will serve again (opened), another one is refused with -ENXIO. May be told twice. */
	void (*left)(void *ctx, struct bdev *b);
};

struct bdev_config {
	uint64_t deadline_ns; /* 0: BDEV_DEADLINE_NS */
	uint64_t offline_ns;  /* 0: BDEV_OFFLINE_NS; BDEV_FOREVER: wait for ever */
	unsigned slots;       /* of each ring, a power of two; 0: 128 */
};
#define BDEV_FOREVER UINT64_MAX

/* Optional, before the first bdev_open(). */
void bdev_configure(const struct bdev_config *c);

/* Memory that elements point into: page aligned, registered with every server, now and later.
 * Returns the arena number or -errno (-ENOSPC after BLK_ARENAS_MAX). A server that is up learns of
 * a new arena before it gets any later request. */
int bdev_arena(void *ptr, size_t len_bytes, bool is_readonly) MUST_CHECK;
/* The same for an arena of somebody above us (filters): `parent` was granted to us by `from`. */
int bdev_arena_indirect(endpoint_t from, grant_t parent, size_t len_bytes,
                        bool is_readonly) MUST_CHECK;
/* No request that uses it may be pending. Unmaps it at every server. */
void bdev_arena_drop(int arena);

/* `unit` as in ds ("sata0", "mirror0"). Never blocks; NULL when the tables are full or the name is
 * too long. */
struct bdev *bdev_open(const char *unit, unsigned access, const struct bdev_events *ev, void *ctx);
/* Pending requests end with -ECANCELED at once if unsent; sent ones are waited for by the library
 * (their done is called as usual) before the unit is closed at the server. */
void bdev_close(struct bdev *b);

bool bdev_is_up(const struct bdev *b);
const struct blk_info *bdev_info(const struct bdev *b); /* NULL until opened for the first time */
const char *bdev_unit_name(const struct bdev *b);
endpoint_t bdev_server(const struct bdev *b); /* EP_NONE when there is none */
void *bdev_context(const struct bdev *b);

/* Queues a request; it never fails for lack of room. -EINVAL: malformed (length, elements, arena,
 * outside a medium whose size is known); then done is not called. */
int bdev_submit(struct bdev *b, struct bdev_io *io) MUST_CHECK;
/* The caller found that a server's data is wrong (filters: verified contents): complaint to rs. */
void bdev_complain(struct bdev *b, enum proto_rule rule, const struct bdev_io *io,
                   const void *evidence, size_t len);

/* ---- main loop hooks: true = it was ours ---- */
bool bdev_message(const struct msg *m);
bool bdev_doorbell(endpoint_t from);
bool bdev_ds_change(const struct ds_change *c);
void bdev_idle(void);
void bdev_alarm(uint64_t now_ns);
uint64_t bdev_next_deadline(void); /* for k_setalarm, 0 = none; coarse, so it rarely changes */
extern const struct client_half bdev_half; /* these, for skeletons */

struct bdev_stats {
	uint64_t submitted, completed, failed, replayed, deaths, violations, quarantined, overdue;
};
void bdev_get_stats(struct bdev_stats *s);
/* key=value lines of all units; returns bytes. */
int bdev_status_text(char *buf, size_t len);

/* ---- for fibers (lib/fiber), io.c needs no others ---- */
/* Submit and wait in the calling fiber; returns io->status. Uses done and cookie itself. */
int bdev_io_wait(struct bdev *b, struct bdev_io *io) MUST_CHECK;

#endif
