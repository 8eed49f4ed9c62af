/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control messages of protocols that are asynchronous (block, network): each request has an id in its first
 * word, and its answer the same one, at any time.
 */
#ifndef LIB_SYS_CONTROL_H
#define LIB_SYS_CONTROL_H

#include "sys/sys.h"

/* ---- who asks ---- */

/* Sends a request under a new id, which is put into the payload's first word and is never 0. 0 or -errno. */
int control_ask(endpoint_t server, uint32_t type, void *payload, size_t len_bytes) MUST_CHECK;

/* ---- who answers ---- */

#define CONTROLS_PARKED_MAX 32

/* Requests that cannot be answered yet. */
struct control_parking {
	struct control_parked {
		bool is_used;
		enum ipc_primitive how;
		struct msg m;
	} parked[CONTROLS_PARKED_MAX];
};
/* false: there is no room, so it has to be answered now. */
bool control_park(struct control_parking *p, const struct msg *m, enum ipc_primitive how);
/* Answers each, which may park it again. */
void control_retry(struct control_parking *p,
                   void (*answer)(const struct msg *m, enum ipc_primitive how));

/* Where a client wants text. */
struct control_text {
	endpoint_t client;
	grant_t grant;
	uint32_t len_bytes;
};
/* What `status` (may be NULL: -ENOSYS) says of a unit, as much as there is room for. Bytes or -errno. */
int control_status(const struct control_text *to, unsigned unit,
                   int (*status)(unsigned unit, char *buf, size_t len)) MUST_CHECK;

#endif
