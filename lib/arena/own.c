/* SPDX-License-Identifier: BSD-2-Clause */
/* Arenas of a client: see arena.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arena/arena.h"
#include "sys/sys.h"

static int place(struct arena_own *table, const struct arena_own *a)
{
	if (a->len_bytes % PAGE_BYTES != 0 || a->len_bytes == 0)
		return -EINVAL;
	for (int i = 0; i < ARENAS_MAX; i++) {
		if (table[i].is_used)
			continue;
		table[i] = *a;
		table[i].is_used = true;
		return i;
	}
	return -ENOSPC;
}

int arena_own_direct(struct arena_own *table, void *ptr, size_t len_bytes, bool is_readonly)
{
	struct arena_own a = {
		.is_readonly = is_readonly, .ptr = ptr, .from = EP_NONE, .len_bytes = len_bytes};

	return (uintptr_t)ptr % PAGE_BYTES != 0 ? -EINVAL : place(table, &a);
}

int arena_own_indirect(struct arena_own *table, const struct arena_own *a)
{
	return place(table, a);
}

bool arena_own_holds(const struct arena_own *a, uint64_t offset, uint64_t len_bytes, bool is_write)
{
	return a->is_used && !(is_write && a->is_readonly) && len_bytes <= a->len_bytes &&
	       offset <= a->len_bytes - len_bytes;
}

struct arena_announce arena_own_announce(const struct arena_own *table, unsigned arena,
                                         endpoint_t to, uint32_t session)
{
	const struct arena_own *a = &table[arena];
	unsigned access = GRANT_READ | GRANT_MAP | (a->is_readonly ? 0 : GRANT_WRITE);
	grant_t grant = a->from == EP_NONE
	                        ? grant_direct(to, a->ptr, a->len_bytes, access)
	                        : grant_indirect(to, a->from, a->parent, 0, a->len_bytes, access);

	return (struct arena_announce){.session = session,
	                               .arena = (uint16_t)arena,
	                               .is_readonly = a->is_readonly,
	                               .grant = grant,
	                               .len_bytes = a->len_bytes};
}

void arena_take_back(grant_t *g, bool is_death)
{
	if (is_death)
		grant_revoke(*g);
	else
		grant_revoke_map(*g);
	*g = GRANT_INVALID;
}

void *arena_pages(size_t len_bytes)
{
	void *pages = aligned_alloc(PAGE_BYTES, len_bytes);

	if (pages != NULL)
		memset(pages, 0, len_bytes);
	return pages;
}
