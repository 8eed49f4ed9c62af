/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Verifying and making groups in a staging buffer that is laid out as the medium is. Pure.
 *
 * Rules. A sector is good if the sum of (data, LBA) equals its entry in the sum sector. What is
 * written: the sum of new data is computed from the data as it is copied in; the entries of
 * neighbours are carried over, never computed from data that was not verified. Healing takes, for
 * each sector, any pair (data of replica i, entry of replica k) that agrees, own pair first.
 */
#ifndef LIB_CHECKSUM_GROUP_H
#define LIB_CHECKSUM_GROUP_H

#include "checksum/layout.h"

/* A scattered client buffer, walked in order. */
struct checksum_piece {
	uint8_t *ptr;
	uint32_t len_bytes; /* multiple of SUM_SECTOR */
};
struct checksum_cursor {
	const struct checksum_piece *pieces;
	uint32_t count;
	uint32_t index;
	uint32_t offset; /* in the piece */
};
/* Memory of the next sector; NULL at the end. */
uint8_t *checksum_cursor_next(struct checksum_cursor *c);

struct checksum_codec {
	struct checksum_layout layout;
	struct summer summer;
};

/* Sectors [lba, lba + count) of a request whose staging begins with lower sector data_sector(lba).
 */
struct checksum_span {
	uint64_t lba;
	uint64_t count;
	uint8_t *staging; /* checksum_extent() sectors */
};

/* Copies verified sectors to the client's buffer, from span sector `from` on. Returns how far it
 * got: count, or the index of the first sector that does not match (the cursor stands before it).
 */
uint64_t checksum_read(const struct checksum_codec *k, const struct checksum_span *span,
                       uint64_t from, struct checksum_cursor *to);

/* Copies client data into staging and enters its sums. Sum sectors of groups that are written whole
 * are made new; those of partly written groups must be in staging already (the old ones). */
void checksum_write(const struct checksum_codec *k, const struct checksum_span *span,
                    struct checksum_cursor *from);

/* Bit i: sector i of the group does not match. */
struct checksum_mask {
	uint64_t bits[CHECKSUM_N_MAX / 64];
};
static inline bool checksum_mask_has(const struct checksum_mask *m, uint32_t i)
{
	return (m->bits[i / 64] >> (i % 64) & 1) != 0;
}
static inline void checksum_mask_set(struct checksum_mask *m, uint32_t i)
{
	m->bits[i / 64] |= 1ull << (i % 64);
}
static inline bool checksum_mask_any(const struct checksum_mask *m)
{
	return (m->bits[0] | m->bits[1]) != 0;
}

/* Verifies a whole group: n + 1 sectors at `group`. Returns whether all match. */
bool checksum_verify_group(const struct checksum_codec *k, uint64_t number, const uint8_t *group,
                           struct checksum_mask *bad);

#define CHECKSUM_REPLICAS_MAX 8
struct checksum_heal {
	uint64_t number; /* of the group */
	unsigned replicas;
	uint8_t *copies[CHECKSUM_REPLICAS_MAX]; /* n + 1 sectors each; NULL: could not be read */
	bool want_equal; /* also where two copies are good and differ: the first one counts */
	/* Results: */
	struct checksum_mask bad[CHECKSUM_REPLICAS_MAX]; /* as it was */
	struct checksum_mask lost;                       /* good nowhere */
	bool want_write[CHECKSUM_REPLICAS_MAX];          /* its copy was changed: write it back */
};
/* Judges all copies, then mends them in place; `good` (n + 1 sectors) gets the result, with the
 * sectors that are lost as the first copy has them. In the copies, what is lost stays as it was:
 * data and sums of each. */
void checksum_heal(const struct checksum_codec *k, struct checksum_heal *h, uint8_t *good);

/* Fills a whole extent of groups with zero data and right sums (mkstack). */
void checksum_format_groups(const struct checksum_codec *k, uint64_t first, uint64_t count,
                            uint8_t *out);

#endif
