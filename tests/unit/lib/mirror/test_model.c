/* uses: lib/mirror/ lib/checksum/xxh64.c tests/unit/lib/mirror/fixture.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mirror's logic on a model of media, with random failures, power cuts and corruption while the
 * power is off: no acknowledged write may be lost. A judge knows
 * corrupt contents when it sees them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "fixture.h"

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
static bool has_judge;

#define CORRUPT 0x80000000u /* a value that was spoiled on the medium */

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
	if (!has_judge)
		mirror_delegate(&set);
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

static bool is_unsynced(unsigned block)
{
	struct mirror_range range;
	const uint64_t sector = (uint64_t)block * MODEL_BLOCK;

	return mirror_next_unsynced(&set, sector, &range) && range.sector <= sector;
}

/* What the judge takes of a block: the first leg that is not corrupt. */
static unsigned judged_value(unsigned block)
{
	unsigned source = mirror_source(&set), value = media[source].values[block];

	return (value & CORRUPT) == 0 || set.leg[!source].state != MIRROR_GOOD
	               ? value
	               : media[!source].values[block];
}

static void model_judge(unsigned places)
{
	struct mirror_range range;

	while (places-- > 0 && mirror_next_unsynced(&set, 0, &range)) {
		for (unsigned k = 0; k * MODEL_BLOCK < range.sectors; k++) {
			unsigned block = (unsigned)(range.sector / MODEL_BLOCK) + k;
			unsigned value;

			if (block >= MODEL_BLOCKS)
				continue;
			value = judged_value(block);
			for (unsigned i = 0; i < 2; i++) {
				if ((range.legs >> i & 1) != 0)
					media[i].values[block] = value;
			}
		}
		mirror_synced(&set, range.sector, range.sectors);
	}
}

/* While the power was off, one leg was spoiled where the other one is good. Not where they differ since
 * an earlier crash: what was read there meanwhile may be gone then. */
static void model_corrupt(unsigned crashed)
{
	unsigned block = (unsigned)rand() % MODEL_BLOCKS, leg = (unsigned)rand() % 2;
	unsigned other = media[!leg].values[block];

	if (is_unsynced(block) && (other & CORRUPT) == 0 &&
	    (block == crashed || media[leg].values[block] == other))
		media[leg].values[block] |= CORRUPT;
}

/* The power is cut and comes back. The client of a write that was under way does not know; what it
 * reads now is what counts. */
static void model_crash(unsigned block)
{
	model_boot();
	for (unsigned i = 0; has_judge && i < 20; i++)
		model_corrupt(block);
	acked[block] = tried_value[block] = judged_value(block);
}

/* Without a judge that is all there is to say of a block; with one, corrupt contents are seen. */
static void check_unsynced(unsigned block)
{
	unsigned value = judged_value(block);

	assert_true(value == acked[block] || value == tried_value[block]);
}

static void model_check(void)
{
	for (unsigned block = 0; block < MODEL_BLOCKS; block++) {
		if (is_unsynced(block)) {
			check_unsynced(block);
			continue;
		}
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
	} else if (mirror_is_settled(&set) && set.leg[!leg].state == MIRROR_GOOD &&
	           set.leg[!leg].stale_count == 0 && !media[!leg].is_broken) {
		media[leg].is_broken = true;
	}
}

static void random_history(void)
{
	srand(3);
	find_fresh(2);
	memset(media, 0, sizeof(media));
	memset(acked, 0, sizeof(acked));
	memset(tried_value, 0, sizeof(tried_value));
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

			if (!model_write(block, step, rand() % 5))
				model_crash(block);
		} else if (what < 95) {
			model_boot();
		} else if (what < 97) {
			model_judge(1 + (unsigned)rand() % 4);
		} else {
			model_check();
		}
	}
	model_check();
}

static void random_history_loses_nothing(void **state)
{
	(void)state;
	has_judge = false;
	random_history();
}

static void with_a_judge_corruption_is_not_spread_either(void **state)
{
	(void)state;
	has_judge = true;
	random_history();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_history_loses_nothing),
		cmocka_unit_test(with_a_judge_corruption_is_not_spread_either),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
