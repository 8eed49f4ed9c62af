/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server half of the network protocol: units: names, link state, counters.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netdev/host.h"
#include "unitname/unitname.h"

int nserver_publish(const char *name, unsigned unit)
{
	return unitname_publish("net.", name, unit);
}

int nserver_unpublish(const char *name)
{
	return unitname_unpublish("net.", name);
}

bool nserver_is_running(unsigned unit)
{
	return unit < NET_UNITS_MAX && nserver_units[unit].session.is_running;
}

/* ---- link ---- */

static bool is_same_link(const struct net_link *a, const struct net_link *b)
{
	return a->is_up == b->is_up && a->speed_mbit == b->speed_mbit &&
	       a->is_full_duplex == b->is_full_duplex;
}

void nserver_link(unsigned unit, const struct net_link *link)
{
	struct nserver_unit *u = &nserver_units[unit];

	SYS_ASSERT(unit < NET_UNITS_MAX);
	if (is_same_link(&u->link, link))
		return;
	u->link = *link;
	u->is_link_due = true;
}

const struct net_link *nserver_link_of(unsigned unit)
{
	SYS_ASSERT(unit < NET_UNITS_MAX);
	return &nserver_units[unit].link;
}

void unit_tell_link(struct nserver_unit *u)
{
	struct net_link link = u->link;
	struct msg m;

	if (!u->is_link_due || !u->session.is_running)
		return;
	link.unit = u->session.unit;
	msg_put(&m, NET_LINK, &link);
	/* No room: the next turn of the loop tries again. */
	u->is_link_due = sys_asend(u->session.client, &m) == -EAGAIN;
}

/* ---- counters ---- */

void nserver_get_stats(unsigned unit, struct nserver_stats *s)
{
	memset(s, 0, sizeof(*s));
	if (unit < NET_UNITS_MAX)
		*s = nserver_units[unit].count;
}

static int unit_text(unsigned unit, char *buf, size_t len)
{
	const struct nserver_unit *u = &nserver_units[unit];
	const struct nserver_stats *c = &u->count;

	return snprintf(
		buf, len,
		"unit.%u=%s link=%s speed_mbit=%u tx_frames=%llu tx_bytes=%llu tx_dropped=%llu "
		"tx_pending=%u rx_frames=%llu rx_bytes=%llu rx_no_buffer=%llu rx_buffers=%u "
		"violations=%llu sessions=%llu\n",
		unit, u->session.is_running ? "running" : "idle", u->link.is_up ? "up" : "down",
		u->link.speed_mbit, (unsigned long long)c->tx_frames,
		(unsigned long long)c->tx_bytes, (unsigned long long)c->tx_dropped,
		u->session.tx.pending, (unsigned long long)c->rx_frames,
		(unsigned long long)c->rx_bytes, (unsigned long long)c->rx_no_buffer,
		u->session.rx.pending, (unsigned long long)c->violations,
		(unsigned long long)c->sessions);
}

int nserver_status_text(char *buf, size_t len)
{
	size_t used = 0;

	for (unsigned i = 0; i < NET_UNITS_MAX && used < len; i++)
		if (nserver_units[i].count.sessions > 0)
			used += (size_t)unit_text(i, buf + used, len - used);
	return (int)(used < len ? used : len);
}
