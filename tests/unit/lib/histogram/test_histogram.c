/* uses: lib/histogram/ */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms: buckets, percentiles, text that is cut and not overrun. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "histogram/histogram.h"

static void values_fall_into_powers_of_two(void **state)
{
	struct histogram h = {0};

	(void)state;
	histogram_add(&h, 0);
	histogram_add(&h, 1);
	histogram_add(&h, 2);
	histogram_add(&h, 3);
	histogram_add(&h, 1024);
	histogram_add(&h, UINT64_MAX / 2);
	assert_int_equal(h.bucket[0], 1);
	assert_int_equal(h.bucket[1], 1);
	assert_int_equal(h.bucket[2], 2);
	assert_int_equal(h.bucket[11], 1);
	assert_int_equal(h.bucket[HISTOGRAM_BUCKETS - 1], 1);
	assert_int_equal(histogram_percentile(&h, 50), 4);
}

static void text_is_cut_to_its_buffer(void **state)
{
	struct histogram h = {0};
	char text[200];

	(void)state;
	assert_int_equal(histogram_percentile(&h, 99), 0);
	for (unsigned i = 0; i < 100; i++)
		histogram_add(&h, i);
	assert_true(histogram_print(&h, "read_us", text, sizeof(text)) > 20);
	assert_non_null(strstr(text, "read_us count=100 mean=49 p50=64 p99=128 max=99 |"));
	for (size_t len = 0; len < 100; len++) {
		memset(text, 'x', sizeof(text));
		assert_true(histogram_print(&h, "read_us", text, len) <= (int)len);
		assert_int_equal(text[len], 'x');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_fall_into_powers_of_two),
		cmocka_unit_test(text_is_cut_to_its_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
