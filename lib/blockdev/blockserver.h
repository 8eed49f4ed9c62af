/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server half of the block protocol: for block drivers and filters. It keeps sessions, arenas,
 * rings and open counts, validates everything that clients write (R3, R4), and hands requests to
 * the component, which completes each exactly once (B3), at any time, in any order.
 *
 * Nothing here survives a restart, on purpose: clients attach again.
 *
 * A session that breaks the rules of its rings, or whose client died, is dropped: requests that are
 * already with the component are still completed by it, nobody is told, and only then are the
 * arenas unmapped (a device may be writing into them until then).
 *
 * Bus addresses: with `wants_bus`, arenas are mapped by vm (VM_SAFEMAP) and pinned by MAPDMA once,
 * when they are announced; bserver_segment() then walks a request as physically contiguous pieces.
 *
 * Main loop hooks as in blockdev.h; a filter calls both halves' hooks (blk requests have no
 * MSG_REPLY, replies have; a doorbell goes to both).
 */
#ifndef LIB_BLOCKDEV_BLOCKSERVER_H
#define LIB_BLOCKDEV_BLOCKSERVER_H

#include "axolotl/types.h"
#include "axolotl/blk.h"
#include "sys/half.h"

#define BSERVER_SESSIONS_MAX 16
#define BSERVER_REQUESTS_MAX 256 /* with the component at a time, all sessions */

struct bserver_session;

/* One piece of a request, inside an arena. */
struct bserver_element {
	void *ptr; /* in our address space, len_bytes long */
	uint32_t len_bytes;
	uint16_t arena;  /* the client's number */
	uint16_t tag;    /* what ops->arena_added() returned for it */
	uint64_t offset; /* in the arena */
};

/* A validated request. Valid from submit() until bserver_complete(). */
struct bserver_request {
	enum blk_op op;
	uint32_t unit;
	uint8_t flags; /* BLK_REQ_* */
	uint8_t replica;
	uint16_t element_count;
	uint32_t sectors;
	uint64_t sector;
	uint64_t bytes; /* sectors * BLK_SECTOR; 0 for SYNC */
	uint64_t t_start_ns;
	struct bserver_element elements[BLK_ELEMENTS_MAX];

	/* Set by the component before completion, optional. */
	uint32_t served_replica;
	uint32_t next_sectors, next_replicas; /* of SYNC */
	uint64_t next_sector;
	void *user;

	/* The library's. */
	uint32_t id;
	uint32_t slot;
	struct bserver_session *session;
	bool is_pending;
};

struct bserver_ops {
	/* 0 or -ENXIO: no such unit. Must not block; called for OPEN, GETINFO and each request.
	 * -EAGAIN: not known yet (disk is being identified): OPEN and GETINFO are answered after
	 * bserver_units_changed(). */
	int (*info)(unsigned unit, struct blk_info *info);
	/* First open by a session and its last close; may be NULL. -errno refuses the open. */
	int (*open)(unsigned unit, unsigned access);
	void (*close)(unsigned unit);
	/* Start it; bserver_complete() may be called from inside. */
	void (*submit)(struct bserver_request *r);
	/* All requests that one doorbell brought were submitted: start the hardware. May be NULL.
	 */
	void (*flush_batch)(void);
	/* key=value lines; returns bytes or -errno; may be NULL. */
	int (*status)(unsigned unit, char *buf, size_t len);
	/* Filters that pass arenas on: a client's arena came (`grant` is to us, from `client`);
	 * returns a tag >= 0 for its elements, or -errno, which refuses the arena; and it goes. May
	 * be NULL. */
	int (*arena_added)(endpoint_t client, grant_t grant, size_t len_bytes, bool is_readonly);
	void (*arena_removed)(unsigned tag);
};

struct bserver_config {
	const struct bserver_ops *ops;
	bool wants_bus;   /* DMA: bserver_segment() works */
	bool maps_arenas; /* false: elements have no ptr (a filter that only passes arenas on) */
	unsigned queue_depth; /* requests with the component at a time; 0: BSERVER_REQUESTS_MAX */
};
void bserver_init(const struct bserver_config *c);
/* Announces "blk.<name>" = "<own label>:<unit>" in ds; in init() and on hot plug. */
int bserver_publish(const char *name, unsigned unit) MUST_CHECK;
int bserver_unpublish(const char *name) MUST_CHECK;

/* ops->info() knows more than before: answer the OPENs and GETINFOs that wait for it. */
void bserver_units_changed(void);

/* The medium of a unit went away: whoever had it open must open it again (B1). */
void bserver_forget_opens(unsigned unit);

/* Exactly once for each request. status 0: all bytes; -errno otherwise. */
void bserver_complete(struct bserver_request *r, int status);

/* For the fault filter and nobody else: completes r, which was done, by a completion that breaks a rule
 * on purpose. */
enum bserver_lie {
	BSERVER_LIE_ID,    /* B4: another id, and none for r's own */
	BSERVER_LIE_TWICE, /* B3: two completions, if the ring has room */
	BSERVER_LIE_SHORT  /* B2: success, but of less than all bytes */
};
void bserver_complete_lying(struct bserver_request *r, enum bserver_lie lie);

/* Walks the bus addresses of r; zero a cursor to start. Returns false at the end. A segment is
 * contiguous, even across elements, and at most max_bytes long. */
struct bserver_cursor {
	uint32_t element;
	uint32_t offset; /* in the element */
};
struct bserver_segment {
	uint64_t bus;
	uint32_t len_bytes;
};
bool bserver_segment(const struct bserver_request *r, struct bserver_cursor *c, uint32_t max_bytes,
                     struct bserver_segment *seg);

/* ---- main loop hooks: true = it was ours ---- */
bool bserver_message(const struct msg *m, enum ipc_primitive how);
bool bserver_doorbell(endpoint_t from);
/* Before each RECEIVE: publishes completions, rings doorbells, takes what came in meanwhile. */
void bserver_idle(void);
extern const struct server_half bserver_half; /* these, for skeletons */

/* All sessions' open count of a unit, and the access that they have together. */
unsigned bserver_open_count(unsigned unit);
unsigned bserver_open_access(unsigned unit);

struct bserver_stats {
	uint64_t accepted, completed, failed, refused, violations, sessions, bytes_read,
		bytes_written;
};
void bserver_get_stats(struct bserver_stats *s);
int bserver_status_text(char *buf, size_t len);

#endif
