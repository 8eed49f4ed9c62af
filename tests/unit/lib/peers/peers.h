/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client and a server of a protocol in one process, for tests: lib/sys, kernel, ds and vm replaced by
 * tables. The test passes on what waits for each side; the server can die at any moment and come back
 * with a new endpoint.
 */
#ifndef TESTS_PEERS_H
#define TESTS_PEERS_H

#include "sys/sys.h"

#define PEERS_CLIENT       100
#define PEERS_STRANGER     101 /* another client, that lives */
#define PEERS_SERVER_LABEL "disk"

struct peers {
	endpoint_t server; /* EP_NONE: dead */
	uint64_t now;
	unsigned complaints, violations, notifies;
	enum proto_rule last_rule;
	unsigned events[64]; /* by kind */
	uint64_t last_args[64];
	enum rs_cause cause;    /* in changes of the label */
	struct msg to_stranger; /* the last message to anybody else */
};
extern struct peers peers;

/* key: of the unit in ds. */
void peers_reset(const char *key);
void peers_new_server(void);                 /* not announced yet */
void peers_tell_server(enum rs_cause cause); /* ds: the label points to it (or to nobody) */
void peers_kill_server(void);

/* The next thing that waits, if there is one. */
bool peers_for_server(struct msg *m);
bool peers_for_client(struct msg *m);
bool peers_rings_server(void);
bool peers_rings_client(void);
bool peers_change(struct ds_change *c);
bool peers_are_quiet(void); /* nothing waits for the server, no bell rings */

#endif
