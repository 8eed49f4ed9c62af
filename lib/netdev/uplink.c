/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link state of a unit, as its caller sees it. A restarted device may report a link that is down until
 * it has negotiated again: for the time of a grace that is not told, so a restart that succeeds shows
 * nothing. While the link is down no frame is overdue.
 */
#include "netdev/client.h"

static bool is_same(const struct net_link *a, const struct net_link *b)
{
	return a->is_up == b->is_up && a->speed_mbit == b->speed_mbit &&
	       a->is_full_duplex == b->is_full_duplex;
}

static void tell(struct netdev *d)
{
	d->t_link_grace_ns = 0;
	if (is_same(&d->link, &d->link_now))
		return;
	d->link = d->link_now;
	netdev_event(d, NDEV_LINK);
}

void netdev_take_link(struct netdev *d, const struct net_link *link)
{
	bool was_up = d->link_now.is_up;

	d->t_link_due_ns = 0;
	d->link_now = *link;
	d->link_now.is_up = link->is_up != 0;
	d->link_now.is_full_duplex = link->is_full_duplex != 0;
	if (d->link_now.is_up && !was_up)
		nqueue_postpone(&d->tx, now_ns() + netdev_cfg.deadline_ns);
	if (d->link_now.is_up || d->t_link_grace_ns == 0)
		tell(d);
}

void netdev_link_lost(struct netdev *d)
{
	d->link_now = (struct net_link){.unit = d->unit};
	tell(d);
}

void netdev_link_alarm(struct netdev *d, uint64_t now)
{
	if (d->t_link_due_ns != 0 && now >= d->t_link_due_ns) {
		d->t_link_due_ns = 0;
		netdev_accuse(d, RULE_N4, 0, "no link state", 13);
	}
	if (d->t_link_grace_ns != 0 && now >= d->t_link_grace_ns)
		tell(d);
}
