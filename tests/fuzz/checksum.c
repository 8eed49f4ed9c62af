/* uses: lib/checksum/ */
/* SPDX-License-Identifier: BSD-2-Clause */
/* libs: crypto */
/*
 * Superblock of a checksummed medium: any header probes without harm, and what is called valid has
 * a layout that stays inside its medium. The input may be sealed, so that the checks behind the sum
 * run.
 */
#include <stdlib.h>
#include <string.h>
#include "checksum/group.h"

#define LOWER 5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_layout(const struct checksum_super *super)
{
	struct checksum_layout l;

	checksum_layout_of(super, &l);
	if (l.n == 0 || l.n > CHECKSUM_N_MAX || l.data_sectors == 0 ||
	    checksum_sum_sector(&l, checksum_group_of(&l, l.data_sectors - 1)) >= LOWER)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t header[CHECKSUM_HEADER_SECTORS * SUM_SECTOR];
	struct checksum_super super;

	if (size < 1)
		return 0;
	memset(header, 0, sizeof(header));
	memcpy(header, data + 1, size - 1 < sizeof(header) ? size - 1 : sizeof(header));
	if ((data[0] & 1) != 0) {
		memcpy(&super, header, sizeof(super));
		memcpy(super.magic, "AXOCKSUM", 8);
		super.version = CHECKSUM_VERSION;
		checksum_super_seal(&super);
		memcpy(header, &super, sizeof(super));
	}
	if (checksum_super_probe(header, LOWER, &super) == CHECKSUM_VALID)
		check_layout(&super);
	return 0;
}
