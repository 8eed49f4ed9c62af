/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: filters/net/capture/pcapng.c filters/net/capture/store.c */
/* pcapng blocks, field by field as the draft has them, and the ring that keeps them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "filters/net/capture/pcapng.h"
#include "filters/net/capture/store.h"

static uint32_t word(const uint8_t *p, size_t at)
{
	return (uint32_t)p[at] | (uint32_t)p[at + 1] << 8 | (uint32_t)p[at + 2] << 16 |
	       (uint32_t)p[at + 3] << 24;
}

static void a_file_begins_with_section_and_interface(void **state)
{
	uint8_t out[PCAPNG_HEADER_MAX + 1];
	size_t len, first;

	(void)state;
	out[PCAPNG_HEADER_MAX] = 0xaa;
	len = pcapng_header(out, "net0", 1500);
	assert_true(len <= PCAPNG_HEADER_MAX);
	assert_int_equal(word(out, 0), 0x0a0d0d0a);
	first = word(out, 4);
	assert_int_equal(first % 4, 0);
	assert_int_equal(word(out, first - 4), first);
	assert_int_equal(word(out, 8), 0x1a2b3c4d);
	assert_int_equal(word(out, 12), 1); /* major 1, minor 0 */
	assert_int_equal(word(out, 16), UINT32_MAX);
	assert_int_equal(word(out, 24), 4 | 15u << 16); /* shb_userappl */
	assert_memory_equal(out + 28, "axolotl capture\0", 16);
	assert_int_equal(word(out, 44), 0);

	assert_int_equal(word(out, first), 1);
	assert_int_equal(word(out, first + 4), len - first);
	assert_int_equal(word(out, len - 4), len - first);
	assert_int_equal(word(out, first + 8), 1); /* Ethernet */
	assert_int_equal(word(out, first + 12), 1500);
	assert_int_equal(word(out, first + 16), 2 | 4u << 16); /* if_name */
	assert_memory_equal(out + first + 20, "net0", 4);
	assert_int_equal(word(out, first + 24), 9 | 1u << 16); /* if_tsresol */
	assert_int_equal(word(out, first + 28), 9);
	assert_int_equal(word(out, first + 32), 0);

	len = pcapng_header(out, "a-name-that-is-as-long-as-it-can-be-and-longer", 1);
	assert_true(len <= PCAPNG_HEADER_MAX);
	assert_int_equal(out[PCAPNG_HEADER_MAX], 0xaa);
}

static void a_packet_has_all_its_fields(void **state)
{
	struct pcapng_packet p = {.t_ns = 0x1122334455667788,
	                          .captured_bytes = 61,
	                          .frame_bytes = 900,
	                          .direction = PCAPNG_OUTBOUND};
	uint8_t *out = malloc(61 + PCAPNG_PACKET_EXTRA);
	size_t len;

	(void)state;
	memset(pcapng_frame(out), 0x5a, 61);
	len = pcapng_finish_packet(out, &p);
	assert_int_equal(len, 28 + 64 + 12 + 4);
	assert_int_equal(word(out, 0), 6);
	assert_int_equal(word(out, 4), len);
	assert_int_equal(word(out, 8), 0);
	assert_int_equal(word(out, 12), 0x11223344);
	assert_int_equal(word(out, 16), 0x55667788);
	assert_int_equal(word(out, 20), 61);
	assert_int_equal(word(out, 24), 900);
	assert_int_equal(word(out, 28), 0x5a5a5a5a);
	assert_int_equal(word(out, 88), 0x5a); /* the last byte, padded */
	assert_int_equal(word(out, 92), 2 | 4u << 16);
	assert_int_equal(word(out, 96), 2);
	assert_int_equal(word(out, 100), 0);
	assert_int_equal(word(out, 104), len);
	free(out);
}

#define RING 1000

static uint8_t read_block[512];
static struct store_reader reader = {.block = read_block};

static void add(struct store *s, uint8_t number, uint32_t len)
{
	uint8_t block[RING];

	memset(block, number, len);
	store_add(s, block, len);
}

/* All that waits, in pieces of at most `piece` bytes: each block is whole, numbers run on. */
static unsigned drain(const struct store *s, size_t piece, unsigned *first)
{
	const uint8_t *from;
	unsigned blocks = 0;
	size_t n, left = 0;
	uint8_t number = 0;

	while ((n = store_read(s, &reader, &from, piece)) > 0) {
		if (left == 0) {
			if (blocks == 0)
				*first = from[0];
			else
				assert_int_equal(from[0], (uint8_t)(number + 1));
			number = from[0];
			left = 50 + number % 100;
			blocks++;
		}
		assert_true(n <= left);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(from[i], number);
		left -= n;
	}
	assert_int_equal(left, 0);
	return blocks;
}

static void old_blocks_give_way_to_new_ones(void **state)
{
	uint8_t *bytes = malloc(RING);
	struct store s;
	unsigned first = 0;

	(void)state;
	store_init(&s, bytes, RING);
	store_rewind(&s, &reader, "", 0);
	assert_int_equal(drain(&s, 7, &first), 0);
	for (unsigned i = 0; i < 200; i++) {
		add(&s, (uint8_t)i, 50 + i % 100);
		assert_true(s.head - s.tail <= RING);
	}
	assert_int_equal(s.blocks, 200);
	store_rewind(&s, &reader, "", 0);
	assert_int_equal(drain(&s, 33, &first) + s.overwritten, 200);
	assert_int_equal(first, s.overwritten);
	free(bytes);
}

static void a_slow_reader_misses_whole_blocks_only(void **state)
{
	uint8_t *bytes = malloc(RING);
	const uint8_t *from;
	struct store s;

	(void)state;
	store_init(&s, bytes, RING);
	add(&s, 1, 60);
	store_rewind(&s, &reader, "prefix", 6);
	assert_int_equal(store_read(&s, &reader, &from, 4), 4);
	assert_memory_equal(from, "pref", 4);
	assert_int_equal(store_read(&s, &reader, &from, 100), 2);
	assert_int_equal(store_read(&s, &reader, &from, 10), 10); /* of block 1 */
	for (unsigned i = 2; i < 40; i++)
		add(&s, (uint8_t)i, 60);
	assert_int_equal(store_read(&s, &reader, &from, 100), 50);
	assert_int_equal(from[0], 1); /* the copy is whole */
	assert_int_equal(store_read(&s, &reader, &from, 100), 60);
	assert_int_equal(from[0], 40 - (int)(s.blocks - s.overwritten));
	assert_int_equal(reader.missed, 1);
	add(&s, 9, RING); /* too large: not kept */
	assert_int_equal(s.blocks, 39);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_begins_with_section_and_interface),
		cmocka_unit_test(a_packet_has_all_its_fields),
		cmocka_unit_test(old_blocks_give_way_to_new_ones),
		cmocka_unit_test(a_slow_reader_misses_whole_blocks_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
