/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The TCP/IP stack as inet builds it (lwIP, frames, receive pool, recovery, timers), with frames out of the
 * input on its wire: well formed ones, nearly well formed ones, garbage. One connection is established before, so that
 * segments meet a live one; its application echoes, is slow, closes. Drivers die in between.
 *
 * Must hold: no assertion and no sanitizer speaks, each frame that is sent is well formed (wire.c), and when all is
 * over every frame, buffer and piece of memory is back.
 */
/* uses: @tests/unit/servers/inet/wire.h tests/fuzz/inet/arena.c tests/fuzz/inet/input.c
 *   tests/fuzz/inet/packets.c */
/* ports: lwip */
/* libs: cmocka */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lwip/dhcp.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/raw.h"
#include "lwip/stats.h"
#include "lwip/udp.h"
#include "servers/inet/arena.h"
#include "servers/inet/iface.h"
#include "servers/inet/sack.h"
#include "servers/inet/timers.h"
#include "servers/inet/turn.h"
#include "tests/fuzz/inet/packets.h"
#include "tests/unit/servers/inet/wire.h"
#include "tests/unit/support/must.h"

#define PORT        80
#define STEPS_MAX   256 /* of one input */
#define BULK        20000u
#define SETTLE_S    120 /* of virtual time: reassembly, neighbours, retransmission to the end */
#define TCP_OFFSET4 34u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum action {
	ACT_STEP = PACKET_KINDS, /* a millisecond, or some */
	ACT_JUMP,                /* a second, or some */
	ACT_WRITE,               /* the application does things */
	ACT_HOLD,
	ACT_CLOSE,
	ACT_DEATH, /* the driver does */
	ACT_REFLECT,
	ACT_ASK,
	ACT_FILL, /* in-order segments: the window shrinks while the application holds */
	ACTIONS
};

static struct {
	struct tcp_pcb *listener, *pcb;
	struct udp_pcb *udp;
	struct raw_pcb *raw;
	struct pbuf *kept;
	bool is_held;
} app;
static struct peer peer;
static uint8_t frame[PACKET_MAX];
static u16_t used_before[MEMP_MAX];
static uint32_t objects_before;

/* ---- the application ---- */

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	(void)arg;
	(void)err;
	if (p == NULL)
		return ERR_OK;
	if (app.is_held && app.kept != NULL && app.kept->tot_len > 60000)
		return ERR_MEM; /* lwIP keeps it, and asks again */
	if (app.is_held) {
		if (app.kept != NULL)
			pbuf_cat(app.kept, p);
		else
			app.kept = p;
		return ERR_OK;
	}
	(void)tcp_write(pcb, p->payload, p->len, TCP_WRITE_FLAG_COPY);
	tcp_recved(pcb, p->tot_len);
	pbuf_free(p);
	return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
	(void)arg;
	(void)err;
	app.pcb = NULL;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	(void)arg;
	(void)len;
	sack_set_rtt(pcb, 4000, 2000);
	return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	(void)arg;
	if (err != ERR_OK || pcb == NULL)
		return ERR_VAL;
	if (app.pcb != NULL) {
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	app.pcb = pcb;
	tcp_recv(pcb, on_recv);
	tcp_sent(pcb, on_sent);
	tcp_err(pcb, on_error);
	return ERR_OK;
}

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from,
                        u16_t port)
{
	(void)arg;
	(void)udp_sendto(pcb, p, from, port);
	pbuf_free(p);
}

static u8_t on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
	(void)arg;
	(void)pcb;
	(void)p;
	(void)from;
	return 0; /* not eaten */
}

static void app_start(void)
{
	memset(&app, 0, sizeof(app));
	app.listener = tcp_new_ip_type(IPADDR_TYPE_ANY);
	ip_set_option(app.listener, SOF_REUSEADDR);
	MUST(tcp_bind(app.listener, IP_ANY_TYPE, PORT) == ERR_OK);
	app.listener = tcp_listen_with_backlog(app.listener, 8);
	tcp_accept(app.listener, on_accept);
	app.udp = udp_new_ip_type(IPADDR_TYPE_ANY);
	MUST(udp_bind(app.udp, IP_ANY_TYPE, 7) == ERR_OK);
	udp_recv(app.udp, on_datagram, NULL);
	app.raw = raw_new(IP_PROTO_ICMP);
	raw_recv(app.raw, on_raw, NULL);
}

static void app_write(unsigned n)
{
	static uint8_t bulk[BULK];

	if (app.pcb == NULL)
		return;
	(void)tcp_write(app.pcb, bulk, (u16_t)(n % BULK), TCP_WRITE_FLAG_COPY);
	(void)tcp_output(app.pcb);
}

static void app_hold(bool is_held)
{
	struct pbuf *p = app.kept;

	app.is_held = is_held;
	if (is_held || p == NULL)
		return;
	app.kept = NULL;
	if (app.pcb != NULL)
		tcp_recved(app.pcb, p->tot_len);
	pbuf_free(p);
}

static void app_close(void)
{
	struct tcp_pcb *pcb = app.pcb;

	if (pcb == NULL)
		return;
	app_hold(false);
	app.pcb = NULL;
	tcp_err(pcb, NULL);
	tcp_recv(pcb, NULL);
	if (tcp_close(pcb) != ERR_OK)
		tcp_abort(pcb);
}

static void app_end(void)
{
	app_hold(false);
	if (app.pcb != NULL)
		tcp_abort(app.pcb);
	app.pcb = NULL;
	tcp_close(app.listener);
	udp_remove(app.udp);
	raw_remove(app.raw);
	while (tcp_active_pcbs != NULL)
		tcp_abort(tcp_active_pcbs);
	while (tcp_tw_pcbs != NULL)
		tcp_abort(tcp_tw_pcbs);
}

/* ---- the peer ---- */

static struct netif *eth0(void)
{
	return &ifaces[0].netif;
}

static void inject(size_t len)
{
	if (len > 0)
		wire_inject(0, frame, len, 0);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Learns where the stack stands from what it sends. */
static void learn(const uint8_t *sent, size_t len)
{
	const uint8_t *tcp = sent + (peer.is_ipv6 ? TCP_OFFSET4 + 20 : TCP_OFFSET4);

	if (len > 240 && sent[12] == 8 && sent[23] == 17)
		peer.dhcp_id = get32(sent + 46);
	if (len < 54 || sent[12] != (peer.is_ipv6 ? 0x86 : 8) ||
	    sent[peer.is_ipv6 ? 20 : 23] != 6 || (tcp[0] << 8 | tcp[1]) != peer.local_port ||
	    (tcp[2] << 8 | tcp[3]) != peer.port)
		return;
	peer.seq = get32(tcp + 8);
	peer.ack = get32(tcp + 4) + ((tcp[13] & 2) != 0);
}

static void step(unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		wire_step();
	}
}

static void jump(unsigned seconds)
{
	for (unsigned i = 0; i < seconds * 4; i++) {
		wire.now_ns += 249000000;
		wire_step();
	}
}

static void introduce_peer(bool is_ipv6)
{
	struct input none = {NULL, 0};

	peer = (struct peer){.is_ipv6 = is_ipv6,
	                     .port = 5000,
	                     .local_port = PORT,
	                     .seq = 1000,
	                     .address4 = {{10, 0, 0, 78}, {10, 0, 0, 1}},
	                     .hardware = {2, 7, 7, 7, 7, 7}};
	memcpy(peer.mac, eth0()->hwaddr, 6);
	memcpy(peer.address6[1], netif_ip6_addr(eth0(), 0)->addr, 16);
	memcpy(peer.address6[0], peer.address6[1], 16);
	peer.address6[0][15] ^= 0x55;
	netif_ip6_addr_set_state(eth0(), 0, IP6_ADDR_PREFERRED);
	inject(packet_make(PACKET_ARP, &none, &peer, frame));
	step(2);
}

/* A neighbour that is known: the solicitation for the stack carries the peer's address. */
static void introduce_neighbour(void)
{
	/* How: with target and option; a neighbour solicitation; one option: source, 8 bytes, 6 follow. */
	uint8_t input[64] = {16 | 32 | 64, 11, 1, 1, 1, 6};
	struct input in = {input, sizeof(input)};

	memcpy(input + 6, peer.hardware, 6);
	inject(packet_make(PACKET_ICMP6, &in, &peer, frame));
	step(2);
}

static void connect_peer(bool is_ipv6)
{
	introduce_peer(is_ipv6);
	if (is_ipv6)
		introduce_neighbour();
	inject(packet_segment(&peer, 0x02, frame));
	step(2);
	inject(packet_segment(&peer, 0x10, frame));
	step(2);
	MUST(app.pcb != NULL);
}

/* What the stack sent last comes back, spoiled. */
static void reflect(struct input *in)
{
	size_t len = wire_last_bytes;
	uint8_t flips = take8(in) % 8;

	if (len < 14 || len > PACKET_MAX)
		return;
	memcpy(frame, wire_last_frame, len);
	memcpy(frame, peer.mac, 6);
	for (unsigned i = 0; i < flips; i++)
		frame[take16(in) % len] ^= take8(in);
	wire_inject(0, frame, len, take8(in) & 1 ? NET_RX_CSUM_OK : 0);
}

static void ask(struct input *in)
{
	struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, take16(in) % 4000, PBUF_RAM);
	ip_addr_t to;

	if (p == NULL)
		return;
	memset(p->payload, 0, p->len);
	if (take8(in) & 1)
		IP_ADDR4(&to, 10, 0, 0, take8(in));
	else
		ip_addr_copy_from_ip6(to, *netif_ip6_addr(eth0(), 0));
	if (IP_IS_V6(&to))
		ip_2_ip6(&to)->addr[3] ^= htonl(1u + take8(in));
	(void)udp_sendto(app.udp, p, &to, 9);
	pbuf_free(p);
}

static void fill_window(unsigned count)
{
	uint8_t how[5] = {16, 0x10, 250};

	for (unsigned i = 0; i < count; i++) {
		struct input in = {how, sizeof(how)};

		inject(packet_make(PACKET_TCP, &in, &peer, frame));
		step(2);
	}
}

static void act(struct input *in)
{
	uint8_t what = take8(in) % ACTIONS;

	switch (what) {
	case ACT_STEP: step(1 + take8(in) % 8); break;
	case ACT_JUMP: jump(1 + take8(in) % 4); break;
	case ACT_WRITE: app_write(take16(in)); break;
	case ACT_HOLD: app_hold(take8(in) & 1); break;
	case ACT_CLOSE: app_close(); break;
	case ACT_REFLECT: reflect(in); break;
	case ACT_ASK: ask(in); break;
	case ACT_FILL: fill_window(1 + take8(in) % 48); break;
	case ACT_DEATH:
		if (wire_is_dead(0))
			wire_revive(0);
		else
			wire_kill(0);
		break;
	default:
		inject(packet_make((enum packet_kind)what, in, &peer, frame));
		if (take8(in) & 3)
			step(2);
	}
}

/* ---- before and after ---- */

static void end(void)
{
	struct arena_stats a;

	if (wire_is_dead(0))
		wire_revive(0);
	step(4);
	app_end();
	dhcp_release_and_stop(eth0());
	dhcp_cleanup(eth0());
	jump(SETTLE_S);
	wire_end();
	arena_get_stats(&a);
	if (objects_before == 0) {
		objects_before = a.blocks_used + 1;
		for (unsigned i = 0; i < MEMP_MAX; i++)
			used_before[i] = (u16_t)lwip_stats.memp[i]->used;
	}
	MUST(a.blocks_used + 1 == objects_before);
	for (unsigned i = 0; i < MEMP_MAX; i++)
		MUST(lwip_stats.memp[i]->used == used_before[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The wire cuts IPv4 segments only. */
	static const unsigned offloads[] = {0, NET_OFFLOAD_TX_CSUM,
	                                    NET_OFFLOAD_TX_CSUM | NET_OFFLOAD_TSO4,
	                                    NET_OFFLOAD_RX_CSUM};
	struct input in = {data, size};
	uint8_t how = take8(&in);

	(void)setenv("CMOCKA_TEST_ABORT", "1", 1); /* the wire's assertions */
	wire_init(offloads[how & 3]);
	wire.on_frame = learn;
	app_start();
	connect_peer((how & 4) != 0);
	if ((how & 0x18) == 0x18)
		(void)dhcp_start(eth0());
	if (how & 0x20) /* as if both had said so */
		tcp_set_flags(app.pcb, TF_SACK);
	for (unsigned i = 0; i < STEPS_MAX && in.left > 0; i++)
		act(&in);
	end();
	return 0;
}
