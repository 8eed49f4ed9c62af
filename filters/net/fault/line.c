/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames that wait: see line.h. */
#include "line.h"

static void insert_after(struct line *l, struct netfilter_hold *before, struct netfilter_hold *h)
{
	h->next = before != NULL ? before->next : l->head;
	if (before != NULL)
		before->next = h;
	else
		l->head = h;
	if (h->next == NULL)
		l->tail = h;
	l->count++;
}

void line_add(struct line *l, struct netfilter_hold *h)
{
	struct netfilter_hold *before = NULL;

	/* Mostly it is the last one. */
	if (l->tail != NULL && l->tail->t_due_ns <= h->t_due_ns) {
		insert_after(l, l->tail, h);
		return;
	}
	for (struct netfilter_hold *i = l->head; i != NULL && i->t_due_ns <= h->t_due_ns;
	     i = i->next)
		before = i;
	insert_after(l, before, h);
}

static void remove_after(struct line *l, struct netfilter_hold *before, struct netfilter_hold *h)
{
	if (before != NULL)
		before->next = h->next;
	else
		l->head = h->next;
	if (l->tail == h)
		l->tail = before;
	h->next = NULL;
	l->count--;
}

void line_remove(struct line *l, struct netfilter_hold *h)
{
	struct netfilter_hold *before = NULL;

	for (struct netfilter_hold *i = l->head; i != h; i = i->next)
		before = i;
	remove_after(l, before, h);
}

struct netfilter_hold *line_take_due(struct line *l, uint64_t now_ns)
{
	struct netfilter_hold *h = l->head;

	if (h == NULL || h->t_due_ns > now_ns)
		return NULL;
	remove_after(l, NULL, h);
	return h;
}
