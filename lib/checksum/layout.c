/* SPDX-License-Identifier: BSD-2-Clause */
/* Superblock and geometry of checksummed media: see layout.h. */
#include <stdio.h>
#include <string.h>
#include "axolotl/errno.h"
#include "checksum/layout.h"

static const char magic[8] = {'A', 'X', 'O', 'C', 'K', 'S', 'U', 'M'};

static bool n_fits(uint32_t n, uint32_t algo)
{
	return n > 0 && sum_bytes((enum sum_algo)algo) > 0 &&
	       n <= SUM_SECTOR / sum_bytes((enum sum_algo)algo);
}

static uint64_t data_sectors_of(uint64_t lower_sectors, uint32_t n)
{
	if (lower_sectors < CHECKSUM_HEADER_SECTORS)
		return 0;
	return (lower_sectors - CHECKSUM_HEADER_SECTORS) / (n + 1ull) * n;
}

static uint64_t seal_of(const struct checksum_super *super)
{
	struct checksum_super copy = *super;

	copy.sum = 0;
	return sum_xxh64_blocks(&copy, sizeof(copy), 0);
}

int checksum_super_make(struct checksum_super *super, enum sum_algo algo, uint32_t n,
                        uint64_t lower_sectors)
{
	memset(super, 0, sizeof(*super));
	if (!n_fits(n, algo) || data_sectors_of(lower_sectors, n) == 0)
		return -EINVAL;
	memcpy(super->magic, magic, sizeof(magic));
	super->version = CHECKSUM_VERSION;
	super->algo = algo;
	super->n = n;
	super->header_sectors = CHECKSUM_HEADER_SECTORS;
	super->lower_sectors = lower_sectors;
	super->data_sectors = data_sectors_of(lower_sectors, n);
	return 0;
}

void checksum_super_seal(struct checksum_super *super)
{
	super->sum = seal_of(super);
}

static bool super_valid(const struct checksum_super *super, uint64_t lower_sectors)
{
	return memcmp(super->magic, magic, sizeof(magic)) == 0 && super->sum == seal_of(super) &&
	       super->version == CHECKSUM_VERSION && n_fits(super->n, super->algo) &&
	       super->header_sectors == CHECKSUM_HEADER_SECTORS &&
	       super->lower_sectors <= lower_sectors && super->data_sectors > 0 &&
	       super->data_sectors == data_sectors_of(super->lower_sectors, super->n);
}

enum checksum_probe checksum_super_probe(const void *header, uint64_t lower_sectors,
                                         struct checksum_super *super)
{
	static const unsigned copies[2] = {0, CHECKSUM_SUPER_COPY};
	enum checksum_probe result = CHECKSUM_BLANK;
	uint64_t best = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct checksum_super candidate;

		memcpy(&candidate, (const uint8_t *)header + copies[i] * SUM_SECTOR,
		       sizeof(candidate));
		if (super_valid(&candidate, lower_sectors)) {
			if (result != CHECKSUM_VALID || candidate.generation > best)
				*super = candidate;
			best = super->generation;
			result = CHECKSUM_VALID;
		} else if (result == CHECKSUM_BLANK &&
		           memcmp(candidate.magic, magic, sizeof(magic)) == 0) {
			result = CHECKSUM_DAMAGED;
		}
	}
	return result;
}

int checksum_super_match(const struct checksum_super *super, enum sum_algo algo, uint32_t n,
                         char why[96])
{
	if (algo != 0 && super->algo != (uint32_t)algo) {
		snprintf(why, 96, "the medium has algo=%s, the stack says algo=%s",
		         sum_name((enum sum_algo)super->algo), sum_name(algo));
		return -EINVAL;
	}
	if (n != 0 && super->n != n) {
		snprintf(why, 96, "the medium has n=%u, the stack says n=%u", super->n, n);
		return -EINVAL;
	}
	return 0;
}

void checksum_layout_of(const struct checksum_super *super, struct checksum_layout *l)
{
	*l = (struct checksum_layout){super->n, super->header_sectors, super->data_sectors};
}

uint64_t checksum_fitting(const struct checksum_layout *l, uint64_t lower_sectors)
{
	uint64_t groups = lower_sectors / (l->n + 1ull);

	/* k whole groups of data touch k + 1 groups unless they begin with one. */
	if (groups < 2)
		return groups;
	return (groups - 1) * l->n;
}
