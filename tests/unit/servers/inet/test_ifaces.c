/* SPDX-License-Identifier: BSD-2-Clause */
/* Interfaces of inet: buffers, checksums, and devices that go or change. */
/* uses: @tests/unit/servers/inet/wire.h servers/inet/arena.c tests/unit/servers/inet/streams.c */
/* ports: lwip */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/etharp.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/udp.h"
#include "servers/inet/iface.h"
#include "servers/inet/ifctl.h"
#include "servers/inet/rxpool.h"
#include "servers/inet/units.h"
#include "tests/unit/servers/inet/bytes.h"
#include "tests/unit/servers/inet/streams.h"
#include "tests/unit/servers/inet/wire.h"

static void reader_that_sleeps_does_not_stop_others(void **state)
{
	struct pbuf *kept;

	(void)state;
	wire_init(0);
	streams_start(8 << 20, 0);
	while (stream_server.pcb == NULL)
		wire_step();
	stream_server.is_held = true;
	for (unsigned k = 0; k < 2000; k++)
		wire_step();
	assert_non_null(stream_server.kept);
	assert_int_equal(stream_server.kept->tot_len, (u16_t)stream_server.kept->tot_len);
	/* Its window is full; buffers are left for everybody else. */
	assert_true(rxpool_free_count() > 0);
	assert_int_equal(iface_find_unit("1")->rx_posted, 256);
	stream_server.is_held = false;
	kept = stream_server.kept;
	stream_server.kept = NULL;
	while (kept != NULL) {
		struct pbuf *rest = kept->next;

		if (rest != NULL)
			pbuf_ref(rest);
		kept->next = NULL;
		kept->tot_len = kept->len;
		stream_take(&stream_server, kept);
		if (rest != NULL && rest->ref > 1)
			pbuf_free(rest);
		kept = rest;
	}
	streams_run(20000);
	streams_stop();
}

static void gone_interface_ends_its_connections(void **state)
{
	(void)state;
	wire_init(0);
	streams_start(8 << 20, 0);
	for (unsigned k = 0; k < 30; k++)
		wire_step();
	iface_close(iface_find_unit("0"));
	assert_int_equal(stream_client.errors, 1);
	assert_null(ifctl_find("eth0"));
	assert_non_null(ifctl_find("eth1"));
	tcp_abort(stream_server.pcb);
	tcp_close(stream_server.listener);
	streams_release();
	wire_end();
}

static void changed_device_is_a_new_interface(void **state)
{
	(void)state;
	wire_init(0);
	streams_start(8 << 20, 0);
	for (unsigned k = 0; k < 30; k++)
		wire_step();
	wire_kill(0);
	wire_event(0, NDEV_CHANGED);
	assert_int_equal(stream_client.errors, 1);
	assert_non_null(ifctl_find("eth0"));
	assert_int_equal(ifctl_index(ifctl_find("eth0")), 2);
	tcp_abort(stream_server.pcb);
	tcp_close(stream_server.listener);
	streams_release();
	wire_end();
}

static void echo_is_answered_from_the_received_frame(void **state)
{
	/* 10.0.0.77 at 0c:.. asks 10.0.0.1, 600 bytes of data: larger than what is copied. */
	uint8_t frame[14 + 20 + 8 + 600] = {
		2, 2, 2, 2, 2,  0, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 8,  0, 0x45, 0, 2, 0x74,
		0, 1, 0, 0, 64, 1, 0,    0,    10,   0,    0,    77,   10, 0, 0,    1, 8, 0};
	uint8_t arp[42] = {2,  2, 2, 2,  2, 0, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 8,    6,
	                   0,  1, 8, 0,  6, 4, 0,    1,    0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c,
	                   10, 0, 0, 77, 0, 0, 0,    0,    0,    0,    10,   0,    0,    1};

	(void)state;
	wire_init(0);
	for (unsigned k = 42; k < sizeof(frame); k++)
		frame[k] = (uint8_t)k;
	set_ip_sum(frame + 14);
	set_sum(frame + 36, frame + 34, sizeof(frame) - 34);
	wire_inject(0, arp, sizeof(arp), 0);
	for (unsigned k = 0; k < 3; k++)
		wire_step();
	wire_inject(0, frame, sizeof(frame), 0);
	for (unsigned k = 0; k < 3; k++)
		wire_step();
	assert_int_equal(wire.echo_replies, 1);
	assert_int_equal(wire_last_bytes, sizeof(frame));
	assert_memory_equal(wire_last_frame + 42, frame + 42, sizeof(frame) - 42);
	assert_int_equal(inet_sum(wire_last_frame + 34, sizeof(frame) - 34), 0xffff);
	streams_release();
	wire_end();
}

static void ds_says(const char *key, const char *value)
{
	struct ds_change c = {.result = DS_STR};

	strcpy(c.key, key);
	strcpy(c.value.str, value);
	assert_true(units_ds_change(&c));
}

/* card "0c", filters "0b" on it and "0a" on top; ds reports in the order of its table. */
static void stack_is_one_interface_in_any_order(void **state)
{
	static const char *const says[][2] = {{"net.0a", "top:0"},
	                                      {"net.0c", "card:0"},
	                                      {"net.0b", "middle:0"},
	                                      {"netup.0b", "0a"},
	                                      {"netup.0c", "0b"}};

	(void)state;
	for (unsigned first = 0; first < 5; first++) {
		wire_init(0);
		iface_close(iface_find_unit("0"));
		assert_int_equal(units_init(), 0);
		for (unsigned k = 0; k < 5; k++)
			ds_says(says[(first + k) % 5][0], says[(first + k) % 5][1]);
		units_settle();
		assert_non_null(iface_find_unit("0a"));
		assert_string_equal(iface_find_unit("0a")->name, "eth0");
		assert_null(iface_find_unit("0b"));
		assert_null(iface_find_unit("0c"));
		/* The filters go, from the top: the card gets its number back. */
		ds_says("net.0a", "");
		ds_says("netup.0b", "");
		units_gone("0a");
		units_settle();
		assert_string_equal(iface_find_unit("0b")->name, "eth0");
		iface_close(iface_find_unit("0b"));
		assert_int_equal(iface_open("0", 0), 0);
		wire_end();
	}
}

static void neighbours_are_forgotten(void **state)
{
	/* 10.0.0.77 at 0c:.. asks for 10.0.0.1. */
	uint8_t arp[42] = {2,  2, 2, 2,  2, 0, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 8,    6,
	                   0,  1, 8, 0,  6, 4, 0,    1,    0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c,
	                   10, 0, 0, 77, 0, 0, 0,    0,    0,    0,    10,   0,    0,    1};
	struct eth_addr hw = {{0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c}}, *found;
	const ip4_addr_t *at;
	ip4_addr_t ip;

	(void)state;
	IP4_ADDR(&ip, 10, 0, 0, 77);
	wire_init(0);
	assert_int_equal(ifctl_del_neighbour4(&ip), -ENOENT);
	wire_inject(0, arp, sizeof(arp), 0);
	for (unsigned k = 0; k < 3; k++)
		wire_step();
	assert_true(etharp_find_addr(ifctl_find("eth0"), &ip, &found, &at) >= 0);
	assert_int_equal(ifctl_del_neighbour4(&ip), 0);
	assert_true(etharp_find_addr(ifctl_find("eth0"), &ip, &found, &at) < 0);
	assert_int_equal(etharp_add_static_entry(&ip, &hw), ERR_OK);
	assert_int_equal(ifctl_del_neighbour4(&ip), 0);
	assert_int_equal(ifctl_del_neighbour4(&ip), -ENOENT);
	wire_end();
}

static void bad_checksum_is_dropped_good_flag_trusted(void **state)
{
	(void)state;
	struct udp_pcb *pcb = udp_new();
	uint8_t frame[60] = {2,  2, 2,  2, 2, 0, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 8, 0, 0x45,
	                     0,  0, 36, 0, 1, 0, 0,    64,   17,   0,    0,    10,   0, 0, 77,
	                     10, 0, 0,  1, 0, 9, 0,    9,    0,    16,   0xba, 0xad};
	unsigned before, after;

	wire_init(NET_OFFLOAD_RX_CSUM);
	assert_int_equal(udp_bind(pcb, IP4_ADDR_ANY, 9), ERR_OK);
	set_ip_sum(frame + 14);
	before = (unsigned)lwip_stats.udp.chkerr;
	wire_inject(0, frame, sizeof(frame), 0);
	for (unsigned k = 0; k < 3; k++)
		wire_step();
	after = (unsigned)lwip_stats.udp.chkerr;
	assert_int_equal(after, before + 1);
	wire_inject(0, frame, sizeof(frame), NET_RX_CSUM_OK);
	for (unsigned k = 0; k < 3; k++)
		wire_step();
	assert_int_equal((unsigned)lwip_stats.udp.chkerr, after);
	udp_remove(pcb);
	streams_release();
	wire_end();
}

static void announce(const char *key, const char *value)
{
	ds_says(key, value);
	units_settle();
}

/* What stands on a unit has its number, and gives it back, also when its own name goes later. */
static void filter_borrows_the_number(void **state)
{
	(void)state;
	wire_init(0);
	iface_close(iface_find_unit("0"));
	iface_close(iface_find_unit("1"));
	assert_int_equal(units_init(), 0);
	announce("net.0", "driver:0");
	for (unsigned k = 0; k < 3; k++) {
		assert_int_equal(iface_find_unit("0")->number, 0);
		announce("netup.0", "1");
		assert_null(iface_find_unit("0"));
		announce("net.1", "filter:0");
		assert_int_equal(iface_find_unit("1")->number, 0);
		announce("netup.0", "");
		assert_null(iface_find_unit("1"));
		announce("net.1", "");
	}
	wire_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reader_that_sleeps_does_not_stop_others),
		cmocka_unit_test(gone_interface_ends_its_connections),
		cmocka_unit_test(changed_device_is_a_new_interface),
		cmocka_unit_test(echo_is_answered_from_the_received_frame),
		cmocka_unit_test(neighbours_are_forgotten),
		cmocka_unit_test(stack_is_one_interface_in_any_order),
		cmocka_unit_test(bad_checksum_is_dropped_good_flag_trusted),
		cmocka_unit_test(filter_borrows_the_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
