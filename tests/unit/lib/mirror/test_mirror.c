/* uses: lib/mirror/ lib/checksum/xxh64.c tests/unit/lib/mirror/fixture.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mirror's logic: superblocks, assembly, states, write intent, resync.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "axolotl/errno.h"
#include "fixture.h"

static void start_fresh(unsigned legs)
{
	static const uint8_t clean[MIRROR_BITMAP_SECTORS * MIRROR_SECTOR];

	find_fresh(legs);
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_RUN);
	mirror_start(&set, clean, true);
}

static void write_bitmap(void)
{
	for (unsigned i = 0; i < MIRROR_BITMAP_SECTORS; i++) {
		uint8_t sector[MIRROR_SECTOR];

		if ((set.want_bitmap >> i & 1) == 0)
			continue;
		mirror_bitmap_sector(&set, i, sector);
		mirror_bitmap_stable(&set, i, sector);
	}
	assert_int_equal(set.want_bitmap, 0);
}

static void superblock_slots_survive_torn_writes(void **state)
{
	struct mirror_super a, b, got;
	uint8_t header[2 * MIRROR_SECTOR] = {0};

	(void)state;
	assert_int_equal(mirror_super_probe(header, LEG_SECTORS, &got), MIRROR_BLANK);
	assert_int_equal(mirror_super_make(&a, 2, LEG_SECTORS), 0);
	b = a;
	b.generation = 2;
	mirror_super_seal(&a);
	mirror_super_seal(&b);
	memcpy(header + MIRROR_SECTOR, &a, MIRROR_SECTOR);
	memcpy(header, &b, MIRROR_SECTOR);
	assert_int_equal(mirror_super_probe(header, LEG_SECTORS, &got), MIRROR_VALID);
	assert_true(got.generation == 2);
	header[50] ^= 1;
	assert_int_equal(mirror_super_probe(header, LEG_SECTORS, &got), MIRROR_VALID);
	assert_true(got.generation == 1);
	header[MIRROR_SECTOR + 50] ^= 1;
	assert_int_equal(mirror_super_probe(header, LEG_SECTORS, &got), MIRROR_DAMAGED);
	memcpy(header, &b, MIRROR_SECTOR);
	assert_int_equal(mirror_super_probe(header, LEG_SECTORS - 1, &got), MIRROR_DAMAGED);
	assert_int_equal(mirror_super_make(&a, 0, LEG_SECTORS), -EINVAL);
	assert_int_equal(mirror_super_make(&a, 5, LEG_SECTORS), -EINVAL);
	assert_int_equal(mirror_super_make(&a, 2, MIRROR_DATA_START), -EINVAL);
	assert_int_equal(mirror_super_make(&a, 2, 1ull << 33), 0); /* 4 TiB: larger regions */
	assert_true(a.region_sectors > MIRROR_REGION_MIN);
}

static void assembly_waits_then_runs_degraded(void **state)
{
	(void)state;
	find_fresh(2);
	found[1].is_present = false;
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_WAIT);
	assert_int_equal(mirror_assemble(&set, found, true, &why), MIRROR_RUN);
	assert_int_equal(set.leg[1].state, MIRROR_FAILED);
	assert_true(set.want_record && set.super.generation == 2 && mirror_is_degraded(&set));
	assert_int_equal(choose(0, 0, 0), 0);
	assert_int_equal(choose(0, 2, 0), -1);
	/* Once that is recorded, nobody waits for the leg any more. */
	mirror_super_for(&set, 0, &found[0].super);
	set.is_running = false;
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_RUN);
}

static void assembly_refuses_what_does_not_fit(void **state)
{
	(void)state;
	find_fresh(2);
	found[0].probe = found[1].probe = MIRROR_BLANK;
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_REFUSE);
	assert_true(why.text[0] != '\0');
	find_fresh(2);
	set.legs = 3;
	found[2].is_present = true;
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_REFUSE);
	find_fresh(2); /* legs swapped */
	found[2] = found[0];
	found[0] = found[1];
	found[1] = found[2];
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_REFUSE);
	find_fresh(2); /* a leg of another set */
	found[1].super.uuid[0] = 'X';
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_RUN);
	assert_int_equal(set.leg[1].state, MIRROR_FAILED);
}

static void failed_leg_never_comes_back_as_good(void **state)
{
	(void)state;
	start_fresh(2);
	assert_true(mirror_fail(&set, 0));
	assert_true(set.want_record);
	/* The record reached leg 1, power was cut, both are found again. */
	mirror_super_for(&set, 1, &found[1].super);
	memset(&set, 0, sizeof(set));
	set.legs = 2;
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_RUN);
	assert_int_equal(set.leg[0].state, MIRROR_RESYNC);
	assert_int_equal(set.leg[1].state, MIRROR_GOOD);
	assert_int_equal(mirror_source(&set), 1);
	/* Alone, it cannot start: found by its peer's absence is not enough to know better. */
	found[1].is_present = false;
	found[0].super.states[0] = MIRROR_RESYNC;
	mirror_super_seal(&found[0].super);
	assert_int_equal(mirror_assemble(&set, found, true, &why), MIRROR_REFUSE);
}

static void legs_that_ran_alone_do_not_mix(void **state)
{
	struct mirror_super own;

	(void)state;
	start_fresh(2);
	own = set.super;
	own.self = 1;
	own.states[0] = MIRROR_FAILED; /* leg 1 ran without leg 0 */
	own.generation = 2;
	mirror_super_seal(&own);
	assert_true(mirror_fail(&set, 1)); /* while leg 0 ran without leg 1 */
	set.super.generation = 9;
	found[1].super = own;
	assert_int_equal(mirror_return(&set, 1, &found[1]), -EBUSY);
	mirror_super_for(&set, 0, &found[0].super);
	memset(&set, 0, sizeof(set));
	set.legs = 2;
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_RUN);
	assert_int_equal(set.leg[1].state, MIRROR_FAILED);
}

static void last_good_leg_is_kept(void **state)
{
	(void)state;
	start_fresh(3);
	assert_true(mirror_fail(&set, 0));
	assert_true(mirror_fail(&set, 2));
	assert_true(mirror_fail(&set, 2)); /* again: nothing new */
	assert_int_equal(set.super.generation, 3);
	assert_false(mirror_fail(&set, 1));
	assert_int_equal(set.leg[1].state, MIRROR_GOOD);
	assert_int_equal(mirror_return(&set, 0, &found[0]), 0);
	assert_int_equal(set.leg[0].state, MIRROR_RESYNC);
	found[2].probe = MIRROR_BLANK;
	assert_int_equal(mirror_return(&set, 2, &found[2]), -EUCLEAN);
}

static void write_is_marked_before_it_starts(void **state)
{
	(void)state;
	start_fresh(2);
	write_bitmap();
	assert_false(mirror_write_begin(&set, 100, 8));
	assert_false(mirror_write_marked(&set, 100, 8));
	write_bitmap();
	assert_true(mirror_write_marked(&set, 100, 8));
	assert_false(mirror_write_begin(&set, MIRROR_REGION_MIN, 8)); /* goes on: marked ahead */
	write_bitmap();
	mirror_write_end(&set, MIRROR_REGION_MIN, 8);
	assert_true(mirror_write_begin(&set, 3 * MIRROR_REGION_MIN, 8));
	assert_false(mirror_write_begin(&set, 17 * MIRROR_REGION_MIN - 4, 8));
	mirror_write_end(&set, 17 * MIRROR_REGION_MIN - 4, 8);
	mirror_write_end(&set, 3 * MIRROR_REGION_MIN, 8);
	mirror_sweep(&set);
	mirror_sweep(&set);
	assert_true(set.want_bitmap != 0);
	assert_true(mirror_write_marked(&set, 100, 8)); /* in flight: not cleaned */
	mirror_write_end(&set, 100, 8);
	mirror_sweep(&set);
	assert_false(mirror_write_marked(&set, 100, 8));
}

static void what_a_flush_may_miss_is_not_forgotten(void **state)
{
	(void)state;
	start_fresh(2);
	(void)mirror_write_begin(&set, 100, 8);
	write_bitmap();
	mirror_sweep(&set);
	assert_false(mirror_sweep_begin(&set)); /* in flight */
	mirror_write_end(&set, 100, 8);         /* during the flush of something else */
	mirror_sweep(&set);
	assert_true(mirror_write_marked(&set, 100, 8));
	assert_true(mirror_sweep_begin(&set));
	mirror_sweep(&set);
	assert_false(mirror_write_marked(&set, 100, 8));
	assert_false(mirror_sweep_begin(&set));
}

static void late_bitmap_write_does_not_mark_what_was_cleaned(void **state)
{
	uint8_t sector[MIRROR_SECTOR];

	(void)state;
	start_fresh(2);
	(void)mirror_write_begin(&set, 0, 8);
	mirror_bitmap_sector(&set, 0, sector); /* on its way */
	mirror_write_end(&set, 0, 8);
	mirror_sweep(&set);
	mirror_sweep(&set);
	mirror_bitmap_stable(&set, 0, sector);
	assert_false(mirror_write_marked(&set, 0, 8));
	assert_true(set.want_bitmap != 0);
}

static void nothing_is_cleaned_while_degraded(void **state)
{
	struct mirror_chunk chunk;
	unsigned copied = 0;

	(void)state;
	start_fresh(2);
	assert_true(mirror_fail(&set, 1));
	mirror_recorded(&set);
	(void)mirror_write_begin(&set, 5 * MIRROR_REGION_MIN, 8);
	write_bitmap();
	mirror_write_end(&set, 5 * MIRROR_REGION_MIN, 8);
	mirror_sweep(&set);
	mirror_sweep(&set);
	assert_true(mirror_write_marked(&set, 5 * MIRROR_REGION_MIN, 8));
	assert_int_equal(mirror_return(&set, 1, &found[1]), 0);
	assert_int_equal(mirror_resync_left(&set, 1), 1);
	assert_int_equal(choose(5 * MIRROR_REGION_MIN, 2, 0), -1);
	assert_int_equal(choose(0, 2, 0), 1); /* not stale there */
	while (mirror_resync_next(&set, 512, &chunk)) {
		assert_int_equal(chunk.from, 0);
		assert_int_equal(chunk.to, 1);
		copied += chunk.sectors;
		(void)mirror_resync_done(&set, &chunk);
	}
	assert_int_equal(copied, MIRROR_REGION_MIN);
	assert_int_equal(set.leg[1].state, MIRROR_GOOD);
	assert_true(set.want_record);
	mirror_recorded(&set);
	mirror_sweep(&set);
	mirror_sweep(&set);
	assert_false(mirror_write_marked(&set, 5 * MIRROR_REGION_MIN, 8));
}

static void last_region_may_be_short(void **state)
{
	struct mirror_chunk chunk;

	(void)state;
	start_fresh(2);
	assert_true(mirror_fail(&set, 0));
	(void)mirror_write_begin(&set, 20 * MIRROR_REGION_MIN + 99, 1);
	mirror_write_end(&set, 20 * MIRROR_REGION_MIN + 99, 1);
	assert_int_equal(mirror_return(&set, 0, &found[0]), 0);
	assert_true(mirror_resync_next(&set, 4096, &chunk));
	assert_int_equal(chunk.sectors, 100);
	assert_true(mirror_resync_done(&set, &chunk));
	assert_false(mirror_resync_next(&set, 4096, &chunk));
}

static void start_unclean(unsigned legs, uint8_t regions)
{
	uint8_t bitmap[MIRROR_BITMAP_SECTORS * MIRROR_SECTOR] = {regions};

	find_fresh(legs);
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_RUN);
	mirror_start(&set, bitmap, true);
}

static void unclean_regions_are_read_from_one_leg_unless_another_is_named(void **state)
{
	(void)state;
	start_unclean(2, 1 << 2);
	assert_int_equal(set.unsynced_count, 1);
	assert_int_equal(choose(2 * MIRROR_REGION_MIN, 0, 0), 0);
	assert_int_equal(choose(2 * MIRROR_REGION_MIN, 2, 0), 1);
	assert_int_equal(choose(2 * MIRROR_REGION_MIN, 0, 1), 1); /* the source cannot read it */
	set.leg[0].queue = 9;
	assert_int_equal(mirror_choose(&set, MIRROR_SHORTEST,
	                               &(struct mirror_read){2 * MIRROR_REGION_MIN - 4, 8, 0, 0}),
	                 0);
	assert_int_equal(mirror_choose(&set, MIRROR_SHORTEST, &(struct mirror_read){0, 8, 0, 0}),
	                 1);
}

static void places_are_named_until_they_are_judged(void **state)
{
	struct mirror_range range;

	(void)state;
	start_unclean(3, 1 << 2 | 1 << 3 | 1 << 6);
	assert_false(mirror_is_settled(&set));
	assert_true(mirror_next_unsynced(&set, 0, &range));
	assert_true(range.sector == 2 * MIRROR_REGION_MIN && range.sectors == MIRROR_REGION_MIN);
	assert_int_equal(range.legs, 7);
	assert_true(mirror_next_unsynced(&set, 4 * MIRROR_REGION_MIN, &range));
	assert_true(range.sector == 6 * MIRROR_REGION_MIN);
	assert_false(mirror_next_unsynced(&set, 7 * MIRROR_REGION_MIN, &range));
	assert_false(mirror_next_unsynced(&set, UINT32_MAX, &range));
	/* Not all of a region: nothing is known of the rest. */
	mirror_synced(&set, 2 * MIRROR_REGION_MIN + 1, MIRROR_REGION_MIN);
	assert_int_equal(set.unsynced_count, 3);
	mirror_sweep(&set);
	mirror_sweep(&set);
	assert_true(mirror_write_marked(&set, 2 * MIRROR_REGION_MIN, 8)); /* not forgotten */
	mirror_synced(&set, MIRROR_REGION_MIN + 5, 3 * MIRROR_REGION_MIN);
	assert_int_equal(set.unsynced_count, 1);
	mirror_synced(&set, 0, 20 * MIRROR_REGION_MIN);
	mirror_synced(&set, 0, 20 * MIRROR_REGION_MIN);
	assert_int_equal(set.unsynced_count, 0);
	assert_true(mirror_is_settled(&set));
	mirror_sweep(&set);
	assert_false(mirror_write_marked(&set, 2 * MIRROR_REGION_MIN, 8));
}

static void short_last_region_is_judged_too(void **state)
{
	uint8_t bitmap[MIRROR_BITMAP_SECTORS * MIRROR_SECTOR] = {0, 0, 1 << 4};
	struct mirror_range range;

	(void)state;
	find_fresh(2);
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_RUN);
	mirror_start(&set, bitmap, true);
	assert_true(mirror_next_unsynced(&set, 0, &range));
	assert_int_equal(range.sectors, 100);
	mirror_synced(&set, range.sector, range.sectors);
	assert_true(mirror_is_settled(&set));
}

static void without_a_judge_the_source_is_copied(void **state)
{
	struct mirror_chunk chunk;

	(void)state;
	start_unclean(2, 1 << 2);
	assert_false(mirror_resync_next(&set, 4096, &chunk));
	mirror_delegate(&set);
	assert_int_equal(set.unsynced_count, 0);
	assert_false(mirror_is_settled(&set));
	assert_int_equal(set.leg[1].state, MIRROR_GOOD);
	assert_int_equal(choose(2 * MIRROR_REGION_MIN, 2, 0), -1);
	assert_int_equal(choose(2 * MIRROR_REGION_MIN - 4, 2, 0), -1);
	assert_int_equal(choose(0, 2, 0), 1);
	assert_false(mirror_fail(&set, 0)); /* it is the only source */
	assert_true(mirror_resync_next(&set, 4096, &chunk));
	assert_true(mirror_resync_done(&set, &chunk));
	assert_int_equal(choose(2 * MIRROR_REGION_MIN, 2, 0), 1);
	assert_true(mirror_is_settled(&set));
	assert_true(mirror_fail(&set, 0));
}

static void last_good_leg_differs_from_nothing(void **state)
{
	struct mirror_range range;

	(void)state;
	start_unclean(3, 1 << 2);
	assert_true(mirror_fail(&set, 0));
	assert_int_equal(set.unsynced_count, 1);
	assert_true(mirror_next_unsynced(&set, 0, &range));
	assert_int_equal(range.legs, 6);
	assert_true(mirror_fail(&set, 1));
	assert_int_equal(set.unsynced_count, 0);
	/* One that comes back is brought up to date there, like everywhere. */
	assert_int_equal(mirror_return(&set, 0, &found[0]), 0);
	assert_int_equal(mirror_resync_left(&set, 0), 1);
}

static void restart_of_the_filter_alone_copies_nothing(void **state)
{
	uint8_t bitmap[MIRROR_BITMAP_SECTORS * MIRROR_SECTOR] = {1 << 2};
	struct mirror_chunk chunk;

	(void)state;
	find_fresh(2);
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_RUN);
	mirror_start(&set, bitmap, false);
	assert_false(mirror_resync_next(&set, 4096, &chunk));
	assert_true(mirror_write_marked(&set, 2 * MIRROR_REGION_MIN, 8));
	/* A leg that was out is another matter. */
	find_fresh(2);
	found[0].super.states[1] = MIRROR_FAILED;
	found[0].super.generation = 2;
	assert_int_equal(mirror_assemble(&set, found, false, &why), MIRROR_RUN);
	mirror_start(&set, bitmap, false);
	assert_true(mirror_resync_next(&set, 4096, &chunk));
	assert_int_equal(chunk.to, 1);
}

static void policies_choose(void **state)
{
	struct mirror_read r = {0, 8, 0, 0};

	(void)state;
	start_fresh(3);
	set.leg[0].queue = 3;
	set.leg[1].queue = 1;
	set.leg[2].queue = 2;
	assert_int_equal(mirror_choose(&set, MIRROR_PRIMARY, &r), 0);
	assert_int_equal(mirror_choose(&set, MIRROR_SHORTEST, &r), 1);
	r.sector = 2 * MIRROR_REGION_MIN;
	assert_int_equal(mirror_choose(&set, MIRROR_ROUND_ROBIN, &r), 2);
	r.tried = 1 << 2 | 1 << 0;
	assert_int_equal(mirror_choose(&set, MIRROR_ROUND_ROBIN, &r), 1);
	r.tried = 7;
	assert_int_equal(mirror_choose(&set, MIRROR_PRIMARY, &r), -1);
	r.tried = 0;
	r.replica = 3;
	assert_int_equal(mirror_choose(&set, MIRROR_PRIMARY, &r), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(superblock_slots_survive_torn_writes),
		cmocka_unit_test(assembly_waits_then_runs_degraded),
		cmocka_unit_test(assembly_refuses_what_does_not_fit),
		cmocka_unit_test(failed_leg_never_comes_back_as_good),
		cmocka_unit_test(legs_that_ran_alone_do_not_mix),
		cmocka_unit_test(last_good_leg_is_kept),
		cmocka_unit_test(write_is_marked_before_it_starts),
		cmocka_unit_test(what_a_flush_may_miss_is_not_forgotten),
		cmocka_unit_test(late_bitmap_write_does_not_mark_what_was_cleaned),
		cmocka_unit_test(nothing_is_cleaned_while_degraded),
		cmocka_unit_test(last_region_may_be_short),
		cmocka_unit_test(unclean_regions_are_read_from_one_leg_unless_another_is_named),
		cmocka_unit_test(places_are_named_until_they_are_judged),
		cmocka_unit_test(short_last_region_is_judged_too),
		cmocka_unit_test(without_a_judge_the_source_is_copied),
		cmocka_unit_test(last_good_leg_differs_from_nothing),
		cmocka_unit_test(restart_of_the_filter_alone_copies_nothing),
		cmocka_unit_test(policies_choose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
