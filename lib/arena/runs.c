/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas as physically contiguous pieces. For each page the length of the run that starts there is
 * known from the start, so a walk takes one step a run and not one a page. Pure.
 */
#include "arena/arena.h"

void arena_runs(const uint64_t *bus, uint16_t *run, size_t pages)
{
	for (size_t i = pages; i-- > 0;) {
		bool goes_on = i + 1 < pages && bus[i] + PAGE_BYTES == bus[i + 1];

		run[i] = 1;
		if (goes_on)
			run[i] = run[i + 1] < UINT16_MAX ? (uint16_t)(run[i + 1] + 1) : UINT16_MAX;
	}
}

struct arena_piece arena_piece(const struct arena_map *a, uint64_t offset, uint32_t limit)
{
	uint64_t page = offset >> PAGE_SHIFT, in_page = offset & (PAGE_BYTES - 1);
	uint64_t len = a->run[page] * PAGE_BYTES - in_page;

	return (struct arena_piece){.bus = a->bus[page] + in_page,
	                            .len_bytes = len < limit ? (uint32_t)len : limit};
}
