/* uses: lib/mirror/ lib/checksum/xxh64.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mirror's logic: superblocks, assembly, states, write intent, resync; and a model of media
 * with random failures and power cuts that no acknowledged write may be lost on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "mirror/set.h"

#define LEG_SECTORS (MIRROR_DATA_START + 20 * MIRROR_REGION_MIN + 100)

static struct mirror_set set;
static struct mirror_found found[MIRROR_LEGS_MAX];
static struct mirror_why why;

static void find_fresh(unsigned legs)
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

static int choose(uint64_t sector, uint8_t replica, uint32_t tried)
{
	return mirror_choose(&set, MIRROR_PRIMARY,
	                     &(struct mirror_read){sector, 8, replica, tried});
}

#define MODEL_BLOCKS 40 /* one value stands for half a region */
#define MODEL_BLOCK  (MIRROR_REGION_MIN / 2)

struct medium {
	struct mirror_super slots[2];
	uint8_t bitmap[MIRROR_BITMAP_SECTORS * MIRROR_SECTOR];
	unsigned values[MODEL_BLOCKS];
	bool is_broken;
};
static struct medium media[2];
static unsigned acked[MODEL_BLOCKS];       /* value of the last acknowledged write */
static unsigned tried_value[MODEL_BLOCKS]; /* of the last write that was begun */

static void model_record(void)
{
	for (unsigned i = 0; set.want_record && i < 2; i++) {
		struct mirror_super super;

		if (!mirror_takes_writes(&set, i) || media[i].is_broken)
			continue;
		mirror_super_for(&set, i, &super);
		media[i].slots[super.generation & 1] = super;
	}
	mirror_recorded(&set);
}

static void model_bitmap(void)
{
	for (unsigned s = 0; s < MIRROR_BITMAP_SECTORS; s++) {
		uint8_t sector[MIRROR_SECTOR];

		if ((set.want_bitmap >> s & 1) == 0)
			continue;
		mirror_bitmap_sector(&set, s, sector);
		for (unsigned i = 0; i < 2; i++) {
			if (mirror_takes_writes(&set, i) && !media[i].is_broken)
				memcpy(media[i].bitmap + s * MIRROR_SECTOR, sector, MIRROR_SECTOR);
		}
		mirror_bitmap_stable(&set, s, sector);
	}
}

static void model_boot(void)
{
	memset(&set, 0, sizeof(set));
	memset(found, 0, sizeof(found));
	set.legs = 2;
	for (unsigned i = 0; i < 2; i++) {
		uint8_t header[2 * MIRROR_SECTOR];

		memcpy(header, media[i].slots, sizeof(header));
		found[i].is_present = !media[i].is_broken;
		found[i].probe = mirror_super_probe(header, LEG_SECTORS, &found[i].super);
	}
	assert_int_equal(mirror_assemble(&set, found, true, &why), MIRROR_RUN);
	mirror_start(&set, media[mirror_source(&set)].bitmap, true);
	model_bitmap();
	model_record();
}

/* A write, cut short after `steps` of its steps. Returns whether it was acknowledged. */
static bool model_write(unsigned block, unsigned value, int steps)
{
	const uint64_t sector = (uint64_t)block * MODEL_BLOCK;

	tried_value[block] = value;
	(void)mirror_write_begin(&set, sector, MODEL_BLOCK);
	if (steps-- == 0)
		return false;
	model_bitmap();
	for (unsigned i = 0; i < 2; i++) {
		if (!mirror_takes_writes(&set, i))
			continue;
		if (steps-- == 0)
			return false;
		if (!media[i].is_broken)
			media[i].values[block] = value;
		else
			assert_true(mirror_fail(&set, i));
	}
	if (steps-- == 0)
		return false;
	model_record();
	mirror_write_end(&set, sector, MODEL_BLOCK);
	acked[block] = value;
	return true;
}

static void model_resync(unsigned chunks)
{
	struct mirror_chunk chunk;

	while (chunks-- > 0 && mirror_resync_next(&set, MODEL_BLOCK, &chunk)) {
		unsigned block = (unsigned)(chunk.sector / MODEL_BLOCK);

		if (block < MODEL_BLOCKS)
			media[chunk.to].values[block] = media[chunk.from].values[block];
		(void)mirror_resync_done(&set, &chunk);
		model_record();
	}
}

static void model_check(void)
{
	for (unsigned block = 0; block < MODEL_BLOCKS; block++) {
		for (unsigned leg = 0; leg < 2; leg++) {
			int from = choose((uint64_t)block * MODEL_BLOCK, (uint8_t)(leg + 1), 0);
			unsigned value;

			if (from < 0 || media[from].is_broken)
				continue;
			value = media[from].values[block];
			assert_true(value == acked[block] || value == tried_value[block]);
		}
		assert_true(choose((uint64_t)block * MODEL_BLOCK, 0, 0) >= 0);
	}
}

static void model_toggle_leg(unsigned leg)
{
	if (media[leg].is_broken) {
		uint8_t header[2 * MIRROR_SECTOR];

		media[leg].is_broken = false;
		memcpy(header, media[leg].slots, sizeof(header));
		found[leg].probe = mirror_super_probe(header, LEG_SECTORS, &found[leg].super);
		found[leg].is_present = true;
		assert_int_equal(mirror_return(&set, leg, &found[leg]), 0);
		model_record();
		model_bitmap();
	} else if (set.leg[!leg].state == MIRROR_GOOD && set.leg[!leg].stale_count == 0 &&
	           !media[!leg].is_broken) {
		media[leg].is_broken = true;
	}
}

static void random_history_loses_nothing(void **state)
{
	(void)state;
	srand(3);
	find_fresh(2);
	for (unsigned i = 0; i < 2; i++)
		media[i].slots[1] = found[i].super;
	model_boot();
	for (unsigned step = 1; step < 60000; step++) {
		unsigned what = (unsigned)rand() % 100;

		if (what < 60) {
			(void)model_write((unsigned)rand() % MODEL_BLOCKS, step, 99);
		} else if (what < 75) {
			model_resync(1 + (unsigned)rand() % 4);
		} else if (what < 85) {
			mirror_sweep(&set);
			model_bitmap();
		} else if (what < 90) {
			model_toggle_leg((unsigned)rand() % 2);
		} else if (what < 94) { /* the power is cut in the middle of a write */
			unsigned block = (unsigned)rand() % MODEL_BLOCKS;

			if (!model_write(block, step, rand() % 5)) {
				model_boot();
				/* The client does not know; what it reads now is what counts. */
				acked[block] = media[mirror_source(&set)].values[block];
				tried_value[block] = acked[block];
			}
		} else if (what < 96) {
			model_boot();
		} else {
			model_check();
		}
	}
	model_check();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_history_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
