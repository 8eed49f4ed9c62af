/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions of the client half: attach, set-up, death, return. The state drawing is in netdev.h.
 *
 *   state      endpoint changes  reply of ATTACH  last set-up reply  time
 *   WAITING    attach            late, ignored    late, ignored      retry: attach; offline: ENETDOWN
 *   ATTACHING  lost, attach      arenas, INIT     -                  control deadline: N4, lost
 *   SETUP      lost, attach      -                CONF, then UP      control deadline: N4, lost
 *   UP         lost, attach      -                -                  frame deadline: N1
 *   CLOSING    end               DETACH           (DETACH:) end      control deadline: N4, end
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena.h"
#include "netdev/client.h"
#include "ring/net_region.h"
#include "sys/control.h"

#define RETRY_SOON_NS 10000000ull /* the asynchronous table was full */
#define RETRY_LATE_NS                                                                              \
	1000000000ull /* it refused, or broke a rule: rs should have replaced it by then */

static uint32_t last_generation;

static void set_state(struct netdev *d, enum netdev_state state)
{
	static const uint8_t legal[] = {
		[NETDEV_WAITING] = 1u << NETDEV_ATTACHING | 1u << NETDEV_CLOSING,
		[NETDEV_ATTACHING] =
			1u << NETDEV_SETUP | 1u << NETDEV_WAITING | 1u << NETDEV_CLOSING,
		[NETDEV_SETUP] = 1u << NETDEV_IS_UP | 1u << NETDEV_WAITING | 1u << NETDEV_CLOSING,
		[NETDEV_IS_UP] = 1u << NETDEV_WAITING | 1u << NETDEV_CLOSING,
		[NETDEV_CLOSING] = 0,
	};

	SYS_ASSERT(legal[d->state] & 1u << state);
	d->state = state;
}

static size_t payload_bytes(uint32_t type)
{
	if (type == NET_ATTACH)
		return sizeof(struct net_attach);
	if (type == NET_ARENA)
		return sizeof(struct arena_announce);
	return type == NET_CONF ? sizeof(struct net_conf) : sizeof(struct net_ctl);
}

int netdev_control(struct netdev *d, uint32_t type, void *payload, bool is_setup)
{
	/* A filter answers INIT when what is below it has appeared. */
	uint64_t patience = type == NET_INIT ? netdev_cfg.offline_ns : netdev_cfg.deadline_ns;
	struct netdev_control *c = d->controls;
	int err;

	while (c < d->controls + CONTROLS_MAX && c->id != 0)
		c++;
	if (c == d->controls + CONTROLS_MAX)
		return -EAGAIN;
	err = control_ask(d->ep, type, payload, payload_bytes(type));
	if (err != 0)
		return err;
	*c = (struct netdev_control){
		.type = type, .is_setup = is_setup, .t_deadline_ns = now_ns() + patience};
	memcpy(&c->id, payload, sizeof(c->id));
	d->setup_left += is_setup;
	return 0;
}

/* ---- attach ---- */

static int attach_rings(struct netdev *d)
{
	struct ring *rings[NET_RINGS];
	unsigned slots = netdev_cfg.slots;
	int err;

	for (unsigned i = 0; i < NET_RINGS; i++) {
		rings[i] = net_region_ring(d->region, slots, (enum net_ring)i);
		ring_init(rings[i], slots, d->generation);
	}
	/* Errors: a former server scribbles in it; the next try has a new generation. */
	err = ring_producer_attach(&d->tx_ring, rings[NET_RING_TX], slots, d->generation);
	if (err == 0)
		err = ring_consumer_attach(&d->tx_done_ring, rings[NET_RING_TX_DONE], slots,
		                           d->generation);
	if (err == 0)
		err = ring_producer_attach(&d->rx_ring, rings[NET_RING_RX], slots, d->generation);
	if (err == 0)
		err = ring_consumer_attach(&d->rx_done_ring, rings[NET_RING_RX_DONE], slots,
		                           d->generation);
	return err;
}

static int prepare_region(struct netdev *d)
{
	int err;

	if (d->region == NULL) {
		size_t bytes = net_region_bytes(netdev_cfg.slots);

		d->region = arena_pages(bytes);
		if (d->region == NULL)
			return -ENOMEM;
		d->region_bytes = bytes;
	}
	d->generation = ++last_generation;
	err = attach_rings(d);
	if (err != 0)
		return err;
	d->region_grant = grant_direct(d->ep, d->region, d->region_bytes,
	                               GRANT_READ | GRANT_WRITE | GRANT_MAP);
	return d->region_grant == GRANT_INVALID ? -ENOSPC : 0;
}

void netdev_attach(struct netdev *d)
{
	struct net_attach req;

	d->t_retry_ns = 0;
	d->is_broken = false;
	d->complaints = 0;
	if (prepare_region(d) != 0) {
		d->t_retry_ns = now_ns() + RETRY_SOON_NS;
		return;
	}
	req = (struct net_attach){.unit = d->unit,
	                          .region_grant = d->region_grant,
	                          .region_bytes = d->region_bytes,
	                          .slots = netdev_cfg.slots,
	                          .generation = d->generation};
	if (netdev_control(d, NET_ATTACH, &req, false) != 0) {
		grant_revoke(d->region_grant);
		d->region_grant = GRANT_INVALID;
		d->t_retry_ns = now_ns() + RETRY_SOON_NS;
		return;
	}
	set_state(d, NETDEV_ATTACHING);
}

/* ---- set-up ---- */

static void be_refused(struct netdev *d, int result)
{
	uint32_t serial = d->serial;

	netdev_leave(d);
	if (!netdev_is_open(d, serial))
		return;
	if (d->refused != result) {
		d->refused = result;
		sys_log("netdev: %s refused %s: error %d\n", d->label, d->name, -result);
		netdev_event(d, NDEV_REFUSED);
	}
}

static void setup(struct netdev *d)
{
	struct net_ctl req = {.session = d->session, .len_bytes = sizeof(d->info_buf)};
	int err = netdev_send_arenas(d);

	set_state(d, NETDEV_SETUP);
	memset(&d->info_buf, 0, sizeof(d->info_buf));
	d->info_grant = grant_direct(d->ep, &d->info_buf, sizeof(d->info_buf), GRANT_WRITE);
	req.grant = d->info_grant;
	if (err == 0)
		err = d->info_grant == GRANT_INVALID ? -ENOSPC
		                                     : netdev_control(d, NET_INIT, &req, true);
	if (err != 0) { /* no room somewhere: soon again */
		netdev_leave(d);
		d->t_retry_ns = now_ns() + RETRY_SOON_NS;
	}
}

/* What the server says of itself, from a copy. */
static int take_info(struct netdev *d)
{
	struct net_info info;

	memcpy(&info, &d->info_buf, sizeof(info));
	if (!net_info_is_valid(&info)) {
		netdev_accuse(d, RULE_N4, 0, &info, sizeof(info));
		return -EPROTOVIOL;
	}
	info.name[sizeof(info.name) - 1] = info.model[sizeof(info.model) - 1] = '\0';
	if (info.tso_max_bytes > NET_FRAME_MAX)
		info.tso_max_bytes = NET_FRAME_MAX;
	d->has_changed = d->has_info && !net_info_is_same(&d->info, &info); /* N6 */
	if (d->has_changed)
		netconf_forget(&d->conf);
	d->info = info;
	return 0;
}

void netdev_send_conf(struct netdev *d)
{
	const struct net_conf *next = netconf_next(&d->conf, d->info.offloads);
	struct net_conf req;

	if (next == NULL)
		return;
	req = *next;
	req.session = d->session;
	if (netdev_control(d, NET_CONF, &req, d->state == NETDEV_SETUP) == 0)
		return;
	netconf_unsent(&d->conf);
	if (d->state != NETDEV_SETUP) /* while it is up, the next reply or idle tries again */
		return;
	netdev_leave(d);
	d->t_retry_ns = now_ns() + RETRY_SOON_NS;
}

static void come_up(struct netdev *d)
{
	enum netdev_event what = !d->has_info ? NDEV_UP : d->has_changed ? NDEV_CHANGED : NDEV_BACK;
	uint32_t serial = d->serial;

	set_state(d, NETDEV_IS_UP);
	d->t_offline_ns = 0;
	d->refused = 0;
	d->sessions++;
	d->has_info = true;
	d->t_link_due_ns = now_ns() + netdev_cfg.deadline_ns;
	d->t_link_grace_ns = d->link.is_up ? now_ns() + NETDEV_LINK_GRACE_NS : 0;
	if (what == NDEV_CHANGED)
		netdev_fail_waiting(d, -ENETDOWN);
	if (!netdev_is_open(d, serial))
		return;
	if (d->sessions > 1) {
		d->want_recovered = true;
		log_event(EV_REOPEN, d->ep, d->label, (uint64_t)d->ep, 0);
		log_event(EV_REPLAY, d->ep, d->label, d->replayed, (uint64_t)d->ep);
		d->count.tx_replayed += d->replayed;
	}
	d->replayed = 0;
	netdev_pump(d);
	netdev_event(d, what);
	if (netdev_is_open(d, serial) && d->state == NETDEV_IS_UP)
		netdev_send_conf(d); /* what is wanted now */
}

/* All replies of a stage are there. */
static void go_on(struct netdev *d)
{
	if (d->conf.is_confirmed) {
		come_up(d);
		return;
	}
	if (take_info(d) != 0)
		netdev_lost(d, false);
	else
		netdev_send_conf(d);
}

/* ---- closing ---- */

static void drop_grants(struct netdev *d, bool is_death)
{
	arena_take_back(&d->region_grant, is_death);
	arena_take_back(&d->info_grant, true); /* it is never mapped */
	netdev_drop_arena_grants(d, is_death);
}

static void end_close(struct netdev *d, bool is_death)
{
	drop_grants(d, is_death);
	netdev_unsend_all(d, false);
	netdev_cancel_waiting(d);
	free(d->region);
	d->region = NULL;
	d->is_used = false;
}

static void detach(struct netdev *d)
{
	struct net_ctl req = {.session = d->session};

	if (netdev_control(d, NET_DETACH, &req, false) != 0)
		end_close(d, false); /* it loses its mappings instead */
}

void netdev_start_close(struct netdev *d)
{
	enum netdev_state before = d->state;

	set_state(d, NETDEV_CLOSING);
	netdev_cancel_waiting(d);
	if (before == NETDEV_WAITING)
		end_close(d, false);
	else if (before != NETDEV_ATTACHING) /* else when its answer is there */
		detach(d);
}

/* ---- replies ---- */

static void attach_reply(struct netdev *d, const struct net_rep *rep)
{
	if (rep->result < 0) {
		be_refused(d, rep->result);
		return;
	}
	d->session = rep->value;
	setup(d);
}

static void dispatch_reply(struct netdev *d, const struct netdev_control *c,
                           const struct net_rep *rep)
{
	if (c->type == NET_ATTACH) {
		attach_reply(d, rep);
		return;
	}
	if (c->type == NET_ARENA)
		d->arenas_left--;
	if (c->type == NET_CONF)
		netconf_answered(&d->conf, rep->result);
	if (c->is_setup && rep->result < 0) {
		be_refused(d, rep->result);
		return;
	}
	if (rep->result < 0)
		sys_log("netdev: %s refused %s of %s: error %d\n", d->label,
		        c->type == NET_CONF ? "a configuration" : "an arena", d->name,
		        -rep->result);
	if (c->is_setup && --d->setup_left == 0) {
		go_on(d);
	} else if (d->state == NETDEV_IS_UP) {
		netdev_send_conf(d);
		netdev_pump(d);
	}
}

/* The session that was being made has to be ended as well. */
static void close_reply(struct netdev *d, const struct netdev_control *c, const struct net_rep *rep)
{
	if (c->type == NET_DETACH || (c->type == NET_ATTACH && rep->result < 0)) {
		end_close(d, false);
	} else if (c->type == NET_ATTACH) {
		d->session = rep->value;
		detach(d);
	}
}

void netdev_reply(struct netdev *d, const struct msg *m)
{
	struct netdev_control c = {.id = 0};
	struct net_rep rep;

	msg_get(m, &rep);
	for (unsigned i = 0; i < CONTROLS_MAX && c.id == 0; i++) {
		if (rep.id == 0 || d->controls[i].id != rep.id ||
		    d->controls[i].type != (m->type & ~MSG_REPLY))
			continue;
		c = d->controls[i];
		d->controls[i] = (struct netdev_control){.id = 0};
	}
	if (c.id == 0)
		return; /* of an earlier session */
	if (d->state == NETDEV_CLOSING) {
		close_reply(d, &c, &rep);
		return;
	}
	if (rep.result == -ERESTART) {
		uint32_t serial = d->serial;

		netdev_lost(d, false); /* it does not know the session: attach again */
		if (netdev_is_open(d, serial))
			d->t_retry_ns = now_ns();
		return;
	}
	dispatch_reply(d, &c, &rep);
}

/* ---- the end of a session ---- */

void netdev_lost(struct netdev *d, bool is_death)
{
	bool was_up = d->state == NETDEV_IS_UP;

	if (d->state == NETDEV_WAITING)
		return;
	if (d->state == NETDEV_CLOSING) {
		end_close(d, is_death);
		return;
	}
	if (is_death) {
		d->count.deaths++;
		sys_asend_cancel(d->ep);
	}
	set_state(d, NETDEV_WAITING);
	memset(d->controls, 0, sizeof(d->controls));
	d->setup_left = d->arenas_left = 0;
	d->want_poll = d->has_pushed = d->is_broken = false;
	d->t_link_due_ns = d->t_link_grace_ns = 0;
	drop_grants(d, is_death);
	netconf_lost(&d->conf);
	netdev_unsend_all(d, is_death);
	d->t_retry_ns = is_death ? 0 : now_ns() + RETRY_LATE_NS;
	if (d->t_offline_ns == 0)
		d->t_offline_ns = now_ns() + netdev_cfg.offline_ns;
	if (was_up)
		netdev_event(d, NDEV_LOST);
}

void netdev_leave(struct netdev *d)
{
	struct net_ctl req = {.session = d->session};
	struct msg m;

	if (d->state == NETDEV_WAITING)
		return;
	if (netdev_has_session(d)) {
		/* Nobody waits for the answer. If it cannot be sent, the server finds out by the
		 * next ATTACH. */
		msg_put(&m, NET_DETACH, &req);
		if (sys_asend(d->ep, &m) != 0)
			sys_log("netdev: %s was not told that %s is closed\n", d->label, d->name);
	}
	netdev_lost(d, false);
}

static void fail_killers(struct netdev *d, struct nlist *killers)
{
	struct netdev_entry *e;

	while ((e = nlist_take(killers)) != NULL) {
		struct netdev_tx *t = tx_of(e);

		log_event(EV_QUARANTINE, d->ep, d->label, e->id, e->deaths);
		sys_log("netdev: a frame of %u bytes was with %s at %u deaths: dropped\n", t->bytes,
		        d->label, e->deaths);
		t->done(t, -EIO);
	}
}

/* A death that somebody brought about (a kill, an update) says nothing about what was pending. */
void netdev_judge(struct netdev *d, uint32_t cause)
{
	struct nlist killers = {.head = NULL};

	if (cause == CAUSE_SIGNAL || cause == CAUSE_UPDATE) {
		nqueue_forgive(&d->tx);
		return;
	}
	nqueue_condemn(&d->tx, &killers);
	d->count.tx_failed += killers.count;
	fail_killers(d, &killers);
}

void netdev_dead(struct netdev *d)
{
	uint32_t serial = d->serial;

	if (!netdev_take_last(d))
		return;
	netdev_lost(d, true);
	if (netdev_is_open(d, serial))
		d->ep = EP_NONE;
}
