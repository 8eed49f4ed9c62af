/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that drivers see, the checksum's sum, and the boot word address=. */
/* uses: servers/inet/arena.c lib/inetsum/ servers/inet/addressopt.c */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "servers/inet/addressopt.h"
#include "servers/inet/arena.h"
#include "inetsum/inetsum.h"
#include "sys/sys.h"

#define BLOCKS  64
#define OBJECTS 4096

static uint8_t memory[BLOCKS * ARENA_BLOCK_BYTES] __attribute__((aligned(4096)));
static uint8_t received[4096] __attribute__((aligned(4096)));
static jmp_buf panic_jump;
static bool expects_panic;

void sys_panic(const char *fmt, ...)
{
	va_list args;

	if (expects_panic)
		longjmp(panic_jump, 1);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	abort();
}

static uint64_t random_state = 88172645463325252ull;

static uint64_t random64(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static unsigned blocks_used(void)
{
	struct arena_stats s;

	arena_get_stats(&s);
	return s.blocks_used;
}

static int start(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	arena_init(memory, sizeof(memory), 3);
	arena_set_receive(received, sizeof(received), 5);
	return 0;
}

/* Each object is filled with a value of its own; overlaps show when it is freed. */
static void objects_do_not_overlap(void **state)
{
	static struct {
		uint8_t *p;
		size_t len;
		uint8_t mark;
	} objects[OBJECTS];
	unsigned refused = 0;

	(void)state;
	for (unsigned n = 0; n < 200000; n++) {
		unsigned i = (unsigned)(random64() % OBJECTS);
		size_t len = 1 + random64() % (random64() % 16 == 0 ? 40000 : 2000);

		if (objects[i].p != NULL) {
			for (size_t k = 0; k < objects[i].len; k++)
				assert_int_equal(objects[i].p[k], objects[i].mark);
			arena_free(objects[i].p);
			objects[i].p = NULL;
			continue;
		}
		objects[i].p = arena_alloc(len);
		refused += objects[i].p == NULL;
		if (objects[i].p == NULL)
			continue;
		assert_int_equal((uintptr_t)objects[i].p % 8, 0);
		objects[i].len = len;
		objects[i].mark = (uint8_t)random64();
		memset(objects[i].p, objects[i].mark, len);
	}
	assert_true(refused > 0);
	for (unsigned i = 0; i < OBJECTS; i++) {
		arena_free(objects[i].p);
		objects[i].p = NULL;
	}
	/* At most one empty block a size class is kept. */
	assert_in_range(blocks_used(), 0, 9);
}

static void full_arena_has_room_for_acks(void **state)
{
	unsigned n = 0;

	(void)state;
	while (arena_alloc(1600) != NULL)
		n++;
	assert_int_equal(n, (BLOCKS - ARENA_RESERVED_BLOCKS) * 10);
	assert_null(arena_alloc(20000));
	assert_null(arena_alloc(1000));
	for (unsigned k = 0; k < 8 * 64; k++)
		assert_non_null(arena_alloc(256));
	assert_null(arena_alloc(256));
}

static void large_objects_take_whole_blocks(void **state)
{
	void *a, *b;

	(void)state;
	a = arena_alloc(ARENA_BLOCK_BYTES * 3 + 1);
	assert_int_equal(blocks_used(), 4);
	b = arena_alloc(65536);
	assert_int_equal(blocks_used(), 8);
	arena_free(a);
	arena_free(b);
	assert_int_equal(blocks_used(), 0);
	assert_null(arena_alloc(sizeof(memory) + 1));
	assert_null(arena_alloc(SIZE_MAX));
	assert_null(arena_calloc(SIZE_MAX / 2, 3));
}

static void calloc_gives_zeros(void **state)
{
	uint8_t *p = arena_alloc(300);

	(void)state;
	memset(p, 0xff, 300);
	arena_free(p);
	p = arena_calloc(3, 100);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(p[i], 0);
}

static void elements_are_found_in_both_areas(void **state)
{
	struct net_element e;
	uint8_t elsewhere[16];

	(void)state;
	assert_true(arena_element(memory + 100, 50, &e));
	assert_int_equal(e.arena, 3);
	assert_int_equal(e.offset, 100);
	assert_int_equal(e.len_bytes, 50);
	assert_true(arena_element(received + 4090, 6, &e));
	assert_int_equal(e.arena, 5);
	assert_false(arena_element(received + 4090, 7, &e));
	assert_false(arena_element(memory + sizeof(memory) - 1, 2, &e) && e.arena == 3);
	assert_false(arena_element(elsewhere, 4, &e));
}

static bool panics_on_free(void *p)
{
	bool did = true;

	expects_panic = true;
	if (setjmp(panic_jump) == 0) {
		arena_free(p);
		did = false;
	}
	expects_panic = false;
	return did;
}

static void wrong_frees_are_found(void **state)
{
	uint8_t *p = arena_alloc(100), *large = arena_alloc(40000);
	uint8_t outside;

	(void)state;
	assert_true(panics_on_free(p + 1));
	assert_true(panics_on_free(large + ARENA_BLOCK_BYTES));
	assert_true(panics_on_free(&outside));
	arena_free(large);
	assert_true(panics_on_free(large));
	assert_false(panics_on_free(p));
}

/* RFC 1071 word by word. */
static uint16_t slow_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2) {
		uint16_t word = p[i];

		if (i + 1 < len)
			word |= (uint16_t)(p[i + 1] << 8);
		sum += word;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

static void sum_is_that_of_rfc1071(void **state)
{
	static uint8_t data[70000];

	(void)state;
	for (unsigned n = 0; n < 3000; n++) {
		size_t at = random64() % 64;
		size_t len = random64() % (n % 100 == 0 ? 66000 : 200);
		uint8_t fill = (uint8_t)random64();

		for (size_t i = 0; i < len; i++)
			data[at + i] = n % 3 == 0 ? 0xff : n % 3 == 1 ? fill : (uint8_t)random64();
		assert_int_equal(inet_sum(data + at, (int)len) % 0xffff,
		                 slow_sum(data + at, len) % 0xffff);
		assert_int_equal(inet_sum(data + at, (int)len) == 0, slow_sum(data + at, len) == 0);
	}
	assert_int_equal(inet_sum(data, 0), 0);
}

static void address_words_are_read(void **state)
{
	struct addressopt o;
	const char *line = "root=ram0 address=10.0.2.15/24,gw=10.0.2.2,dns=10.0.2.3,dns=10.0.2.4 "
			   "address=eth2:192.168.7.9/30 address=eth1:none x";

	(void)state;
	assert_int_equal(addressopt_find(line, 0, &o), 1);
	assert_int_equal(o.address, htonl(0x0a00020f));
	assert_int_equal(o.mask, htonl(0xffffff00));
	assert_int_equal(o.gateway, htonl(0x0a000202));
	assert_int_equal(o.dns_count, 2);
	assert_int_equal(o.dns[1], htonl(0x0a000204));
	assert_int_equal(addressopt_find(line, 1, &o), 1);
	assert_true(o.is_none);
	assert_int_equal(addressopt_find(line, 2, &o), 1);
	assert_int_equal(o.mask, htonl(0xfffffffc));
	assert_int_equal(o.gateway, 0);
	assert_int_equal(addressopt_find(line, 3, &o), 0);
	assert_int_equal(addressopt_find("", 0, &o), 0);
	assert_int_equal(addressopt_find("myaddress=1.2.3.4/8", 0, &o), 0);
}

static void address_words_without_sense_are_refused(void **state)
{
	static const char *const bad[] = {
		"address=",
		"address=10.0.2.15",
		"address=10.0.2.15/33",
		"address=10.0.2.15/0",
		"address=10.0.2/24",
		"address=10.0.2.15/24x",
		"address=1.2.3.4/8,gw=",
		"address=1.2.3.4/8,gw=5",
		"address=1.2.3.4/8,foo=1.2.3.4",
		"address=1.2.3.4/8,",
		"address=none,gw=1.2.3.4",
		"address=eth0:",
		"address=1.2.3.4/8,dns=1.1.1.1,dns=1.1.1.1,dns=1.1.1.1,dns=1.1.1.1",
		"address=1111111111111111111111111111111111111111111111111111111111/8",
		"address=1.2.3.4/-8",
		"address=1.2.3.4/ 8",
	};
	struct addressopt o;

	(void)state;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(addressopt_find(bad[i], 0, &o), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(objects_do_not_overlap, start),
		cmocka_unit_test_setup(full_arena_has_room_for_acks, start),
		cmocka_unit_test_setup(large_objects_take_whole_blocks, start),
		cmocka_unit_test_setup(calloc_gives_zeros, start),
		cmocka_unit_test_setup(elements_are_found_in_both_areas, start),
		cmocka_unit_test_setup(wrong_frees_are_found, start),
		cmocka_unit_test(sum_is_that_of_rfc1071),
		cmocka_unit_test(address_words_are_read),
		cmocka_unit_test(address_words_without_sense_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
