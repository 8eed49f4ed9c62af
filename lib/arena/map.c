/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A peer's arenas: mapping, pinning, the table of a session. See arena.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena.h"
#include "sys/sys.h"

#define PIN_PAGES 256 /* bus addresses that are asked for at a time */

static int pin(struct arena_map *a)
{
	size_t pages = a->len_bytes / PAGE_BYTES;

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
static int check_grant(endpoint_t client, const struct arena_announce *o)
{
	uint8_t byte;
	int err = k_safecopy_from(client, o->grant, 0, &byte, 1);

	if (err == 0)
		err = k_safecopy_from(client, o->grant, o->len_bytes - 1, &byte, 1);
	return err;
}

static void unmap(struct arena_map *a)
{
	/* An error means that the client has revoked it, which unmapped it. */
	if (a->ptr != NULL)
		(void)!vm_unmap(a->ptr, a->len_bytes);
	free(a->bus);
	free(a->run);
	memset(a, 0, sizeof(*a));
}

static int map(struct arena_map *a, endpoint_t client, const struct arena_announce *o, unsigned how)
{
	unsigned prot = VMP_READ | (o->is_readonly ? 0 : VMP_WRITE);

	*a = (struct arena_map){.len_bytes = o->len_bytes};
	if (how == 0)
		return check_grant(client, o);
	a->ptr = vm_safemap(client, o->grant, 0, o->len_bytes, prot);
	if (a->ptr == NULL)
		return -EFAULT;
	return how & ARENA_BUS ? pin(a) : 0;
}

/* ---- the table ---- */

static void remove_one(struct arena_table *t, unsigned arena, const struct arena_use *use)
{
	struct arena_slot *a = &t->slots[arena];

	if (a->has_tag && use->removed != NULL)
		use->removed(a->tag);
	unmap(&a->map);
	memset(a, 0, sizeof(*a));
	t->views[arena] = (struct arena_view){.len_bytes = 0};
}

void arena_remove_all(struct arena_table *t, const struct arena_use *use)
{
	for (unsigned i = 0; i < ARENAS_MAX; i++)
		remove_one(t, i, use);
}

static int set_tag(struct arena_slot *a, endpoint_t client, const struct arena_announce *o,
                   const struct arena_use *use)
{
	int tag;

	if (use->added == NULL)
		return 0;
	tag = use->added(client, o->grant, o->len_bytes, o->is_readonly);
	if (tag < 0)
		return tag;
	a->tag = (unsigned)tag;
	a->has_tag = true;
	return 0;
}

int arena_add(struct arena_table *t, endpoint_t client, const struct arena_announce *o,
              const struct arena_use *use)
{
	struct arena_slot *a;
	int err;

	if (o->arena >= ARENAS_MAX || o->is_readonly > 1 || o->len_bytes == 0 ||
	    o->len_bytes % PAGE_BYTES != 0)
		return -EINVAL;
	a = &t->slots[o->arena];
	if (a->pending > 0)
		return -EBUSY;
	remove_one(t, o->arena, use);
	err = map(&a->map, client, o, use->how);
	if (err == 0)
		err = set_tag(a, client, o, use);
	if (err != 0) {
		remove_one(t, o->arena, use);
		return err;
	}
	t->views[o->arena] =
		(struct arena_view){.len_bytes = o->len_bytes, .is_readonly = o->is_readonly};
	return 0;
}
