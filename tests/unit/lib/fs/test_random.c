/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on lib/fs and on a model side by side, for all block sizes and on a device that
 * is soon full; then the trees are compared, the file system is checked and mounted again.
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

static void run(uint32_t block_size, uint32_t bytes, uint64_t seed)
{
	struct world *w = world_new(block_size, bytes, seed);

	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 400; i++) {
			world_step(w);
			assert_int_equal(memdev_pinned(&w->dev), 0);
		}
		world_compare(w);
		world_remount(w);
		world_compare(w);
	}
	assert_int_equal(w->dev.reports, 0);
	world_free(w);
}

static void random_operations_match_model_for_all_block_sizes(void **state)
{
	(void)state;
	for (uint32_t size = 1024; size <= 65536; size *= 2) {
		for (uint64_t seed = 1; seed <= 2; seed++)
			run(size, size < 8192 ? 12 << 20 : size * 600, seed);
	}
}

static void random_operations_match_model_on_a_full_device(void **state)
{
	(void)state;
	for (uint32_t size = 1024; size <= 65536; size *= 4) {
		for (uint64_t seed = 1; seed <= 2; seed++)
			run(size, size * 120, seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations_match_model_for_all_block_sizes),
		cmocka_unit_test(random_operations_match_model_on_a_full_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
