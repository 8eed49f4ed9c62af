/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas of the block and the network protocol: payload memory of a client, which descriptors point into by
 * (arena, offset, length). lib/arena has both ends.
 */
#ifndef AXOLOTL_ARENA_H
#define AXOLOTL_ARENA_H

#include "axolotl/grant.h"

/* BLK_ARENA, NET_ARENA: the session learns of an arena, in place of the one of that number. */
struct arena_announce {
	uint32_t id;
	uint32_t session;
	uint16_t arena;       /* number chosen by the client, < BLK_ARENAS_MAX, NET_ARENAS_MAX */
	uint16_t is_readonly; /* the server (and its device) may only read it */
	grant_t grant;
	uint64_t len_bytes; /* page aligned */
};
_Static_assert(sizeof(struct arena_announce) == 24, "ends agree");

#endif
