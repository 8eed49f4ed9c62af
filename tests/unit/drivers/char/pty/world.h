/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests for pairs as vfs sends them, with a character library that only takes notes. */
#ifndef TEST_PTY_WORLD_H
#define TEST_PTY_WORLD_H

#include "drivers/char/pty/pty.h"

#define WAITING (-1000) /* result of a request that is not answered yet */

struct request {
	struct chardev_request r; /* first */
	uint8_t *memory;
	int result;
	int fault; /* of copies */
};

/* What the pairs told vfs, and the time that they see. */
struct seen {
	int signal;
	uint32_t signal_minor, ready_minor;
	unsigned ready_events;
	uint64_t now;
};
extern struct seen seen;

typedef void (*op_fn_t)(struct chardev_request *r);

/* Starts a request; its result may be WAITING. */
int start(struct request *q, op_fn_t op, uint32_t minor);
struct request transfer(enum chr_msg type, void *memory, size_t len, uint32_t flags);
int simple(op_fn_t op, uint32_t minor);
int put(uint32_t minor, const char *text);
/* One read that does not wait must give exactly this. */
void expect(uint32_t minor, const char *text);
int read_error(uint32_t minor);
int poll_of(uint32_t minor, unsigned wanted);
int ioctl_of(uint32_t minor, unsigned cmd, void *arg, size_t len);
int ioctl_number(uint32_t minor, unsigned cmd, unsigned number);
/* A pair, unlocked and open at both ends: its index. */
unsigned open_pair(void);
void close_pair(unsigned index);
void make_raw(unsigned index);

#endif
