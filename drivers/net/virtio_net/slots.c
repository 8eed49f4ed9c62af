/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots: who is out with the device, and the header of each in driver memory. */
#include "virtio_net.h"

struct slot *slot_take(struct queue *q)
{
	struct slot *s = q->free;

	if (s != NULL)
		q->free = s->next;
	else if (q->used_count < SLOTS_MAX)
		s = &q->slots[q->used_count++];
	if (s != NULL)
		q->active++;
	return s;
}

void slot_give(struct queue *q, struct slot *s)
{
	s->frame = NULL;
	s->next = q->free;
	q->free = s;
	q->active--;
}

struct net_header *slot_header(struct queue *q, const struct slot *s)
{
	return &q->headers[s - q->slots];
}

uint64_t slot_header_bus(const struct queue *q, const struct slot *s)
{
	return q->headers_bus + (uint64_t)(s - q->slots) * sizeof(struct net_header);
}
