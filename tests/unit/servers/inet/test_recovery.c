/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP through inet's interfaces over a wire that loses frames and drivers that die: every byte arrives,
 * exactly once, in order, and an outage costs little more than its own time.
 */
/* uses: servers/inet/addressopt.c servers/inet/arena.c servers/inet/config.c servers/inet/frame.c servers/inet/iface.c
         servers/inet/ifctl.c servers/inet/random.c servers/inet/recover.c servers/inet/route.c
         servers/inet/rxpool.c servers/inet/segments.c servers/inet/sum.c servers/inet/timers.c servers/inet/turn.c
         servers/inet/units.c tests/unit/servers/inet/wire.c */
/* ports: lwip */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "arena.h"
#include "iface.h"
#include "ifctl.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/udp.h"
#include "rxpool.h"
#include "sum.h"
#include "tests/unit/servers/inet/wire.h"

#define PORT 5001

struct end {
	struct tcp_pcb *pcb;
	struct tcp_pcb *listener;
	uint64_t sent, want, got;
	unsigned errors;
	bool is_held; /* does not read: pbufs are kept */
	struct pbuf *kept;
};
static struct end client, server;

static uint8_t pattern(uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + (at >> 16));
}

static void push(struct end *e)
{
	uint8_t chunk[8192];

	while (e->pcb != NULL && e->sent < e->want) {
		uint64_t n = e->want - e->sent;

		if (n > sizeof(chunk))
			n = sizeof(chunk);
		if (n > tcp_sndbuf(e->pcb))
			n = tcp_sndbuf(e->pcb);
		if (n == 0)
			break;
		for (uint64_t k = 0; k < n; k++)
			chunk[k] = pattern(e->sent + k);
		if (tcp_write(e->pcb, chunk, (u16_t)n, TCP_WRITE_FLAG_COPY) != ERR_OK)
			break;
		e->sent += n;
	}
	if (e->pcb != NULL)
		(void)tcp_output(e->pcb);
}

static void take(struct end *e, struct pbuf *p)
{
	for (const struct pbuf *q = p; q != NULL; q = q->next)
		for (u16_t k = 0; k < q->len; k++)
			assert_int_equal(((const uint8_t *)q->payload)[k], pattern(e->got++));
	tcp_recved(e->pcb, p->tot_len);
	pbuf_free(p);
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct end *e = arg;

	(void)pcb;
	(void)err;
	if (p == NULL)
		return ERR_OK;
	if (e->is_held && e->kept == NULL)
		e->kept = p;
	else if (e->is_held)
		pbuf_cat(e->kept, p);
	else
		take(e, p);
	return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	(void)pcb;
	(void)len;
	push(arg);
	return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
	struct end *e = arg;

	(void)err;
	e->pcb = NULL;
	e->errors++;
}

static void attach(struct end *e, struct tcp_pcb *pcb)
{
	e->pcb = pcb;
	tcp_arg(pcb, e);
	tcp_recv(pcb, on_recv);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_error);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg;
	assert_int_equal(err, ERR_OK);
	attach(&server, pcb);
	push(&server);
	return ERR_OK;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)pcb;
	assert_int_equal(err, ERR_OK);
	push(arg);
	return ERR_OK;
}

static void start(uint64_t up_bytes, uint64_t down_bytes)
{
	struct tcp_pcb *pcb = tcp_new();
	ip_addr_t peer;

	memset(&client, 0, sizeof(client));
	memset(&server, 0, sizeof(server));
	client.want = up_bytes;
	server.want = down_bytes;
	server.listener = tcp_new();
	ip_set_option(server.listener, SOF_REUSEADDR);
	assert_int_equal(tcp_bind(server.listener, IP4_ADDR_ANY, PORT), ERR_OK);
	server.listener = tcp_listen(server.listener);
	tcp_accept(server.listener, on_accept);
	attach(&client, pcb);
	IP_ADDR4(&peer, 10, 0, 0, 2);
	assert_int_equal(tcp_connect(pcb, &peer, PORT, on_connected), ERR_OK);
}

static bool is_done(void)
{
	return server.got == client.want && client.got == server.want;
}

static uint64_t run(uint64_t limit_ms)
{
	uint64_t steps = 0;

	for (; steps < limit_ms && !is_done(); steps++)
		wire_step();
	assert_true(is_done());
	return steps;
}

static void stop(void)
{
	assert_int_equal(client.errors + server.errors, 0);
	tcp_abort(client.pcb);
	tcp_abort(server.pcb);
	tcp_close(server.listener);
	wire_end();
}

static void transfer_is_exact(void **state)
{
	(void)state;
	wire_init(0);
	start(4 << 20, 1 << 20);
	run(20000);
	stop();
}

static void transfer_with_losses_is_exact(void **state)
{
	(void)state;
	wire_init(0);
	wire.loss_permille = 20;
	start(2 << 20, 2 << 20);
	run(600000);
	assert_true(wire.lost > 50);
	stop();
}

static void offloaded_checksums_are_right(void **state)
{
	(void)state;
	wire_init(NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_RX_CSUM);
	start(1 << 20, 1 << 20);
	run(20000);
	assert_true(wire.sums_filled > 1000);
	assert_int_equal(wire.tso_frames, 0);
	stop();
}

static void segments_are_coalesced(void **state)
{
	(void)state;
	wire_init(NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_RX_CSUM);
	start(8 << 20, 0);
	run(20000);
	assert_true(wire.tso_frames > 100);
	assert_true(wire.segments_cut > 8 * wire.tso_frames);
	stop();
}

static void coalescing_survives_losses_and_deaths(void **state)
{
	(void)state;
	wire_init(NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4 | NET_OFFLOAD_RX_CSUM);
	wire.loss_permille = 5;
	start(8 << 20, 8 << 20);
	for (unsigned n = 0; n < 20 && !is_done(); n++) {
		for (unsigned k = 0; k < 40; k++)
			wire_step();
		wire_kill(n % 2);
		for (unsigned k = 0; k < 15; k++)
			wire_step();
		wire_revive(n % 2);
	}
	run(600000);
	assert_true(wire.replayed > 0);
	stop();
}

static void few_elements_are_enough(void **state)
{
	(void)state;
	wire_init(0);
	iface_find_unit("0")->tx_elements = 1;
	wire.tx_elements = 1;
	iface_find_unit("1")->tx_elements = 1;
	start(256 << 10, 256 << 10);
	run(20000);
	stop();
}

static void deaths_lose_no_byte(void **state)
{
	(void)state;
	wire_init(0);
	start(6 << 20, 6 << 20);
	for (unsigned n = 0; n < 30 && !is_done(); n++) {
		unsigned unit = (unsigned)(wire_random() % 2);

		for (unsigned k = 0; k < 20 + wire_random() % 30; k++)
			wire_step();
		wire_kill(unit);
		for (unsigned k = 0; k < wire_random() % 60; k++)
			wire_step();
		wire_revive(unit);
	}
	run(600000);
	assert_true(wire.resumes >= 5);
	stop();
}

#define OUTAGE_MS 2000

static void suffer_outage(unsigned unit, uint64_t after_ms)
{
	for (uint64_t k = 0; k < after_ms; k++)
		wire_step();
	assert_false(is_done());
	wire_kill(unit);
	for (unsigned k = 0; k < OUTAGE_MS; k++)
		wire_step();
	wire_revive(unit);
}

/* An outage in the middle of a stream costs the sender its own time and a few round trips: no timer has
 * backed off, and its window is as before. */
static void outage_of_the_sender_is_short(void **state)
{
	uint64_t plain_ms;

	(void)state;
	wire_init(0);
	start(16 << 20, 0);
	plain_ms = run(60000);
	stop();

	wire_init(0);
	start(16 << 20, 0);
	suffer_outage(0, plain_ms / 2);
	assert_true(run(60000) < plain_ms / 2 + 250);
	assert_int_equal(wire.resumes, 1);
	assert_int_equal(wire.flows, 1);
	stop();
}

/* The other end, whose timer has backed off to more than a second by then, is woken at once. */
static void outage_of_the_receiver_is_short(void **state)
{
	uint64_t got;

	(void)state;
	wire_init(0);
	start(16 << 20, 0);
	suffer_outage(1, 40);
	assert_true(client.pcb->nrtx > 0);
	got = server.got;
	for (unsigned k = 0; k < 10; k++)
		wire_step();
	assert_true(server.got > got);
	run(600000);
	stop();
}

static void idle_connection_sends_duplicate_acks(void **state)
{
	(void)state;
	unsigned before;

	wire_init(0);
	start(1000, 1000);
	run(5000);
	for (unsigned k = 0; k < 1000; k++)
		wire_step();
	wire_kill(0);
	for (unsigned k = 0; k < 100; k++)
		wire_step();
	before = wire.pure_acks;
	wire_revive(0);
	for (unsigned k = 0; k < 10; k++)
		wire_step();
	assert_in_range(wire.pure_acks - before, 4, 8);
	assert_int_equal(wire.flows, 0);
	stop();
}

static void outage_does_not_count_as_retransmissions(void **state)
{
	(void)state;
	tcpwnd_size_t cwnd;

	wire_init(0);
	start(2 << 20, 0);
	for (unsigned k = 0; k < 15; k++)
		wire_step();
	cwnd = client.pcb->cwnd;
	assert_false(is_done());
	wire_kill(0);
	for (unsigned k = 0; k < 20000; k++)
		wire_step();
	assert_int_equal(client.pcb->nrtx, 0);
	assert_true(client.pcb->cwnd >= cwnd);
	wire_revive(0);
	run(5000);
	stop();
}

static void reader_that_sleeps_does_not_stop_others(void **state)
{
	struct pbuf *kept;

	(void)state;
	wire_init(0);
	start(8 << 20, 0);
	while (server.pcb == NULL)
		wire_step();
	server.is_held = true;
	for (unsigned k = 0; k < 2000; k++)
		wire_step();
	assert_non_null(server.kept);
	assert_int_equal(server.kept->tot_len, (u16_t)server.kept->tot_len);
	/* Its window is full; buffers are left for everybody else. */
	assert_true(rxpool_free_count() > 0);
	assert_int_equal(iface_find_unit("1")->rx_posted, 256);
	server.is_held = false;
	kept = server.kept;
	server.kept = NULL;
	while (kept != NULL) {
		struct pbuf *rest = kept->next;

		if (rest != NULL)
			pbuf_ref(rest);
		kept->next = NULL;
		kept->tot_len = kept->len;
		take(&server, kept);
		if (rest != NULL && rest->ref > 1)
			pbuf_free(rest);
		kept = rest;
	}
	run(20000);
	stop();
}

static void gone_interface_ends_its_connections(void **state)
{
	(void)state;
	wire_init(0);
	start(8 << 20, 0);
	for (unsigned k = 0; k < 30; k++)
		wire_step();
	iface_close(iface_find_unit("0"));
	assert_int_equal(client.errors, 1);
	assert_null(ifctl_find("eth0"));
	assert_non_null(ifctl_find("eth1"));
	tcp_abort(server.pcb);
	tcp_close(server.listener);
	wire_end();
}

static void changed_device_is_a_new_interface(void **state)
{
	(void)state;
	wire_init(0);
	start(8 << 20, 0);
	for (unsigned k = 0; k < 30; k++)
		wire_step();
	wire_kill(0);
	wire_event(0, NDEV_CHANGED);
	assert_int_equal(client.errors, 1);
	assert_non_null(ifctl_find("eth0"));
	assert_int_equal(ifctl_index(ifctl_find("eth0")), 2);
	tcp_abort(server.pcb);
	tcp_close(server.listener);
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
	uint16_t sum;

	(void)state;
	wire_init(0);
	for (unsigned k = 42; k < sizeof(frame); k++)
		frame[k] = (uint8_t)k;
	sum = (uint16_t)~inet_sum(frame + 14, 20);
	memcpy(frame + 24, &sum, 2);
	sum = (uint16_t)~inet_sum(frame + 34, sizeof(frame) - 34);
	memcpy(frame + 36, &sum, 2);
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
	wire_end();
}

static void bad_checksum_is_dropped_good_flag_trusted(void **state)
{
	(void)state;
	struct udp_pcb *pcb = udp_new();
	uint8_t frame[60] = {2,  2, 2,  2, 2, 0, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 0x0c, 8, 0, 0x45,
	                     0,  0, 36, 0, 1, 0, 0,    64,   17,   0,    0,    10,   0, 0, 77,
	                     10, 0, 0,  1, 0, 9, 0,    9,    0,    16,   0xba, 0xad};
	uint16_t sum;
	unsigned before, after;

	wire_init(NET_OFFLOAD_RX_CSUM);
	assert_int_equal(udp_bind(pcb, IP4_ADDR_ANY, 9), ERR_OK);
	sum = (uint16_t)~inet_sum(frame + 14, 20);
	memcpy(frame + 24, &sum, 2);
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
	wire_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transfer_is_exact),
		cmocka_unit_test(transfer_with_losses_is_exact),
		cmocka_unit_test(offloaded_checksums_are_right),
		cmocka_unit_test(segments_are_coalesced),
		cmocka_unit_test(coalescing_survives_losses_and_deaths),
		cmocka_unit_test(few_elements_are_enough),
		cmocka_unit_test(deaths_lose_no_byte),
		cmocka_unit_test(outage_of_the_sender_is_short),
		cmocka_unit_test(outage_of_the_receiver_is_short),
		cmocka_unit_test(idle_connection_sends_duplicate_acks),
		cmocka_unit_test(outage_does_not_count_as_retransmissions),
		cmocka_unit_test(reader_that_sleeps_does_not_stop_others),
		cmocka_unit_test(gone_interface_ends_its_connections),
		cmocka_unit_test(changed_device_is_a_new_interface),
		cmocka_unit_test(echo_is_answered_from_the_received_frame),
		cmocka_unit_test(bad_checksum_is_dropped_good_flag_trusted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
