/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/sys, kernel, ds and vm for tests of two halves of a protocol: see peers.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "peers.h"

#define GRANTS    256
#define QUEUE_MAX 512
#define CHANGES   64

struct peers peers;

static char unit_key[DS_KEY_MAX];

struct queue {
	struct msg m[QUEUE_MAX];
	unsigned head, tail;
};
static struct queue to_client, to_server;
static bool ring_client, ring_server;
static struct {
	bool is_used;
	endpoint_t grantee;
	uint8_t *base;
	size_t len;
} grants[GRANTS];
static struct ds_change changes[CHANGES];
static unsigned change_count;
static char subscriptions[32][48];
static unsigned subscription_count;
static endpoint_t next_server = 200;
static char published[DS_VALUE_MAX]; /* value of the unit's key; "": none */

/* ---- lib/sys ---- */

const char *sys_label(void)
{
	return PEERS_SERVER_LABEL;
}

uint64_t now_ns(void)
{
	return ++peers.now;
}

void sys_log(const char *fmt, ...)
{
	(void)fmt;
}

void log_event(enum event_kind kind, endpoint_t ep, const char *label, uint64_t a, uint64_t b)
{
	(void)ep;
	(void)label;
	(void)b;
	peers.events[kind]++;
	peers.last_args[kind] = a;
}

void sys_violation(endpoint_t ep, enum violation kind, uint64_t detail)
{
	(void)ep;
	(void)kind;
	(void)detail;
	peers.violations++;
}

void sys_complain(endpoint_t about, enum proto_rule rule, uint32_t unit, uint32_t request,
                  const void *evidence, size_t len)
{
	(void)unit;
	(void)request;
	(void)evidence;
	(void)len;
	if (about == peers.server)
		peers.complaints++;
	peers.last_rule = rule;
}

static void put(struct queue *q, endpoint_t from, const struct msg *m)
{
	if (q->tail - q->head == QUEUE_MAX)
		abort();
	q->m[q->tail % QUEUE_MAX] = *m;
	q->m[q->tail++ % QUEUE_MAX].source = from;
}

int sys_asend(endpoint_t dst, const struct msg *m)
{
	if (dst == PEERS_CLIENT)
		put(&to_client, peers.server, m);
	else if (dst == peers.server)
		put(&to_server, PEERS_CLIENT, m);
	else
		peers.to_stranger = *m;
	return 0; /* to the dead: told later, or never */
}

void sys_asend_cancel(endpoint_t dst)
{
	(void)dst;
}

void sys_reply_bytes(const struct msg *req, enum ipc_primitive how, const void *payload, size_t len)
{
	struct msg m;

	(void)how;
	msg_put_bytes(&m, req->type | MSG_REPLY, payload, len);
	if (sys_asend(req->source, &m) != 0)
		abort();
}

int ipc_notify(endpoint_t dst)
{
	peers.notifies++;
	if (dst == PEERS_CLIENT)
		ring_client = true;
	else if (dst == peers.server && dst != EP_NONE)
		ring_server = true;
	else if (dst == PEERS_STRANGER)
		return 0;
	else
		return -EDEADSRCDST;
	return 0;
}

grant_t grant_direct(endpoint_t grantee, const void *addr, size_t len, unsigned access)
{
	(void)access;
	for (int i = 0; i < GRANTS; i++) {
		if (grants[i].is_used)
			continue;
		grants[i].is_used = true;
		grants[i].grantee = grantee;
		grants[i].base = (uint8_t *)(uintptr_t)addr;
		grants[i].len = len;
		return i;
	}
	return GRANT_INVALID;
}

grant_t grant_indirect(endpoint_t grantee, endpoint_t from, grant_t parent, uint64_t offset,
                       size_t len, unsigned access)
{
	(void)from;
	return grant_direct(grantee, grants[parent].base + offset, len, access);
}

void grant_revoke(grant_t g)
{
	if (g != GRANT_INVALID)
		grants[g].is_used = false;
}

void grant_revoke_map(grant_t g)
{
	grant_revoke(g);
}

static uint8_t *granted(grant_t g, uint64_t offset, size_t len)
{
	if (g < 0 || g >= GRANTS || !grants[g].is_used || grants[g].grantee != peers.server ||
	    offset + len > grants[g].len)
		return NULL;
	return grants[g].base + offset;
}

void *vm_safemap(endpoint_t grantor, grant_t g, uint64_t offset, size_t len, unsigned prot)
{
	(void)prot;
	return grantor == PEERS_CLIENT ? granted(g, offset, len) : NULL;
}

int vm_unmap(void *addr, size_t len)
{
	(void)addr;
	(void)len;
	return 0;
}

int k_mapdma(const void *addr, uint64_t *bus, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		bus[i] = (uintptr_t)addr + i * PAGE_BYTES;
	return 0;
}

int k_safecopy_from(endpoint_t grantor, grant_t g, uint64_t offset, void *local, size_t len)
{
	const uint8_t *from = grantor == PEERS_CLIENT ? granted(g, offset, len) : NULL;

	if (from == NULL)
		return -EFAULT;
	memcpy(local, from, len);
	return 0;
}

int k_safecopy_to(endpoint_t grantor, grant_t g, uint64_t offset, const void *local, size_t len)
{
	uint8_t *to = grantor == PEERS_CLIENT ? granted(g, offset, len) : NULL;

	if (to == NULL)
		return -EFAULT;
	memcpy(to, local, len);
	return 0;
}

/* ---- ds ---- */

static void change(const char *key, enum ds_type type, const char *str, endpoint_t ep)
{
	struct ds_change c = {.result = (int)type};
	char escaped[48];
	bool is_wanted = false;

	/* Patterns of the library are plain keys with escapes. */
	for (unsigned i = 0; i < subscription_count; i++) {
		unsigned n = 0;

		for (const char *p = subscriptions[i]; *p != '\0'; p++)
			if (*p != '\\')
				escaped[n++] = *p;
		escaped[n] = '\0';
		is_wanted |= strcmp(escaped, key) == 0;
	}
	if (!is_wanted)
		return;
	if (change_count == CHANGES)
		abort();
	snprintf(c.key, sizeof(c.key), "%s", key);
	if (type == DS_LABEL)
		c.value.label = (typeof(c.value.label)){.ep = ep, .cause = peers.cause};
	else
		snprintf(c.value.str, sizeof(c.value.str), "%s", str);
	changes[change_count++] = c;
}

int ds_publish_str(const char *key, const char *value)
{
	if (strcmp(key, unit_key) == 0)
		snprintf(published, sizeof(published), "%s", value);
	change(key, DS_STR, value, EP_NONE);
	return 0;
}

int ds_delete(const char *key)
{
	if (strcmp(key, unit_key) == 0)
		published[0] = '\0';
	change(key, DS_STR, "", EP_NONE);
	return 0;
}

int ds_subscribe(const char *pattern)
{
	snprintf(subscriptions[subscription_count++], 48, "%s", pattern);
	if (published[0] != '\0')
		change(unit_key, DS_STR, published, EP_NONE);
	if (peers.server != EP_NONE)
		change(PEERS_SERVER_LABEL, DS_LABEL, "", peers.server);
	return 0;
}

int ds_lookup_label(const char *label, endpoint_t *ep)
{
	(void)label;
	*ep = peers.server;
	return peers.server == EP_NONE ? -ENOENT : 0;
}

int ds_lookup_str(const char *key, char *buf, size_t len)
{
	(void)key;
	snprintf(buf, len, "%s", published);
	return published[0] != '\0' ? 0 : -ENOENT;
}

/* ---- time and death ---- */

void peers_reset(const char *key)
{
	memset(&peers, 0, sizeof(peers));
	memset(grants, 0, sizeof(grants));
	snprintf(unit_key, sizeof(unit_key), "%s", key);
	peers.server = EP_NONE;
	peers.now = 1000;
	published[0] = '\0';
	to_client.head = to_client.tail = to_server.head = to_server.tail = 0;
	ring_client = ring_server = false;
	change_count = 0;
}

void peers_new_server(void)
{
	peers.server = next_server++;
}

void peers_tell_server(enum rs_cause cause)
{
	peers.cause = cause;
	change(PEERS_SERVER_LABEL, DS_LABEL, "", peers.server);
}

void peers_kill_server(void)
{
	peers.server = EP_NONE;
	to_server.head = to_server.tail;
	ring_server = false;
}

/* ---- what waits ---- */

static bool take(struct queue *q, struct msg *m)
{
	if (q->head == q->tail)
		return false;
	*m = q->m[q->head++ % QUEUE_MAX];
	return true;
}

bool peers_for_server(struct msg *m)
{
	return peers.server != EP_NONE && take(&to_server, m);
}

bool peers_for_client(struct msg *m)
{
	return take(&to_client, m);
}

static bool take_bell(bool *bell)
{
	bool rings = *bell;

	*bell = false;
	return rings;
}

bool peers_rings_server(void)
{
	return peers.server != EP_NONE && take_bell(&ring_server);
}

bool peers_rings_client(void)
{
	return take_bell(&ring_client);
}

bool peers_change(struct ds_change *c)
{
	if (change_count == 0)
		return false;
	*c = changes[0];
	memmove(changes, changes + 1, --change_count * sizeof(changes[0]));
	return true;
}

bool peers_are_quiet(void)
{
	return change_count == 0 && !ring_client && !ring_server &&
	       to_server.head == to_server.tail;
}
