/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Futex wait queues (see futexq.h). Bounded by the number of threads: each waits on one futex.
 */
#include <stddef.h>
#include "futexq.h"

static struct futex_waiter **bucket_of(struct futex_table *f, const struct futex_key *k)
{
	uint64_t h = (k->addr >> 2) * 0x9e3779b97f4a7c15ull ^ k->space * 0xc2b2ae3d27d4eb4full;

	return &f->bucket[(h >> 32) % FUTEX_BUCKETS];
}

static bool is_same(const struct futex_key *a, const struct futex_key *b)
{
	return a->space == b->space && a->addr == b->addr && a->is_shared == b->is_shared;
}

void futex_enqueue(struct futex_table *f, struct futex_waiter *w)
{
	struct futex_waiter **link = bucket_of(f, &w->key);

	while (*link)
		link = &(*link)->next;
	w->next = NULL;
	w->is_queued = true;
	*link = w;
}

void futex_dequeue(struct futex_table *f, struct futex_waiter *w)
{
	struct futex_waiter **link = bucket_of(f, &w->key);

	if (!w->is_queued)
		return;
	while (*link && *link != w)
		link = &(*link)->next;
	if (*link)
		*link = w->next;
	w->is_queued = false;
}

struct futex_waiter *futex_take(struct futex_table *f, const struct futex_key *key, uint32_t bitset)
{
	struct futex_waiter *w = *bucket_of(f, key);

	while (w && !(is_same(&w->key, key) && (w->bitset & bitset)))
		w = w->next;
	if (w)
		futex_dequeue(f, w);
	return w;
}

int futex_move(struct futex_table *f, const struct futex_key *from, const struct futex_key *to,
               int count)
{
	int moved = 0;

	if (is_same(from, to))
		return 0;
	while (moved < count) {
		struct futex_waiter *w = futex_take(f, from, ~0u);
		if (!w)
			break;
		w->key = *to;
		futex_enqueue(f, w);
		moved++;
	}
	return moved;
}
