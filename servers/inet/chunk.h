/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chunks: pieces of the send area that hold application data of one connection, copied there once by
 * SAFECOPY. TCP's segments refer to the data (tcp_write() without a copy), frames hold the segments' pbufs,
 * drivers read it in place.
 *
 *   chunk_new() --copy to chunk_room(), chunk_write()--> filled --chunk_release()--> freed with its last pbuf
 *
 * Each pbuf that refers to a chunk counts, and so does the socket that still fills it. A pbuf goes when its
 * segment was acknowledged (lwIP lets go of it) and every frame with it was confirmed by the driver (frame.h);
 * so nothing is used again that a driver may still read or that must be sent again (N1, N3).
 */
#ifndef INET_CHUNK_H
#define INET_CHUNK_H

#include "axolotl/types.h"
#include "lwip/tcp.h"

#define CHUNK_HEADER    16u
#define CHUNK_BYTES_MIN 2720u  /* with the header: a size class of the arena */
#define CHUNK_BYTES_MAX 65536u /* one tcp_write() takes less than that */

struct chunk;

/* With room for `bytes` if there is memory for it, else for less, but never for less than CHUNK_BYTES_MIN; NULL:
 * no memory. At most CHUNK_BYTES_MAX including the header. */
struct chunk *chunk_new(uint32_t bytes);
/* The socket puts nothing more in it. NULL is allowed. */
void chunk_release(struct chunk *c);
/* Where the next bytes go, and how many fit. What is there already may become free again by this call: nobody
 * refers to it any more. */
uint8_t *chunk_room(struct chunk *c, uint32_t *bytes);
/* The first `bytes` of the room become the connection's next data, with TCP_WRITE_FLAG_MORE or 0; they are
 * fewer when memory is short. How many; 0: none. */
uint32_t chunk_write(struct chunk *c, struct tcp_pcb *pcb, uint32_t bytes, u8_t flags);
/* True once after something was refused here and memory became free since. */
bool chunk_take_relief(void);

struct chunk_stats {
	uint32_t chunks, refs; /* now */
};
void chunk_get_stats(struct chunk_stats *s);

#endif
