/* SPDX-License-Identifier: BSD-2-Clause */
/* Arenas of a client: see arena.h. */
#include "arena/arena.h"
#include "sys/sys.h"

bool arena_own_is_valid(const struct arena_own *a)
{
	if (a->from == EP_NONE && (uintptr_t)a->ptr % PAGE_BYTES != 0)
		return false;
	return a->len_bytes % PAGE_BYTES == 0 && a->len_bytes > 0;
}

bool arena_own_holds(const struct arena_own *a, uint64_t offset, uint64_t len_bytes, bool is_write)
{
	return a->is_used && !(is_write && a->is_readonly) && len_bytes <= a->len_bytes &&
	       offset <= a->len_bytes - len_bytes;
}

grant_t arena_own_grant(const struct arena_own *a, endpoint_t to)
{
	unsigned access = GRANT_READ | GRANT_MAP | (a->is_readonly ? 0 : GRANT_WRITE);

	return a->from == EP_NONE ? grant_direct(to, a->ptr, a->len_bytes, access)
	                          : grant_indirect(to, a->from, a->parent, 0, a->len_bytes, access);
}
