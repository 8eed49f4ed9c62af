/* SPDX-License-Identifier: BSD-2-Clause */
/* A set of freshly formatted legs, for tests of lib/mirror. */
#ifndef TESTS_MIRROR_FIXTURE_H
#define TESTS_MIRROR_FIXTURE_H

#include "mirror/set.h"

#define LEG_SECTORS (MIRROR_DATA_START + 20 * MIRROR_REGION_MIN + 100)

extern struct mirror_set set;
extern struct mirror_found found[MIRROR_LEGS_MAX];
extern struct mirror_why why;

/* All legs are found, blank and good; `set` is not assembled yet. */
void find_fresh(unsigned legs);
/* Leg for a read of 8 sectors, or -1. */
int choose(uint64_t sector, uint8_t replica, uint32_t tried);

#endif
