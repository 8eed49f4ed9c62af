/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocation of staging memory: runs of pages, first fit from where the last one ended, so that
 * neighbours in time do not share cache and TLB lines. Pure.
 */
#ifndef CHECKSUM_STAGING_H
#define CHECKSUM_STAGING_H

#include "axolotl/types.h"

#define STAGING_PAGES_MAX 4096u

struct staging {
	uint32_t pages;
	uint32_t next;                      /* where to look first */
	uint16_t length[STAGING_PAGES_MAX]; /* of the run that begins here; 0: free or inside a run
					     */
	uint8_t used[STAGING_PAGES_MAX];
};

void staging_init(struct staging *s, uint32_t pages);
/* Index of the first page, or -1. */
int staging_alloc(struct staging *s, uint32_t pages);
void staging_free(struct staging *s, int first);

#endif
