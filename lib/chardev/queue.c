/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues of requests that wait: see chardev.h. */
#include <stddef.h>

#include "chardev/chardev.h"

void chardev_queue_add(struct chardev_queue *q, struct chardev_request *r)
{
	r->next = NULL;
	if (q->tail != NULL)
		q->tail->next = r;
	else
		q->head = r;
	q->tail = r;
}

bool chardev_queue_remove(struct chardev_queue *q, struct chardev_request *r)
{
	struct chardev_request *prev = NULL;

	for (struct chardev_request *i = q->head; i != NULL; prev = i, i = i->next) {
		if (i != r)
			continue;
		if (prev != NULL)
			prev->next = r->next;
		else
			q->head = r->next;
		if (q->tail == r)
			q->tail = prev;
		return true;
	}
	return false;
}
