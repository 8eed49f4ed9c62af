/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames that wait, sorted by the time at which they go on; equal times keep their order. Pure. */
#ifndef NETFAULT_LINE_H
#define NETFAULT_LINE_H

#include "netfilter/netfilter.h"

struct line {
	struct netfilter_hold *head, *tail;
	unsigned count;
};

void line_add(struct line *l, struct netfilter_hold *h);
void line_remove(struct line *l, struct netfilter_hold *h); /* it must be in it */
/* The first one, if its time has come; else NULL. */
struct netfilter_hold *line_take_due(struct line *l, uint64_t now_ns);

#endif
