/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/sys, kernel, ds and vm for the tests of lib/blockdev: see world.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "blockdev/client.h"
#include "blockdev/host.h"
#include "world.h"

#define CLIENT       100
#define GRANTS       256
#define QUEUE_MAX    512
#define SERVER_LABEL "disk"

struct world world;

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
static struct ds_change changes[64];
static unsigned change_count;
static char subscriptions[32][48];
static unsigned subscription_count;
static endpoint_t next_server = 200;
static bool is_published;

/* ---- lib/sys ---- */

const char *sys_label(void)
{
	return SERVER_LABEL;
}

uint64_t now_ns(void)
{
	return ++world.now;
}

void sys_log(const char *fmt, ...)
{
	(void)fmt;
}

void sys_panic(const char *fmt, ...)
{
	fprintf(stderr, "panic: %s\n", fmt);
	abort();
}

void log_event(enum event_kind kind, endpoint_t ep, const char *label, uint64_t a, uint64_t b)
{
	(void)ep;
	(void)label;
	(void)b;
	world.events[kind]++;
	world.last_args[kind] = a;
}

void sys_violation(endpoint_t ep, enum violation kind, uint64_t detail)
{
	(void)ep;
	(void)kind;
	(void)detail;
	world.violations++;
}

void sys_complain(endpoint_t about, enum proto_rule rule, uint32_t unit, uint32_t request,
                  const void *evidence, size_t len)
{
	(void)unit;
	(void)request;
	(void)evidence;
	(void)len;
	if (about == world.server)
		world.complaints++;
	world.last_rule = rule;
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
	if (dst == CLIENT)
		put(&to_client, world.server, m);
	else if (dst == world.server)
		put(&to_server, CLIENT, m);
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
	world.notifies++;
	if (dst == CLIENT)
		ring_client = true;
	else if (dst == world.server && dst != EP_NONE)
		ring_server = true;
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
	if (g < 0 || g >= GRANTS || !grants[g].is_used || grants[g].grantee != world.server ||
	    offset + len > grants[g].len)
		return NULL;
	return grants[g].base + offset;
}

void *vm_safemap(endpoint_t grantor, grant_t g, uint64_t offset, size_t len, unsigned prot)
{
	(void)prot;
	return grantor == CLIENT ? granted(g, offset, len) : NULL;
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
	const uint8_t *from = grantor == CLIENT ? granted(g, offset, len) : NULL;

	if (from == NULL)
		return -EFAULT;
	memcpy(local, from, len);
	return 0;
}

int k_safecopy_to(endpoint_t grantor, grant_t g, uint64_t offset, const void *local, size_t len)
{
	uint8_t *to = grantor == CLIENT ? granted(g, offset, len) : NULL;

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
	snprintf(c.key, sizeof(c.key), "%s", key);
	if (type == DS_LABEL) {
		c.value.label.ep = ep;
		c.value.label.cause = world.cause;
	} else {
		snprintf(c.value.str, sizeof(c.value.str), "%s", str);
	}
	changes[change_count++] = c;
}

int ds_publish_str(const char *key, const char *value)
{
	is_published = true;
	change(key, DS_STR, value, EP_NONE);
	return 0;
}

int ds_delete(const char *key)
{
	(void)key;
	return 0;
}

int ds_subscribe(const char *pattern)
{
	snprintf(subscriptions[subscription_count++], 48, "%s", pattern);
	if (is_published)
		change("blk.d0", DS_STR, SERVER_LABEL ":0", EP_NONE);
	if (world.server != EP_NONE)
		change(SERVER_LABEL, DS_LABEL, "", world.server);
	return 0;
}

int ds_lookup_label(const char *label, endpoint_t *ep)
{
	(void)label;
	*ep = world.server;
	return world.server == EP_NONE ? -ENOENT : 0;
}

int ds_lookup_str(const char *key, char *buf, size_t len)
{
	(void)key;
	snprintf(buf, len, SERVER_LABEL ":0");
	return is_published ? 0 : -ENOENT;
}

/* ---- the disk ---- */

static int disk_info(unsigned unit, struct blk_info *info)
{
	if (unit != 0)
		return -ENXIO;
	*info = (struct blk_info){.sectors = DISK_SECTORS - world.fewer_sectors,
	                          .physical_sector_bytes = 512,
	                          .max_bytes = BLK_REQUEST_MAX,
	                          .max_elements = BLK_ELEMENTS_MAX,
	                          .queue_depth = 32,
	                          .replicas = 2,
	                          .flags = world.info_flags};
	return world.info_result;
}

static int disk_open(unsigned unit, unsigned access)
{
	(void)unit;
	(void)access;
	world.opens++;
	return 0;
}

static void disk_close(unsigned unit)
{
	(void)unit;
	world.closes++;
}

static void disk_submit(struct bserver_request *r)
{
	uint64_t at = r->sector * BLK_SECTOR;

	world.order[world.submitted++ % 4096] = r->sector;
	if (world.mode == DISK_HOLDS) {
		world.held[world.held_count++] = r;
		return;
	}
	for (unsigned i = 0; i < r->element_count && world.mode == DISK_WORKS; i++) {
		if (r->op == BLK_READ)
			memcpy(r->elements[i].ptr, world.disk + at, r->elements[i].len_bytes);
		else
			memcpy(world.disk + at, r->elements[i].ptr, r->elements[i].len_bytes);
		at += r->elements[i].len_bytes;
	}
	if (r->op == BLK_SYNC) {
		r->next_sector = r->sector + r->sectors;
		r->next_sectors = r->next_sector < DISK_SECTORS ? 8 : 0;
		r->next_replicas = 3;
	}
	if (world.want_lie) {
		world.want_lie = false;
		bserver_complete_lying(r, world.lie);
		return;
	}
	bserver_complete(r, world.mode == DISK_WORKS ? 0 : -EIO);
}

static const struct bserver_ops disk_ops = {
	.info = disk_info, .open = disk_open, .close = disk_close, .submit = disk_submit};

/* ---- time and death ---- */

void world_reset(void)
{
	for (unsigned i = 0; i <= BDEV_SERVERS_MAX; i++)
		free(bdev_servers[i].region);
	memset(&world, 0, sizeof(world));
	memset(bdev_servers, 0, sizeof(bdev_servers));
	memset(bdev_units, 0, sizeof(bdev_units));
	bdev_servers[0].is_used = true;
	bdev_servers[0].ep = EP_NONE;
	bdev_servers[0].region_grant = GRANT_INVALID;
	for (int i = 0; i < BLK_ARENAS_MAX; i++)
		bdev_arena_drop(i);
	memset(grants, 0, sizeof(grants));
	memset(&bdev_count, 0, sizeof(bdev_count));
	world.server = EP_NONE;
	world.now = 1000;
	is_published = false;
	to_client.head = to_client.tail = to_server.head = to_server.tail = 0;
	ring_client = ring_server = false;
	change_count = 0;
}

void world_start_server(void)
{
	struct bserver_config c = {.ops = &disk_ops, .maps_arenas = true};

	memset(bserver_sessions, 0, sizeof(bserver_sessions));
	world.held_count = 0;
	world.server = next_server++;
	bserver_init(&c);
	if (bserver_publish("d0", 0) != 0)
		abort();
	change(SERVER_LABEL, DS_LABEL, "", world.server);
}

void world_kill_server(void)
{
	for (unsigned i = 0; i < BSERVER_SESSIONS_MAX; i++)
		for (unsigned a = 0; a < BLK_ARENAS_MAX; a++) {
			free(bserver_sessions[i].arenas[a].bus);
			free(bserver_sessions[i].arenas[a].run);
		}
	world.server = EP_NONE;
	to_server.head = to_server.tail;
	ring_server = false;
}

void world_remove_label(void)
{
	world_kill_server();
	change(SERVER_LABEL, DS_LABEL, "", EP_NONE);
}

static bool step(void)
{
	bool any = false;

	for (unsigned i = 0; i < change_count; i++) {
		struct ds_change c = changes[i];

		any |= bdev_ds_change(&c);
	}
	change_count = 0;
	while (world.server != EP_NONE && to_server.head != to_server.tail) {
		any = true;
		bserver_message(&to_server.m[to_server.head++ % QUEUE_MAX], IPC_ASEND);
	}
	if (ring_server && world.server != EP_NONE) {
		ring_server = false;
		any = bserver_doorbell(CLIENT) || any;
	}
	if (world.server != EP_NONE)
		bserver_idle();
	while (to_client.head != to_client.tail) {
		any = true;
		bdev_message(&to_client.m[to_client.head++ % QUEUE_MAX]);
	}
	if (ring_client) {
		ring_client = false;
		any = bdev_doorbell(world.server) || any;
	}
	bdev_idle();
	return any || change_count > 0 || ring_client || ring_server ||
	       to_server.head != to_server.tail;
}

void world_run(void)
{
	while (step())
		;
}

void world_advance(uint64_t ns)
{
	world.now += ns;
	bdev_alarm(world.now);
	world_run();
}

void world_release_held(unsigned count, int status)
{
	for (unsigned i = 0; i < count; i++)
		bserver_complete(world.held[i], status);
	world.held_count -= count;
	for (unsigned i = 0; i < world.held_count; i++)
		world.held[i] = world.held[i + count];
	world_run();
}
