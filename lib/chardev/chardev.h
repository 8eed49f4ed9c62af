/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server half of the character protocol (axolotl/chr.h); vfs is the client. Requests that cannot be
 * answered at once are kept by the driver as struct chardev_request until chardev_reply(), which
 * happens exactly once for each: CHR_CANCEL of a kept one calls ops->cancel().
 */
#ifndef LIB_CHARDEV_CHARDEV_H
#define LIB_CHARDEV_CHARDEV_H

#include <stdbool.h>

#include "axolotl/types.h"
#include "axolotl/chr.h"

#define CHARDEV_REQUESTS_MAX 256 /* unanswered at a time */

struct chardev_request {
	struct chr_req req;
	uint32_t type; /* enum chr_msg */
	endpoint_t client;
	uint32_t primitive;           /* how it came */
	uint64_t done;                /* bytes moved so far; the driver's own */
	struct chardev_request *next; /* of a chardev_queue */
	bool is_used;
};

/* Requests that wait, in the order of their arrival; the memory is the requests' own. */
struct chardev_queue {
	struct chardev_request *head, *tail;
};
void chardev_queue_add(struct chardev_queue *q, struct chardev_request *r);
bool chardev_queue_remove(struct chardev_queue *q, struct chardev_request *r); /* was it there? */

struct chardev_ops {
	/* Each ends in chardev_reply() now or later. */
	void (*open)(struct chardev_request *r);
	void (*close)(struct chardev_request *r);
	void (*read)(struct chardev_request *r);
	void (*write)(struct chardev_request *r);
	void (*ioctl)(struct chardev_request *r);
	void (*poll)(struct chardev_request *r);
	/* Take r out of your queues and reply: what was moved, or -EINTR. */
	void (*cancel)(struct chardev_request *r);
};

void chardev_init(const struct chardev_ops *ops);
/* "chr.<name>" = "<own label>:<minor>". */
int chardev_publish(const char *name, unsigned minor) MUST_CHECK;

void chardev_reply(struct chardev_request *r, int result);
/* Between our buffer and the request's grant, at `offset` from the request's first byte: 0 or
 * -errno. */
int chardev_copy_out(const struct chardev_request *r, uint64_t offset, const void *from,
                     size_t len) MUST_CHECK;
int chardev_copy_in(const struct chardev_request *r, uint64_t offset, void *to,
                    size_t len) MUST_CHECK;

/* To vfs, from minor: signal to the foreground group; poll events that became true. */
void chardev_signal(unsigned minor, int signo);
void chardev_ready(unsigned minor, unsigned events);

bool chardev_message(const struct msg *m, enum ipc_primitive how);

#endif
