/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to the server half: sessions, arenas, who does what.
 *
 *   server.c   requests: take, validate, hand over, complete; doorbells
 *   host.c     control messages, sessions, units
 *   segments.c requests as contiguous pieces (pure)
 */
#ifndef LIB_BLOCKDEV_HOST_H
#define LIB_BLOCKDEV_HOST_H

#include "arena/arena.h"
#include "blockdev/blockserver.h"
#include "blockdev/check.h"
#include "ring/ring.h"
#include "sys/sys.h"

struct bserver_session {
	bool is_used;
	bool is_dropped; /* free as soon as `pending` is 0 */
	endpoint_t client;
	uint32_t number;
	void *region;
	size_t region_bytes;
	struct ring_consumer requests;
	struct ring_producer completions;
	struct arena_table arenas;
	uint16_t open_count[BLK_UNITS_MAX];
	uint8_t access[BLK_UNITS_MAX];
	unsigned pending;     /* requests with the component */
	bool has_completions; /* since the last doorbell */
};

extern struct bserver_config bserver_cfg;
extern struct bserver_session bserver_sessions[BSERVER_SESSIONS_MAX];
extern struct bserver_stats bserver_count;

/* host.c */
void session_drop(struct bserver_session *s); /* the client is dead, or broke the rules */
void session_free_if_idle(struct bserver_session *s);
void session_violation(struct bserver_session *s, uint64_t detail);

#endif
