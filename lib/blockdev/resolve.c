/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of the client half: "blk.<unit>" says label and unit number, the label says the endpoint.
 * Both are subscribed to, once each; ds repeats an entry that exists already, so a first connection
 * and a reconnection take the same way.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockdev/client.h"
#include "unitname/unitname.h"

#define KEY_PREFIX        "blk."
#define SUBSCRIPTIONS_MAX (BDEV_UNITS_MAX + BDEV_SERVERS_MAX)

static char key_table[SUBSCRIPTIONS_MAX][DS_KEY_MAX];
static struct unitname_keys keys = {.keys = key_table, .max = SUBSCRIPTIONS_MAX};

/* ---- servers ---- */

static void reclaim(struct server *s)
{
	free(s->region); /* what the old server still maps stays its own copy of the frames */
	s->is_used = false;
}

static struct server *new_server(const char *label)
{
	struct server *s = NULL;

	for (unsigned i = 1; i <= BDEV_SERVERS_MAX && s == NULL; i++)
		if (!bdev_servers[i].is_used)
			s = &bdev_servers[i];
	for (unsigned i = 1; i <= BDEV_SERVERS_MAX && s == NULL; i++)
		if (bdev_servers[i].unit_count == 0 && bdev_servers[i].state == SERVER_WAITING) {
			s = &bdev_servers[i];
			reclaim(s);
		}
	if (s == NULL)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->is_used = true;
	s->ep = EP_NONE;
	s->region_grant = GRANT_INVALID;
	for (unsigned i = 0; i < BLK_ARENAS_MAX; i++)
		s->arena_grants[i] = GRANT_INVALID;
	snprintf(s->label, sizeof(s->label), "%s", label);
	bqueue_init(&s->queue, bdev_cfg.slots);
	return s;
}

static struct server *find_server(const char *label)
{
	for (unsigned i = 1; i <= BDEV_SERVERS_MAX; i++)
		if (bdev_servers[i].is_used && strcmp(bdev_servers[i].label, label) == 0)
			return &bdev_servers[i];
	return NULL;
}

static void set_endpoint(struct server *s, endpoint_t ep, uint32_t cause)
{
	if (s->ep == ep)
		return;
	server_lost(s, true);
	server_judge(s, cause);
	s->ep = ep;
	if (ep == EP_NONE) { /* taken down for good */
		s->t_offline_ns = 0;
		server_fail_waiting(s, NULL, -EIO);
		return;
	}
	if (s->unit_count > 0)
		server_attach(s);
}

static struct server *server_for(const char *label)
{
	struct server *s = find_server(label);
	endpoint_t ep;

	if (s != NULL)
		return s;
	s = new_server(label);
	if (s == NULL)
		return NULL;
	if (!unitname_is_subscribed(&keys, label)) {
		if (unitname_subscribe(&keys, label) == 0)
			return s;
		s->is_used = false;
		return NULL;
	}
	if (ds_lookup_label(label, &ep) == 0)
		set_endpoint(s, ep, CAUSE_NONE);
	return s;
}

/* ---- units ---- */

/* What was sent to the old server waits again, in order, at the new one. */
static void move_unit(struct bdev *b, struct server *to)
{
	struct server *from = b->server;

	if (from == to)
		return;
	if (b->state >= UNIT_OPENING) {
		server_lost(from, false);
		from->t_retry_ns = now_ns();
	}
	bqueue_move(&from->queue, &to->queue, b);
	if (from->unit_count > 0)
		from->unit_count--;
	to->unit_count++;
	b->server = to;
	/* A server of which nothing is wanted has no session: its return is nothing to us. */
	if (to->state == SERVER_WAITING && to->ep != EP_NONE && to->t_retry_ns == 0)
		server_attach(to);
}

static void unit_named(struct bdev *b, const char *value)
{
	char label[LABEL_MAX];
	uint32_t unit;
	struct server *s;

	if (value[0] == '\0') { /* its server gave it up: it will say so */
		if (b->state == UNIT_OPEN && b->server->state == SERVER_UP) {
			unit_medium_left(b);
			server_open_unit(b->server, b, false);
		} else if (b->state != UNIT_OPEN && b->state != UNIT_OPENING)
			server_fail_waiting(b->server, b, -EIO);
		return;
	}
	if (!unitname_parse(value, BLK_UNITS_MAX, label, &unit) ||
	    (s = server_for(label)) == NULL) {
		sys_log("blockdev: blk.%s names no usable server: %s\n", b->name, value);
		return;
	}
	move_unit(b, s);
	b->was_named = true;
	if (b->unit != unit || b->state == UNIT_UNKNOWN || b->state == UNIT_REFUSED) {
		b->unit = unit;
		b->state = UNIT_KNOWN;
		if (s->state == SERVER_UP || s->state == SERVER_SETUP)
			server_open_unit(s, b, false);
	}
}

int resolve_start(struct bdev *b)
{
	char key[sizeof(KEY_PREFIX) + LABEL_MAX];
	char value[DS_VALUE_MAX];

	snprintf(key, sizeof(key), "%s%s", KEY_PREFIX, b->name);
	if (bdev_servers[0].queue.slots == 0)
		bqueue_init(&bdev_servers[0].queue, bdev_cfg.slots);
	if (!unitname_is_subscribed(&keys, key))
		return unitname_subscribe(&keys, key);
	if (ds_lookup_str(key, value, sizeof(value)) == 0)
		unit_named(b, value);
	return 0;
}

bool bdev_ds_change(const struct ds_change *c)
{
	size_t prefix = strlen(KEY_PREFIX);
	char key[DS_KEY_MAX], value[DS_VALUE_MAX];
	struct server *s;
	bool is_ours = false;

	snprintf(key, sizeof(key), "%.*s", DS_KEY_MAX - 1, c->key);
	s = find_server(key);
	if (c->result == DS_LABEL && s != NULL) {
		set_endpoint(s, c->value.label.ep, c->value.label.cause);
		return true;
	}
	if (c->result != DS_STR || strncmp(key, KEY_PREFIX, prefix) != 0)
		return false;
	snprintf(value, sizeof(value), "%.*s", DS_VALUE_MAX - 1, c->value.str);
	for (unsigned i = 0; i < BDEV_UNITS_MAX; i++)
		if (bdev_units[i].is_used && bdev_units[i].state != UNIT_CLOSING &&
		    strcmp(bdev_units[i].name, key + prefix) == 0) {
			unit_named(&bdev_units[i], value);
			is_ours = true;
		}
	return is_ours || unitname_is_subscribed(&keys, key);
}
