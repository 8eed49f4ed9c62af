/* uses: lib/mirror/ lib/checksum/xxh64.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Superblocks of a mirror's legs: any headers assemble or are refused without harm; a set that runs
 * keeps its regions inside the tables. Inputs may be sealed, so that the checks behind the sum run.
 */
#include <stdlib.h>
#include <string.h>
#include "mirror/set.h"

#define LEG 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_leg(struct mirror_found *found, const uint8_t *data, size_t size)
{
	struct mirror_super slots[2];

	memset(slots, 0, sizeof(slots));
	memcpy(slots, data, size < sizeof(slots) ? size : sizeof(slots));
	memcpy(slots[0].magic, "AXOMIRRO", 8);
	slots[0].version = MIRROR_VERSION;
	mirror_super_seal(&slots[0]);
	found->is_present = true;
	found->probe = mirror_super_probe(slots, LEG, &found->super);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mirror_set set;
	static uint8_t bitmap[MIRROR_BITMAP_SECTORS * MIRROR_SECTOR];
	struct mirror_found found[MIRROR_LEGS_MAX] = {0};
	struct mirror_why why;
	struct mirror_chunk chunk;

	if (size < 4)
		return 0;
	memset(&set, 0, sizeof(set));
	memset(bitmap, data[0], sizeof(bitmap));
	set.legs = 2;
	take_leg(&found[0], data + 4, (size - 4) / 2);
	take_leg(&found[1], data + 4 + (size - 4) / 2, (size - 4) / 2);
	if (mirror_assemble(&set, found, (data[1] & 1) != 0, &why) != MIRROR_RUN)
		return 0;
	if (set.regions == 0 || set.regions > MIRROR_REGIONS_MAX)
		abort();
	mirror_start(&set, bitmap, true);
	(void)mirror_write_begin(&set, set.super.data_sectors - 1, 1);
	for (int i = 0; i < 100 && mirror_resync_next(&set, 4096, &chunk); i++) {
		if (chunk.sectors == 0 || chunk.sector + chunk.sectors > set.super.data_sectors)
			abort();
		(void)mirror_resync_done(&set, &chunk);
	}
	return 0;
}
