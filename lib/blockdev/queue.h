/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client half's requests at one server: two lists, ids, replay order, quarantine. Pure.
 *
 *     bqueue_add -> waiting --bqueue_sent--> sent --bqueue_remove--> the caller's again
 *                      ^------ death, requeue -|
 *
 * `waiting` is sorted by order of submission; `sent` by time of sending. An id is (sequence << 8 |
 * index); sequences run on over incarnations, so a late or invented id never matches (B4).
 * Quarantine: while there are suspects, they go first, one at a time and nothing beside them.
 *
 * Blame. What killed a server is not known, only what was sent when it died and the cause:
 *
 *     exit, exception             everything that was sent: 2 points
 *     missing heartbeat           everything that was sent: 1 point
 *     complaint                   requests that we complained about: 2 points. Nobody else; nobody at
 *                                 all if the complaint named no request or was another client's
 *     signal from outside, update nobody
 *
 * With 6 points a request is a suspect and goes alone; a suspect that gets to 8 has done it: three
 * crashes and one more, or six hangs and two more. Only a completion ends the count.
 */
#ifndef LIB_BLOCKDEV_QUEUE_H
#define LIB_BLOCKDEV_QUEUE_H

#include "blockdev/blockdev.h"

enum bdev_io_state { IO_IDLE, IO_WAITING, IO_SENT };

struct bqueue_list {
	struct bdev_io *head, *tail;
	unsigned count;
};

struct bqueue {
	struct bqueue_list waiting, sent;
	unsigned slots;    /* that may be sent at a time */
	unsigned suspects; /* in either list */
	uint32_t sequence;
	uint64_t next_order;
	struct bdev_io *by_index[BLK_SLOTS_MAX];
	uint32_t done_id[BLK_SLOTS_MAX];    /* last one of that index that was completed */
	uint16_t free_index[BLK_SLOTS_MAX]; /* a stack */
	unsigned free_count;
};

void bqueue_init(struct bqueue *q, unsigned slots);
void bqueue_add(struct bqueue *q, struct bdev_io *io);
/* The next one to send, or NULL: none, no slot, or quarantine says wait. `is_ready` may be NULL. */
struct bdev_io *bqueue_next(const struct bqueue *q, bool (*is_ready)(const struct bdev_io *io));
/* Gives io an id and moves it to `sent`. Deadlines never decrease along that list: what is sent behind a
 * FLUSH, which may take long, waits for it. */
void bqueue_sent(struct bqueue *q, struct bdev_io *io, uint64_t t_deadline_ns);
/* The sent request of that id, or NULL (B4). */
struct bdev_io *bqueue_match(const struct bqueue *q, uint32_t id);
/* It was completed, and its index was not used again since: a second completion breaks B3. */
bool bqueue_was_done(const struct bqueue *q, uint32_t id);
/* Ends it: out of either list, no longer the queue's. */
void bqueue_remove(struct bqueue *q, struct bdev_io *io);
/* A sent request must be sent again, in its place (unit must be opened again; not a death). */
void bqueue_requeue(struct bqueue *q, struct bdev_io *io);
/* The server died: everything sent waits again, and for a verdict. Returns how many. */
unsigned bqueue_death(struct bqueue *q);
/* The cause of the last death is known: points for what was sent (only_accused: and is accused).
 * Killers are taken out and chained by `next`. Without a death before it, it does nothing. */
struct bdev_io *bqueue_judge(struct bqueue *q, unsigned points, bool only_accused);
/* The session ended without a death of the server: as bqueue_death, but nobody is blamed. */
unsigned bqueue_unsend_all(struct bqueue *q);
/* First sent request whose deadline has passed; it gets a new one. NULL: none. */
struct bdev_io *bqueue_overdue(struct bqueue *q, uint64_t now_ns, uint64_t next_deadline_ns);
/* May take long: its deadline is a longer one. */
static inline bool bqueue_is_slow(const struct bdev_io *io)
{
	return io->op == BLK_FLUSH || (io->flags & BLK_REQ_FUA);
}
/* A FLUSH is done: nothing that was behind it, up to the next one, may take longer than until then. */
void bqueue_hurry(struct bqueue *q, uint64_t t_deadline_ns);
/* Moves the waiting requests of one unit to another queue, in order. */
void bqueue_move(struct bqueue *from, struct bqueue *to, const struct bdev *b);

#endif
