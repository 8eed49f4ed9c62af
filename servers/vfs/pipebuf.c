/* SPDX-License-Identifier: BSD-2-Clause */
/* The buffer of a pipe; see pipebuf.h. */
#include "pipebuf.h"

void pipebuf_reset(struct pipebuf *b)
{
	b->start = b->used = 0;
}

void *pipebuf_data(struct pipebuf *b, uint32_t *len)
{
	uint32_t to_end = PIPE_BYTES - b->start;

	*len = b->used < to_end ? b->used : to_end;
	return b->data + b->start;
}

void *pipebuf_space(struct pipebuf *b, uint32_t *len)
{
	uint32_t end = (b->start + b->used) % PIPE_BYTES;
	uint32_t to_end = PIPE_BYTES - end;

	*len = pipebuf_free(b) < to_end ? pipebuf_free(b) : to_end;
	return b->data + end;
}

void pipebuf_consume(struct pipebuf *b, uint32_t len)
{
	b->start = (b->start + len) % PIPE_BYTES;
	b->used -= len;
	if (b->used == 0)
		b->start = 0; /* long runs, and the first pages again */
}

void pipebuf_produce(struct pipebuf *b, uint32_t len)
{
	b->used += len;
}
