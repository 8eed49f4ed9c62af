/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fibers of mfs wait for one another: lists of waiters, and reader-writer locks.
 *
 * Locks are fair: who came first goes first, readers that follow one another go together.
 */
#ifndef MFS_WAIT_H
#define MFS_WAIT_H

#include <stdbool.h>
#include <stddef.h>

#include "fiber/fiber.h"

/* Lives on the stack of the fiber that waits. */
struct waiter {
	struct fiber *fiber;
	struct waiter *next;
	bool is_writer;
};

/* Waits until somebody wakes the list; returns the value given there. */
int wait_on(struct waiter **list);
/* Wakes all of a list that the caller has detached: set the head to NULL first. */
void wait_wake(struct waiter *list, int value);

struct rwlock {
	unsigned readers;
	bool has_writer;
	struct waiter *head, *tail;
};

void lock_shared(struct rwlock *l);
void lock_exclusive(struct rwlock *l);
void unlock_shared(struct rwlock *l);
void unlock_exclusive(struct rwlock *l);
bool lock_is_free(const struct rwlock *l);

#endif
