/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to the server half: sessions, units, who does what.
 *
 *   server.c   frames and buffers: take, validate, hand over, give back; doorbells
 *   host.c     control messages, sessions        link.c   units: link state, counters, names
 *   piece.c    frames as contiguous pieces, and copied out
 *
 * A unit has one session; its number is the index into the table. The next client waits until the
 * component has given back everything of the former one.
 */
#ifndef LIB_NETDEV_HOST_H
#define LIB_NETDEV_HOST_H

#include "arena/arena.h"
#include "netdev/check.h"
#include "netdev/netserver.h"
#include "ring/ring.h"
#include "sys/sys.h"

/* One direction: descriptors come, completions go. */
struct nserver_lane {
	struct ring_consumer in;
	struct ring_producer done;
	unsigned pending; /* taken and not given back, the held one included */
	bool is_waiting; /* the component had no room for the held one: after the next completion */
	bool has_completions; /* since the last doorbell */
};

struct nserver_session {
	bool is_used;
	bool is_dropped; /* free as soon as nothing is pending */
	bool is_running; /* configured: frames move */
	uint32_t unit;
	endpoint_t client;
	uint32_t number;
	void *region;
	size_t region_bytes;
	struct nserver_lane tx, rx;
	struct nserver_tx *held_tx; /* the component had no room */
	struct nserver_rx *held_rx;
	struct arena_table arenas;
	struct net_info info; /* as it was at CONF */
	uint32_t offloads;    /* that the client uses */
};

struct nserver_unit {
	struct nserver_session session;
	struct nserver_stats count;
	struct net_link link;
	bool is_link_due; /* the client has to be told */
};

extern struct nserver_config nserver_cfg;
extern struct nserver_unit nserver_units[NET_UNITS_MAX];

static inline bool session_is_live(const struct nserver_session *s)
{
	return s->is_used && !s->is_dropped;
}

/* host.c */
void session_drop(struct nserver_session *s); /* the client is dead, left, or broke the rules */
void session_free_if_idle(struct nserver_session *s);
void session_violation(struct nserver_session *s, uint64_t detail);
void host_answer_parked(void); /* if something that they waited for has happened */

/* server.c */
void session_release_held(struct nserver_session *s);

/* link.c */
void unit_tell_link(struct nserver_unit *u);

#endif
