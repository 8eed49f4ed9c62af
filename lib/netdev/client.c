/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Client half of the network protocol: units, sending, posting, and the main loop hooks. The model is
 * in netdev.h, who owns what in client.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "netdev/client.h"
#include "netdev/salvage.h"
#include "ring/net_region.h"

/* Completions may bring new frames, which may complete at once, and so on. */
#define IDLE_ROUNDS_MAX 64
#define TICK_NS         250000000ull /* deadlines are rounded up to this, so that alarms are rare */

struct netdev_config netdev_cfg = {.slots = 256,
                                   .deadline_ns = NETDEV_DEADLINE_NS,
                                   .offline_ns = NETDEV_OFFLINE_NS,
                                   .complaints = 8};
struct netdev netdev_units[NETDEV_MAX];

static uint32_t last_serial;

void netdev_configure(const struct netdev_config *c)
{
	if (net_region_bytes(c->slots) != 0)
		netdev_cfg.slots = c->slots;
	if (c->deadline_ns != 0)
		netdev_cfg.deadline_ns = c->deadline_ns;
	if (c->offline_ns != 0)
		netdev_cfg.offline_ns = c->offline_ns;
	if (c->complaints != 0)
		netdev_cfg.complaints = c->complaints;
}

/* ---- units ---- */

static struct netdev *find_free(void)
{
	for (unsigned i = 0; i < NETDEV_MAX; i++)
		if (!netdev_units[i].is_used)
			return &netdev_units[i];
	return NULL;
}

struct netdev *netdev_open(const char *unit, const struct netdev_events *ev, void *ctx)
{
	struct netdev *d = find_free();
	uint32_t tx_sequence, rx_sequence;

	if (d == NULL || strlen(unit) >= sizeof(d->name))
		return NULL;
	tx_sequence = d->tx.sequence; /* ids run on */
	rx_sequence = d->rx.sequence;
	memset(d, 0, sizeof(*d));
	d->is_used = true;
	d->serial = ++last_serial;
	d->ep = EP_NONE;
	d->ctx = ctx;
	d->region_grant = d->info_grant = GRANT_INVALID;
	for (unsigned i = 0; i < NET_ARENAS_MAX; i++)
		d->arena_grants[i] = GRANT_INVALID;
	snprintf(d->name, sizeof(d->name), "%s", unit);
	if (ev != NULL)
		d->events = *ev;
	d->tx.sequence = tx_sequence;
	d->rx.sequence = rx_sequence;
	nqueue_init(&d->tx, netdev_cfg.slots);
	nqueue_init(&d->rx, netdev_cfg.slots);
	if (netdev_resolve(d) == 0)
		return d;
	d->is_used = false;
	return NULL;
}

void netdev_close(struct netdev *d)
{
	d->events = (struct netdev_events){NULL};
	netdev_start_close(d);
}

void netdev_set_conf(struct netdev *d, const struct net_conf *conf)
{
	netconf_want(&d->conf, conf);
	if (d->state == NETDEV_IS_UP)
		netdev_send_conf(d);
}

const struct net_info *netdev_info(const struct netdev *d)
{
	return d->has_info ? &d->info : NULL;
}

const struct net_link *netdev_link(const struct netdev *d)
{
	return &d->link;
}

const char *netdev_unit(const struct netdev *d)
{
	return d->name;
}

endpoint_t netdev_server(const struct netdev *d)
{
	return d->ep;
}

bool netdev_is_up(const struct netdev *d)
{
	return d->state == NETDEV_IS_UP;
}

unsigned netdev_tx_pending(const struct netdev *d)
{
	return d->tx.sent.count + d->tx.waiting.count;
}

void netdev_event(struct netdev *d, enum netdev_event what)
{
	if (d->events.event != NULL)
		d->events.event(d->ctx, d, what);
}

/* ---- down ---- */

int netdev_send(struct netdev *d, struct netdev_tx *t)
{
	const struct net_element *elements =
		t->elements != NULL ? t->elements : t->desc.inline_elements;
	struct net_limits limits = {
		.info = d->has_info ? &d->info : NULL,
		.offloads = d->has_info ? d->conf.wanted.offloads & d->info.offloads : 0,
		.arenas = netdev_arena_views()};

	if (!net_tx_is_sane(&t->desc) || (t->elements == NULL && t->desc.elements > NET_INLINE) ||
	    net_check_tx(&t->desc, elements, &limits, &t->bytes) != 0)
		return -EINVAL;
	t->dev = d;
	nqueue_add(&d->tx, &t->entry);
	if (d->state == NETDEV_IS_UP)
		netdev_pump(d);
	else if (d->t_offline_ns == 0)
		d->t_offline_ns = now_ns() + netdev_cfg.offline_ns;
	return 0;
}

int netdev_post(struct netdev *d, struct netdev_rx *r)
{
	struct net_rx desc = {.buffer = r->buffer};
	struct net_limits limits = {.arenas = netdev_arena_views()};

	if (net_check_rx(&desc, &limits) != 0)
		return -EINVAL;
	r->dev = d;
	if (r->memory != NULL)
		net_salvage_mark(r->memory, r->buffer.len_bytes);
	nqueue_add(&d->rx, &r->entry);
	netdev_pump(d);
	return 0;
}

void netdev_fail_waiting(struct netdev *d, int status)
{
	struct nlist failed = d->tx.waiting; /* taken away first: done may send again */
	struct netdev_entry *e;

	d->tx.waiting = (struct nlist){.head = NULL};
	d->count.tx_failed += failed.count;
	while ((e = nlist_take(&failed)) != NULL) {
		e->state = NENTRY_IDLE;
		tx_of(e)->done(tx_of(e), status);
	}
}

/* ---- complaints ---- */

void netdev_accuse(struct netdev *d, enum proto_rule rule, uint32_t id, const void *evidence,
                   size_t len)
{
	d->count.violations++;
	if (d->complaints++ < netdev_cfg.complaints)
		sys_complain(d->ep, rule, d->unit, id, evidence, len);
}

void netdev_complain(struct netdev *d, enum proto_rule rule, uint32_t id, const void *evidence,
                     size_t len)
{
	netdev_accuse(d, rule, id, evidence, len);
}

/* ---- main loop hooks ---- */

static void link_message(const struct msg *m)
{
	struct net_link link;

	msg_get(m, &link);
	for (unsigned i = 0; i < NETDEV_MAX; i++) {
		struct netdev *d = &netdev_units[i];

		if (netdev_has_session(d) && d->ep == m->source && d->unit == link.unit)
			netdev_take_link(d, &link);
	}
}

bool netdev_message(const struct msg *m)
{
	uint32_t type = m->type & ~MSG_REPLY;

	if (m->type == NET_LINK) {
		link_message(m);
		return true; /* a late one of a dead incarnation is ours too, and means nothing */
	}
	if (!(m->type & MSG_REPLY) || type < NET_ATTACH || type >= NET_LINK)
		return false;
	for (unsigned i = 0; i < NETDEV_MAX; i++)
		if (netdev_units[i].is_used && netdev_units[i].ep == m->source)
			netdev_reply(&netdev_units[i], m);
	return true;
}

bool netdev_doorbell(endpoint_t from)
{
	bool is_ours = false;

	for (unsigned i = 0; i < NETDEV_MAX; i++) {
		struct netdev *d = &netdev_units[i];

		if (!d->is_used || d->ep != from)
			continue;
		is_ours = true;
		netdev_take_completions(d);
		if (d->is_used)
			netdev_pump(d);
	}
	return is_ours;
}

static void idle_unit(struct netdev *d)
{
	uint32_t serial = d->serial;
	bool is_tx_asleep, is_rx_asleep;
	unsigned rounds = 0;

	d->want_poll = false;
	do {
		netdev_take_completions(d);
		if (!netdev_is_open(d, serial) || d->state != NETDEV_IS_UP)
			return;
		netdev_send_conf(d);
		netdev_pump(d);
		is_tx_asleep = ring_consumer_may_sleep(&d->tx_done_ring);
		is_rx_asleep = ring_consumer_may_sleep(&d->rx_done_ring);
	} while (!(is_tx_asleep && is_rx_asleep) && ++rounds < IDLE_ROUNDS_MAX);
	d->want_poll = rounds >= IDLE_ROUNDS_MAX || d->is_broken;
	if (!d->has_pushed)
		return;
	d->has_pushed = false;
	is_tx_asleep = ring_producer_must_ring(&d->tx_ring);
	is_rx_asleep = ring_producer_must_ring(&d->rx_ring);
	if ((is_tx_asleep || is_rx_asleep) && ipc_notify(d->ep) == -EDEADSRCDST)
		netdev_dead(d);
}

void netdev_idle(void)
{
	for (unsigned i = 0; i < NETDEV_MAX; i++) {
		struct netdev *d = &netdev_units[i];

		if (d->is_used && d->is_gone)
			netdev_fail_waiting(d, -ENETDOWN);
		if (d->is_used && d->state == NETDEV_IS_UP)
			idle_unit(d);
	}
}

/* ---- time ---- */

static bool control_is_overdue(const struct netdev *d, uint64_t now)
{
	for (unsigned i = 0; i < CONTROLS_MAX; i++)
		if (d->controls[i].id != 0 && now >= d->controls[i].t_deadline_ns)
			return true;
	return false;
}

static void alarm_waiting(struct netdev *d, uint64_t now)
{
	uint32_t serial = d->serial;

	if (d->ep != EP_NONE && d->t_retry_ns != 0 && now >= d->t_retry_ns)
		netdev_attach(d);
	if (d->t_offline_ns == 0 || now < d->t_offline_ns)
		return;
	d->t_offline_ns = 0;
	netdev_fail_waiting(d, -ENETDOWN);
	if (netdev_is_open(d, serial))
		netdev_link_lost(d);
}

static void alarm_unit(struct netdev *d, uint64_t now)
{
	struct netdev_entry *e;

	if (d->state == NETDEV_WAITING) {
		alarm_waiting(d, now);
		return;
	}
	if (control_is_overdue(d, now)) {
		netdev_accuse(d, RULE_N4, 0, "no answer",
		              9); /* N4: nor INIT, nor CONF, nor DETACH */
		netdev_lost(d, false);
		return;
	}
	if (d->state != NETDEV_IS_UP)
		return;
	if (d->link_now.is_up)
		while ((e = nqueue_overdue(&d->tx, now, now + netdev_cfg.deadline_ns)) != NULL)
			netdev_accuse(d, RULE_N1, e->id, &tx_of(e)->desc, sizeof(struct net_tx));
	netdev_link_alarm(d, now);
}

void netdev_alarm(uint64_t now)
{
	for (unsigned i = 0; i < NETDEV_MAX; i++)
		if (netdev_units[i].is_used)
			alarm_unit(&netdev_units[i], now);
}

static uint64_t unit_deadline(const struct netdev *d)
{
	uint64_t soonest = 0;

	if (d->state == NETDEV_WAITING)
		return d->t_offline_ns;
	for (unsigned i = 0; i < CONTROLS_MAX; i++)
		if (d->controls[i].id != 0)
			soonest = ns_earlier(soonest, d->controls[i].t_deadline_ns);
	if (d->link_now.is_up)
		soonest = ns_earlier(soonest, nqueue_deadline(&d->tx));
	return ns_earlier(soonest, ns_earlier(d->t_link_due_ns, d->t_link_grace_ns));
}

uint64_t netdev_next_deadline(void)
{
	uint64_t soonest = 0, exact = 0;

	for (unsigned i = 0; i < NETDEV_MAX; i++) {
		const struct netdev *d = &netdev_units[i];

		if (!d->is_used)
			continue;
		if (d->want_poll)
			return now_ns();
		soonest = ns_earlier(soonest, unit_deadline(d));
		if (d->state == NETDEV_WAITING && d->ep != EP_NONE)
			exact = ns_earlier(exact, d->t_retry_ns);
	}
	if (soonest != 0)
		soonest = (soonest + TICK_NS - 1) / TICK_NS * TICK_NS;
	return ns_earlier(soonest, exact);
}

/* ---- counters ---- */

void netdev_get_stats(const struct netdev *d, struct netdev_stats *s)
{
	*s = d->count;
}

static int unit_text(const struct netdev *d, char *buf, size_t len)
{
	static const char *const names[] = {"waiting", "attaching", "setup", "up", "closing"};
	const struct netdev_stats *c = &d->count;

	return snprintf(
		buf, len,
		"lower.%s=%s server=%s link=%s tx_frames=%llu tx_bytes=%llu tx_failed=%llu "
		"tx_pending=%u tx_replayed=%llu rx_frames=%llu rx_bytes=%llu rx_salvaged=%llu "
		"rx_buffers=%u deaths=%llu violations=%llu\n",
		d->name, d->is_gone ? "gone" : names[d->state], d->label,
		d->link.is_up ? "up" : "down", (unsigned long long)c->tx_frames,
		(unsigned long long)c->tx_bytes, (unsigned long long)c->tx_failed,
		netdev_tx_pending(d), (unsigned long long)c->tx_replayed,
		(unsigned long long)c->rx_frames, (unsigned long long)c->rx_bytes,
		(unsigned long long)c->rx_salvaged, d->rx.sent.count + d->rx.waiting.count,
		(unsigned long long)c->deaths, (unsigned long long)c->violations);
}

int netdev_status_text(char *buf, size_t len)
{
	size_t used = 0;

	for (unsigned i = 0; i < NETDEV_MAX && used < len; i++)
		if (netdev_units[i].is_used)
			used += (size_t)unit_text(&netdev_units[i], buf + used, len - used);
	return (int)(used < len ? used : len);
}

const struct client_half netdev_half = {.message = netdev_message,
                                        .doorbell = netdev_doorbell,
                                        .ds_change = netdev_ds_change,
                                        .alarm = netdev_alarm,
                                        .idle = netdev_idle,
                                        .next_deadline = netdev_next_deadline,
                                        .status_text = netdev_status_text};
