/* SPDX-License-Identifier: BSD-2-Clause */
/* See handmade.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lwip/priv/tcp_priv.h"
#include "servers/inet/frame.h"
#include "tests/unit/servers/inet/handmade.h"
#include "tests/unit/servers/inet/wire.h"

enum family family;
struct iface *card;
struct tcp_pcb *pcb;
struct seen seen;
static uint8_t data[STREAM], got[STREAM];

/* ---- the connection ---- */

static void check_chain(const struct pbuf *p)
{
	unsigned left = p->tot_len;

	for (; p != NULL; p = p->next) {
		assert_int_equal(p->tot_len, left);
		left -= p->len;
	}
	assert_int_equal(left, 0);
}

static err_t on_recv(void *arg, struct tcp_pcb *to, struct pbuf *p, err_t err)
{
	(void)arg;
	(void)err;
	if (seen.is_refused)
		return ERR_MEM;
	if (p == NULL)
		return ERR_OK;
	check_chain(p);
	seen.segments++;
	seen.pieces = pbuf_clen(p);
	seen.pushes += (p->flags & PBUF_FLAG_PUSH) != 0;
	assert_true(seen.bytes + p->tot_len <= STREAM);
	seen.bytes += pbuf_copy_partial(p, got + seen.bytes, p->tot_len, 0);
	if (!seen.is_unread)
		tcp_recved(to, p->tot_len);
	pbuf_free(p);
	return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
	(void)err;
	if (arg == pcb)
		pcb = NULL;
}

static void count_ack(const uint8_t *tcp, size_t bytes)
{
	seen.acks += tcp[13] == TCP_ACK && bytes == (size_t)(tcp[12] >> 4) * 4;
}

static err_t output4(struct netif *n, struct pbuf *p, const ip4_addr_t *to)
{
	const uint8_t *ip = p->payload;

	(void)n;
	(void)to;
	if (ip[9] == IP_PROTO_TCP)
		count_ack(ip + 20, p->tot_len - 20u);
	return ERR_OK;
}

static err_t output6(struct netif *n, struct pbuf *p, const ip6_addr_t *to)
{
	const uint8_t *ip = p->payload;

	(void)n;
	(void)to;
	if (ip[6] == IP_PROTO_TCP)
		count_ack(ip + 40, p->tot_len - 40u);
	return ERR_OK;
}

static void set_addresses(struct tcp_pcb *of)
{
	static const char *const names[FAMILIES][2] = {
		{"10.0.0.1", "10.0.0.2"}, {"2001:db8::1", "2001:db8::2"}, {"fe80::1", "fe80::2"}};

	assert_true(ipaddr_aton(names[family][0], &of->local_ip));
	assert_true(ipaddr_aton(names[family][1], &of->remote_ip));
	if (family == IP4)
		return;
	ip6_addr_assign_zone(ip_2_ip6(&of->local_ip), IP6_UNICAST, &card->netif);
	ip6_addr_assign_zone(ip_2_ip6(&of->remote_ip), IP6_UNICAST, &card->netif);
	netif_ip6_addr_set(&card->netif, 1, ip_2_ip6(&of->local_ip));
	netif_ip6_addr_set_state(&card->netif, 1, IP6_ADDR_PREFERRED);
}

struct tcp_pcb *handmade_connect(uint16_t port)
{
	struct tcp_pcb *c = tcp_new();

	assert_non_null(c);
	set_addresses(c);
	c->local_port = port;
	c->remote_port = 5001;
	c->state = ESTABLISHED;
	c->mss = TCP_MSS;
	c->rcv_nxt = START;
	c->rcv_wnd = c->rcv_ann_wnd = WINDOW;
	c->rcv_ann_right_edge = START + WINDOW;
	c->lastack = c->snd_nxt = c->snd_lbb = SENT;
	c->snd_wnd = c->snd_wnd_max = 20000;
	tcp_arg(c, c);
	tcp_recv(c, on_recv);
	tcp_err(c, on_error);
	TCP_REG_ACTIVE(c);
	return c;
}

void handmade_start(unsigned offloads)
{
	wire_init(offloads);
	card = iface_find_unit("0");
	card->netif.output = output4;
	card->netif.output_ip6 = output6;
	pcb = handmade_connect(80);
	memset(&seen, 0, sizeof(seen));
	memset(got, 0, sizeof(got));
	for (unsigned k = 0; k < STREAM; k++)
		data[k] = (uint8_t)(k * 7 + (k >> 8) * 13);
}

void handmade_stop(void)
{
	if (pcb != NULL)
		tcp_abort(pcb);
	wire_end();
}

int handmade_begin(void **state)
{
	(void)state;
	handmade_start(NET_OFFLOAD_RX_CSUM);
	return 0;
}

int handmade_end(void **state)
{
	(void)state;
	handmade_stop();
	return 0;
}

int handmade_run(const char *name, const struct CMUnitTest *tests, size_t count)
{
	static const char *const suffixes[FAMILIES] = {"IPv4", "IPv6", "IPv6 of a link"};
	int failed = 0;

	for (unsigned f = 0; f < FAMILIES; f++) {
		char title[80];

		snprintf(title, sizeof(title), "%s, %s", name, suffixes[f]);
		family = f;
		failed += _cmocka_run_group_tests(title, tests, count, NULL, NULL);
	}
	family = IP4;
	return failed;
}

/* ---- segments ---- */

struct injected segment(unsigned from, unsigned bytes)
{
	return (struct injected){.seq = START + from,
	                         .ack = SENT,
	                         .flags = TCP_ACK,
	                         .window = 1000,
	                         .data = data + from,
	                         .bytes = bytes,
	                         .is_checked = true};
}

size_t make_frame(const struct injected *s, uint8_t frame[INJECT_MAX])
{
	struct peer peer = inject_peer(pcb);

	return inject_make(&peer, s, frame);
}

void send_to(const struct tcp_pcb *to, struct injected s)
{
	struct peer peer = inject_peer(to);

	inject(&peer, &s);
}

void send(struct injected s)
{
	send_to(pcb, s);
}

void send_row(unsigned from, unsigned bytes, unsigned segments)
{
	for (unsigned k = 0; k < segments; k++)
		send(segment(from + k * bytes, bytes));
}

/* All that was sent comes in one turn, behind acknowledgements enough. */
void turn(void)
{
	card->acks = FRAME_ACKS_PLAIN;
	wire_step();
}

void expect(unsigned segments, unsigned bytes)
{
	assert_int_equal(seen.segments, segments);
	assert_int_equal(seen.bytes, bytes);
	assert_memory_equal(got, data, bytes);
}
