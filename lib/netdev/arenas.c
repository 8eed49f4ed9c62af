/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas of the client half: one table for the process; each session grants all of them to its server.
 */
#include <errno.h>

#include "arena/arena.h"
#include "netdev/client.h"

static struct arena_own arenas[NET_ARENAS_MAX];
static struct arena_view views[NET_ARENAS_MAX]; /* the same, as checks want it */

const struct arena_view *netdev_arena_views(void)
{
	return views;
}

int netdev_send_arena(struct netdev *d, unsigned arena, bool is_setup)
{
	struct arena_announce req = arena_own_announce(arenas, arena, d->ep, d->session);
	int err;

	if (req.grant == GRANT_INVALID)
		return -ENOSPC;
	err = netdev_control(d, NET_ARENA, &req, is_setup);
	if (err != 0) {
		grant_revoke(req.grant);
		return err;
	}
	d->arena_grants[arena] = req.grant;
	d->arenas_left++;
	return 0;
}

int netdev_send_arenas(struct netdev *d)
{
	int err = 0;

	for (unsigned i = 0; i < NET_ARENAS_MAX && err == 0; i++)
		if (arenas[i].is_used)
			err = netdev_send_arena(d, i, true);
	return err;
}

void netdev_drop_arena_grants(struct netdev *d, bool is_death)
{
	for (unsigned i = 0; i < NET_ARENAS_MAX; i++)
		arena_take_back(&d->arena_grants[i], is_death);
}

/* Every session learns of it, or nobody does. `arena`: its number, or an error. */
static int announce(int arena)
{
	int err = 0;

	if (arena < 0)
		return arena;
	views[arena] = (struct arena_view){.len_bytes = arenas[arena].len_bytes,
	                                   .is_readonly = arenas[arena].is_readonly};
	for (unsigned i = 0; i < NETDEV_MAX && err == 0; i++)
		if (netdev_has_session(&netdev_units[i]))
			err = netdev_send_arena(&netdev_units[i], (unsigned)arena, false);
	if (err == 0)
		return arena;
	netdev_arena_drop(arena);
	return -EAGAIN;
}

int netdev_arena(void *ptr, size_t len_bytes, bool is_readonly)
{
	return announce(arena_own_direct(arenas, ptr, len_bytes, is_readonly));
}

int netdev_arena_indirect(endpoint_t from, grant_t parent, size_t len_bytes, bool is_readonly)
{
	const struct arena_own a = {
		.is_readonly = is_readonly, .from = from, .parent = parent, .len_bytes = len_bytes};

	return announce(arena_own_indirect(arenas, &a));
}

void netdev_arena_drop(int arena)
{
	if (arena < 0 || arena >= NET_ARENAS_MAX)
		return;
	arenas[arena].is_used = false;
	views[arena] = (struct arena_view){.len_bytes = 0};
	for (unsigned i = 0; i < NETDEV_MAX; i++)
		if (netdev_has_session(&netdev_units[i]))
			arena_take_back(&netdev_units[i].arena_grants[arena], false);
}
