/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The three configurations of a unit (architecture, "Network protocol"). Pure.
 *
 *     netconf_want -> wanted --netconf_next--> pending --netconf_answered(0)--> active
 *
 * When a session ends, what was pending counts as active: the server may have done it, and the next
 * one is told first. Then wanted follows, if it differs.
 */
#ifndef LIB_NETDEV_CONF_H
#define LIB_NETDEV_CONF_H

#include "axolotl/net.h"

struct netconf {
	struct net_conf wanted, pending, active;
	bool has_pending;  /* sent, not answered */
	bool has_active;   /* something was answered once, or counts as such */
	bool is_confirmed; /* this session has `active` */
};

void netconf_want(struct netconf *c, const struct net_conf *wanted);
/* What is to be sent now, and counts as pending from here on; NULL: nothing. `offloads`: what the unit
 * has. */
const struct net_conf *netconf_next(struct netconf *c, uint32_t offloads);
/* It could not be sent. */
void netconf_unsent(struct netconf *c);
/* The server did it, or refused: then what was active stays, and `wanted` falls back to it. */
void netconf_answered(struct netconf *c, int result);
/* The session is over. */
void netconf_lost(struct netconf *c);
/* Another device: nothing was ever told to it. */
void netconf_forget(struct netconf *c);

#endif
