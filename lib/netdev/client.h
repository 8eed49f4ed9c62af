/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to the client half: units, arenas and who does what.
 *
 *   client.c    units, sending, posting, main loop hooks     session.c  attach, set-up, death
 *   data.c      the rings: pushing, completions              resolve.c  names in ds
 *   arenas.c    arenas and their grants                      link.c is the server half's
 *   queue.c, conf.c, check.c  pure
 */
#ifndef LIB_NETDEV_CLIENT_H
#define LIB_NETDEV_CLIENT_H

#include "netdev/check.h"
#include "netdev/conf.h"
#include "netdev/netdev.h"
#include "netdev/queue.h"
#include "ring/ring.h"
#include "sys/sys.h"

enum netdev_state {
	NETDEV_WAITING,   /* no endpoint, or time has to pass (t_retry_ns) */
	NETDEV_ATTACHING, /* NET_ATTACH was sent */
	NETDEV_SETUP, /* arenas and INIT were sent, then CONF: `setup_left` replies are missing */
	NETDEV_IS_UP,
	NETDEV_CLOSING /* the server has not let go of it yet (NET_DETACH) */
};

#define CONTROLS_MAX 16 /* unanswered control requests of one unit */

struct netdev_control {
	uint32_t id;   /* 0: free */
	uint32_t type; /* NET_* */
	bool is_setup; /* counted in setup_left */
	uint64_t t_deadline_ns;
};

struct netdev {
	bool is_used;
	uint32_t serial; /* of the open: callbacks may close it and open another in its place */
	char name[LABEL_MAX];
	struct netdev_events events;
	void *ctx;

	/* Where it is served. */
	char label[LABEL_MAX]; /* "": ds does not name a server */
	uint32_t unit;
	endpoint_t ep;
	enum netdev_state state;
	bool is_gone;   /* its name was deleted: nothing waits for it */
	bool is_broken; /* its rings broke the rules: found while sending, the session ends in idle */
	int refused;    /* last refusal that was told */
	uint64_t t_retry_ns;   /* WAITING with an endpoint: attach then */
	uint64_t t_offline_ns; /* WAITING: frames fail then; 0: clock does not run */

	/* The session; made anew for each incarnation. */
	uint32_t session;
	uint32_t generation;
	void *region;
	size_t region_bytes;
	grant_t region_grant;
	grant_t arena_grants[NET_ARENAS_MAX];
	grant_t info_grant;
	struct ring_producer tx_ring, rx_ring;
	struct ring_consumer tx_done_ring, rx_done_ring;
	struct netdev_control controls[CONTROLS_MAX];
	unsigned setup_left;
	unsigned arenas_left; /* NET_ARENA unanswered: nothing is sent */
	unsigned complaints;
	bool has_pushed; /* since the last doorbell */
	bool want_poll;  /* idle gave up with work left */

	/* What is kept. */
	struct nqueue tx, rx;
	struct nlist partial; /* filled buffers of a frame that is not complete */
	uint32_t partial_bytes;
	struct nlist ready; /* of the frame that is being handed over */
	struct netconf conf;
	bool has_info, has_changed;
	struct net_info info;
	struct net_info info_buf; /* the server writes here */
	struct net_link link;     /* what the caller knows */
	struct net_link link_now; /* what the server says */
	uint64_t t_link_grace_ns; /* a link that is down is not told before; 0: no grace */
	uint64_t t_link_due_ns;   /* the server has to say something by then; 0: it has */
	unsigned sessions;        /* since open; > 1: the next set-up is a reconnection */
	unsigned replayed;        /* frames that wait again because of the last death */
	bool want_recovered;      /* report the next good completion */
	struct netdev_stats count;
};

extern struct netdev_config netdev_cfg;
extern struct netdev netdev_units[NETDEV_MAX];

static inline struct netdev_tx *tx_of(struct netdev_entry *e)
{
	return (struct netdev_tx *)(void *)((uint8_t *)e - offsetof(struct netdev_tx, entry));
}

static inline struct netdev_rx *rx_of(struct netdev_entry *e)
{
	return (struct netdev_rx *)(void *)((uint8_t *)e - offsetof(struct netdev_rx, entry));
}

static inline bool netdev_has_session(const struct netdev *d)
{
	return d->is_used && (d->state == NETDEV_SETUP || d->state == NETDEV_IS_UP);
}

/* Is it still the same open? Ask after each callback. */
static inline bool netdev_is_open(const struct netdev *d, uint32_t serial)
{
	return d->is_used && d->serial == serial && d->state != NETDEV_CLOSING;
}

/* client.c */
void netdev_event(struct netdev *d, enum netdev_event what);
void netdev_fail_waiting(struct netdev *d, int status); /* frames */
void netdev_accuse(struct netdev *d, enum proto_rule rule, uint32_t id, const void *evidence,
                   size_t len);

/* data.c */
void netdev_pump(struct netdev *d); /* push what may be pushed; no callbacks */
unsigned netdev_take_completions(struct netdev *d);
/* What a server completed before it died, before netdev_lost(). false: `d` was closed meanwhile. */
bool netdev_take_last(struct netdev *d) MUST_CHECK;
/* Between the death of a server and the next session: hands over what its device left in the buffers. */
void netdev_salvage(struct netdev *d);
void netdev_unsend_all(struct netdev *d, bool is_death);
void netdev_cancel_waiting(struct netdev *d); /* frames and buffers that are not with the server */

/* session.c */
void netdev_attach(struct netdev *d);
/* The session is over. is_death: the incarnation is dead, and what it had is held against frames. */
void netdev_lost(struct netdev *d, bool is_death);
/* The same, of a session that is not up yet, or whose server withdrew the unit: it is told. */
void netdev_leave(struct netdev *d);
void netdev_start_close(struct netdev *d);
/* The cause of the last death has become known (enum rs_cause): killers fail, or all is forgiven. */
void netdev_judge(struct netdev *d, uint32_t cause);
void netdev_dead(struct netdev *d); /* found out by an IPC error; ds will tell about the next one */
void netdev_reply(struct netdev *d, const struct msg *m);
void netdev_send_conf(struct netdev *d); /* the next one, if there is one */
/* Sends and remembers a control request; 0 or -errno. The id is put into payload's first word. */
int netdev_control(struct netdev *d, uint32_t type, void *payload, bool is_setup) MUST_CHECK;

/* uplink.c: link state as the caller sees it */
void netdev_take_link(struct netdev *d, const struct net_link *link);
void netdev_link_lost(struct netdev *d); /* there is no server to ask for long */
void netdev_link_alarm(struct netdev *d, uint64_t now_ns);

/* arenas.c */
const struct arena_view *netdev_arena_views(void);
int netdev_send_arena(struct netdev *d, unsigned arena, bool is_setup) MUST_CHECK;
int netdev_send_arenas(struct netdev *d) MUST_CHECK;
void netdev_drop_arena_grants(struct netdev *d, bool is_death);

/* resolve.c */
int netdev_resolve(struct netdev *d) MUST_CHECK;

#endif
