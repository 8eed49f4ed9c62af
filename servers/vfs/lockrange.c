/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks on ranges; see lockrange.h. */
#include <errno.h>
#include "lockrange.h"

static struct lock pool[LOCKS_MAX];
static struct lock *free_list;
static unsigned never_used;
static unsigned in_use;

static struct lock *alloc_lock(void)
{
	struct lock *l = free_list;

	if (l)
		free_list = l->next;
	else if (never_used < LOCKS_MAX)
		l = &pool[never_used++];
	if (l)
		in_use++;
	return l;
}

static void free_lock(struct lock *l)
{
	l->next = free_list;
	free_list = l;
	in_use--;
}

static bool is_same_owner(const struct lock *a, const struct lock *b)
{
	return a->owner == b->owner && a->kind == b->kind;
}

static bool overlaps(const struct lock *a, const struct lock *b)
{
	return a->first <= b->last && b->first <= a->last;
}

const struct lock *lock_conflict(const struct lock *list, const struct lock *want)
{
	for (const struct lock *l = list; l; l = l->next) {
		if (l->kind != want->kind || l->owner == want->owner || !overlaps(l, want))
			continue;
		if (l->type == LOCK_WRITE || want->type == LOCK_WRITE)
			return l;
	}
	return NULL;
}

static void insert(struct lock **list, struct lock *l)
{
	while (*list && (*list)->first < l->first)
		list = &(*list)->next;
	l->next = *list;
	*list = l;
}

/* Cuts [first, last] out of the owner's locks; `spare` is used if one must be split in two. */
static void cut(struct lock **list, const struct lock *range, struct lock **spare)
{
	struct lock **link = list, *l, *tails = NULL;

	while ((l = *link)) {
		if (!is_same_owner(l, range) || !overlaps(l, range)) {
			link = &l->next;
			continue;
		}
		if (*spare && l->first < range->first && l->last > range->last) {
			/* Only one lock can be split: an owner's locks do not overlap. */
			struct lock *tail = *spare;

			*spare = NULL;
			*tail = *l;
			tail->first = range->last + 1;
			tail->next = tails;
			tails = tail;
			l->last = range->first - 1;
			link = &l->next;
		} else if (l->first < range->first) {
			l->last = range->first - 1;
			link = &l->next;
		} else if (l->last > range->last) {
			*link = l->next;
			l->first = range->last + 1;
			l->next = tails;
			tails = l;
		} else {
			*link = l->next;
			free_lock(l);
		}
	}
	while ((l = tails)) {
		tails = l->next;
		insert(list, l);
	}
}

/* The owner's neighbours of the same type become one lock with l. */
static void merge(struct lock **list, struct lock *l)
{
	struct lock **link = list, *o;

	while ((o = *link)) {
		bool touches = (l->last != LOCK_EOF && o->first == l->last + 1) ||
		               (o->last != LOCK_EOF && l->first == o->last + 1);

		if (o == l || !is_same_owner(o, l) || o->type != l->type || !touches) {
			link = &o->next;
			continue;
		}
		if (o->first < l->first)
			l->first = o->first;
		if (o->last > l->last)
			l->last = o->last;
		*link = o->next;
		free_lock(o);
	}
}

int lock_set(struct lock **list, const struct lock *want)
{
	struct lock *l = alloc_lock(), *spare = alloc_lock();

	if (!l || !spare) {
		if (l)
			free_lock(l);
		return -ENOLCK;
	}
	cut(list, want, &spare);
	*l = *want;
	merge(list, l);
	insert(list, l);
	if (spare)
		free_lock(spare);
	return 0;
}

int lock_clear(struct lock **list, const struct lock *range)
{
	struct lock *spare = alloc_lock();

	if (!spare)
		return -ENOLCK;
	cut(list, range, &spare);
	if (spare)
		free_lock(spare);
	return 0;
}

bool lock_clear_owner(struct lock **list, const void *owner)
{
	struct lock **link = list, *l;
	bool found = false;

	while ((l = *link)) {
		if (l->owner != owner) {
			link = &l->next;
			continue;
		}
		*link = l->next;
		free_lock(l);
		found = true;
	}
	return found;
}
