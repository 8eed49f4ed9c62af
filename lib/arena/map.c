/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mapping and pinning of a peer's arenas: see arena.h.
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
static int check_grant(const struct arena_offer *o)
{
	uint8_t byte;
	int err = k_safecopy_from(o->client, o->grant, 0, &byte, 1);

	if (err == 0)
		err = k_safecopy_from(o->client, o->grant, o->len_bytes - 1, &byte, 1);
	return err;
}

int arena_map(struct arena_map *a, const struct arena_offer *o, unsigned how)
{
	unsigned prot = VMP_READ | (o->is_readonly ? 0 : VMP_WRITE);
	int err = 0;

	*a = (struct arena_map){.len_bytes = o->len_bytes};
	if (how == 0)
		return check_grant(o);
	a->ptr = vm_safemap(o->client, o->grant, 0, o->len_bytes, prot);
	if (a->ptr == NULL)
		return -EFAULT;
	if (how & ARENA_BUS)
		err = pin(a);
	if (err != 0)
		arena_unmap(a);
	return err;
}

void arena_unmap(struct arena_map *a)
{
	/* An error means that the client has revoked it, which unmapped it. */
	if (a->ptr != NULL)
		(void)!vm_unmap(a->ptr, a->len_bytes);
	free(a->bus);
	free(a->run);
	memset(a, 0, sizeof(*a));
}
