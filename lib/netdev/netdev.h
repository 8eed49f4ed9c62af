/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Client half of the network protocol: for inet and network filters. Asynchronous; it follows the
 * unit's server through ds by itself ("net.<unit>") and replays on its own when a server died.
 *
 *     WAITING --label known--> ATTACHING --reply--> SETUP (arenas, INIT, CONF) --all--> UP
 *        ^------------------------ endpoint changed or dead -------------------------/
 *
 * A first connection and a reconnection run the same code. On death every frame that was not confirmed
 * is unsent again and goes out in the original order before anything new, at once; what the dead server
 * had completed or its device received is handed over (salvage.h), and every buffer is posted anew
 * (architecture 4, protocols "Network protocol"). Configurations: `wanted` is what the caller asked for
 * last, `pending` was sent and not answered, `active` was answered; on return pending counts as active
 * and is sent first, then wanted if it differs. Identity (MAC, MTU, offloads: N6) is compared after each
 * restart; a unit that changed is reported as NDEV_CHANGED and its frames end with -ENETDOWN.
 *
 * Callbacks run from the hooks below and from netdev_close(), never from inside netdev_send() and
 * netdev_post(). They may send, post, and close.
 */
#ifndef LIB_NETDEV_NETDEV_H
#define LIB_NETDEV_NETDEV_H

#include "axolotl/types.h"
#include "axolotl/ds.h"
#include "axolotl/net.h"
#include "sys/half.h"

struct netdev;

/* The library's part of a frame or a buffer. */
struct netdev_entry {
	struct netdev_entry *next, *prev;
	uint64_t t_deadline_ns;
	uint32_t id;
	uint8_t state;
	uint8_t deaths;     /* of servers while it was pending */
	uint8_t is_blamed;  /* `deaths` counts the last death; its cause is not known yet */
	uint8_t is_partial; /* a buffer: its frame goes on in the next one */
};

/* A frame to send; the caller's until done. */
struct netdev_tx {
	struct net_tx desc;                 /* all but id; elements > NET_INLINE: in `elements` */
	const struct net_element *elements; /* valid until done; NULL: the inline ones */
	uint32_t bytes;                     /* of the frame; set by netdev_send() */
	void (*done)(struct netdev_tx *t, int status);
	void *cookie;

	/* The library's. */
	struct netdev *dev;
	struct netdev_entry entry;
};

/* A receive buffer; with the library from netdev_post() until filled(). */
struct netdev_rx {
	struct net_element buffer;
	/* Where the buffer is in our memory; what it holds then belongs to the library too. Frames that a dead
	 * server's device left there are found (salvage.h). NULL: they are lost. */
	uint8_t *memory;
	/* bytes of the frame in it and flags NET_RX_*; -ECANCELED: closed. It may be posted again here. */
	void (*filled)(struct netdev_rx *r, int bytes, unsigned flags);
	void *cookie;

	/* The library's. */
	struct netdev *dev;
	struct netdev_entry entry;
	uint32_t got_bytes; /* of a frame that is not complete yet */
	uint32_t got_flags;
};

enum netdev_event {
	NDEV_UP,      /* first time: netdev_info() is valid from here on */
	NDEV_LOST,    /* the server died or left; frames and buffers are kept */
	NDEV_BACK,    /* restored: unconfirmed frames were sent again, buffers posted */
	NDEV_CHANGED, /* back, but another device (N6): treat it as a new interface */
	NDEV_LINK,    /* netdev_link() changed; not for a restart that succeeds */
	NDEV_REFUSED, /* the server refused (-EBUSY, -ENXIO...): tried again when ds announces a change, and each second */
	NDEV_GONE     /* its name was deleted in ds (service down) */
};
struct netdev_events {
	void (*event)(void *ctx, struct netdev *d, enum netdev_event what);
};

#define NETDEV_MAX           8
#define NETDEV_DEADLINE_NS   2000000000ull  /* of a frame to be confirmed: then complaint N1 */
#define NETDEV_OFFLINE_NS    30000000000ull /* frames wait that long for a server that went away */
/* A frame that was pending at so many deaths in a row that nobody caused from outside (SIGKILL, update) is
 * dropped (-EIO): it may be what kills them. */
#define NETDEV_KILLER_DEATHS 3
#define NETDEV_LINK_GRACE_NS                                                                       \
	3000000000ull /* a restarted device may take that long to get its link back */

/* Memory that elements point into, page aligned, for all units, before the first netdev_open(). Number or -errno. */
int netdev_arena(void *ptr, size_t len_bytes, bool is_readonly) MUST_CHECK;
int netdev_arena_indirect(endpoint_t from, grant_t parent, size_t len_bytes,
                          bool is_readonly) MUST_CHECK;
void netdev_arena_drop(int arena);

struct netdev_config {
	unsigned slots;       /* of each ring, a power of two; 0: 256 */
	uint64_t deadline_ns; /* 0: NETDEV_DEADLINE_NS */
	uint64_t offline_ns;  /* 0: NETDEV_OFFLINE_NS */
	unsigned complaints;  /* about one session at most; 0: 8. More would tell rs nothing new */
};
void netdev_configure(const struct netdev_config *c); /* optional, before the first netdev_open() */
/* `unit` as in ds ("e1000_0"). Never blocks; NULL when the table is full or the name too long. */
struct netdev *netdev_open(const char *unit, const struct netdev_events *ev, void *ctx);
/* `d` is gone: no events any more. Frames and buffers that the server does not have end at once
 * (-ECANCELED), in here; the others as soon as it has let go of them, since its device may be writing into
 * them until then. The same unit may be opened again at once. */
void netdev_close(struct netdev *d);
/* What is wanted; sent now, or when the server is there. mode, offloads, multicast of *conf count;
 * offloads that the unit does not have are left out. Frames that are sent from here on may use them: they
 * wait until the server has answered. */
void netdev_set_conf(struct netdev *d, const struct net_conf *conf);

const struct net_info *netdev_info(const struct netdev *d); /* NULL until NDEV_UP */
const struct net_link *netdev_link(const struct netdev *d);
const char *netdev_unit(const struct netdev *d);
endpoint_t netdev_server(const struct netdev *d); /* EP_NONE when there is none */
bool netdev_is_up(const struct netdev *d);
unsigned netdev_tx_pending(const struct netdev *d); /* frames sent and not confirmed, and waiting */

/* Queues a frame; never fails for lack of room. -EINVAL: malformed; then done is not called. */
int netdev_send(struct netdev *d, struct netdev_tx *t) MUST_CHECK;
/* Hands a buffer down. -EINVAL: malformed. */
int netdev_post(struct netdev *d, struct netdev_rx *r) MUST_CHECK;
/* The caller found that the server broke a rule. */
void netdev_complain(struct netdev *d, enum proto_rule rule, uint32_t id, const void *evidence,
                     size_t len);

/* ---- main loop hooks: true = it was ours ---- */
bool netdev_message(const struct msg *m);
bool netdev_doorbell(endpoint_t from);
bool netdev_ds_change(const struct ds_change *c);
void netdev_idle(void);
/* Completions ever taken, by any hook: does netdev_idle() leave something to do? */
unsigned netdev_taken(void);
void netdev_alarm(uint64_t now_ns);
uint64_t netdev_next_deadline(void);         /* for k_setalarm, 0 = none */
extern const struct client_half netdev_half; /* these, for skeletons */

struct netdev_stats {
	uint64_t tx_frames, tx_bytes, tx_failed, tx_replayed, rx_frames, rx_bytes, rx_salvaged,
		deaths, violations;
};
void netdev_get_stats(const struct netdev *d, struct netdev_stats *s);
int netdev_status_text(char *buf, size_t len);

#endif
