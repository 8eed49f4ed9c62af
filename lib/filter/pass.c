/* SPDX-License-Identifier: BSD-2-Clause */
/* Passing requests on without touching their data. See filter.h. */
#include "filter/filter.h"

int filter_arena_added(endpoint_t client, grant_t grant, size_t len_bytes, bool is_readonly)
{
	return bdev_arena_indirect(client, grant, len_bytes, is_readonly);
}

void filter_arena_removed(unsigned tag)
{
	bdev_arena_drop((int)tag);
}

void filter_elements(const struct bserver_request *r, struct blk_element *out)
{
	for (unsigned i = 0; i < r->element_count; i++)
		out[i] = (struct blk_element){.offset = r->elements[i].offset,
		                              .len_bytes = r->elements[i].len_bytes,
		                              .arena = r->elements[i].tag};
}

void filter_io_of(const struct bserver_request *r, const struct blk_element *elements,
                  struct bdev_io *io)
{
	*io = (struct bdev_io){.op = (uint8_t)r->op,
	                       .flags = r->flags,
	                       .element_count = (uint8_t)r->element_count,
	                       .sectors = r->sectors,
	                       .sector = r->sector,
	                       .elements = elements};
}
