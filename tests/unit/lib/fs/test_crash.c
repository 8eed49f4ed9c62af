/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loss of power after any block write, and a device that fails for a while: what is on the medium
 * afterwards.
 */
/* uses: lib/fs/ tests/unit/lib/fs/memdev.c tests/unit/lib/fs/model.c tests/unit/lib/fs/world.c
 *       lib/random/ */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "tests/unit/lib/fs/world.h"

static bool is_expected_after_crash(const char *report)
{
	static const char *const expected[] = {
		"unused inodes are marked",  "unused zones are marked",
		"no name leads to",          "the link count is wrong",
		"an entry is a second name", "\".\" or \"..\" is wrong"};

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		if (strncmp(report, expected[i], strlen(expected[i])) == 0)
			return true;
	}
	return false;
}

static void (*checked_report)(void *ctx, const char *what, uint32_t number);
static void crash_report(void *ctx, const char *what, uint32_t number)
{
	if (!is_expected_after_crash(what))
		fail_msg("after a crash: %s %u", what, number);
	checked_report(ctx, what, number);
}

/* Cuts the power at a random write and looks at what is on the medium. */
static void crash(uint32_t block_size, uint64_t seed)
{
	struct world *w = world_new(block_size, block_size * 400, seed);
	struct mfs_check_result result;

	w->dev.freeze_at = w->dev.writes + world_pick(w, 4000);
	for (int i = 0; i < 700 && w->dev.writes < w->dev.freeze_at; i++)
		world_step(w);
	free(w->memory);
	w->memory = NULL;
	w->dev.freeze_at = UINT64_MAX;
	w->dev.want_quiet = true;
	checked_report = w->dev.io.report;
	w->dev.io.report = crash_report;
	assert_int_equal(memdev_check(&w->dev, true, &result), 0);
	assert_int_equal(memdev_check(&w->dev, false, &result), 0);
	assert_int_equal(result.problems, 0);
	memdev_drop_cache(&w->dev);
	assert_int_equal(memdev_mount(&w->dev, INODE_SLOTS, &w->fs, &w->memory), 0);
	world_free(w);
}

static void power_loss_leaves_only_repairable_damage(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++)
		crash(seed % 3 ? 1024 : 4096, seed);
}

/* What was committed (and whose data was written) is there after a crash. */
static void committed_state_survives_power_loss(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		struct world *w = world_new(2048, 2048 * 500, seed);
		struct mfs_check_result result;

		for (int i = 0; i < 300; i++)
			world_step(w);
		assert_int_equal(w->dev.io.write_out(&w->dev, MFS_DATA), 0);
		assert_int_equal(mfs_commit(w->fs), 0);
		free(w->memory);
		w->dev.want_quiet = true;
		assert_int_equal(memdev_check(&w->dev, true, &result), 0);
		memdev_drop_cache(&w->dev);
		assert_int_equal(memdev_mount(&w->dev, INODE_SLOTS, &w->fs, &w->memory), 0);
		world_compare(w);
		world_remount(w);
		world_free(w);
	}
}

static void failing_device_loses_nothing_when_it_comes_back(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct world *w = world_new(1024, 1024 * 3000, seed);

		for (int round = 0; round < 20; round++) {
			for (int i = 0; i < 30; i++)
				world_step(w);
			w->dev.is_failing = true;
			if (mfs_has_changes(w->fs))
				assert_int_equal(mfs_commit(w->fs), -EIO);
			w->dev.is_failing = false;
		}
		world_compare(w);
		world_remount(w);
		world_compare(w);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_loss_leaves_only_repairable_damage),
		cmocka_unit_test(committed_state_survives_power_loss),
		cmocka_unit_test(failing_device_loses_nothing_when_it_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
