/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request queue of the client half: see queue.h.
 */
#include "blockdev/queue.h"

#define INDEX_BITS   8
#define INDEX_MASK   ((1u << INDEX_BITS) - 1)
#define SEQUENCE_MAX ((1u << (32 - INDEX_BITS)) - 1)
_Static_assert(BLK_SLOTS_MAX <= INDEX_MASK + 1, "an index fits into an id");

static void list_insert_after(struct bqueue_list *l, struct bdev_io *prev, struct bdev_io *io)
{
	io->prev = prev;
	io->next = prev != NULL ? prev->next : l->head;
	if (io->next != NULL)
		io->next->prev = io;
	else
		l->tail = io;
	if (prev != NULL)
		prev->next = io;
	else
		l->head = io;
	l->count++;
}

static void list_remove(struct bqueue_list *l, struct bdev_io *io)
{
	if (io->prev != NULL)
		io->prev->next = io->next;
	else
		l->head = io->next;
	if (io->next != NULL)
		io->next->prev = io->prev;
	else
		l->tail = io->prev;
	io->next = io->prev = NULL;
	l->count--;
}

/* Into `waiting` by order. What was sent is nearly always older than all that waits: look from the
 * front. */
static void insert_ordered(struct bqueue *q, struct bdev_io *io)
{
	struct bdev_io *prev = NULL;

	for (struct bdev_io *i = q->waiting.head; i != NULL && i->order < io->order; i = i->next)
		prev = i;
	list_insert_after(&q->waiting, prev, io);
	io->state = IO_WAITING;
}

void bqueue_init(struct bqueue *q, unsigned slots)
{
	*q = (struct bqueue){.slots = slots < BLK_SLOTS_MAX ? slots : BLK_SLOTS_MAX};
	for (unsigned i = 0; i < q->slots; i++)
		q->free_index[i] = (uint16_t)(q->slots - 1 - i);
	q->free_count = q->slots;
}

void bqueue_add(struct bqueue *q, struct bdev_io *io)
{
	io->order = q->next_order++;
	io->state = IO_WAITING;
	list_insert_after(&q->waiting, q->waiting.tail, io);
}

struct bdev_io *bqueue_next(const struct bqueue *q, bool (*is_ready)(const struct bdev_io *io))
{
	bool only_suspects = q->suspects > 0;

	if (q->free_count == 0 || (only_suspects && q->sent.count > 0))
		return NULL;
	for (struct bdev_io *io = q->waiting.head; io != NULL; io = io->next)
		if ((!only_suspects || io->is_suspect) && (is_ready == NULL || is_ready(io)))
			return io;
	return NULL;
}

void bqueue_sent(struct bqueue *q, struct bdev_io *io, uint64_t t_deadline_ns)
{
	unsigned index = q->free_index[--q->free_count];

	if (q->sent.tail != NULL && q->sent.tail->t_deadline_ns > t_deadline_ns)
		t_deadline_ns = q->sent.tail->t_deadline_ns;
	q->sequence = q->sequence == SEQUENCE_MAX ? 1 : q->sequence + 1;
	io->id = q->sequence << INDEX_BITS | index;
	q->by_index[index] = io;
	list_remove(&q->waiting, io);
	list_insert_after(&q->sent, q->sent.tail, io);
	io->state = IO_SENT;
	io->t_deadline_ns = t_deadline_ns;
}

struct bdev_io *bqueue_match(const struct bqueue *q, uint32_t id)
{
	struct bdev_io *io = q->by_index[id & INDEX_MASK];

	return io != NULL && io->id == id ? io : NULL;
}

bool bqueue_was_done(const struct bqueue *q, uint32_t id)
{
	return id != 0 && q->done_id[id & INDEX_MASK] == id;
}

/* Takes a sent request out of `sent` and frees its id. */
static void unsend(struct bqueue *q, struct bdev_io *io)
{
	unsigned index = io->id & INDEX_MASK;

	list_remove(&q->sent, io);
	q->by_index[index] = NULL;
	q->free_index[q->free_count++] = (uint16_t)index;
}

void bqueue_remove(struct bqueue *q, struct bdev_io *io)
{
	if (io->state == IO_SENT) {
		q->done_id[io->id & INDEX_MASK] = io->id;
		unsend(q, io);
	} else {
		list_remove(&q->waiting, io);
	}
	if (io->is_suspect)
		q->suspects--;
	io->is_suspect = io->was_sent = io->is_accused = 0;
	io->state = IO_IDLE;
}

void bqueue_requeue(struct bqueue *q, struct bdev_io *io)
{
	unsend(q, io);
	insert_ordered(q, io);
}

static void set_suspect(struct bqueue *q, struct bdev_io *io, bool is_suspect)
{
	if (io->is_suspect == is_suspect)
		return;
	io->is_suspect = is_suspect;
	if (is_suspect)
		q->suspects++;
	else
		q->suspects--;
}

unsigned bqueue_death(struct bqueue *q)
{
	unsigned count = 0;

	while (q->sent.tail != NULL) {
		struct bdev_io *io = q->sent.tail;

		io->was_sent = 1;
		bqueue_requeue(q, io);
		count++;
	}
	return count;
}

/* A suspect was alone at the server, so what happened is its doing, once there is enough of it. */
static bool add_blame(struct bqueue *q, struct bdev_io *io, unsigned points)
{
	unsigned blame = io->blame + points;
	bool is_killer = io->is_suspect && blame >= BDEV_BLAME_KILLER;

	if (io->deaths < UINT8_MAX)
		io->deaths++;
	io->blame = blame < UINT8_MAX ? (uint8_t)blame : UINT8_MAX;
	set_suspect(q, io, blame >= BDEV_BLAME_SUSPECT);
	return is_killer;
}

struct bdev_io *bqueue_judge(struct bqueue *q, unsigned points, bool only_accused)
{
	struct bdev_io *killers = NULL, *next;

	for (struct bdev_io *io = q->waiting.head; io != NULL; io = next) {
		bool is_blamed = io->was_sent && points > 0 && (io->is_accused || !only_accused);

		next = io->next;
		if (io->was_sent)
			io->was_sent = io->is_accused = 0;
		if (!is_blamed || !add_blame(q, io, points))
			continue;
		bqueue_remove(q, io);
		io->next = killers;
		killers = io;
	}
	return killers;
}

unsigned bqueue_unsend_all(struct bqueue *q)
{
	unsigned count = 0;

	while (q->sent.tail != NULL) {
		bqueue_requeue(q, q->sent.tail);
		count++;
	}
	return count;
}

struct bdev_io *bqueue_overdue(struct bqueue *q, uint64_t now_ns, uint64_t next_deadline_ns)
{
	struct bdev_io *io = q->sent.head;

	if (io == NULL || io->t_deadline_ns > now_ns)
		return NULL;
	/* The list is sorted by deadline: a new one puts it last. */
	list_remove(&q->sent, io);
	list_insert_after(&q->sent, q->sent.tail, io);
	io->t_deadline_ns = next_deadline_ns;
	return io;
}

void bqueue_hurry(struct bqueue *q, uint64_t t_deadline_ns)
{
	for (struct bdev_io *io = q->sent.head; io != NULL && !bqueue_is_slow(io); io = io->next)
		if (io->t_deadline_ns > t_deadline_ns)
			io->t_deadline_ns = t_deadline_ns;
}

void bqueue_move(struct bqueue *from, struct bqueue *to, const struct bdev *b)
{
	struct bdev_io *next;

	for (struct bdev_io *io = from->waiting.head; io != NULL; io = next) {
		next = io->next;
		if (io->bdev != b)
			continue;
		list_remove(&from->waiting, io);
		if (io->is_suspect) {
			from->suspects--;
			to->suspects++;
		}
		bqueue_add(to, io);
	}
}
