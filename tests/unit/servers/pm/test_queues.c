/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/pm/timers.c servers/pm/futexq.c servers/pm/rng.c */
/* The heap of deadlines, futex queues, the random generator, and the list of calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <cmocka.h>
#include "servers/pm/futexq.h"
#include "servers/pm/rng.h"
#include "servers/pm/timers.h"

#define COUNT 500

static void timers_come_in_order_under_changes(void **state)
{
	static struct timer_heap h;
	static struct timer t[COUNT];
	uint64_t last = 0;
	unsigned seen = 0;
	struct timer *got;

	(void)state;
	srand(7);
	for (unsigned i = 0; i < COUNT; i++)
		assert_true(timer_set(&h, &t[i], 1 + (unsigned)rand() % 1000));
	for (unsigned i = 0; i < COUNT; i += 3)
		assert_true(timer_set(&h, &t[i], 1 + (unsigned)rand() % 1000));
	for (unsigned i = 0; i < COUNT; i += 5)
		timer_cancel(&h, &t[i]);
	timer_cancel(&h, &t[0]);
	assert_null(timer_pop(&h, 0));
	while ((got = timer_pop(&h, 1000)) != NULL) {
		assert_true(got->t_ns >= last);
		assert_false(timer_is_set(got));
		last = got->t_ns;
		seen++;
	}
	assert_int_equal(seen, COUNT - COUNT / 5);
	assert_int_equal(timer_first(&h), 0);
}

static void periods_share_the_gap(void **state)
{
	static struct timer_heap h;
	static struct timer t[10];

	(void)state;
	assert_int_equal(timer_next_period(&h, 5, 1000), 1000 + TIMER_GAP_NS);
	for (int i = 0; i < 10; i++) {
		t[i].is_periodic = i != 0;
		assert_true(timer_set(&h, &t[i], 100));
	}
	assert_int_equal(h.periodic, 9);
	assert_int_equal(timer_next_period(&h, 5, 0), 10 * TIMER_GAP_NS);
	assert_int_equal(timer_next_period(&h, 1ull << 40, 0), 1ull << 40);
	for (int i = 0; i < 10; i++) {
		t[i].is_periodic = !t[i].is_periodic; /* counts as it was set */
		timer_cancel(&h, &t[i]);
	}
	assert_int_equal(h.periodic, 0);
}

static void futexes_wake_in_order_of_arrival(void **state)
{
	struct futex_table f = {0};
	struct futex_waiter w[4] = {0};
	struct futex_key a = {1, 0x1000, false}, other_space = {2, 0x1000, false};
	struct futex_key shared = {1, 0x1000, true};

	(void)state;
	for (int i = 0; i < 4; i++) {
		w[i].key = a;
		w[i].bitset = i == 2 ? 2 : ~0u;
		futex_enqueue(&f, &w[i]);
	}
	futex_dequeue(&f, &w[1]);
	assert_null(futex_take(&f, &other_space, ~0u));
	assert_null(futex_take(&f, &shared, ~0u));
	assert_ptr_equal(futex_take(&f, &a, 1), &w[0]);
	assert_ptr_equal(futex_take(&f, &a, 1), &w[3]);
	assert_null(futex_take(&f, &a, 1));
	assert_ptr_equal(futex_take(&f, &a, ~0u), &w[2]);
	assert_null(futex_take(&f, &a, ~0u));
}

static void requeued_waiters_are_found_at_their_new_place(void **state)
{
	struct futex_table f = {0};
	struct futex_waiter w[3] = {0};
	struct futex_key a = {1, 0x1000, false}, b = {1, 0x2000, false};

	(void)state;
	for (int i = 0; i < 3; i++) {
		w[i].key = a;
		w[i].bitset = ~0u;
		futex_enqueue(&f, &w[i]);
	}
	assert_int_equal(futex_move(&f, &a, &b, 2), 2);
	assert_int_equal(futex_move(&f, &a, &a, 2), 0);
	assert_ptr_equal(futex_take(&f, &b, ~0u), &w[0]);
	assert_ptr_equal(futex_take(&f, &b, ~0u), &w[1]);
	assert_ptr_equal(futex_take(&f, &a, ~0u), &w[2]);
}

/* RFC 8439 section 2.3.2. */
static void chacha_matches_its_test_vector(void **state)
{
	static const uint32_t want[16] = {0xe4e7f110, 0x15593bd1, 0x1fdd0f50, 0xc47120a3,
	                                  0xc7f4d1c7, 0x0368c033, 0x9aaa2204, 0x4e6cd4c3,
	                                  0x466482d2, 0x09aa9f07, 0x05d7c214, 0xa2028bd9,
	                                  0xd19c12b5, 0xb94e16de, 0xe883d0cb, 0x4e3c50a2};
	uint32_t key[8], nonce[4] = {1, 0x09000000, 0x4a000000, 0}, out[16];

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		key[i] = (4 * i) | (4 * i + 1) << 8 | (4 * i + 2) << 16 | (4 * i + 3) << 24;
	rng_block(key, nonce, out);
	assert_memory_equal(out, want, sizeof(want));
}

static void random_bytes_never_repeat(void **state)
{
	struct rng r = {0}, other = {0};
	uint8_t a[100], b[100], seed = 1;

	(void)state;
	rng_bytes(&r, a, sizeof(a));
	rng_bytes(&r, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	rng_mix(&other, &seed, 1);
	rng_bytes(&other, b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
}

static void each_call_has_one_server_and_the_list_is_sorted(void **state)
{
#define PM_CALL(name, handler) SYS_##name,
#define PM_ANY(name, handler)  SYS_##name,
#define VM_CALL(name)          SYS_##name,
#define VFS_CALL(name)         SYS_##name,
	static const int numbers[] = {
#include "servers/pm/calls.def"
	};

	(void)state;
	for (size_t i = 1; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		assert_true(numbers[i] > numbers[i - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_come_in_order_under_changes),
		cmocka_unit_test(periods_share_the_gap),
		cmocka_unit_test(futexes_wake_in_order_of_arrival),
		cmocka_unit_test(requeued_waiters_are_found_at_their_new_place),
		cmocka_unit_test(chacha_matches_its_test_vector),
		cmocka_unit_test(random_bytes_never_repeat),
		cmocka_unit_test(each_call_has_one_server_and_the_list_is_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
