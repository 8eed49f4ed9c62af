/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arenas: memory that descriptors point into by (arena, offset, length). What lib/blockdev and lib/netdev
 * share; the messages that announce arenas are theirs.
 *
 *   struct arena_map    a peer's arena: mapped (VM_SAFEMAP) and pinned (MAPDMA) once, when it is announced,
 *                       and then walked as physically contiguous pieces
 *   struct arena_table  a server's: those of one session, and what is under way in each
 *   struct arena_own    a client's: its own memory, or what somebody above granted to it (filters)
 */
#ifndef LIB_ARENA_H
#define LIB_ARENA_H

#include "axolotl/types.h"
#include "axolotl/arena.h"
#include "axolotl/grant.h"

#define ARENAS_MAX 8 /* of one client; numbers are below it */

/* What checks of descriptors need to know. */
struct arena_view {
	uint64_t len_bytes; /* 0: no such arena */
	bool is_readonly;
};

/* ---- of a server ---- */

struct arena_map {
	uint8_t *ptr;  /* NULL: not mapped */
	uint64_t *bus; /* of each page; NULL: no DMA */
	uint16_t *run; /* pages that follow this one contiguously, itself included, saturated */
	uint64_t len_bytes;
};

struct arena_slot {
	struct arena_map map;
	unsigned tag;     /* what the component calls it, if it has_tag */
	unsigned pending; /* descriptors with the component that use it */
	bool has_tag;
};

struct arena_table {
	struct arena_slot slots[ARENAS_MAX];
	struct arena_view views[ARENAS_MAX];
};

#define ARENA_PTR 1u /* map it */
#define ARENA_BUS 2u /* map it and find its bus addresses */

/* What the component does with arenas. */
struct arena_use {
	unsigned how; /* ARENA_*; none: the grant is only tried */
	/* May be NULL. An arena came (`grant` is to us, from `client`): a tag >= 0 or -errno; it goes. */
	int (*added)(endpoint_t client, grant_t grant, size_t len_bytes, bool is_readonly);
	void (*removed)(unsigned tag);
};

/* What `client` announced; nothing of it is checked yet. 0 or -errno: -EBUSY if the one of that number is in
 * use. */
int arena_add(struct arena_table *t, endpoint_t client, const struct arena_announce *o,
              const struct arena_use *use) MUST_CHECK;
void arena_remove_all(struct arena_table *t, const struct arena_use *use);

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

/* An entry of a table of ARENAS_MAX: its number, -EINVAL (not page aligned, empty) or -ENOSPC. */
int arena_own_direct(struct arena_own *table, void *ptr, size_t len_bytes,
                     bool is_readonly) MUST_CHECK;
int arena_own_indirect(struct arena_own *table, const struct arena_own *a) MUST_CHECK;
/* Does it hold these bytes, and may they be written? Pure. */
bool arena_own_holds(const struct arena_own *a, uint64_t offset, uint64_t len_bytes, bool is_write);
/* What to tell a server, with a grant of all of it that can be mapped; GRANT_INVALID: the table is full. */
struct arena_announce arena_own_announce(const struct arena_own *table, unsigned arena,
                                         endpoint_t to, uint32_t session);

/* Takes a grant back and forgets it. A live server that broke the rules keeps nothing of ours; a dead one
 * has no mappings. */
void arena_take_back(grant_t *g, bool is_death);

/* Zeroed pages that are all present, so that others can map them; NULL: no memory. Length: pages. */
void *arena_pages(size_t len_bytes);

#endif
