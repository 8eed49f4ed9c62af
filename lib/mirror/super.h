/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the mirror filter keeps on each leg; used by the filter and by mkstack. Pure.
 *
 *   [ 0, 1: superblock slots ][ 8..15: write-intent bitmap ] ... [ 128: data ... ]
 *
 * Superblock: describes the whole set as this leg knew it last. A change of any leg's state makes
 * generation + 1 and goes to every leg that is not failed, into slot (generation & 1), so a torn
 * write never destroys the one before. The highest generation among the legs is the truth: a failed
 * leg did not get the write that says so, hence it can never come back as good.
 *
 * Bitmap: one bit for each region, on every leg that is not failed. Set, on the medium, before a
 * region is written; cleared some time after, unless a leg is out of the set. So the set bits are
 * the regions in which legs may differ.
 */
#ifndef LIB_MIRROR_SUPER_H
#define LIB_MIRROR_SUPER_H

#include "axolotl/types.h"

#define MIRROR_SECTOR         512u
#define MIRROR_LEGS_MAX       4
#define MIRROR_VERSION        1u
#define MIRROR_DATA_START     128u
#define MIRROR_BITMAP_START   8u
#define MIRROR_BITMAP_SECTORS 8u
#define MIRROR_REGIONS_MAX    (MIRROR_BITMAP_SECTORS * MIRROR_SECTOR * 8)
#define MIRROR_REGION_MIN     2048u /* sectors: 1 MiB */

enum mirror_state {
	MIRROR_ABSENT, /* in memory only: not found yet */
	MIRROR_GOOD,
	MIRROR_FAILED,
	MIRROR_RESYNC, /* came back: gets all writes, is brought up to date */
	MIRROR_STATES
};
const char *mirror_state_name(enum mirror_state state);

struct mirror_super {  /* one sector; little endian */
	char magic[8]; /* "AXOMIRRO" */
	uint32_t version;
	uint32_t legs;
	uint8_t uuid[16]; /* of the set */
	uint32_t self;    /* which leg this is */
	uint32_t region_sectors;
	uint64_t data_sectors;
	uint64_t generation;
	uint8_t states[8]; /* enum mirror_state of each leg: GOOD, FAILED or RESYNC */
	uint8_t reserved[440];
	uint64_t sum; /* xxh64 of the sector with this field 0 */
};
_Static_assert(sizeof(struct mirror_super) == MIRROR_SECTOR, "superblock fills a sector");

/* A new set; the smallest leg decides. Fills in all but uuid, self and sum; all legs are good. 0 or
 * -EINVAL: leg count, or no room. */
int mirror_super_make(struct mirror_super *super, unsigned legs, uint64_t leg_sectors) MUST_CHECK;
void mirror_super_seal(struct mirror_super *super);

enum mirror_probe { MIRROR_VALID, MIRROR_BLANK, MIRROR_DAMAGED };
/* header: the first two sectors of a leg; the newer valid slot goes to *super. */
enum mirror_probe mirror_super_probe(const void *header, uint64_t leg_sectors,
                                     struct mirror_super *super);

#endif
