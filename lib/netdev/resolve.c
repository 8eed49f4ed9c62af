/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of the client half: "net.<unit>" says label and unit number, the label says the endpoint.
 * Both are subscribed to, once each (lib/unitname).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netdev/client.h"
#include "unitname/unitname.h"

#define KEY_PREFIX        "net."
#define SUBSCRIPTIONS_MAX (4 * NETDEV_MAX) /* units come and go, subscriptions stay */

static char key_table[SUBSCRIPTIONS_MAX][DS_KEY_MAX];
static struct unitname_keys keys = {.keys = key_table, .max = SUBSCRIPTIONS_MAX};

/* Taken down for good: nothing waits for it. */
static void set_gone(struct netdev *d)
{
	uint32_t serial = d->serial;

	if (d->is_gone)
		return;
	d->is_gone = true;
	d->t_offline_ns = d->t_retry_ns = 0;
	netdev_fail_waiting(d, -ENETDOWN);
	if (netdev_is_open(d, serial))
		netdev_link_lost(d);
	if (netdev_is_open(d, serial))
		netdev_event(d, NDEV_GONE);
}

static void set_endpoint(struct netdev *d, endpoint_t ep, uint32_t cause)
{
	uint32_t serial = d->serial;

	if ((d->ep == ep && ep != EP_NONE) || !netdev_take_last(d))
		return;
	netdev_lost(d, true);
	if (netdev_is_open(d, serial))
		netdev_judge(d, cause);
	if (!netdev_is_open(d, serial))
		return;
	d->ep = ep;
	if (ep == EP_NONE) {
		set_gone(d);
		return;
	}
	d->is_gone = false;
	netdev_attach(d);
	netdev_salvage(d);
}

static void find_endpoint(struct netdev *d)
{
	endpoint_t ep;

	if (!unitname_is_subscribed(&keys, d->label)) {
		/* ds repeats what it knows: netdev_ds_change() brings the endpoint */
		if (unitname_subscribe(&keys, d->label) != 0)
			sys_log("netdev: %s: cannot follow %s\n", d->name, d->label);
		return;
	}
	if (ds_lookup_label(d->label, &ep) == 0)
		set_endpoint(d, ep, CAUSE_NONE);
}

static void unit_named(struct netdev *d, const char *value)
{
	char label[LABEL_MAX];
	uint32_t unit, serial = d->serial;
	bool is_same;

	if (value[0] == '\0') { /* the server withdrew it */
		netdev_leave(d);
		if (!netdev_is_open(d, serial))
			return;
		d->label[0] = '\0';
		d->ep = EP_NONE;
		set_gone(d);
		return;
	}
	if (!unitname_parse(value, NET_UNITS_MAX, label, &unit)) {
		sys_log("netdev: net.%s names no usable server: %s\n", d->name, value);
		return;
	}
	is_same = strcmp(label, d->label) == 0 && unit == d->unit;
	if (is_same && (d->state != NETDEV_WAITING || d->ep == EP_NONE))
		return;
	if (is_same) { /* it refused, and says something new: try again */
		netdev_attach(d);
		return;
	}
	netdev_leave(d);
	if (!netdev_is_open(d, serial))
		return;
	d->is_gone = false;
	d->unit = unit;
	d->ep = EP_NONE;
	snprintf(d->label, sizeof(d->label), "%s", label);
	find_endpoint(d);
}

int netdev_resolve(struct netdev *d)
{
	char key[sizeof(KEY_PREFIX) + LABEL_MAX];
	char value[DS_VALUE_MAX];

	snprintf(key, sizeof(key), "%s%s", KEY_PREFIX, d->name);
	if (!unitname_is_subscribed(&keys, key))
		return unitname_subscribe(&keys, key);
	if (ds_lookup_str(key, value, sizeof(value)) == 0)
		unit_named(d, value);
	return 0;
}

static bool label_changed(const char *label, endpoint_t ep, uint32_t cause)
{
	bool is_ours = false;

	for (unsigned i = 0; i < NETDEV_MAX; i++) {
		struct netdev *d = &netdev_units[i];

		if (!d->is_used || strcmp(d->label, label) != 0)
			continue;
		set_endpoint(d, ep, cause);
		is_ours = true;
	}
	return is_ours;
}

bool netdev_ds_change(const struct ds_change *c)
{
	size_t prefix = strlen(KEY_PREFIX);
	char key[DS_KEY_MAX], value[DS_VALUE_MAX];

	snprintf(key, sizeof(key), "%.*s", DS_KEY_MAX - 1, c->key);
	if (c->result == DS_LABEL && label_changed(key, c->value.label.ep, c->value.label.cause))
		return true;
	if (c->result != DS_STR || strncmp(key, KEY_PREFIX, prefix) != 0)
		return unitname_is_subscribed(&keys, key);
	snprintf(value, sizeof(value), "%.*s", DS_VALUE_MAX - 1, c->value.str);
	for (unsigned i = 0; i < NETDEV_MAX; i++)
		if (netdev_units[i].is_used && netdev_units[i].state != NETDEV_CLOSING &&
		    strcmp(netdev_units[i].name, key + prefix) == 0)
			unit_named(&netdev_units[i], value);
	return unitname_is_subscribed(&keys, key);
}
