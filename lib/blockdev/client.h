/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to the client half: servers, units, arenas and who does what.
 *
 *   client.c    units, submission, data path, main loop hooks      session.c  attach, set-up, death
 *   deadline.c  what is overdue, complaints                        medium.c   media that leave and return
 *   arenas.c    arenas and their grants                            resolve.c  names in ds
 *   queue.c, check.c  pure                                         io.c       for fibers
 */
#ifndef LIB_BLOCKDEV_CLIENT_H
#define LIB_BLOCKDEV_CLIENT_H

#include "blockdev/blockdev.h"
#include "blockdev/queue.h"
#include "ring/ring.h"
#include "sys/sys.h"

enum server_state {
	SERVER_WAITING,   /* no endpoint, or time has to pass (t_retry_ns) */
	SERVER_ATTACHING, /* BLK_ATTACH was sent */
	SERVER_SETUP,     /* arenas, opens and infos were sent: `setup_left` replies are missing */
	SERVER_UP
};

#define CONTROLS_MAX 64 /* unanswered control requests to one server */

struct control {
	uint32_t id;   /* 0: free */
	uint32_t type; /* BLK_* */
	struct bdev *bdev;
	bool is_setup; /* counted in setup_left */
};

struct server {
	bool is_used;
	char label[LABEL_MAX]; /* "" for the one that holds requests of units nobody serves yet */
	endpoint_t ep;
	enum server_state state;
	unsigned unit_count;

	/* The session; made anew for each incarnation. */
	uint32_t session;
	uint32_t generation;
	void *region;
	size_t region_bytes;
	grant_t region_grant;
	grant_t arena_grants[BLK_ARENAS_MAX];
	struct ring_producer requests;
	struct ring_consumer completions;
	struct control controls[CONTROLS_MAX];
	unsigned setup_left;
	unsigned arenas_left; /* BLK_ARENA unanswered: nothing is sent */

	bool has_requests; /* pushed since the last doorbell */
	bool has_hopeless; /* requests of refused units were submitted */
	struct bqueue queue;
	unsigned sessions;     /* since start; > 1: the next set-up is a reconnection */
	unsigned replayed;     /* requests that wait again because of the last death */
	bool want_recovered;   /* report the next good completion */
	bool want_poll;        /* idle gave up with work left */
	uint64_t t_control_ns; /* deadline of the oldest control request, 0: none */
	uint64_t t_retry_ns;   /* WAITING with an endpoint: attach then */
	uint64_t t_offline_ns; /* WAITING: requests fail then; 0: clock does not run */
};

enum unit_state {
	UNIT_UNKNOWN, /* ds does not name a server */
	UNIT_KNOWN,   /* server is known, unit is not open in this session */
	UNIT_OPENING, /* OPEN and GETINFO were sent */
	UNIT_OPEN,
	UNIT_REFUSED, /* this incarnation said no */
	UNIT_CLOSING  /* bdev_close() while requests are sent */
};

struct bdev {
	bool is_used;
	bool has_info; /* was open at least once */
	char name[LABEL_MAX];
	unsigned access;
	struct bdev_events events;
	void *ctx;
	struct server *server;
	uint32_t unit;
	enum unit_state state;
	unsigned replies_left;  /* of OPEN and GETINFO */
	bool was_named;         /* by ds, since these were sent: if refused, ask again */
	int refused;            /* first error of the two */
	unsigned restarts_seen; /* ERESTART completions in this session */
	unsigned io_count;      /* waiting and sent */
	bool has_unflushed;     /* writes were completed since the last FLUSH, or may have been */
	bool has_lost_writes; /* the medium has lost its power with these: the next FLUSH says so */
	uint64_t t_written_ns; /* when the last write was completed */
	struct blk_info info;
	struct blk_info info_buf; /* the server writes here */
	grant_t info_grant;
};

extern struct bdev_config bdev_cfg;
extern struct bdev_stats bdev_count;
extern struct server bdev_servers[BDEV_SERVERS_MAX + 1]; /* [0] has no label and no session */
extern struct bdev bdev_units[BDEV_UNITS_MAX];

/* client.c */
void bdev_finish(struct bdev_io *io, int status); /* out of its queue; calls done */
void server_pump(struct server *s);               /* send what may be sent */
void server_fail_waiting(struct server *s, const struct bdev *only, int status);
void unit_release(struct bdev *b); /* when closing and nothing is left */

/* deadline.c */
void server_complain(struct server *s, enum proto_rule rule, uint32_t unit, uint32_t request);
/* About a pending request: if the server is replaced now, it was for this one. */
void server_accuse(struct server *s, enum proto_rule rule, struct bdev_io *io);
uint64_t server_patience(const struct bdev_io *io); /* ns that a request may take */

/* medium.c */
void unit_medium_left(struct bdev *b);
bool unit_is_same_medium(const struct bdev *b, const struct blk_info *info);
/* A request ended well at the server; returns the status for its owner. */
int unit_note_done(struct bdev *b, const struct bdev_io *io);

/* session.c */
void server_attach(struct server *s);
/* The session is over. is_death: the incarnation is dead, and what it had may be held against it. */
void server_lost(struct server *s, bool is_death);
/* The cause of the last death has become known (enum rs_cause): killers fail. */
void server_judge(struct server *s, uint32_t cause);
void server_dead(struct server *s); /* found out by an IPC error; ds will tell about the next one */
void server_reply(struct server *s, const struct msg *m);
void server_open_unit(struct server *s, struct bdev *b, bool is_setup);
void server_close_unit(struct server *s, struct bdev *b);
/* Sends and remembers a control request; 0 or -errno. The id is put into payload's first word. */
int server_control(struct server *s, uint32_t type, void *payload, struct control **c) MUST_CHECK;

/* arenas.c */
bool bdev_arena_holds(unsigned arena, uint64_t offset, uint64_t len_bytes, bool is_write);
int server_send_arena(struct server *s, unsigned arena, bool is_setup) MUST_CHECK;
unsigned server_send_arenas(struct server *s); /* all; returns how many */
void server_drop_arena_grants(struct server *s, bool is_death);

/* resolve.c */
int resolve_start(struct bdev *b) MUST_CHECK;

#endif
