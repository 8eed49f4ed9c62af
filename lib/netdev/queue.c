/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames and buffers of the client half: see queue.h.
 */
#include "netdev/queue.h"

#define INDEX_BITS   9
#define INDEX_MASK   ((1u << INDEX_BITS) - 1)
#define SEQUENCE_MAX ((1u << (32 - INDEX_BITS)) - 1)
_Static_assert(NET_SLOTS_MAX <= INDEX_MASK + 1, "an index fits into an id");

/* ---- lists ---- */

void nlist_append(struct nlist *l, struct netdev_entry *e)
{
	e->prev = l->tail;
	e->next = NULL;
	if (l->tail != NULL)
		l->tail->next = e;
	else
		l->head = e;
	l->tail = e;
	l->count++;
}

void nlist_remove(struct nlist *l, struct netdev_entry *e)
{
	if (e->prev != NULL)
		e->prev->next = e->next;
	else
		l->head = e->next;
	if (e->next != NULL)
		e->next->prev = e->prev;
	else
		l->tail = e->prev;
	e->next = e->prev = NULL;
	l->count--;
}

struct netdev_entry *nlist_take(struct nlist *l)
{
	struct netdev_entry *e = l->head;

	if (e != NULL)
		nlist_remove(l, e);
	return e;
}

/* ---- the queue ---- */

void nqueue_init(struct nqueue *q, unsigned slots)
{
	uint32_t sequence = q->sequence;

	*q = (struct nqueue){.sequence = sequence, .free_count = slots};
	for (unsigned i = 0; i < slots; i++)
		q->free_index[i] = (uint16_t)(slots - 1 - i);
}

void nqueue_add(struct nqueue *q, struct netdev_entry *e)
{
	*e = (struct netdev_entry){.state = NENTRY_WAITING};
	nlist_append(&q->waiting, e);
}

struct netdev_entry *nqueue_next(const struct nqueue *q)
{
	return q->free_count > 0 ? q->waiting.head : NULL;
}

void nqueue_sent(struct nqueue *q, struct netdev_entry *e, uint64_t t_deadline_ns)
{
	unsigned index = q->free_index[--q->free_count];

	q->sequence = q->sequence == SEQUENCE_MAX ? 1 : q->sequence + 1;
	e->id = q->sequence << INDEX_BITS | index;
	e->t_deadline_ns = t_deadline_ns;
	e->state = NENTRY_SENT;
	q->by_index[index] = e;
	nlist_remove(&q->waiting, e);
	nlist_append(&q->sent, e);
}

struct netdev_entry *nqueue_match(const struct nqueue *q, uint32_t id)
{
	struct netdev_entry *e = q->by_index[id & INDEX_MASK];

	return e != NULL && e->id == id ? e : NULL;
}

static void free_id(struct nqueue *q, const struct netdev_entry *e)
{
	unsigned index = e->id & INDEX_MASK;

	q->by_index[index] = NULL;
	q->free_index[q->free_count++] = (uint16_t)index;
}

void nqueue_remove(struct nqueue *q, struct netdev_entry *e)
{
	if (e->state == NENTRY_SENT) {
		free_id(q, e);
		nlist_remove(&q->sent, e);
	} else {
		nlist_remove(&q->waiting, e);
	}
	e->state = NENTRY_IDLE;
}

void nqueue_requeue(struct nqueue *q, struct netdev_entry *e)
{
	nqueue_remove(q, e);
	e->state = NENTRY_WAITING;
	nlist_append(&q->waiting, e);
}

unsigned nqueue_unsend(struct nqueue *q, bool is_death)
{
	unsigned count = q->sent.count;

	for (struct netdev_entry *e = q->sent.head; e != NULL; e = e->next) {
		free_id(q, e);
		e->state = NENTRY_WAITING;
		e->is_blamed = is_death && e->deaths < UINT8_MAX;
		e->deaths += e->is_blamed;
	}
	if (count == 0)
		return 0;
	q->sent.tail->next = q->waiting.head;
	if (q->waiting.head != NULL)
		q->waiting.head->prev = q->sent.tail;
	else
		q->waiting.tail = q->sent.tail;
	q->waiting.head = q->sent.head;
	q->waiting.count += count;
	q->sent = (struct nlist){.head = NULL};
	return count;
}

/* What is blamed is at the head: it was sent, and is older than what was not. */
void nqueue_forgive(struct nqueue *q)
{
	for (struct netdev_entry *e = q->waiting.head; e != NULL && e->is_blamed; e = e->next) {
		e->is_blamed = 0;
		e->deaths--;
	}
}

void nqueue_condemn(struct nqueue *q, struct nlist *killers)
{
	struct netdev_entry *next;

	for (struct netdev_entry *e = q->waiting.head; e != NULL && e->is_blamed; e = next) {
		next = e->next;
		e->is_blamed = 0;
		if (e->deaths < NETDEV_KILLER_DEATHS)
			continue;
		nqueue_remove(q, e);
		nlist_append(killers, e);
	}
}

struct netdev_entry *nqueue_overdue(struct nqueue *q, uint64_t now_ns, uint64_t next_deadline_ns)
{
	for (struct netdev_entry *e = q->sent.head; e != NULL; e = e->next) {
		if (e->t_deadline_ns > now_ns)
			continue;
		e->t_deadline_ns = next_deadline_ns;
		return e;
	}
	return NULL;
}

uint64_t nqueue_deadline(const struct nqueue *q)
{
	/* Sent in this order with one patience for all: the oldest is due first, unless it was
	 * overdue once; then the next look comes a little late. */
	return q->sent.head != NULL ? q->sent.head->t_deadline_ns : 0;
}

void nqueue_postpone(struct nqueue *q, uint64_t t_deadline_ns)
{
	for (struct netdev_entry *e = q->sent.head; e != NULL; e = e->next)
		e->t_deadline_ns = t_deadline_ns;
}
