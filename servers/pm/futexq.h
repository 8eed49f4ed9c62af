/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wait queues of futexes. Pure. A waiter is found by its key: (space, address) in private memory,
 * (object, offset) in shared memory, so that processes which map the same memory meet. Within a
 * bucket waiters stand in order of arrival.
 */
#ifndef PM_FUTEXQ_H
#define PM_FUTEXQ_H

#include <stdbool.h>
#include <stdint.h>

struct futex_key {
	uint64_t space;
	uint64_t addr;
	bool is_shared;
};
struct futex_waiter {
	struct futex_waiter *next;
	struct futex_key key;
	uint32_t bitset;
	bool is_queued;
};
#define FUTEX_BUCKETS 64
struct futex_table {
	struct futex_waiter *bucket[FUTEX_BUCKETS];
};

void futex_enqueue(struct futex_table *f, struct futex_waiter *w);
void futex_dequeue(struct futex_table *f, struct futex_waiter *w);
/* Take out the oldest waiter of key whose bitset meets bitset; NULL if there is none. */
struct futex_waiter *futex_take(struct futex_table *f, const struct futex_key *key,
                                uint32_t bitset);
/* Move up to `count` waiters of `from` to `to`; returns how many. */
int futex_move(struct futex_table *f, const struct futex_key *from, const struct futex_key *to,
               int count);

#endif
