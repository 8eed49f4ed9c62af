/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocation of staging memory: see staging.h. */
#include <string.h>
#include "staging.h"

void staging_init(struct staging *s, uint32_t pages)
{
	memset(s, 0, sizeof(*s));
	s->pages = pages < STAGING_PAGES_MAX ? pages : STAGING_PAGES_MAX;
}

/* Free pages from `first` on, at most `wanted`. */
static uint32_t free_run(const struct staging *s, uint32_t first, uint32_t wanted)
{
	uint32_t count = 0;

	while (count < wanted && first + count < s->pages && !s->used[first + count])
		count++;
	return count;
}

static int find(const struct staging *s, uint32_t from, uint32_t to, uint32_t pages)
{
	for (uint32_t i = from; i < to;) {
		uint32_t run = free_run(s, i, pages);

		if (run == pages)
			return (int)i;
		i += run + 1;
	}
	return -1;
}

int staging_alloc(struct staging *s, uint32_t pages)
{
	int first;

	if (pages == 0 || pages > s->pages)
		return -1;
	first = find(s, s->next, s->pages, pages);
	if (first < 0)
		first = find(s, 0, s->next, pages);
	if (first < 0)
		return -1;
	memset(s->used + first, 1, pages);
	s->length[first] = (uint16_t)pages;
	s->next = (uint32_t)first + pages == s->pages ? 0 : (uint32_t)first + pages;
	return first;
}

void staging_free(struct staging *s, int first)
{
	memset(s->used + first, 0, s->length[first]);
	s->length[first] = 0;
}
