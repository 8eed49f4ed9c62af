/* SPDX-License-Identifier: BSD-2-Clause */
/* Configurations: see conf.h. */
#include <string.h>

#include "netdev/conf.h"

static bool is_same(const struct net_conf *a, const struct net_conf *b)
{
	return a->mode == b->mode && a->offloads == b->offloads &&
	       a->multicast_count == b->multicast_count &&
	       memcmp(a->multicast, b->multicast, a->multicast_count * sizeof(a->multicast[0])) ==
	               0;
}

void netconf_want(struct netconf *c, const struct net_conf *wanted)
{
	c->wanted = *wanted;
	c->wanted.id = c->wanted.session = 0;
}

const struct net_conf *netconf_next(struct netconf *c, uint32_t offloads)
{
	struct net_conf wanted = c->wanted;

	if (c->has_pending)
		return NULL;
	wanted.offloads &= offloads;
	if (c->has_active && !c->is_confirmed)
		c->pending = c->active;
	else if (!c->is_confirmed || !is_same(&wanted, &c->active))
		c->pending = wanted;
	else
		return NULL;
	c->has_pending = true;
	return &c->pending;
}

void netconf_unsent(struct netconf *c)
{
	c->has_pending = false;
}

void netconf_answered(struct netconf *c, int result)
{
	if (!c->has_pending)
		return;
	c->has_pending = false;
	if (result == 0) {
		c->active = c->pending;
		c->has_active = c->is_confirmed = true;
	} else if (c->is_confirmed) {
		c->wanted = c->active;
	} else {
		c->has_active = false; /* the next try says what is wanted, and nothing before */
	}
}

void netconf_lost(struct netconf *c)
{
	if (c->has_pending) {
		c->active = c->pending;
		c->has_active = true;
	}
	c->has_pending = c->is_confirmed = false;
}

void netconf_forget(struct netconf *c)
{
	c->has_pending = c->has_active = c->is_confirmed = false;
}
