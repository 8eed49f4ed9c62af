/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mirror's logic without its I/O: legs and their states, which leg a read may use, the
 * write-intent bitmap, what a resync copies next. Pure; the filter does what it is told here.
 *
 *              assemble: the truth says good           write error, device gone
 *    ABSENT ------------------------------------> GOOD ------------------------> FAILED
 *      |  \---- the truth says failed, resync -> RESYNC <--- leg is back, its ----/  ^
 *      |                                          |   |      history is ours         |
 *      |                    all regions copied    |   \------------------------------/
 *      |                       GOOD <-------------/       write error, device gone
 *      \--- not found in time: FAILED
 *
 *   state  | gets writes | serves reads                  | its own superblock
 *   ABSENT | no          | no                            | as it was
 *   GOOD   | yes         | yes, except its stale regions | current
 *   FAILED | no          | no                            | old: that is the point
 *   RESYNC | yes         | in regions that are copied    | current
 *
 * After a stop of the system the regions that were being written may differ between GOOD legs, and none
 * is known to be right: they are *unsynced*. Reads go to the source alone, unless they name a leg.
 * Somebody who can judge makes them equal (mirror_synced), or the source is declared to be right
 * (mirror_delegate): then they are stale regions of the other legs, which a resync copies.
 *
 * Invariants. At least one leg is GOOD without stale regions, or the set is not running: the last
 * one is never failed. `want_record` stays true from a change of state until the superblocks with
 * the new generation are on all GOOD and RESYNC legs; meanwhile no write is acknowledged. Bits of
 * the bitmap are not cleared while a leg is neither GOOD nor fully copied.
 */
#ifndef LIB_MIRROR_SET_H
#define LIB_MIRROR_SET_H

#include "mirror/super.h"

#define MIRROR_WORDS (MIRROR_REGIONS_MAX / 64)

struct mirror_bits {
	uint64_t words[MIRROR_WORDS];
};

struct mirror_leg {
	enum mirror_state state;
	unsigned stale_count;
	struct mirror_bits stale; /* regions in which it may differ from the others */
	uint32_t resync_offset;   /* sectors of the region `resync_region` that are copied */
	uint32_t resync_region;
	uint32_t queue; /* requests it has; kept by the filter */
};

struct mirror_set {
	struct mirror_super super; /* the truth; `self` is unused */
	unsigned legs;
	uint32_t regions;
	struct mirror_leg leg[MIRROR_LEGS_MAX];
	bool is_running;
	bool want_record;
	struct mirror_bits unsynced; /* regions in which GOOD legs may differ */
	unsigned unsynced_count;

	/* Write intent. */
	struct mirror_bits dirty;  /* wanted on the medium */
	struct mirror_bits stable; /* dirty and known to be on the medium */
	struct mirror_bits recent; /* written since the last sweep */
	uint16_t inflight[MIRROR_REGIONS_MAX];
	uint8_t want_bitmap; /* bit i: bitmap sector i differs from the medium */
};

enum mirror_policy { MIRROR_PRIMARY, MIRROR_ROUND_ROBIN, MIRROR_SHORTEST };

/* ---- assembly ---- */

struct mirror_found {
	bool is_present; /* opened and its header was read */
	enum mirror_probe probe;
	struct mirror_super super; /* MIRROR_VALID only */
};
enum mirror_verdict {
	MIRROR_WAIT,   /* legs are missing: call again, or with `is_late` */
	MIRROR_RUN,    /* the set runs; legs have their states */
	MIRROR_REFUSE, /* nothing usable; `why` says it */
};
/* Decides over all legs. is_late: do without those that are missing. Once it says RUN, the filter
 * reads the bitmap of leg `*source` and hands it to mirror_start(). */
struct mirror_why {
	char text[120];
};
enum mirror_verdict mirror_assemble(struct mirror_set *set, const struct mirror_found *found,
                                    bool is_late, struct mirror_why *why);
/* A leg whose bitmap counts (GOOD, or the first of them). */
unsigned mirror_source(const struct mirror_set *set);
/* bitmap: MIRROR_BITMAP_SECTORS sectors as read. Set bits become stale regions of legs in RESYNC and,
 * after the system stopped (is_unclean), unsynced regions of the others: nobody will finish the
 * writes that were cut off. If only the filter died, its clients send them again and thereby make
 * the legs equal. */
void mirror_start(struct mirror_set *set, const void *bitmap, bool is_unclean);

/* ---- states ---- */

/* A write to it failed, or it is gone. false: it is the last good one and stays; the error goes up.
 */
bool mirror_fail(struct mirror_set *set, unsigned leg);
/* A failed leg is back. 0: it resyncs now; -EUCLEAN: its superblock is missing or not ours;
 * -EBUSY: it ran without us, so both have writes that the other lacks. */
int mirror_return(struct mirror_set *set, unsigned leg,
                  const struct mirror_found *found) MUST_CHECK;
/* Superblock to write to a leg now, in sector (generation & 1). */
void mirror_super_for(const struct mirror_set *set, unsigned leg, struct mirror_super *out);
static inline void mirror_recorded(struct mirror_set *set)
{
	set->want_record = false;
}
static inline bool mirror_takes_writes(const struct mirror_set *set, unsigned leg)
{
	return set->leg[leg].state == MIRROR_GOOD || set->leg[leg].state == MIRROR_RESYNC;
}
bool mirror_is_degraded(const struct mirror_set *set);

/* ---- reads ---- */

/* Leg for a read, or -1. replica: 0 any, else that leg + 1 only; tried: bit i, leg i failed. */
struct mirror_read {
	uint64_t sector;
	uint32_t sectors;
	uint8_t replica;
	uint32_t tried;
};
int mirror_choose(struct mirror_set *set, enum mirror_policy policy, const struct mirror_read *r);

/* ---- write intent ---- */

/* A write begins: true if its regions are marked on the medium already. If false, want_bitmap is
 * set: write those bitmap sectors to all legs that take writes, call mirror_bitmap_stable(), then
 * write. */
bool mirror_write_begin(struct mirror_set *set, uint64_t sector, uint32_t sectors);
bool mirror_write_marked(const struct mirror_set *set, uint64_t sector, uint32_t sectors);
void mirror_write_end(struct mirror_set *set, uint64_t sector, uint32_t sectors);
unsigned mirror_dirty_regions(const struct mirror_set *set);
/* Contents of bitmap sector i as it should be. */
void mirror_bitmap_sector(const struct mirror_set *set, unsigned i, void *out);
/* Bitmap sector i, with the contents of `written`, is on all legs. */
void mirror_bitmap_stable(struct mirror_set *set, unsigned i, const void *written);
/* Will a sweep forget anything? Then flush the legs before it: their caches may hold writes that a loss
 * of power takes from one of them and not from the other. Writes that are in flight now count as
 * new, since the flush may miss them. */
bool mirror_sweep_begin(struct mirror_set *set);
/* Forget regions that were not written since the last sweep. Sets want_bitmap if there are any. */
void mirror_sweep(struct mirror_set *set);
/* Forget all regions without a write in flight: the clients are done for now, and have flushed. */
void mirror_sweep_all(struct mirror_set *set);

/* ---- regions that may differ ---- */

/* The first of them at or behind a sector. legs: bit i, leg i is to be made equal too (if it comes back, its stale regions
 * cannot be read). false: there is none. */
struct mirror_range {
	uint64_t sector;
	uint32_t sectors;
	uint32_t legs;
};
bool mirror_next_unsynced(const struct mirror_set *set, uint64_t from, struct mirror_range *range);
/* Its legs were made equal, durably, all over the range; regions that are not wholly inside it stay
 * as they are. */
void mirror_synced(struct mirror_set *set, uint64_t sector, uint32_t sectors);
/* Nobody can tell which is right: the source is. */
void mirror_delegate(struct mirror_set *set);
/* No GOOD leg differs from another, as far as is known. */
bool mirror_is_settled(const struct mirror_set *set);

/* ---- resync ---- */

struct mirror_chunk {
	uint64_t sector;
	uint32_t sectors;
	unsigned to;   /* leg */
	unsigned from; /* leg */
};
/* What to copy next, at most max_sectors; false: nothing. */
bool mirror_resync_next(struct mirror_set *set, uint32_t max_sectors, struct mirror_chunk *chunk);
/* It was copied. true: the leg is complete now (and GOOD: want_record). */
bool mirror_resync_done(struct mirror_set *set, const struct mirror_chunk *chunk);
/* Regions that are still to be copied to a leg. */
static inline unsigned mirror_resync_left(const struct mirror_set *set, unsigned leg)
{
	return set->leg[leg].stale_count;
}

#endif
