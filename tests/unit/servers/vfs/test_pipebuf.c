/* uses: servers/vfs/pipebuf.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipe buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>
#include "servers/vfs/pipebuf.h"

static struct pipebuf b;

static void put(const uint8_t *data, uint32_t len)
{
	while (len > 0) {
		uint32_t n;
		void *at = pipebuf_space(&b, &n);

		assert_true(n > 0);
		n = n < len ? n : len;
		memcpy(at, data, n);
		pipebuf_produce(&b, n);
		data += n;
		len -= n;
	}
}

static void get(uint8_t *data, uint32_t len)
{
	while (len > 0) {
		uint32_t n;
		const void *at = pipebuf_data(&b, &n);

		assert_true(n > 0);
		n = n < len ? n : len;
		memcpy(data, at, n);
		pipebuf_consume(&b, n);
		data += n;
		len -= n;
	}
}

static void bytes_come_out_in_order_over_the_wrap(void **state)
{
	static uint8_t in[50000], out[50000];

	(void)state;
	pipebuf_reset(&b);
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < sizeof(in); i++)
			in[i] = (uint8_t)(i * 7 + round);
		put(in, 1);
		put(in + 1, sizeof(in) - 1);
		get(out, 13);
		get(out + 13, sizeof(out) - 14);
		get(out + sizeof(out) - 1, 1);
		assert_memory_equal(in, out, sizeof(in));
	}
}

static void full_and_empty_are_told_apart(void **state)
{
	uint32_t n;

	(void)state;
	pipebuf_reset(&b);
	(void)pipebuf_data(&b, &n);
	assert_int_equal(n, 0);
	pipebuf_produce(&b, PIPE_BYTES);
	(void)pipebuf_space(&b, &n);
	assert_int_equal(n, 0);
	(void)pipebuf_data(&b, &n);
	assert_int_equal(n, PIPE_BYTES);
}

static void atomic_writes_need_room_for_all(void **state)
{
	(void)state;
	pipebuf_reset(&b);
	pipebuf_produce(&b, PIPE_BYTES - 100);
	assert_true(pipebuf_can_write(&b, 100));
	assert_false(pipebuf_can_write(&b, 101));
	assert_false(pipebuf_can_write(&b, PIPE_ATOMIC));
	assert_true(pipebuf_can_write(&b, PIPE_ATOMIC + 1));
	pipebuf_produce(&b, 100);
	assert_false(pipebuf_can_write(&b, PIPE_ATOMIC + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_in_order_over_the_wrap),
		cmocka_unit_test(full_and_empty_are_told_apart),
		cmocka_unit_test(atomic_writes_need_room_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
