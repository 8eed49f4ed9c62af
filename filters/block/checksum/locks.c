/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks on ranges of groups: see locks.h. The list is as long as requests are at work: 64 and few.
 */
#include "locks.h"

static bool conflicts(const struct range_lock *a, const struct range_lock *b)
{
	return (a->is_exclusive || b->is_exclusive) && a->first <= b->last && b->first <= a->last;
}

/* Is there an earlier one in the way? */
static bool must_wait(const struct range_locks *all, const struct range_lock *l)
{
	for (const struct range_lock *i = all->head; i != l; i = i->next) {
		if (conflicts(i, l))
			return true;
	}
	return false;
}

bool range_lock(struct range_locks *all, struct range_lock *l)
{
	struct range_lock **tail = &all->head;

	while (*tail != NULL)
		tail = &(*tail)->next;
	l->next = NULL;
	*tail = l;
	l->is_held = !must_wait(all, l);
	return l->is_held;
}

void range_unlock(struct range_locks *all, struct range_lock *l)
{
	struct range_lock **link = &all->head;

	while (*link != l)
		link = &(*link)->next;
	*link = l->next;
	l->is_held = false;
}

struct range_lock *range_granted(struct range_locks *all)
{
	for (struct range_lock *i = all->head; i != NULL; i = i->next) {
		if (!i->is_held && !must_wait(all, i)) {
			i->is_held = true;
			return i;
		}
	}
	return NULL;
}
