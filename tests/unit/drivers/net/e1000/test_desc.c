/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: drivers/net/e1000/desc.c */
/* Descriptors of the 8254x, headers of segmented frames, multicast hashes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "drivers/net/e1000/e1000.h"

#define IPV4_TCP_BYTES 54u
#define IPV6_TCP_BYTES 74u

static uint8_t header[256];
static struct nserver_tx frame;
static struct tx_desc context;

static uint32_t sum_of(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void put16(unsigned at, unsigned value)
{
	header[at] = (uint8_t)(value >> 8);
	header[at + 1] = (uint8_t)value;
}

/* A segmented TCP frame over IPv4 with `payload` bytes, as a client makes it. */
static void make_ipv4(uint32_t payload)
{
	static const uint8_t addresses[] = {192, 168, 1, 2, 10, 0, 2, 15};
	uint32_t sum;

	memset(header, 0, sizeof(header));
	put16(12, 0x0800);
	header[14] = 0x45;
	put16(16, (uint16_t)(40 + payload));
	header[23] = 6;
	put16(24, 0xdead); /* a checksum of before */
	memcpy(header + 26, addresses, sizeof(addresses));
	header[46] = 0x50;
	sum = sum_of(header + 26, 8, 6 + 20 + payload);
	put16(50, sum);
	frame = (struct nserver_tx){.bytes = IPV4_TCP_BYTES + payload,
	                            .flags = NET_TX_CSUM | NET_TX_TSO,
	                            .csum_start = 34,
	                            .csum_offset = 16,
	                            .gso_bytes = 1460,
	                            .header_bytes = IPV4_TCP_BYTES};
}

static void make_ipv6(uint32_t payload)
{
	memset(header, 0, sizeof(header));
	put16(12, 0x86dd);
	header[14] = 0x60;
	put16(18, (uint16_t)(20 + payload));
	header[20] = 6;
	for (unsigned i = 22; i < 54; i++)
		header[i] = (uint8_t)(i * 7);
	header[66] = 0x50;
	put16(70, sum_of(header + 22, 32, 6 + 20 + payload));
	frame = (struct nserver_tx){.bytes = IPV6_TCP_BYTES + payload,
	                            .flags = NET_TX_CSUM | NET_TX_TSO | NET_TX_IPV6,
	                            .csum_start = 54,
	                            .csum_offset = 16,
	                            .gso_bytes = 1440,
	                            .header_bytes = IPV6_TCP_BYTES};
}

/* What is left is the sum of the addresses and the protocol, for any length. */
static void header_of_ipv4_has_no_lengths_and_sums(void **state)
{
	static const uint32_t payloads[] = {1, 1460, 1461, 14600, 40000, 65495};

	(void)state;
	for (unsigned i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		make_ipv4(payloads[i]);
		assert_int_equal(desc_tso_header(&frame, header), 14);
		assert_int_equal(header[16] << 8 | header[17], 0);
		assert_int_equal(header[24] << 8 | header[25], 0);
		assert_int_equal(sum_of(header + 50, 2, 0) % 0xffff,
		                 sum_of(header + 26, 8, 6) % 0xffff);
	}
}

static void header_of_ipv6_has_no_length(void **state)
{
	(void)state;
	make_ipv6(30000);
	assert_int_equal(desc_tso_header(&frame, header), 14);
	assert_int_equal(header[18] << 8 | header[19], 0);
	assert_int_equal(sum_of(header + 70, 2, 0) % 0xffff, sum_of(header + 22, 32, 6) % 0xffff);
}

static void vlan_tag_moves_the_ip_header(void **state)
{
	(void)state;
	make_ipv4(9000);
	memmove(header + 16, header + 12, 100);
	put16(12, 0x8100);
	put16(14, 42);
	frame.csum_start += 4;
	frame.header_bytes += 4;
	frame.bytes += 4;
	assert_int_equal(desc_tso_header(&frame, header), 18);
	assert_int_equal(header[20] << 8 | header[21], 0);
}

static void refused(void)
{
	assert_int_equal(desc_tso_header(&frame, header), -EINVAL);
}

static void headers_that_are_not_tcp_are_refused(void **state)
{
	(void)state;
	make_ipv4(5000);
	header[23] = 17;
	refused();
	make_ipv4(5000);
	put16(12, 0x0806);
	refused();
	make_ipv4(5000);
	header[14] = 0x46; /* with options: TCP starts later than the client says */
	refused();
	make_ipv4(5000);
	frame.flags |= NET_TX_IPV6;
	refused();
	make_ipv4(5000);
	frame.csum_offset = 6;
	refused();
	make_ipv4(5000);
	frame.csum_start = 40; /* the TCP header would end behind header_bytes */
	refused();
	make_ipv4(5000);
	frame.csum_start = 20;
	refused();
	make_ipv6(5000);
	frame.flags &= (uint16_t)~NET_TX_IPV6;
	refused();
	make_ipv6(5000);
	frame.csum_start = 34;
	refused();
	make_ipv6(5000);
	header[14] = 0x40;
	refused();
}

static void context_of_a_segmented_frame(void **state)
{
	(void)state;
	make_ipv4(20000);
	assert_int_equal(desc_context(&frame, 14, &context), 0);
	assert_int_equal(context.low & 0xff, 14);          /* IPCSS */
	assert_int_equal(context.low >> 8 & 0xff, 24);     /* IPCSO */
	assert_int_equal(context.low >> 16 & 0xffff, 33);  /* IPCSE */
	assert_int_equal(context.low >> 32 & 0xff, 34);    /* TUCSS */
	assert_int_equal(context.low >> 40 & 0xff, 50);    /* TUCSO */
	assert_int_equal(context.low >> 48, 0);            /* TUCSE: to the end */
	assert_int_equal(context.high & 0xfffff, 20000);   /* PAYLEN */
	assert_int_equal(context.high >> 20 & 0xf, 0);     /* DTYP */
	assert_int_equal(context.high >> 24 & 0xff, 0x27); /* DEXT, TSE, IP, TCP */
	assert_int_equal(context.high >> 32 & 0xff, 0);
	assert_int_equal(context.high >> 40 & 0xff, IPV4_TCP_BYTES);
	assert_int_equal(context.high >> 48, 1460);
	make_ipv6(20000);
	assert_int_equal(desc_context(&frame, 14, &context), 0);
	assert_int_equal(context.low & 0xffffffff, 14); /* no IP checksum */
	assert_int_equal(context.high >> 24 & 0xff, 0x25);
}

static void context_of_a_checksum_is_the_same_for_all_lengths(void **state)
{
	struct tx_desc other;

	(void)state;
	frame = (struct nserver_tx){
		.bytes = 1000, .flags = NET_TX_CSUM, .csum_start = 34, .csum_offset = 6};
	assert_int_equal(desc_context(&frame, 0, &context), 0);
	assert_int_equal(context.low, 34ull << 32 | 40ull << 40);
	assert_int_equal(context.high, 1ull << 29);
	frame.bytes = 60;
	assert_int_equal(desc_context(&frame, 0, &other), 0);
	assert_memory_equal(&context, &other, sizeof(other));
}

static void numbers_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	frame = (struct nserver_tx){
		.bytes = 1000, .flags = NET_TX_CSUM, .csum_start = 239, .csum_offset = 16};
	assert_int_equal(desc_context(&frame, 0, &context), 0);
	frame.csum_start = 240;
	assert_int_equal(desc_context(&frame, 0, &context), -EINVAL);
	frame.csum_start = 65535;
	frame.csum_offset = 65535;
	assert_int_equal(desc_context(&frame, 0, &context), -EINVAL);
	make_ipv4(100);
	frame.header_bytes = 256;
	assert_int_equal(desc_context(&frame, 14, &context), -EINVAL);
}

static void data_descriptors(void **state)
{
	struct tx_desc d = desc_data(0x123456789abcull, 1514, 0);

	(void)state;
	assert_int_equal(d.low, 0x123456789abcull);
	assert_int_equal(d.high, 1514 | 1u << 20 | 0x22u << 24);
	assert_int_equal(desc_data(0, 60, NET_TX_CSUM).high >> 40, 2);
	d = desc_data(0, 60, NET_TX_CSUM | NET_TX_TSO);
	assert_int_equal(d.high >> 40, 3);
	assert_int_equal(d.high >> 24 & 0xff, 0x26);
	assert_int_equal(desc_data(0, 60, NET_TX_CSUM | NET_TX_TSO | NET_TX_IPV6).high >> 40, 2);
}

static void received_frames(void **state)
{
	struct rx_desc d = {.len_bytes = 60, .status = RXS_DD | RXS_EOP};
	unsigned flags;

	(void)state;
	assert_int_equal(desc_rx(&d, &flags), RX_FRAME);
	assert_int_equal(flags, 0);
	d.status |= RXS_TCPCS;
	assert_int_equal(desc_rx(&d, &flags), RX_FRAME);
	assert_int_equal(flags, NET_RX_CSUM_OK);
	d.errors = RXE_TCPE; /* the frame is whole: whoever it is for finds out */
	assert_int_equal(desc_rx(&d, &flags), RX_FRAME);
	assert_int_equal(flags, 0);
	d.errors = 0;
	d.status |= RXS_IXSM;
	assert_int_equal(desc_rx(&d, &flags), RX_FRAME);
	assert_int_equal(flags, 0);
}

static void received_frames_that_are_dropped(void **state)
{
	static const uint8_t errors[] = {RXE_CE, RXE_SE, RXE_SEQ, RXE_CXE, RXE_RXE};
	struct rx_desc d = {.len_bytes = 60, .status = RXS_DD};
	unsigned flags;

	(void)state;
	assert_int_equal(desc_rx(&d, &flags), RX_PART);
	d.status |= RXS_EOP;
	for (unsigned i = 0; i < sizeof(errors); i++) {
		d.errors = errors[i];
		assert_int_equal(desc_rx(&d, &flags), RX_BAD);
	}
	d.errors = 0;
	d.len_bytes = 13;
	assert_int_equal(desc_rx(&d, &flags), RX_BAD);
	d.len_bytes = 2049;
	assert_int_equal(desc_rx(&d, &flags), RX_BAD);
	d.len_bytes = 2048;
	assert_int_equal(desc_rx(&d, &flags), RX_FRAME);
}

static void multicast_hashes(void **state)
{
	struct net_conf conf = {.multicast_count = 2,
	                        .multicast = {{0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb},
	                                      {0x33, 0x33, 0x00, 0x00, 0x12, 0x34}}};
	uint32_t table[MTA_WORDS];
	unsigned bits = 0;

	(void)state;
	desc_multicast(&conf, table);
	for (unsigned i = 0; i < MTA_WORDS; i++)
		bits += (unsigned)__builtin_popcount(table[i]);
	assert_int_equal(bits, 2);
	assert_int_equal(table[0xfb0 >> 5], 1u << (0xfb0 & 31)); /* bits 47:36: 0xfb0 */
	assert_int_equal(table[0x341 >> 5], 1u << (0x341 & 31));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_of_ipv4_has_no_lengths_and_sums),
		cmocka_unit_test(header_of_ipv6_has_no_length),
		cmocka_unit_test(vlan_tag_moves_the_ip_header),
		cmocka_unit_test(headers_that_are_not_tcp_are_refused),
		cmocka_unit_test(context_of_a_segmented_frame),
		cmocka_unit_test(context_of_a_checksum_is_the_same_for_all_lengths),
		cmocka_unit_test(numbers_that_do_not_fit_are_refused),
		cmocka_unit_test(data_descriptors),
		cmocka_unit_test(received_frames),
		cmocka_unit_test(received_frames_that_are_dropped),
		cmocka_unit_test(multicast_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
