/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: lib/random/ */
/* Seeded generators give the published sequences, for ever: seeds in reports must find the same again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "random/random.h"

/* Numerical Recipes, 2nd edition, 7.1: from 0. */
static void lcg_is_the_published_one(void **state)
{
	static const uint32_t expected[] = {0x3c6ef35f, 0x47502932, 0xd1ccf6e9, 0xaaf95334};
	uint32_t x = 0;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(random_lcg(&x), expected[i]);
}

static void numbers_stay_below_and_reach_all(void **state)
{
	unsigned seen[7] = {0};
	uint32_t x = 1, before;

	(void)state;
	for (unsigned i = 0; i < 7000; i++) {
		uint32_t n = random_below(&x, 7);

		assert_in_range(n, 0, 6);
		seen[n]++;
	}
	for (unsigned i = 0; i < 7; i++)
		assert_in_range(seen[i], 800, 1200);
	before = x;
	assert_int_equal(random_below(&x, 0), 0);
	assert_int_not_equal(x, before); /* it is a step of the sequence too */
}

/* Marsaglia, Xorshift RNGs, Journal of Statistical Software 8(14), 2003: his shifts and his seed. */
static void xorshift_is_the_published_one(void **state)
{
	uint64_t x = 88172645463325252ull;

	(void)state;
	assert_true(random_xorshift(&x) == 8748534153485358512ull);
	assert_true(random_xorshift(&x) == 3040900993826735515ull);
}

/* The reference implementation's (Vigna), seed 1234567. */
static void splitmix_is_the_published_one(void **state)
{
	static const uint64_t expected[] = {6457827717110365317ull, 3203168211198807973ull,
	                                    9817491932198370423ull};
	uint64_t x = 1234567;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		assert_true(random_splitmix(&x) == expected[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lcg_is_the_published_one),
		cmocka_unit_test(numbers_stay_below_and_reach_all),
		cmocka_unit_test(xorshift_is_the_published_one),
		cmocka_unit_test(splitmix_is_the_published_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
