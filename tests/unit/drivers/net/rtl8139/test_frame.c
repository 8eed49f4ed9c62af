/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/net/rtl8139/frame.c */
/* Frames in the RTL8139's ring, and hashes of group addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/net/rtl8139/rtl8139.h"

static enum rx_verdict decode(unsigned status, unsigned len_with_fcs, uint32_t *len)
{
	uint8_t header[RX_HEADER_BYTES] = {(uint8_t)status, (uint8_t)(status >> 8),
	                                   (uint8_t)len_with_fcs, (uint8_t)(len_with_fcs >> 8)};

	return frame_decode(header, len);
}

static void good_frames_lose_their_fcs(void **state)
{
	uint32_t len;

	(void)state;
	assert_int_equal(decode(RXS_ROK, 64, &len), RX_FRAME);
	assert_int_equal(len, 60);
	assert_int_equal(decode(RXS_ROK | 1u << 13, 1518, &len), RX_FRAME);
	assert_int_equal(len, 1514);
	assert_int_equal(decode(RXS_ROK, 18, &len), RX_FRAME);
}

static void frames_with_errors_are_skipped(void **state)
{
	static const unsigned errors[] = {RXS_FAE, RXS_CRC, RXS_LONG, RXS_RUNT, RXS_ISE};
	uint32_t len;

	(void)state;
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		assert_int_equal(decode(RXS_ROK | errors[i], 64, &len), RX_BAD);
		assert_int_equal(len, 60);
	}
	assert_int_equal(decode(0, 64, &len), RX_BAD);
	assert_int_equal(decode(RXS_ROK, 17, &len), RX_BAD);
	assert_int_equal(len, 13);
}

static void lengths_that_no_frame_has_are_no_frames(void **state)
{
	uint32_t len;

	(void)state;
	assert_int_equal(decode(RXS_ROK, 0, &len), RX_LOST);
	assert_int_equal(decode(RXS_ROK, 3, &len), RX_LOST);
	assert_int_equal(decode(RXS_ROK, 1523, &len), RX_LOST);
	assert_int_equal(decode(RXS_ROK, 0xffff, &len), RX_LOST);
	assert_int_equal(decode(0, 0xfff0, &len), RX_NONE);
}

/* Whatever length is accepted, a frame ends inside the memory, which goes on for 2 KiB. */
static void next_frames_are_aligned_and_inside(void **state)
{
	(void)state;
	assert_int_equal(frame_next(0, 60), 68);
	assert_int_equal(frame_next(0, 61), 72);
	assert_int_equal(frame_next(RX_RING_BYTES - 68, 60), 0);
	assert_int_equal(frame_next(RX_RING_BYTES - 4, 1514), 1520);
	for (uint32_t len = 0; len <= 1518; len++) {
		uint32_t next = frame_next(RX_RING_BYTES - 4, len);

		assert_true(next % 4 == 0 && next < 2048);
	}
}

static void group_addresses_are_hashed(void **state)
{
	struct net_conf conf = {.multicast_count = 2,
	                        .multicast = {{0x01, 0x00, 0x5e, 0x00, 0x00, 0x01},
	                                      {0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb}}};
	uint32_t table[2];

	(void)state;
	frame_multicast(&conf, table);
	assert_int_equal(table[0], 1u << 31 | 1u << 15); /* all hosts, multicast DNS */
	assert_int_equal(table[1], 0);
	conf.multicast_count = 0;
	frame_multicast(&conf, table);
	assert_int_equal(table[0] | table[1], 0);
	conf.mode = NET_MODE_ALLMULTI;
	frame_multicast(&conf, table);
	assert_int_equal(table[0] & table[1], ~0u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_frames_lose_their_fcs),
		cmocka_unit_test(frames_with_errors_are_skipped),
		cmocka_unit_test(lengths_that_no_frame_has_are_no_frames),
		cmocka_unit_test(next_frames_are_aligned_and_inside),
		cmocka_unit_test(group_addresses_are_hashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
