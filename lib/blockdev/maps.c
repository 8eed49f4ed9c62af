/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas of the server half: mapped and pinned once when they are announced.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blockdev/host.h"

#define PIN_PAGES 256 /* bus addresses that are asked for at a time */

static int pin(struct bserver_arena *a, size_t pages)
{
	a->bus = malloc(pages * sizeof(*a->bus));
	a->run = malloc(pages * sizeof(*a->run));
	if (a->bus == NULL || a->run == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < pages; i += PIN_PAGES) {
		unsigned count = pages - i < PIN_PAGES ? (unsigned)(pages - i) : PIN_PAGES;
		int err = k_mapdma(a->ptr + i * PAGE_BYTES, a->bus + i, count);

		if (err < 0)
			return err;
	}
	arena_runs(a->bus, a->run, pages);
	return 0;
}

/* Without a mapping nobody has looked at the grant yet: its first and last byte must be there. */
static int check_grant(const struct bserver_session *s, const struct blk_arena *req)
{
	uint8_t byte;
	int err = k_safecopy_from(s->client, req->grant, 0, &byte, 1);

	if (err == 0)
		err = k_safecopy_from(s->client, req->grant, req->len_bytes - 1, &byte, 1);
	return err;
}

static int map(struct bserver_session *s, struct bserver_arena *a, const struct blk_arena *req)
{
	unsigned prot = VMP_READ | (req->is_readonly ? 0 : VMP_WRITE);

	if (!bserver_cfg.maps_arenas && !bserver_cfg.wants_bus)
		return check_grant(s, req);
	a->ptr = vm_safemap(s->client, req->grant, 0, req->len_bytes, prot);
	if (a->ptr == NULL)
		return -EFAULT;
	return bserver_cfg.wants_bus ? pin(a, req->len_bytes / PAGE_BYTES) : 0;
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
	/* An error means that the client has revoked it, which unmapped it. */
	if (a->ptr != NULL)
		(void)!vm_unmap(a->ptr, s->views[arena].len_bytes);
	free(a->bus);
	free(a->run);
	memset(a, 0, sizeof(*a));
	s->views[arena] = (struct blk_arena_view){.len_bytes = 0};
}
