/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server half of the network protocol: sessions and control messages. A session number carries a
 * random start, so that one of an earlier incarnation never matches (-ERESTART).
 */
#include <errno.h>
#include <string.h>

#include "netdev/host.h"
#include "ring/net_region.h"
#include "sys/control.h"

struct nserver_config nserver_cfg;
struct nserver_unit nserver_units[NET_UNITS_MAX];

static uint32_t next_number;

/* Requests that are answered later: of units that are not known yet, or still busy with the session
 * before. */
static struct control_parking parking;
static bool want_parked;

/* ---- sessions ---- */

static struct arena_use arena_use(void)
{
	return (struct arena_use){.how = (nserver_cfg.maps_arenas ? ARENA_PTR : 0) |
	                                 (nserver_cfg.wants_bus ? ARENA_BUS : 0),
	                          .added = nserver_cfg.ops->arena_added,
	                          .removed = nserver_cfg.ops->arena_removed};
}

void session_free_if_idle(struct nserver_session *s)
{
	const struct arena_use use = arena_use();

	if (!s->is_used || s->tx.pending > 0 || s->rx.pending > 0)
		return;
	arena_remove_all(&s->arenas, &use);
	(void)!vm_unmap(s->region, s->region_bytes); /* fails if the client has revoked it */
	s->is_used = false;
	want_parked = true; /* somebody may wait to attach */
}

void session_drop(struct nserver_session *s)
{
	bool was_running = s->is_running;

	if (!session_is_live(s))
		return;
	s->is_dropped = true;
	s->is_running = false;
	session_release_held(s);
	if (was_running)
		nserver_cfg.ops->stop(s->unit);
	session_free_if_idle(s);
}

void session_violation(struct nserver_session *s, uint64_t detail)
{
	nserver_units[s->unit].count.violations++;
	sys_violation(s->client, VIOL_REQUEST, detail);
	session_drop(s);
}

static struct nserver_session *find_any(const struct msg *m, uint32_t number)
{
	for (unsigned i = 0; i < NET_UNITS_MAX; i++) {
		struct nserver_session *s = &nserver_units[i].session;

		if (s->is_used && s->number == number && s->client == m->source)
			return s;
	}
	return NULL;
}

static struct nserver_session *find_session(const struct msg *m, uint32_t number)
{
	struct nserver_session *s = find_any(m, number);

	return s != NULL && !s->is_dropped ? s : NULL;
}

static int attach_lanes(struct nserver_session *s, const struct net_attach *req)
{
	struct ring *rings[NET_RINGS];
	int err;

	for (unsigned i = 0; i < NET_RINGS; i++)
		rings[i] = net_region_ring(s->region, req->slots, (enum net_ring)i);
	err = ring_consumer_attach(&s->tx.in, rings[NET_RING_TX], req->slots, req->generation);
	if (err == 0)
		err = ring_producer_attach(&s->tx.done, rings[NET_RING_TX_DONE], req->slots,
		                           req->generation);
	if (err == 0)
		err = ring_consumer_attach(&s->rx.in, rings[NET_RING_RX], req->slots,
		                           req->generation);
	if (err == 0)
		err = ring_producer_attach(&s->rx.done, rings[NET_RING_RX_DONE], req->slots,
		                           req->generation);
	return err;
}

static int map_region(struct nserver_session *s, const struct msg *m, const struct net_attach *req)
{
	int err;

	s->region_bytes = net_region_bytes(req->slots);
	if (s->region_bytes == 0 || req->region_bytes != s->region_bytes)
		return -EINVAL;
	s->region =
		vm_safemap(m->source, req->region_grant, 0, s->region_bytes, VMP_READ | VMP_WRITE);
	if (s->region == NULL)
		return -EFAULT;
	err = attach_lanes(s, req);
	if (err != 0)
		(void)!vm_unmap(s->region, s->region_bytes);
	return err;
}

/* The client that is there keeps the unit as long as it lives, unless it attaches anew itself.
 * -EAGAIN: the former session is not over yet. */
static int make_room(struct nserver_session *s, endpoint_t client)
{
	if (session_is_live(s)) {
		if (s->client != client && ipc_notify(s->client) != -EDEADSRCDST)
			return -EBUSY;
		session_drop(s);
	}
	return s->is_used ? -EAGAIN : 0;
}

static int do_attach(const struct msg *m, struct net_rep *rep)
{
	struct net_attach req;
	struct net_info info;
	struct nserver_session *s;
	int err;

	msg_get(m, &req);
	rep->id = req.id;
	if (req.unit >= NET_UNITS_MAX || nserver_cfg.ops->info(req.unit, &info) == -ENXIO)
		return -ENXIO;
	s = &nserver_units[req.unit].session;
	err = make_room(s, m->source);
	if (err != 0)
		return err;
	memset(s, 0, sizeof(*s));
	err = map_region(s, m, &req);
	if (err != 0)
		return err;
	if (next_number < NET_UNITS_MAX)
		next_number = (uint32_t)now_ns() | NET_UNITS_MAX;
	s->is_used = true;
	s->unit = req.unit;
	s->client = m->source;
	s->number = rep->value = next_number++;
	nserver_units[s->unit].count.sessions++;
	return 0;
}

static int do_arena(const struct msg *m, struct net_rep *rep)
{
	const struct arena_use use = arena_use();
	struct arena_announce req;
	struct nserver_session *s;

	msg_get(m, &req);
	rep->id = req.id;
	s = find_session(m, req.session);
	if (s == NULL)
		return -ERESTART;
	return arena_add(&s->arenas, s->client, &req, &use);
}

/* ---- units ---- */

static int do_init(const struct msg *m, const struct nserver_session *s, const struct net_ctl *c)
{
	struct net_info info;
	int err;

	memset(&info, 0, sizeof(info));
	err = nserver_cfg.ops->info(s->unit, &info);
	if (err != 0)
		return err;
	if (c->len_bytes != sizeof(info))
		return -EINVAL;
	return k_safecopy_to(m->source, c->grant, 0, &info, sizeof(info));
}

static int do_conf(const struct msg *m, struct net_rep *rep)
{
	struct net_conf c;
	struct net_info info;
	struct nserver_session *s;
	int err;

	msg_get(m, &c);
	rep->id = c.id;
	s = find_session(m, c.session);
	if (s == NULL)
		return -ERESTART;
	err = nserver_cfg.ops->info(s->unit, &info);
	if (err == 0)
		err = net_check_conf(&c, &info);
	if (err == 0)
		err = nserver_cfg.ops->configure(s->unit, &c);
	if (err != 0)
		return err;
	s->info = info;
	s->offloads = c.offloads;
	s->is_running = true;
	nserver_units[s->unit].is_link_due = true; /* after the answer */
	return 0;
}

/* Anybody may ask, without a session: then `session` is the unit's number. */
static int do_status(const struct msg *m, const struct net_ctl *c, struct net_rep *rep)
{
	const struct nserver_session *s = find_session(m, c->session);
	uint32_t unit = s != NULL ? s->unit : c->session;
	struct control_text to = {
		.client = m->source, .grant = c->grant, .len_bytes = c->len_bytes};
	int n;

	if (unit >= NET_UNITS_MAX)
		return -ERESTART;
	n = control_status(&to, unit, nserver_cfg.ops->status);
	rep->value = n > 0 ? (uint32_t)n : 0;
	return n < 0 ? n : 0;
}

/* Answered when the component has given everything back: then nobody writes into the client's memory. */
static int do_detach(const struct msg *m, const struct net_ctl *c)
{
	struct nserver_session *s = find_any(m, c->session);

	if (s != NULL)
		session_drop(s);
	return s != NULL && s->is_used ? -EAGAIN : 0;
}

static int do_ctl(const struct msg *m, struct net_rep *rep)
{
	struct net_ctl c;
	struct nserver_session *s;

	msg_get(m, &c);
	rep->id = c.id;
	if (m->type == NET_STATUS)
		return do_status(m, &c, rep);
	if (m->type == NET_DETACH)
		return do_detach(m, &c);
	s = find_session(m, c.session);
	return s != NULL ? do_init(m, s, &c) : -ERESTART;
}

/* ---- dispatch ---- */

static void answer(const struct msg *m, enum ipc_primitive how)
{
	struct net_rep rep = {.id = 0};

	if (m->type == NET_ATTACH)
		rep.result = do_attach(m, &rep);
	else if (m->type == NET_ARENA)
		rep.result = do_arena(m, &rep);
	else if (m->type == NET_CONF)
		rep.result = do_conf(m, &rep);
	else
		rep.result = do_ctl(m, &rep);
	if (rep.result == -EAGAIN && control_park(&parking, m, how))
		return;
	sys_reply(m, how, &rep);
}

void nserver_units_changed(void)
{
	want_parked = true;
}

void host_answer_parked(void)
{
	if (!want_parked)
		return;
	want_parked = false;
	control_retry(&parking, answer);
}

bool nserver_message(const struct msg *m, enum ipc_primitive how)
{
	if (m->type < NET_ATTACH || m->type >= NET_LINK)
		return false;
	answer(m, how);
	return true;
}
