/* SPDX-License-Identifier: BSD-2-Clause */
/* A set of freshly formatted legs: see fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>
#include "fixture.h"

struct mirror_set set;
struct mirror_found found[MIRROR_LEGS_MAX];
struct mirror_why why;

void find_fresh(unsigned legs)
{
	struct mirror_super super;

	memset(&set, 0, sizeof(set));
	memset(found, 0, sizeof(found));
	set.legs = legs;
	assert_int_equal(mirror_super_make(&super, legs, LEG_SECTORS), 0);
	memcpy(super.uuid, "abcdefghijklmno", 16);
	for (unsigned i = 0; i < legs; i++) {
		super.self = i;
		mirror_super_seal(&super);
		found[i] = (struct mirror_found){true, MIRROR_VALID, super};
	}
}

int choose(uint64_t sector, uint8_t replica, uint32_t tried)
{
	return mirror_choose(&set, MIRROR_PRIMARY,
	                     &(struct mirror_read){sector, 8, replica, tried});
}
