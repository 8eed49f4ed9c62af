/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client in the tests of lib/netdev: one unit, numbered frames, buffers, and what was called back.
 */
#ifndef TESTS_NETDEV_CALLER_H
#define TESTS_NETDEV_CALLER_H

#include "netdev/client.h"
#include "world.h"

#define FRAMES  600
#define BUFFERS 64
#define FILLED  4096

struct caller {
	uint8_t *memory;
	int arena;
	struct netdev *dev;
	struct netdev_tx frames[FRAMES];
	struct netdev_rx buffers[BUFFERS];
	unsigned done_count, done_times[FRAMES], events[8], filled_count, canceled;
	int done_status[FRAMES];
	uint32_t filled[FILLED]; /* numbers of the frames that were received */
	int filled_bytes;        /* of the last one */
	bool is_lazy;            /* does not post again */
	bool closes;             /* in the callback of a buffer */
};
extern struct caller caller;
extern const struct netdev_events caller_events;

int caller_setup(void **state);
int caller_teardown(void **state);
/* Frame i: 60 bytes, i + 1 behind the header. */
struct netdev_tx *caller_frame(unsigned i);
void caller_send(unsigned from, unsigned to);
void caller_post(unsigned count);
void caller_start(void); /* a server, until all is quiet */
/* A server whose card keeps what it gets: frames 0, 1, ... and so many buffers. */
void caller_hold(unsigned frames, unsigned buffers);
void caller_restart(enum rs_cause cause);

#endif
