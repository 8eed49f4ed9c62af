/* SPDX-License-Identifier: BSD-2-Clause */
/* See wait.h. */
#include "wait.h"

int wait_on(struct waiter **list)
{
	struct waiter w = {.fiber = fiber_self(), .next = *list};

	/* The list is empty of us again when we go on. */
	*list = &w; // cppcheck-suppress autoVariables
	return (int)fiber_wait();
}

void wait_wake(struct waiter *list, int value)
{
	while (list) {
		struct waiter *next = list->next; /* the waiter is gone as soon as its fiber runs */

		fiber_wake(list->fiber, value);
		list = next;
	}
}

static void enqueue(struct rwlock *l, struct waiter *w)
{
	if (l->tail)
		l->tail->next = w;
	else
		l->head = w;
	l->tail = w;
	/* Who wakes us has taken the lock for us. */
	(void)fiber_wait();
}

void lock_shared(struct rwlock *l)
{
	struct waiter w = {.fiber = fiber_self()};

	if (!l->has_writer && !l->head)
		l->readers++;
	else
		enqueue(l, &w);
}

void lock_exclusive(struct rwlock *l)
{
	struct waiter w = {.fiber = fiber_self(), .is_writer = true};

	if (!l->has_writer && !l->readers && !l->head)
		l->has_writer = true;
	else
		enqueue(l, &w);
}

/* Hands the lock to those who are next. */
static void pass_on(struct rwlock *l)
{
	while (l->head && !l->has_writer && (!l->head->is_writer || l->readers == 0)) {
		struct waiter *w = l->head;

		l->head = w->next;
		if (!l->head)
			l->tail = NULL;
		if (w->is_writer)
			l->has_writer = true;
		else
			l->readers++;
		fiber_wake(w->fiber, 0);
	}
}

void unlock_shared(struct rwlock *l)
{
	l->readers--;
	pass_on(l);
}

void unlock_exclusive(struct rwlock *l)
{
	l->has_writer = false;
	pass_on(l);
}

bool lock_is_free(const struct rwlock *l)
{
	return !l->readers && !l->has_writer && !l->head;
}
