/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server half of the block protocol: sessions, units and control messages. A session number carries
 * a random start, so that one of an earlier incarnation never matches (-ERESTART).
 */
#include <errno.h>
#include <string.h>

#include "blockdev/host.h"
#include "ring/blk_region.h"
#include "sys/control.h"
#include "unitname/unitname.h"

struct bserver_config bserver_cfg;
struct bserver_session bserver_sessions[BSERVER_SESSIONS_MAX];

static uint32_t next_number;

/* OPEN and GETINFO of units that are not known yet. */
static struct control_parking parking;

int bserver_publish(const char *name, unsigned unit)
{
	return unitname_publish("blk.", name, unit);
}

int bserver_unpublish(const char *name)
{
	return unitname_unpublish("blk.", name);
}

unsigned bserver_open_count(unsigned unit)
{
	unsigned count = 0;

	for (unsigned i = 0; i < BSERVER_SESSIONS_MAX && unit < BLK_UNITS_MAX; i++)
		if (bserver_sessions[i].is_used)
			count += bserver_sessions[i].open_count[unit];
	return count;
}

unsigned bserver_open_access(unsigned unit)
{
	unsigned access = 0;

	for (unsigned i = 0; i < BSERVER_SESSIONS_MAX && unit < BLK_UNITS_MAX; i++)
		if (bserver_sessions[i].is_used && bserver_sessions[i].open_count[unit] > 0)
			access |= bserver_sessions[i].access[unit];
	return access;
}

void bserver_forget_opens(unsigned unit)
{
	for (unsigned i = 0; i < BSERVER_SESSIONS_MAX && unit < BLK_UNITS_MAX; i++)
		bserver_sessions[i].open_count[unit] = bserver_sessions[i].access[unit] = 0;
}

/* ---- sessions ---- */

static struct arena_use arena_use(void)
{
	return (struct arena_use){.how = (bserver_cfg.maps_arenas ? ARENA_PTR : 0) |
	                                 (bserver_cfg.wants_bus ? ARENA_BUS : 0),
	                          .added = bserver_cfg.ops->arena_added,
	                          .removed = bserver_cfg.ops->arena_removed};
}

void session_free_if_idle(struct bserver_session *s)
{
	const struct arena_use use = arena_use();

	if (s->pending > 0)
		return;
	arena_remove_all(&s->arenas, &use);
	(void)!vm_unmap(s->region, s->region_bytes); /* fails if the client has revoked it */
	s->is_used = false;
}

void session_drop(struct bserver_session *s)
{
	if (s->is_dropped)
		return;
	s->is_dropped = true;
	for (unsigned unit = 0; unit < BLK_UNITS_MAX; unit++) {
		if (s->open_count[unit] > 0 && bserver_cfg.ops->close != NULL)
			bserver_cfg.ops->close(unit);
		s->open_count[unit] = 0;
	}
	session_free_if_idle(s);
}

void session_violation(struct bserver_session *s, uint64_t detail)
{
	bserver_count.violations++;
	sys_violation(s->client, VIOL_REQUEST, detail);
	session_drop(s);
}

static struct bserver_session *find_session(const struct msg *m, uint32_t number)
{
	for (unsigned i = 0; i < BSERVER_SESSIONS_MAX; i++) {
		struct bserver_session *s = &bserver_sessions[i];

		if (s->is_used && !s->is_dropped && s->number == number && s->client == m->source)
			return s;
	}
	return NULL;
}

/* A new ATTACH ends the client's former session; the dead are found by ringing at them. */
static void drop_stale(endpoint_t client)
{
	for (unsigned i = 0; i < BSERVER_SESSIONS_MAX; i++) {
		struct bserver_session *s = &bserver_sessions[i];

		if (s->is_used && !s->is_dropped &&
		    (s->client == client || ipc_notify(s->client) == -EDEADSRCDST))
			session_drop(s);
	}
}

static int map_region(struct bserver_session *s, const struct msg *m, const struct blk_attach *req)
{
	int err;

	s->region_bytes = blk_region_bytes(req->slots);
	if (s->region_bytes == 0 || req->region_bytes != s->region_bytes)
		return -EINVAL;
	s->region =
		vm_safemap(m->source, req->region_grant, 0, s->region_bytes, VMP_READ | VMP_WRITE);
	if (s->region == NULL)
		return -EFAULT;
	err = ring_consumer_attach(&s->requests, blk_region_requests(s->region), req->slots,
	                           req->generation);
	if (err == 0)
		err = ring_producer_attach(&s->completions,
		                           blk_region_completions(s->region, req->slots),
		                           req->slots, req->generation);
	if (err != 0)
		(void)!vm_unmap(s->region, s->region_bytes);
	return err;
}

static int do_attach(const struct msg *m, struct blk_rep *rep)
{
	struct blk_attach req;
	struct bserver_session *s = NULL;
	int err;

	msg_get(m, &req);
	rep->id = req.id;
	drop_stale(m->source);
	for (unsigned i = 0; i < BSERVER_SESSIONS_MAX && s == NULL; i++)
		if (!bserver_sessions[i].is_used)
			s = &bserver_sessions[i];
	if (s == NULL)
		return -ENOSPC;
	memset(s, 0, sizeof(*s));
	err = map_region(s, m, &req);
	if (err != 0)
		return err;
	if (next_number == 0)
		next_number = (uint32_t)now_ns() | 1;
	s->is_used = true;
	s->client = m->source;
	s->number = rep->value = next_number++;
	bserver_count.sessions++;
	return 0;
}

static int do_arena(const struct msg *m, struct blk_rep *rep)
{
	const struct arena_use use = arena_use();
	struct arena_announce req;
	struct bserver_session *s;

	msg_get(m, &req);
	rep->id = req.id;
	s = find_session(m, req.session);
	if (s == NULL)
		return -ERESTART;
	return arena_add(&s->arenas, s->client, &req, &use);
}

/* ---- units ---- */

static int do_open(struct bserver_session *s, const struct blk_ctl *c)
{
	struct blk_info info;
	int err = bserver_cfg.ops->info(c->unit, &info);

	if (err != 0)
		return err;
	if (c->arg == 0 || c->arg & ~(BLK_ACCESS_READ | BLK_ACCESS_WRITE | BLK_ACCESS_JUDGE))
		return -EINVAL;
	if (c->arg & BLK_ACCESS_WRITE && info.flags & BLK_FLAG_READONLY)
		return -EROFS;
	if (s->open_count[c->unit] == 0 && bserver_cfg.ops->open != NULL)
		err = bserver_cfg.ops->open(c->unit, c->arg);
	if (err != 0)
		return err;
	if (s->open_count[c->unit] == UINT16_MAX)
		return -EMFILE;
	s->open_count[c->unit]++;
	s->access[c->unit] |= (uint8_t)c->arg;
	return 0;
}

static int do_close(struct bserver_session *s, const struct blk_ctl *c)
{
	if (s->open_count[c->unit] == 0)
		return -EINVAL;
	if (--s->open_count[c->unit] > 0)
		return 0;
	s->access[c->unit] = 0;
	if (bserver_cfg.ops->close != NULL)
		bserver_cfg.ops->close(c->unit);
	return 0;
}

static int do_getinfo(const struct msg *m, const struct blk_ctl *c)
{
	struct blk_info info;
	int err;

	memset(&info, 0, sizeof(info));
	err = bserver_cfg.ops->info(c->unit, &info);
	if (err != 0)
		return err;
	if (c->len_bytes != sizeof(info))
		return -EINVAL;
	return k_safecopy_to(m->source, c->grant, 0, &info, sizeof(info));
}

static int do_status(const struct msg *m, const struct blk_ctl *c, struct blk_rep *rep)
{
	struct control_text to = {
		.client = m->source, .grant = c->grant, .len_bytes = c->len_bytes};
	int n = control_status(&to, c->unit, bserver_cfg.ops->status);

	rep->value = n > 0 ? (uint32_t)n : 0;
	return n < 0 ? n : 0;
}

static int do_unit(const struct msg *m, struct blk_rep *rep)
{
	struct blk_ctl c;
	struct bserver_session *s;

	msg_get(m, &c);
	rep->id = c.id;
	s = find_session(m, c.session);
	if (m->type == BLK_STATUS) /* anybody may ask, without a session */
		return c.unit < BLK_UNITS_MAX ? do_status(m, &c, rep) : -ENXIO;
	if (s == NULL)
		return -ERESTART;
	if (m->type == BLK_DETACH) {
		session_drop(s);
		return 0;
	}
	if (c.unit >= BLK_UNITS_MAX)
		return -ENXIO;
	if (m->type == BLK_OPEN)
		return do_open(s, &c);
	if (m->type == BLK_CLOSE)
		return do_close(s, &c);
	return do_getinfo(m, &c);
}

/* ---- dispatch ---- */

static void answer(const struct msg *m, enum ipc_primitive how)
{
	struct blk_rep rep = {.id = 0};

	if (m->type == BLK_ATTACH)
		rep.result = do_attach(m, &rep);
	else if (m->type == BLK_ARENA)
		rep.result = do_arena(m, &rep);
	else
		rep.result = do_unit(m, &rep);
	if (rep.result == -EAGAIN && control_park(&parking, m, how))
		return;
	sys_reply(m, how, &rep);
}

void bserver_units_changed(void)
{
	control_retry(&parking, answer);
}

bool bserver_message(const struct msg *m, enum ipc_primitive how)
{
	if (m->type < BLK_ATTACH || m->type >= BLK_MSG_END)
		return false;
	answer(m, how);
	return true;
}
