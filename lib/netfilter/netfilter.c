/* SPDX-License-Identifier: BSD-2-Clause */
/* Skeleton of network filters: main loop. See netfilter.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/netfilter_impl.h"

#define KEY_UPPER  "netup."
#define ROUNDS_MAX 32

const struct netfilter *netfilter_self;
struct netdev *netfilter_below;

static bool is_restart;
static bool is_known; /* the unit below was up at least once */

struct netdev *netfilter_lower(void)
{
	return netfilter_below;
}

bool netfilter_is_restart(void)
{
	return is_restart;
}

bool netfilter_is_running(void)
{
	return nserver_is_running(FILTER_UNIT);
}

/* ---- the unit below ---- */

static void on_event(void *ctx, struct netdev *d, enum netdev_event what)
{
	(void)ctx;
	if (netfilter_self->ops->event != NULL)
		netfilter_self->ops->event(what);
	if (what == NDEV_UP) {
		is_known = true;
		nserver_units_changed();
	}
	if (what == NDEV_CHANGED) {
		sys_log("%s: %s is another device now: starting anew\n", netfilter_self->name,
		        netdev_unit(d));
		exit(1);
	}
	if (what == NDEV_LINK || what == NDEV_UP || what == NDEV_BACK)
		nserver_link(FILTER_UNIT, netdev_link(d));
}

static int open_lower(void)
{
	static const struct netdev_events events = {.event = on_event};

	is_known = false;
	netfilter_below = netdev_open(filter_lower(0), &events, NULL);
	return netfilter_below == NULL ? -ENOSPC : 0;
}

/* ---- the unit above ---- */

static int info(unsigned unit, struct net_info *out)
{
	if (unit != FILTER_UNIT)
		return -ENXIO;
	if (!is_known || netdev_info(netfilter_below) == NULL)
		return -EAGAIN;
	*out = *netdev_info(netfilter_below);
	snprintf(out->name, sizeof(out->name), "%s", filter_unit());
	out->offloads &= netfilter_self->offloads;
	return 0;
}

static int configure(unsigned unit, const struct net_conf *conf)
{
	(void)unit;
	netdev_set_conf(netfilter_below, conf);
	nserver_link(FILTER_UNIT, netdev_link(netfilter_below));
	return 0;
}

static void stop(unsigned unit)
{
	(void)unit;
	if (netfilter_self->ops->stop != NULL)
		netfilter_self->ops->stop();
	pass_drop_reserve();
	netdev_close(netfilter_below);
	/* What the server below still has comes back from the old open; the next session uses the
	 * new one. */
	if (open_lower() != 0)
		sys_panic("%s cannot be opened again", filter_lower(0));
}

static int arena_added(endpoint_t client, grant_t grant, size_t len_bytes, bool is_readonly)
{
	return netdev_arena_indirect(client, grant, len_bytes, is_readonly);
}

static void arena_removed(unsigned tag)
{
	netdev_arena_drop((int)tag);
}

static int all_status(char *buf, size_t len)
{
	size_t used = (size_t)snprintf(buf, len, "filter=%s\nunit=%s\n", netfilter_self->name,
	                               filter_unit());

	if (used < len && netfilter_self->status != NULL)
		used += (size_t)netfilter_self->status(buf + used, len - used);
	if (used < len)
		used += (size_t)nserver_status_text(buf + used, len - used);
	if (used < len)
		used += (size_t)netdev_status_text(buf + used, len - used);
	return (int)(used < len ? used : len);
}

static int unit_status(unsigned unit, char *buf, size_t len)
{
	return unit == FILTER_UNIT ? all_status(buf, len) : -ENXIO;
}

/* ---- main loop ---- */

static int publish_upper(void)
{
	char key[DS_KEY_MAX];

	if (snprintf(key, sizeof(key), KEY_UPPER "%s", filter_lower(0)) >= (int)sizeof(key) ||
	    strlen(filter_unit()) >= DS_VALUE_MAX)
		return -ENAMETOOLONG;
	return ds_publish_str(key, filter_unit());
}

static int init(const struct sys_init *how)
{
	static const struct nserver_ops ops = {.info = info,
	                                       .configure = configure,
	                                       .stop = stop,
	                                       .tx = pass_tx,
	                                       .rx = pass_rx,
	                                       .status = unit_status,
	                                       .arena_added = arena_added,
	                                       .arena_removed = arena_removed};
	struct nserver_config config = {.ops = &ops, .maps_arenas = netfilter_self->maps_arenas};
	int r;

	is_restart = how->how != SYS_INIT_FIRST;
	nserver_init(&config);
	r = publish_upper(); /* first: whoever has the unit below lets go of it */
	if (r == 0 && netfilter_self->start != NULL)
		r = netfilter_self->start();
	if (r == 0)
		r = open_lower();
	return r != 0 ? r : nserver_publish(filter_unit(), FILTER_UNIT);
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	if (nserver_message(m, how) || netdev_message(m))
		return;
	if (netfilter_self->message == NULL || !netfilter_self->message(m, how))
		sys_violation(m->source, VIOL_REQUEST, m->type);
}

static void doorbell(endpoint_t from)
{
	/* The same process may be above and below. */
	bool is_upper = nserver_doorbell(from);

	if (!netdev_doorbell(from) && !is_upper)
		sys_violation(from, VIOL_REQUEST, 0);
}

static void ds_change(const struct ds_change *c)
{
	(void)netdev_ds_change(c);
}

static void alarm(uint64_t now)
{
	netdev_alarm(now);
	filter_alarm(now);
}

/* Completions from below end frames above, whose client sends new ones, which go below: until a round
 * changes nothing, so that no doorbell is owed when we sleep. */
static bool settle(void)
{
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		uint64_t before = pass_activity();

		if (netfilter_self->idle != NULL)
			netfilter_self->idle();
		netdev_idle();
		nserver_idle();
		if (pass_activity() == before)
			return true;
	}
	return false;
}

static void idle(void)
{
	/* If not settled: at once, after the messages that wait. */
	filter_set_alarm(settle() ? netdev_next_deadline() : 1);
}

void netfilter_main(int argc, char **argv, const struct netfilter *f)
{
	static const struct sys_component component = {.init = init,
	                                               .message = message,
	                                               .doorbell = doorbell,
	                                               .alarm = alarm,
	                                               .ds_change = ds_change,
	                                               .idle = idle,
	                                               .status = all_status};
	const struct filter_spec spec = {.name = f->name,
	                                 .options = f->options,
	                                 .lowers_min = 1,
	                                 .lowers_max = 1,
	                                 .configure = f->configure};

	netfilter_self = f;
	if (filter_arguments(argc, argv, &spec) != 0)
		exit(1);
	sys_main(&component);
}
