/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Skeleton of network filters: frames and buffers that are passed on. A filter is a network
 * server above (netserver.h) and a client below (netdev.h); both halves keep the rules N1-N6 and
 * replay, so a filter only says what to do with a frame. Arguments, timers, main loop: lib/filterbase.
 *
 *      upper client                         netfilter_frame   one frame on its way down
 *         | tx          ^ rx                netfilter_buffer  one of the client's buffers, and the frame
 *      ops->tx       netfilter_rx_up                          that came up in it
 *         |             ^
 *      netfilter_send  ops->rx              Payload is never copied here: the client's arenas are passed
 *         v             |                   on by indirect grants (netdev_arena_indirect).
 *      lower server
 *
 * When the session above ends, the unit below is closed and opened again: that is the only way to get
 * the client's buffers back from a device that may be writing into them. When the unit below comes back
 * as another one (N6), the filter ends, and its next incarnation shows the new identity to its client.
 *
 * A filter keeps nothing in memory that a restart must find again.
 */
#ifndef LIB_NETFILTER_H
#define LIB_NETFILTER_H

#include "filterbase/filterbase.h"
#include "netdev/netdev.h"
#include "netdev/netserver.h"
#include "sys/sys.h"

/* The filter's part of what it holds back. */
struct netfilter_hold {
	struct netfilter_hold *next;
	uint64_t t_due_ns;
	bool is_tx; /* in a netfilter_frame, else in a netfilter_buffer */
};

struct netfilter_frame {
	struct nserver_tx *up; /* NULL: the filter's own, nobody above waits for it */
	struct netdev_tx down;
	struct net_element elements[NET_ELEMENTS_MAX];
	uint64_t t_ns; /* when it came */

	struct netfilter_frame *next; /* the library's */

	/* The filter's. */
	struct netfilter_hold hold;
	unsigned user; /* 0 at first */
};

struct netfilter_buffer {
	struct nserver_rx *up;
	struct netdev_rx down;
	int bytes; /* of the frame in it, in ops->rx and until it is given on */
	unsigned flags;
	struct netfilter_buffer *next; /* the library's */

	/* The filter's. */
	struct netfilter_hold hold;
};

struct netfilter_ops {
	/* A frame from above: netfilter_send() or netfilter_end(), now or later. NULL: pass on. */
	void (*tx)(struct netfilter_frame *f);
	/* It was confirmed below: the skeleton ends it after that. May be NULL. */
	void (*tx_done)(struct netfilter_frame *f, int status);
	/* A frame from below: netfilter_rx_up() or netfilter_rx_drop(), now or later. NULL: pass on. */
	void (*rx)(struct netfilter_buffer *b);
	/* The session above ended: end and drop all that is held back. May be NULL. */
	void (*stop)(void);
	void (*event)(enum netdev_event what); /* of the unit below; may be NULL */
};

struct netfilter {
	const char *name;
	const char *const *options; /* names without "-", ending with NULL */
	bool maps_arenas;           /* elements and buffers have pointers */
	uint32_t offloads;          /* of those below, the ones that are shown above */
	const struct netfilter_ops *ops;
	/* Before anything else: arguments. 0, or -errno after a message by filter_usage(). */
	int (*configure)(const struct stack_options *o);
	int (*start)(void); /* in init(), before the unit below is opened; may be NULL */
	void (*idle)(void); /* before each RECEIVE; may be NULL */
	bool (*message)(const struct msg *m,
	                enum ipc_primitive how); /* other protocols; may be NULL */
	/* key=value lines; returns bytes; may be NULL. The skeleton adds those of both halves. */
	int (*status)(char *buf, size_t len);
};

#define NETFILTER_ALL_OFFLOADS UINT32_MAX

void netfilter_main(int argc, char **argv, const struct netfilter *f) __attribute__((noreturn));
struct netdev *netfilter_lower(void);
/* Is there a session above? */
bool netfilter_is_running(void);

/* Passes a frame on. One of the filter's own has `down` filled in. */
void netfilter_send(struct netfilter_frame *f);
/* Ends it without sending: 0 (as if sent) or -errno. */
void netfilter_end(struct netfilter_frame *f, int status);
/* A frame of the filter's own (f->up is NULL); NULL when all are in use. */
struct netfilter_frame *netfilter_new_frame(void);
/* Bytes of a frame, copied out of where they are (maps_arenas): how many. */
uint32_t netfilter_copy(const struct netfilter_frame *f, void *out, uint32_t len_bytes);

void netfilter_rx_up(struct netfilter_buffer *b);
void netfilter_rx_drop(struct netfilter_buffer *b); /* the buffer goes down again */
/* Buffers that are kept here instead of going down (for frames that the filter makes itself): so many
 * are held back, from the next ones on. */
void netfilter_reserve(unsigned count);
struct netfilter_buffer *netfilter_take_reserve(void); /* NULL: none left */

#endif
