/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server half of the network protocol: for network drivers and filters. It keeps the session of each
 * unit, its arenas and rings, validates everything that the client writes (R3, R4), and hands frames
 * and empty buffers to the component, which gives each back exactly once (N1), at any time, in any
 * order.
 *
 * Nothing here survives a restart, on purpose: clients attach again. A session that breaks the rules
 * of its rings, or whose client died or attached anew, is dropped: frames and buffers that are with the
 * component are still given back by it, nobody is told, and only then are the arenas unmapped (a device
 * may be writing into them until then). ops->stop() asks the component to give them back soon.
 *
 * Main loop hooks as in blockserver.h; a filter calls both halves' hooks (net requests have no
 * MSG_REPLY, replies have, NET_LINK goes to the client half; a doorbell goes to both).
 */
#ifndef LIB_NETDEV_NETSERVER_H
#define LIB_NETDEV_NETSERVER_H

#include "axolotl/types.h"
#include "axolotl/net.h"
#include "sys/half.h"

#define NSERVER_FRAMES_MAX  1024 /* with the component at a time, all units */
#define NSERVER_BUFFERS_MAX 1024

struct nserver_element {
	void *ptr; /* in our address space, len_bytes long; NULL unless arenas are mapped */
	uint32_t len_bytes;
	uint16_t arena;  /* the client's number */
	uint16_t tag;    /* what ops->arena_added() returned for it */
	uint64_t offset; /* in the arena */
};

/* A validated frame to send. Valid from tx() until nserver_tx_done(). */
struct nserver_tx {
	uint32_t unit;
	uint32_t bytes; /* of the frame */
	uint16_t flags; /* NET_TX_* */
	uint16_t csum_start, csum_offset, gso_bytes, header_bytes;
	uint16_t element_count;
	struct nserver_element elements[NET_ELEMENTS_MAX];
	void *user; /* the component's */

	/* The library's. */
	struct nserver_session *session;
	uint32_t id;
	bool is_pending;
};

/* A validated empty buffer. Valid from rx() until nserver_rx_done(). */
struct nserver_rx {
	uint32_t unit;
	struct nserver_element buffer;
	void *user;

	struct nserver_session *session;
	uint32_t id;
	bool is_pending;
};

struct nserver_ops {
	/* 0; -ENXIO: no such unit; -EAGAIN: not known yet, asked again after nserver_units_changed(). */
	int (*info)(unsigned unit, struct net_info *info);
	/* NET_CONF: start, or change the mode while running. 0 or -errno. */
	int (*configure)(unsigned unit, const struct net_conf *conf);
	/* The session of the unit ended: give back (-ENETDOWN, -ECANCELED) all frames and buffers, stop the device. */
	void (*stop)(unsigned unit);
	/* false: no room (ring of the device is full); the library keeps the frame and offers it again
	 * after the next nserver_tx_done() of the unit. */
	bool (*tx)(struct nserver_tx *t);
	bool (*rx)(struct nserver_rx *r); /* the same with buffers */
	/* All frames and buffers that one doorbell brought were handed over: one write of the device's
	 * tail registers. May be NULL. */
	void (*flush_batch)(void);
	/* key=value lines; returns bytes or -errno; may be NULL. */
	int (*status)(unsigned unit, char *buf, size_t len);
	/* Filters that pass arenas on; as in blockserver.h; may be NULL. */
	int (*arena_added)(endpoint_t client, grant_t grant, size_t len_bytes, bool is_readonly);
	void (*arena_removed)(unsigned tag);
};

struct nserver_config {
	const struct nserver_ops *ops;
	bool wants_bus;   /* DMA: nserver_segment() works */
	bool maps_arenas; /* false: elements have no ptr */
};
void nserver_init(const struct nserver_config *c);
/* Announces "net.<name>" = "<own label>:<unit>" in ds. */
int nserver_publish(const char *name, unsigned unit) MUST_CHECK;
int nserver_unpublish(const char *name) MUST_CHECK;
void nserver_units_changed(void);

/* Exactly once for each frame: 0 or -errno. */
void nserver_tx_done(struct nserver_tx *t, int status);
/* Exactly once for each buffer: bytes >= 0 of the frame in it, flags NET_RX_*; or -ECANCELED. Buffers of
 * one frame (NET_RX_MORE) are given back one after the other. */
void nserver_rx_done(struct nserver_rx *r, int bytes, unsigned flags);
/* Link state; told to the client when it differs from the last one, and after each NET_CONF. */
void nserver_link(unsigned unit, const struct net_link *link);
const struct net_link *nserver_link_of(unsigned unit); /* as last told */
/* Is the unit attached and configured? */
bool nserver_is_running(unsigned unit);

/* Physically contiguous pieces of one element, from byte `from` on; at most max_bytes long. */
struct nserver_segment {
	uint64_t bus;
	uint32_t len_bytes;
};
bool nserver_segment(const struct nserver_session *s, const struct nserver_element *e,
                     uint32_t from, uint32_t max_bytes, struct nserver_segment *seg);
/* Copies part of a frame out of its elements (headers to be patched, devices without scatter): bytes copied. */
uint32_t nserver_tx_copy(const struct nserver_tx *t, uint32_t from, void *out, uint32_t len_bytes);

/* ---- main loop hooks: true = it was ours ---- */
bool nserver_message(const struct msg *m, enum ipc_primitive how);
bool nserver_doorbell(endpoint_t from);
/* Before each RECEIVE: publishes completions, rings doorbells, takes what came in meanwhile. */
void nserver_idle(void);
extern const struct server_half nserver_half; /* these, for skeletons */

struct nserver_stats {
	uint64_t tx_frames, tx_bytes, tx_dropped, rx_frames, rx_bytes, rx_no_buffer, violations,
		sessions;
};
void nserver_get_stats(unsigned unit, struct nserver_stats *s);
int nserver_status_text(char *buf, size_t len);

#endif
