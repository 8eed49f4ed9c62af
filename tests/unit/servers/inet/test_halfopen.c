/* SPDX-License-Identifier: BSD-2-Clause */
/* Floods of SYNs (servers/inet/halfopen.h): the oldest half-open connection gives way, and nothing else. */
/* uses: @tests/unit/servers/inet/wire.h servers/inet/arena.c tests/unit/servers/inet/streams.c
 *   tests/unit/servers/inet/inject.c tests/fuzz/inet/input.c tests/fuzz/inet/packets.c */
/* ports: lwip */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/priv/tcp_priv.h"
#include "lwip/stats.h"
#include "servers/inet/halfopen.h"
#include "tests/unit/servers/inet/inject.h"
#include "tests/unit/servers/inet/streams.h"
#include "tests/unit/servers/inet/wire.h"

#define STREAM_PORT 5001
#define PORT        6000
#define BACKLOG     8u
#define NOBODY      77 /* a host that does not answer, not even ARP */
#define FIRST       1000

static unsigned resets, answers, accepted;
static uint8_t flooder; /* 10.0.0.x */

/* ---- the world ---- */

static bool is_tcp(const uint8_t *frame, size_t len)
{
	return len >= 54 && frame[12] == 0x08 && frame[13] == 0 && frame[23] == 6;
}

static void count_answers(const uint8_t *frame, size_t len)
{
	resets += is_tcp(frame, len) && (frame[47] & TCP_RST) != 0;
	answers += is_tcp(frame, len) && (frame[47] & TCP_SYN) != 0;
}

static bool has_no_tcp(unsigned from, uint8_t *frame, size_t len)
{
	(void)from;
	return !is_tcp(frame, len);
}

/* As sockets do: it counts until accept() takes it. */
static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg;
	(void)err;
	accepted++;
	tcp_backlog_delayed(pcb);
	return ERR_OK;
}

static struct tcp_pcb_listen *listen_at(uint16_t port, uint8_t backlog)
{
	struct tcp_pcb *pcb = tcp_new();

	assert_non_null(pcb);
	assert_int_equal(tcp_bind(pcb, IP4_ADDR_ANY, port), ERR_OK);
	pcb = tcp_listen_with_backlog(pcb, backlog);
	assert_non_null(pcb);
	tcp_accept(pcb, on_accept);
	return (struct tcp_pcb_listen *)(void *)pcb;
}

static void start(void)
{
	wire_init(0);
	wire.on_frame = count_answers;
	resets = answers = accepted = 0;
	flooder = NOBODY;
}

static void stop(void)
{
	while (tcp_active_pcbs != NULL)
		tcp_abort(tcp_active_pcbs);
	while (tcp_tw_pcbs != NULL)
		tcp_abort(tcp_tw_pcbs);
	while (tcp_listen_pcbs.listen_pcbs != NULL)
		(void)tcp_close((struct tcp_pcb *)(void *)tcp_listen_pcbs.listen_pcbs);
	assert_int_equal(lwip_stats.memp[MEMP_TCP_PCB]->used, 0);
	wire_end();
}

static void inject_syn(uint16_t from_port, uint16_t port)
{
	struct peer peer = inject_host(flooder, from_port, port);

	peer.seq = from_port * 12345u;
	inject_segment(&peer, TCP_SYN, "\2\4\5\xb4", 4, 0);
}

static void wait_ms(unsigned ms)
{
	while (ms-- > 0)
		wire_step();
}

static void flood(uint16_t port, unsigned count, unsigned each_step)
{
	static uint16_t from;

	for (unsigned k = 0; k < count; k++) {
		inject_syn((uint16_t)(20000 + from++ % 20000), port);
		if (k % each_step == 0)
			wire_step();
	}
	wait_ms(3);
}

/* Of all ports: 0. */
static unsigned count_state(enum tcp_state state, uint16_t port)
{
	unsigned n = 0;

	for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next)
		n += pcb->state == state && (port == 0 || pcb->local_port == port);
	return n;
}

static bool has_from(uint16_t from_port)
{
	for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next)
		if (pcb->state == SYN_RCVD && pcb->remote_port == from_port)
			return true;
	return false;
}

/* Through the wire, from eth0 to eth1, which share one stack and its listeners. */
static void connect_to(uint16_t port)
{
	struct tcp_pcb *pcb = tcp_new();
	ip_addr_t peer;

	assert_non_null(pcb);
	IP_ADDR4(&peer, 10, 0, 0, 2);
	assert_int_equal(tcp_connect(pcb, &peer, port, NULL), ERR_OK);
}

/* ---- tests ---- */

/* One step in between, or all in one tick of lwIP's clock. */
static void check_order(unsigned step_ms)
{
	struct tcp_pcb_listen *l;

	start();
	flooder = 2; /* ARP knows it, the answers are lost */
	wire.passes = has_no_tcp;
	l = listen_at(PORT, BACKLOG);
	for (unsigned k = 0; k < BACKLOG; k++) {
		inject_syn((uint16_t)(FIRST + k), PORT);
		wait_ms(step_ms);
	}
	wait_ms(2);
	for (unsigned k = 0; k < BACKLOG; k++) {
		uint64_t before = halfopen_count();

		assert_true(has_from((uint16_t)(FIRST + k)));
		inject_syn((uint16_t)(FIRST + BACKLOG + k), PORT);
		wait_ms(2);
		assert_false(has_from((uint16_t)(FIRST + k)));
		assert_true(has_from((uint16_t)(FIRST + BACKLOG + k)));
		assert_int_equal(halfopen_count() - before, 1);
		assert_int_equal(count_state(SYN_RCVD, PORT), BACKLOG);
		assert_int_equal(l->accepts_pending, BACKLOG);
	}
	assert_true(answers >= 2 * BACKLOG);
	assert_int_equal(resets, 0);
	stop();
}

static void oldest_gives_way_silently(void **state)
{
	(void)state;
	check_order(150);
	check_order(0);
}

static void nothing_gives_way_while_there_is_room(void **state)
{
	uint64_t before = halfopen_count();
	struct peer peer = inject_host(NOBODY, FIRST + 1, PORT);

	(void)state;
	start();
	(void)listen_at(PORT, BACKLOG);
	flood(PORT, BACKLOG, 1);
	assert_int_equal(count_state(SYN_RCVD, PORT), BACKLOG);
	/* Nor for what opens no connection. */
	inject_segment(&peer, TCP_RST, NULL, 0, 0);
	inject_segment(&peer, TCP_ACK, NULL, 0, 0);
	inject_segment(&peer, TCP_SYN | TCP_RST, NULL, 0, 0);
	inject_segment(&peer, TCP_SYN | TCP_ACK, NULL, 0, 0);
	inject_segment(&peer, TCP_FIN, NULL, 0, 0);
	wait_ms(3);
	assert_int_equal(count_state(SYN_RCVD, PORT), BACKLOG);
	assert_int_equal(halfopen_count(), before);
	stop();
}

/* A stream with all its bytes, while a SYN comes each millisecond to a listener that was full before. */
static void client_connects_during_a_flood(void **state)
{
	uint64_t before = halfopen_count();
	uint16_t from = FIRST;

	(void)state;
	start();
	streams_start(300000, 300000);
	((struct tcp_pcb_listen *)(void *)stream_server.listener)->backlog = BACKLOG;
	while (from < FIRST + 100)
		inject_syn(from++, STREAM_PORT);
	for (unsigned k = 0; k < 5000 && !streams_are_done(); k++) {
		inject_syn(from++, STREAM_PORT);
		wire_step();
	}
	assert_true(streams_are_done());
	assert_int_equal(stream_client.errors + stream_server.errors, 0);
	assert_true(halfopen_count() - before > 100);
	streams_release();
	stop();
}

/* The listener is full before the client comes. */
static void full_listener_takes_a_client(void **state)
{
	(void)state;
	start();
	(void)listen_at(PORT, BACKLOG);
	flood(PORT, 100, 10);
	assert_int_equal(count_state(SYN_RCVD, PORT), BACKLOG);
	connect_to(PORT);
	for (unsigned k = 0; k < 100; k++)
		flood(PORT, 1, 1);
	assert_int_equal(accepted, 1);
	assert_int_equal(count_state(ESTABLISHED, PORT), 1);
	stop();
}

/* What waits for accept() stays, also if it is all that there is. */
static void established_connections_stay(void **state)
{
	struct tcp_pcb_listen *l;
	uint64_t before;

	(void)state;
	start();
	l = listen_at(PORT, 3);
	connect_to(PORT);
	connect_to(PORT);
	wait_ms(20);
	assert_int_equal(accepted, 2);
	flood(PORT, 50, 1);
	assert_int_equal(count_state(ESTABLISHED, PORT), 2);
	assert_int_equal(count_state(SYN_RCVD, PORT), 1);
	connect_to(PORT);
	wait_ms(20);
	assert_int_equal(accepted, 3);
	before = halfopen_count();
	flood(PORT, 50, 1);
	assert_int_equal(halfopen_count(), before);
	assert_int_equal(count_state(ESTABLISHED, PORT), 3);
	assert_int_equal(count_state(SYN_RCVD, PORT), 0);
	assert_int_equal(l->accepts_pending, 3);
	stop();
}

static void other_listeners_keep_theirs(void **state)
{
	(void)state;
	start();
	(void)listen_at(PORT, BACKLOG);
	(void)listen_at(PORT + 1, BACKLOG);
	inject_syn(FIRST, PORT + 1);
	wait_ms(150);
	flood(PORT, 100, 10);
	assert_true(has_from(FIRST));
	assert_int_equal(count_state(SYN_RCVD, PORT), BACKLOG);
	stop();
}

/* Many listeners, none of them full: lwIP has no connection left. */
static void all_connections_can_be_half_open(void **state)
{
	unsigned most = MEMP_NUM_TCP_PCB;

	(void)state;
	start();
	(void)listen_at(PORT, BACKLOG);
	for (uint16_t port = PORT + 1; count_state(SYN_RCVD, 0) < most; port++) {
		(void)listen_at(port, 255);
		flood(port, 254, 50);
	}
	assert_int_equal(lwip_stats.memp[MEMP_TCP_PCB]->used, most);
	assert_int_equal(count_state(SYN_RCVD, 0), most);
	inject_syn(FIRST, PORT); /* another's gives way */
	wait_ms(2);
	assert_true(has_from(FIRST));
	assert_int_equal(lwip_stats.memp[MEMP_TCP_PCB]->used, most);
	halfopen_spare_one(); /* one of our own is going to be made */
	assert_int_equal(lwip_stats.memp[MEMP_TCP_PCB]->used, most - 1);
	halfopen_spare_one();
	assert_int_equal(lwip_stats.memp[MEMP_TCP_PCB]->used, most - 1);
	connect_to(PORT);
	wait_ms(20);
	assert_int_equal(accepted, 1);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(oldest_gives_way_silently),
		cmocka_unit_test(nothing_gives_way_while_there_is_room),
		cmocka_unit_test(full_listener_takes_a_client),
		cmocka_unit_test(client_connects_during_a_flood),
		cmocka_unit_test(established_connections_stay),
		cmocka_unit_test(other_listeners_keep_theirs),
		cmocka_unit_test(all_connections_can_be_half_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
