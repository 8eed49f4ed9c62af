/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas: memory that descriptors point into by (arena, offset, length). What lib/blockdev and
 * lib/netdev share; numbers, tags and counts are theirs.
 *
 *   struct arena_map   a server's view of a peer's arena: mapped (VM_SAFEMAP) and pinned (MAPDMA) once,
 *                      when it is announced, and then walked as physically contiguous pieces
 *   struct arena_own   a client's: its own memory, or what somebody above granted to it (filters)
 */
#ifndef LIB_ARENA_H
#define LIB_ARENA_H

#include "axolotl/types.h"
#include "axolotl/grant.h"

struct arena_map {
	uint8_t *ptr;  /* NULL: not mapped */
	uint64_t *bus; /* of each page; NULL: no DMA */
	uint16_t *run; /* pages that follow this one contiguously, itself included, saturated */
	uint64_t len_bytes;
};

/* What the peer announced. Length: pages, not 0; the caller has checked that. */
struct arena_offer {
	endpoint_t client;
	grant_t grant;
	uint64_t len_bytes;
	bool is_readonly;
};

#define ARENA_PTR 1u /* map it */
#define ARENA_BUS 2u /* map it and find its bus addresses */

/* 0 or -errno, and then nothing is mapped. With neither flag the grant is only tried. */
int arena_map(struct arena_map *a, const struct arena_offer *o, unsigned how) MUST_CHECK;
void arena_unmap(struct arena_map *a); /* one that is not mapped is allowed */

/* ---- pure ---- */

/* Length of the contiguous run that starts at each page. */
void arena_runs(const uint64_t *bus, uint16_t *run, size_t pages);

struct arena_piece {
	uint64_t bus;
	uint32_t len_bytes;
};
/* The contiguous bytes at an offset of an arena with bus addresses, at most `limit`. */
struct arena_piece arena_piece(const struct arena_map *a, uint64_t offset, uint32_t limit);

/* ---- of a client ---- */

struct arena_own {
	bool is_used;
	bool is_readonly; /* the server (and its device) may only read it */
	void *ptr;        /* direct */
	endpoint_t from;  /* indirect: who granted it to us; EP_NONE: direct */
	grant_t parent;
	uint64_t len_bytes;
};

/* Page aligned and not empty? */
bool arena_own_is_valid(const struct arena_own *a);
/* Does it hold these bytes, and may they be written? Pure. */
bool arena_own_holds(const struct arena_own *a, uint64_t offset, uint64_t len_bytes, bool is_write);
/* A grant of all of it that can be mapped; GRANT_INVALID: the table is full. */
grant_t arena_own_grant(const struct arena_own *a, endpoint_t to);

#endif
