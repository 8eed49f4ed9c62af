/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas of the client half: one table for the process; each session grants all of them to its
 * server.
 */
#include <errno.h>

#include "arena/arena.h"
#include "blockdev/client.h"

static struct arena_own arenas[BLK_ARENAS_MAX];

bool bdev_arena_holds(unsigned arena, uint64_t offset, uint64_t len_bytes, bool is_write)
{
	return arena < BLK_ARENAS_MAX &&
	       arena_own_holds(&arenas[arena], offset, len_bytes, is_write);
}

int server_send_arena(struct server *s, unsigned arena, bool is_setup)
{
	struct arena_announce req = arena_own_announce(arenas, arena, s->ep, s->session);
	struct control *c;
	int err;

	if (req.grant == GRANT_INVALID)
		return -ENOSPC;
	err = server_control(s, BLK_ARENA, &req, &c);
	if (err != 0) {
		grant_revoke(req.grant);
		return err;
	}
	s->arena_grants[arena] = req.grant;
	s->arenas_left++;
	c->is_setup = is_setup;
	return 0;
}

unsigned server_send_arenas(struct server *s)
{
	unsigned sent = 0;

	for (unsigned i = 0; i < BLK_ARENAS_MAX; i++) {
		s->arena_grants[i] = GRANT_INVALID;
		if (!arenas[i].is_used)
			continue;
		if (server_send_arena(s, i, true) == 0)
			sent++;
		else
			sys_log("blockdev: arena %u was not announced to %s\n", i, s->label);
	}
	return sent;
}

void server_drop_arena_grants(struct server *s, bool is_death)
{
	for (unsigned i = 0; i < BLK_ARENAS_MAX; i++)
		arena_take_back(&s->arena_grants[i], is_death);
}

static bool has_session(const struct server *s)
{
	return s->is_used && (s->state == SERVER_UP || s->state == SERVER_SETUP);
}

/* Every session learns of it, or nobody does. `arena`: its number, or an error. */
static int announce(int arena)
{
	int err = 0;

	if (arena < 0)
		return arena;
	for (unsigned n = 1; n <= BDEV_SERVERS_MAX && err == 0; n++)
		if (has_session(&bdev_servers[n]))
			err = server_send_arena(&bdev_servers[n], (unsigned)arena, false);
	if (err == 0)
		return arena;
	bdev_arena_drop(arena);
	return -EAGAIN;
}

int bdev_arena(void *ptr, size_t len_bytes, bool is_readonly)
{
	return announce(arena_own_direct(arenas, ptr, len_bytes, is_readonly));
}

int bdev_arena_indirect(endpoint_t from, grant_t parent, size_t len_bytes, bool is_readonly)
{
	const struct arena_own a = {
		.is_readonly = is_readonly, .from = from, .parent = parent, .len_bytes = len_bytes};

	return announce(arena_own_indirect(arenas, &a));
}

void bdev_arena_drop(int arena)
{
	if (arena < 0 || arena >= BLK_ARENAS_MAX)
		return;
	arenas[arena].is_used = false;
	for (unsigned n = 1; n <= BDEV_SERVERS_MAX; n++)
		if (has_session(&bdev_servers[n]))
			arena_take_back(&bdev_servers[n].arena_grants[arena], false);
}
