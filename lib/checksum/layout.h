/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the checksum filter puts things on its lower medium; used by the filter and by mkstack.
 * Pure.
 *
 *   [ header: 8 sectors ][ group 0: n data sectors, 1 sum sector ][ group 1 ] ... [ unused < n + 1
 * ] header: sector 0 superblock, sector 7 its copy, the others zero sum sector: n sums one after
 * the other, the rest zero
 *
 * Superblock: written when the medium is formatted, then never again.
 */
#ifndef LIB_CHECKSUM_LAYOUT_H
#define LIB_CHECKSUM_LAYOUT_H

#include "checksum/sum.h"

#define CHECKSUM_HEADER_SECTORS 8u
#define CHECKSUM_SUPER_COPY     7u   /* sector of the copy */
#define CHECKSUM_N_MAX          128u /* crc32c: 128 x 4 bytes */
#define CHECKSUM_N_DEFAULT      8u
#define CHECKSUM_VERSION        1u

struct checksum_super { /* one sector; little endian */
	char magic[8];  /* "AXOCKSUM" */
	uint32_t version;
	uint32_t algo; /* enum sum_algo */
	uint8_t uuid[16];
	uint32_t n;
	uint32_t header_sectors;
	uint64_t lower_sectors; /* of the medium when it was formatted */
	uint64_t data_sectors;
	uint64_t generation;   /* 1 + that of the format before */
	uint8_t reserved[416]; /* 0 */
	uint64_t reserved_tail[3];
	uint64_t sum; /* xxh64 of the sector with this field 0 */
};
_Static_assert(sizeof(struct checksum_super) == SUM_SECTOR, "superblock fills a sector");

struct checksum_layout {
	uint32_t n;
	uint32_t header_sectors;
	uint64_t data_sectors; /* whole groups */
};

/* Fills in everything but uuid and generation. 0; -EINVAL: n x sum does not fit a sector, n is 0,
 * or the medium has no room for a group. */
int checksum_super_make(struct checksum_super *super, enum sum_algo algo, uint32_t n,
                        uint64_t lower_sectors) MUST_CHECK;
void checksum_super_seal(struct checksum_super *super); /* computes `sum` */

/* What the first sectors of a medium are. */
enum checksum_probe {
	CHECKSUM_VALID,
	CHECKSUM_BLANK,   /* no magic in either copy */
	CHECKSUM_DAMAGED, /* magic, but not a superblock that makes sense on this medium */
};
/* header: CHECKSUM_HEADER_SECTORS sectors as read; the better copy goes to *super. */
enum checksum_probe checksum_super_probe(const void *header, uint64_t lower_sectors,
                                         struct checksum_super *super);
/* Does the stack that was asked for (0: anything) match the medium? 0, or -EINVAL with the reason.
 */
int checksum_super_match(const struct checksum_super *super, enum sum_algo algo, uint32_t n,
                         char why[96]) MUST_CHECK;

void checksum_layout_of(const struct checksum_super *super, struct checksum_layout *l);

static inline uint64_t checksum_group_of(const struct checksum_layout *l, uint64_t lba)
{
	return lba / l->n;
}
/* First lower sector of a group. */
static inline uint64_t checksum_group_start(const struct checksum_layout *l, uint64_t group)
{
	return l->header_sectors + group * (l->n + 1ull);
}
static inline uint64_t checksum_sum_sector(const struct checksum_layout *l, uint64_t group)
{
	return checksum_group_start(l, group) + l->n;
}
static inline uint64_t checksum_data_sector(const struct checksum_layout *l, uint64_t lba)
{
	return checksum_group_start(l, lba / l->n) + lba % l->n;
}
/* Lower sectors from the first of [lba, lba + count) to the sum sector of its last group. */
static inline uint64_t checksum_extent(const struct checksum_layout *l, uint64_t lba,
                                       uint64_t count)
{
	return checksum_sum_sector(l, (lba + count - 1) / l->n) + 1 - checksum_data_sector(l, lba);
}
/* Most data sectors whose extent fits into so many lower sectors, wherever they begin. */
uint64_t checksum_fitting(const struct checksum_layout *l, uint64_t lower_sectors);

#endif
