/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client half's frames, or buffers, at one unit: two lists, ids, replay order. Pure.
 *
 *     nqueue_add -> waiting --nqueue_sent--> sent --nqueue_remove--> the caller's again
 *                      ^------ nqueue_unsend -|
 *
 * Both lists are in the order of submission, so what was sent is always older than what waits and a
 * replay puts one list before the other. An id is (sequence << 9 | index); sequences run on over
 * incarnations, so a late or invented id never matches (N3, N5).
 */
#ifndef LIB_NETDEV_QUEUE_H
#define LIB_NETDEV_QUEUE_H

#include "netdev/netdev.h"

enum nentry_state { NENTRY_IDLE, NENTRY_WAITING, NENTRY_SENT, NENTRY_LISTED };

struct nlist {
	struct netdev_entry *head, *tail;
	unsigned count;
};
void nlist_append(struct nlist *l, struct netdev_entry *e);
void nlist_remove(struct nlist *l, struct netdev_entry *e);
struct netdev_entry *nlist_take(struct nlist *l); /* the first one, or NULL */

struct nqueue {
	struct nlist waiting, sent;
	uint32_t sequence; /* survives nqueue_init() */
	struct netdev_entry *by_index[NET_SLOTS_MAX];
	uint16_t free_index[NET_SLOTS_MAX]; /* a stack */
	unsigned free_count;
};

/* slots: that may be sent at a time, <= NET_SLOTS_MAX. */
void nqueue_init(struct nqueue *q, unsigned slots);
void nqueue_add(struct nqueue *q, struct netdev_entry *e);
/* The next one to send, or NULL: none waits, or no slot is free. */
struct netdev_entry *nqueue_next(const struct nqueue *q);
/* Gives the next one an id and moves it to `sent`. */
void nqueue_sent(struct nqueue *q, struct netdev_entry *e, uint64_t t_deadline_ns);
/* The sent one of that id, or NULL. */
struct netdev_entry *nqueue_match(const struct nqueue *q, uint32_t id);
/* Ends it: out of either list, no longer the queue's. */
void nqueue_remove(struct nqueue *q, struct netdev_entry *e);
/* A sent one waits again, behind all others (buffers: order does not matter). */
void nqueue_requeue(struct nqueue *q, struct netdev_entry *e);
/* The session is over: everything sent waits again, in the original order, before everything else.
 * is_death: and is blamed for it. Returns how many. */
unsigned nqueue_unsend(struct nqueue *q, bool is_death);
/* The cause of the last death is known. It came from outside: nobody is to blame. */
void nqueue_forgive(struct nqueue *q);
/* It was the server's own: those that were there too often are moved to `killers`. */
void nqueue_condemn(struct nqueue *q, struct nlist *killers);
/* First sent one whose deadline has passed; it gets a new one, in its place. NULL: none. */
struct netdev_entry *nqueue_overdue(struct nqueue *q, uint64_t now_ns, uint64_t next_deadline_ns);
/* Soonest deadline of what is sent; 0: none. */
uint64_t nqueue_deadline(const struct nqueue *q);
/* The clock starts again for everything sent (the link was down). */
void nqueue_postpone(struct nqueue *q, uint64_t t_deadline_ns);

#endif
