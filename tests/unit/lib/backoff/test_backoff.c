/* uses: lib/backoff/ */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Restart back-off: immediate first, exponential in a loop, calm again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "backoff/backoff.h"

#define MS 1000000ull

static struct backoff_config config;

static int setup(void **state)
{
	(void)state;
	config = (struct backoff_config){0};
	backoff_defaults(&config);
	return 0;
}

static void first_restart_is_immediate_then_doubles(void **state)
{
	static const uint64_t want_ms[] = {0, 10, 20, 40, 80, 160, 320, 640, 1280, 2000, 2000};
	struct backoff b = {0};

	(void)state;
	for (unsigned i = 0; i < sizeof(want_ms) / sizeof(want_ms[0]); i++)
		assert_true(backoff_crash(&b, &config, 9 * MS) == want_ms[i] * MS);
	for (unsigned i = 0; i < 200; i++)
		assert_true(backoff_crash(&b, &config, 0) == 2000 * MS);
}

static void calm_periods_take_crashes_off(void **state)
{
	struct backoff b = {0};

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		(void)backoff_crash(&b, &config, 0);
	assert_int_equal(b.crashes, 5);
	assert_true(backoff_crash(&b, &config, 25 * MS) == 40 * MS); /* 5 - 2 + 1 = 4 in a row */
	assert_true(backoff_crash(&b, &config, 3600000 * MS) == 0);
}

static void kills_ten_times_a_second_never_wait(void **state)
{
	struct backoff b = {0};

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		assert_true(backoff_crash(&b, &config, 90 * MS) == 0);
}

static void configured_values_are_kept(void **state)
{
	struct backoff b = {0};
	struct backoff_config own = {.first_ns = 5, .most_ns = 7};

	(void)state;
	backoff_defaults(&own);
	assert_true(own.first_ns == 5 && own.most_ns == 7 && own.calm_ns == 10 * MS);
	(void)backoff_crash(&b, &own, 0);
	assert_true(backoff_crash(&b, &own, 0) == 5);
	assert_true(backoff_crash(&b, &own, 0) == 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(first_restart_is_immediate_then_doubles, setup),
		cmocka_unit_test_setup(calm_periods_take_crashes_off, setup),
		cmocka_unit_test_setup(kills_ten_times_a_second_never_wait, setup),
		cmocka_unit_test_setup(configured_values_are_kept, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
