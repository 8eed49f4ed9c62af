/* SPDX-License-Identifier: BSD-2-Clause */
/* Skeleton of network filters: both units, and what the main loop does for them. See netfilter.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netfilter/netfilter_impl.h"

#define KEY_UPPER "netup."

const struct netfilter *netfilter_self;
struct netdev *netfilter_below;

static bool is_known; /* the unit below was up at least once */

struct netdev *netfilter_lower(void)
{
	return netfilter_below;
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

/* ---- start ---- */

static int publish_upper(void)
{
	char key[DS_KEY_MAX];

	if (snprintf(key, sizeof(key), KEY_UPPER "%s", filter_lower(0)) >= (int)sizeof(key) ||
	    strlen(filter_unit()) >= DS_VALUE_MAX)
		return -ENAMETOOLONG;
	return ds_publish_str(key, filter_unit());
}

static int init(void)
{
	static const struct nserver_ops ops = {.info = info,
	                                       .configure = configure,
	                                       .stop = stop,
	                                       .tx = pass_tx,
	                                       .rx = pass_rx,
	                                       .status = filter_status,
	                                       .arena_added = arena_added,
	                                       .arena_removed = arena_removed};
	struct nserver_config config = {.ops = &ops, .maps_arenas = netfilter_self->maps_arenas};
	int r;

	nserver_init(&config);
	r = publish_upper(); /* first: whoever has the unit below lets go of it */
	if (r == 0 && netfilter_self->start != NULL)
		r = netfilter_self->start();
	if (r == 0)
		r = open_lower();
	return r != 0 ? r : nserver_publish(filter_unit(), FILTER_UNIT);
}

void netfilter_main(int argc, char **argv, const struct netfilter *f)
{
	const struct filter_spec spec = {.name = f->name,
	                                 .options = f->options,
	                                 .lowers_min = 1,
	                                 .lowers_max = 1,
	                                 .configure = f->configure};
	const struct filter_loop loop = {.server = &nserver_half,
	                                 .client = &netdev_half,
	                                 .init = init,
	                                 .activity = pass_activity,
	                                 .before_halves = f->idle,
	                                 .message = f->message,
	                                 .status = f->status};

	netfilter_self = f;
	filter_run(argc, argv, &spec, &loop);
}
