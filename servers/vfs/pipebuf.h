/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buffer of a pipe: a ring of bytes. Pure. The caller copies; it asks for contiguous windows
 * and says how much it used.
 */
#ifndef SERVERS_VFS_PIPEBUF_H
#define SERVERS_VFS_PIPEBUF_H

#include "axolotl/types.h"

#define PIPE_BYTES  65536u
#define PIPE_ATOMIC 4096u /* PIPE_BUF: a write of up to this is not mixed with others */

struct pipebuf {
	uint32_t start; /* of the data, < PIPE_BYTES */
	uint32_t used;
	uint8_t data[PIPE_BYTES];
};

void pipebuf_reset(struct pipebuf *b);
/* First contiguous run of data (free space); *len 0: none. */
void *pipebuf_data(struct pipebuf *b, uint32_t *len);
void *pipebuf_space(struct pipebuf *b, uint32_t *len);
void pipebuf_consume(struct pipebuf *b, uint32_t len);
void pipebuf_produce(struct pipebuf *b, uint32_t len);
static inline uint32_t pipebuf_free(const struct pipebuf *b)
{
	return PIPE_BYTES - b->used;
}
/* May a write of len bytes begin now? Atomic ones need room for all of it. */
static inline bool pipebuf_can_write(const struct pipebuf *b, uint64_t len)
{
	return len <= PIPE_ATOMIC ? pipebuf_free(b) >= len : pipebuf_free(b) > 0;
}

#endif
