/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas of the server half (lib/arena), with the tags that the component gave them.
 */
#include <string.h>

#include "blockdev/host.h"

static int map(struct bserver_session *s, struct bserver_arena *a, const struct blk_arena *req)
{
	struct arena_offer offer = {.client = s->client,
	                            .grant = req->grant,
	                            .len_bytes = req->len_bytes,
	                            .is_readonly = req->is_readonly};

	return arena_map(&a->map, &offer,
	                 (bserver_cfg.maps_arenas ? ARENA_PTR : 0) |
	                         (bserver_cfg.wants_bus ? ARENA_BUS : 0));
}

int arena_add(struct bserver_session *s, const struct blk_arena *req)
{
	struct bserver_arena *a = &s->arenas[req->arena];
	const struct bserver_ops *ops = bserver_cfg.ops;
	int err;

	s->views[req->arena] = (struct blk_arena_view){.len_bytes = req->len_bytes,
	                                               .is_readonly = req->is_readonly};
	err = map(s, a, req);
	if (err == 0 && ops->arena_added != NULL) {
		err = ops->arena_added(s->client, req->grant, req->len_bytes, req->is_readonly);
		if (err >= 0) {
			a->tag = (unsigned)err;
			a->has_tag = true;
			err = 0;
		}
	}
	if (err != 0)
		arena_remove(s, req->arena);
	return err;
}

void arena_remove(struct bserver_session *s, unsigned arena)
{
	struct bserver_arena *a = &s->arenas[arena];

	if (a->has_tag && bserver_cfg.ops->arena_removed != NULL)
		bserver_cfg.ops->arena_removed(a->tag);
	arena_unmap(&a->map);
	memset(a, 0, sizeof(*a));
	s->views[arena] = (struct blk_arena_view){.len_bytes = 0};
}
