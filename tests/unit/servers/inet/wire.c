/* SPDX-License-Identifier: BSD-2-Clause */
/* See wire.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <cmocka.h>

#include "servers/inet/arena.h"
#include "servers/inet/chunk.h"
#include "servers/inet/config.h"
#include "servers/inet/frame.h"
#include "servers/inet/iface.h"
#include "lwip/init.h"
#include "servers/inet/random.h"
#include "servers/inet/rxpool.h"
#include "servers/inet/sockif.h"
#include "inetsum/inetsum.h"
#include "tests/unit/servers/inet/bytes.h"
#include "tests/unit/servers/inet/wire.h"
#include "servers/inet/timers.h"
#include "sys/sys.h"
#include "servers/inet/turn.h"

#define SEND_BYTES (12u << 20)
#define QUEUE_MAX  8192
#define DELAY_NS   1000000ull

struct packet {
	uint8_t *bytes;
	size_t len;
	uint64_t t_due_ns;
	unsigned flags; /* NET_RX_* */
};
struct netdev {
	bool is_open, is_dead;
	const struct netdev_events *events;
	void *ctx;
	struct net_info info;
	struct net_link link;
	struct netdev_tx *tx[QUEUE_MAX]; /* not confirmed, in order */
	unsigned tx_count;
	struct netdev_rx *rx[QUEUE_MAX];
	unsigned rx_count;
	struct packet in[QUEUE_MAX]; /* on the wire, towards this unit */
	unsigned in_count;
};

struct wire wire;
uint64_t wire_seed = 1;
uint8_t wire_last_frame[70000];
size_t wire_last_bytes;
static struct netdev units[WIRE_UNITS];
static uint8_t *areas[2];
static size_t area_bytes[2];
static int area_count;
static bool is_started;

uint64_t wire_random(void)
{
	wire.random ^= wire.random << 13;
	wire.random ^= wire.random >> 7;
	wire.random ^= wire.random << 17;
	return wire.random;
}

/* ---- the wire ---- */

static void enqueue(unsigned to, const uint8_t *frame, size_t len, unsigned flags)
{
	struct netdev *d = &units[to];
	struct packet *p = &d->in[d->in_count];

	if (d->in_count == QUEUE_MAX)
		return;
	d->in_count++;
	*p = (struct packet){malloc(len), len, wire.now_ns + DELAY_NS, flags};
	assert_non_null(p->bytes);
	memcpy(p->bytes, frame, len);
}

void wire_inject(unsigned unit, const uint8_t *frame, size_t len, unsigned flags)
{
	enqueue(unit, frame, len, flags);
}

/* "Who has 10.0.x.2?": the wire has it. */
static void answer_arp(unsigned from, const uint8_t *frame)
{
	uint8_t reply[42];

	if (get16(frame + 20) != 1 || frame[41] != 2)
		return;
	memcpy(reply, frame, sizeof(reply));
	memcpy(reply, frame + 6, 6);
	memset(reply + 6, 0x0a, 6);
	reply[21] = 2;
	memcpy(reply + 32, frame + 22, 10);
	memset(reply + 22, 0x0a, 6);
	memcpy(reply + 28, frame + 38, 4);
	enqueue(from, reply, sizeof(reply), 0);
}

/* Data of a stream from unit 0 that were on the wire before. */
static void note_repetition(const uint8_t *ip, uint32_t bytes)
{
	uint32_t end = get32(ip + 24) + bytes;

	if (bytes == 0)
		return;
	wire.repeated += wire.has_end && (int32_t)(end - wire.end_seq) <= 0;
	if (!wire.has_end || (int32_t)(end - wire.end_seq) > 0)
		wire.end_seq = end;
	wire.has_end = true;
}

static void deliver(unsigned from, uint8_t *frame, size_t len)
{
	uint8_t *ip = frame + 14;

	wire.frames++;
	if (from == 0 && get16(frame + 12) == 0x0800 && ip[9] == 6)
		note_repetition(ip, get16(ip + 2) - 20u - (ip[32] >> 4) * 4u);
	if (wire_random() % 1000 < wire.loss_permille ||
	    (wire.passes != NULL && !wire.passes(from, frame, len))) {
		wire.lost++;
		return;
	}
	if (get16(frame + 12) == 0x0806)
		answer_arp(from, frame);
	if (get16(frame + 12) != 0x0800 || ip[19] != 2 || ip[17] > 1)
		return;
	if (ip[9] == 6 && get16(ip + 2) == 20u + (ip[20 + 12] >> 4) * 4)
		wire.pure_acks++;
	ip[14] = ip[18] = (uint8_t)(1 - from);
	ip[15] = 2;
	ip[19] = 1;
	set_ip_sum(ip);
	memset(frame, 0x02, 6);
	frame[5] = (uint8_t)(1 - from);
	/* The pseudo header has changed with the addresses, so nobody checks again. */
	enqueue(1 - from, frame, len, ip[9] == 6 || ip[9] == 17 ? NET_RX_CSUM_OK : 0);
}

/* Checks that the field plus all that is behind csum_start gives what lwIP's own checksum would. */
static void fill_sum(uint8_t *frame, size_t len, const struct net_tx *d)
{
	uint16_t sum = (uint16_t)~inet_sum(frame + d->csum_start, (int)(len - d->csum_start));

	memcpy(frame + d->csum_start + d->csum_offset, &sum, 2);
	wire.sums_filled++;
}

static void check_tcp_sum(const uint8_t *frame, size_t len)
{
	uint32_t sum =
		(uint32_t)pseudo_sum(frame + 14, len - 34) + inet_sum(frame + 34, (int)(len - 34));

	sum = (sum & 0xffff) + (sum >> 16);
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
}

static void cut(unsigned from, const uint8_t *frame, size_t len, const struct net_tx *d)
{
	size_t headers = d->header_bytes;
	uint8_t piece[2048];
	struct net_tx csum = {.csum_start = d->csum_start, .csum_offset = d->csum_offset};
	uint32_t seq = get32(frame + 38);

	wire.tso_frames++;
	for (size_t at = headers; at < len; at += d->gso_bytes) {
		size_t n = len - at < d->gso_bytes ? len - at : d->gso_bytes;
		uint16_t pseudo;

		memcpy(piece, frame, headers);
		memcpy(piece + headers, frame + at, n);
		put16(piece + 16, (uint32_t)(headers - 14 + n));
		put32(piece + 38, seq + (uint32_t)(at - headers));
		set_ip_sum(piece + 14);
		pseudo = pseudo_sum(piece + 14, headers - 34 + n);
		memcpy(piece + 50, &pseudo, 2);
		fill_sum(piece, headers + n, &csum);
		check_tcp_sum(piece, headers + n);
		wire.segments_cut++;
		deliver(from, piece, headers + n);
	}
}

static void transmit(unsigned from, const struct netdev_tx *t)
{
	const struct net_element *e = t->elements != NULL ? t->elements : t->desc.inline_elements;
	static uint8_t frame[70000];
	size_t len = 0;

	for (unsigned i = 0; i < t->desc.elements; i++) {
		assert_true(e[i].arena < 2 &&
		            e[i].offset + e[i].len_bytes <= area_bytes[e[i].arena]);
		memcpy(frame + len, areas[e[i].arena] + e[i].offset, e[i].len_bytes);
		len += e[i].len_bytes;
	}
	assert_int_equal(len, t->bytes);
	assert_true(t->desc.elements <= wire.tx_elements);
	if (t->desc.flags & NET_TX_TSO) {
		/* The whole frame's length and IP checksum are right, too. */
		assert_int_equal(get16(frame + 16) + 14u, len);
		assert_int_equal(inet_sum(frame + 14, 20), 0xffff);
		if (wire.offloads & NET_OFFLOAD_RX_LRO)
			deliver(from, frame, len);
		else
			cut(from, frame, len, &t->desc);
		return;
	}
	if (t->desc.flags & NET_TX_CSUM)
		fill_sum(frame, len, &t->desc);
	if (get16(frame + 12) == 0x0800 && frame[23] == 6)
		check_tcp_sum(frame, len);
	if (from == 0) {
		memcpy(wire_last_frame, frame, len);
		wire_last_bytes = len;
		wire.echo_replies +=
			get16(frame + 12) == 0x0800 && frame[23] == 1 && frame[34] == 0;
		if (wire.on_frame != NULL)
			wire.on_frame(frame, len);
	}
	deliver(from, frame, len);
}

/* ---- lib/netdev ---- */

int netdev_arena(void *ptr, size_t len_bytes, bool is_readonly)
{
	(void)is_readonly;
	areas[area_count] = ptr;
	area_bytes[area_count] = len_bytes;
	return area_count++;
}

struct netdev *netdev_open(const char *unit, const struct netdev_events *ev, void *ctx)
{
	struct netdev *d = &units[unit[0] - '0'];
	unsigned n = (unsigned)(d - units);

	memset(d, 0, sizeof(*d));
	d->is_open = true;
	d->events = ev;
	d->ctx = ctx;
	d->info = (struct net_info){.mac = {2, 2, 2, 2, 2, (uint8_t)n},
	                            .mtu = 1500,
	                            .tx_depth = 256,
	                            .rx_depth = 256,
	                            .tx_elements = wire.tx_elements,
	                            .offloads = wire.offloads,
	                            .tso_max_bytes = 40000};
	d->link = (struct net_link){.unit = n, .is_up = 1, .speed_mbit = 1000, .is_full_duplex = 1};
	return d;
}

void netdev_close(struct netdev *d)
{
	unsigned rx = d->rx_count, tx = d->tx_count;

	d->is_open = false;
	d->rx_count = d->tx_count = 0;
	for (unsigned i = 0; i < tx; i++)
		d->tx[i]->done(d->tx[i], -ECANCELED);
	for (unsigned i = 0; i < rx; i++)
		d->rx[i]->filled(d->rx[i], -ECANCELED, 0);
	for (unsigned i = 0; i < d->in_count; i++)
		free(d->in[i].bytes);
	d->in_count = 0;
}

void netdev_set_conf(struct netdev *d, const struct net_conf *conf)
{
	assert_true(conf->multicast_count <= NET_MULTICAST_MAX);
	assert_int_equal(conf->offloads & ~d->info.offloads, 0);
}

const struct net_info *netdev_info(const struct netdev *d)
{
	return &d->info;
}

const struct net_link *netdev_link(const struct netdev *d)
{
	return &d->link;
}

endpoint_t netdev_server(const struct netdev *d)
{
	(void)d;
	return 100;
}

unsigned netdev_tx_pending(const struct netdev *d)
{
	return d->tx_count;
}

int netdev_send(struct netdev *d, struct netdev_tx *t)
{
	assert_true(d->is_open && d->tx_count < QUEUE_MAX);
	d->tx[d->tx_count++] = t;
	return 0;
}

int netdev_post(struct netdev *d, struct netdev_rx *r)
{
	assert_true(d->is_open && d->rx_count < QUEUE_MAX);
	assert_int_equal(r->buffer.offset % NET_RX_BUFFER, 0);
	d->rx[d->rx_count++] = r;
	return 0;
}

/* ---- turning the wheel ---- */

static void confirm(struct netdev *d, unsigned count)
{
	struct netdev_tx *done[QUEUE_MAX];

	d->tx_count -= count;
	for (unsigned i = 0; i < count; i++)
		done[i] = d->tx[i];
	for (unsigned i = 0; i < d->tx_count; i++)
		d->tx[i] = d->tx[i + count];
	for (unsigned i = 0; i < count; i++)
		done[i]->done(done[i], 0);
}

/* Frames for which there are not enough buffers are lost, as on any device. */
static void receive_due(struct netdev *d)
{
	size_t most = wire.offloads & NET_OFFLOAD_RX_LRO ? NET_FRAME_MAX : NET_RX_BUFFER;

	while (d->in_count > 0 && d->in[0].t_due_ns <= wire.now_ns) {
		struct packet p = d->in[0];
		bool is_lost = p.len > most || p.len > (size_t)d->rx_count * NET_RX_BUFFER;

		memmove(d->in, d->in + 1, --d->in_count * sizeof(d->in[0]));
		for (size_t at = 0; at < p.len && !is_lost; at += NET_RX_BUFFER) {
			size_t left = p.len - at, n = left < NET_RX_BUFFER ? left : NET_RX_BUFFER;
			struct netdev_rx *r = d->rx[0];

			for (unsigned i = 0; i + 1 < d->rx_count; i++)
				d->rx[i] = d->rx[i + 1];
			d->rx_count--;
			memcpy(areas[r->buffer.arena] + r->buffer.offset, p.bytes + at, n);
			wire.pieces += n < left;
			r->filled(r, (int)n, p.flags | (n < left ? NET_RX_MORE : 0));
		}
		free(p.bytes);
	}
}

void wire_receive(void)
{
	wire.now_ns += 1000000;
	timers_run(wire.now_ns);
	for (unsigned n = 0; n < WIRE_UNITS; n++) {
		struct netdev *d = &units[n];
		unsigned count = d->tx_count;

		if (!d->is_open || d->is_dead)
			continue;
		for (unsigned i = 0; i < count; i++)
			transmit(n, d->tx[i]);
		confirm(d, count);
		receive_due(d);
	}
}

void wire_step(void)
{
	wire_receive();
	turn_before_sleep();
}

static void lose_incoming(struct netdev *d)
{
	if (wire.keeps_frames)
		return;
	for (unsigned i = 0; i < d->in_count; i++)
		free(d->in[i].bytes);
	d->in_count = 0;
}

/* Part of what was handed down reached the wire, of that a part was confirmed; what was coming in is lost. */
void wire_kill(unsigned unit)
{
	struct netdev *d = &units[unit];
	unsigned sent = d->tx_count > 0 ? (unsigned)(wire_random() % (d->tx_count + 1)) : 0;
	unsigned confirmed = sent > 0 ? (unsigned)(wire_random() % (sent + 1)) : 0;

	for (unsigned i = 0; i < sent; i++)
		if (wire_random() % 4 != 0)
			transmit(unit, d->tx[i]);
	confirm(d, confirmed);
	lose_incoming(d);
	d->is_dead = true;
	wire_event(unit, NDEV_LOST);
}

void wire_revive(unsigned unit)
{
	struct netdev *d = &units[unit];

	d->is_dead = false;
	wire.replayed += d->tx_count;
	lose_incoming(d); /* nothing was received meanwhile */
	wire_event(unit, NDEV_BACK);
	turn_before_sleep();
}

bool wire_is_dead(unsigned unit)
{
	return units[unit].is_dead;
}

void wire_event(unsigned unit, enum netdev_event what)
{
	units[unit].events->event(units[unit].ctx, &units[unit], what);
}

static void start_once(void)
{
	static uint8_t send[SEND_BYTES] __attribute__((aligned(4096)));
	static uint8_t receive[RX_SLOTS * NET_RX_BUFFER] __attribute__((aligned(4096)));
	int s, r;

	if (is_started)
		return;
	is_started = true;
	s = netdev_arena(send, sizeof(send), true);
	r = netdev_arena(receive, sizeof(receive), false);
	arena_init(send, sizeof(send), s);
	arena_set_receive(receive, sizeof(receive), r);
	rxpool_init(receive, r);
	config_init("console=x address=10.0.0.1/24 address=eth1:10.0.1.1/24,dns=10.0.1.9");
	frame_init();
	timers_init(wire.now_ns);
	lwip_init();
}

void wire_init(unsigned offloads)
{
	uint64_t now = wire.now_ns + 1000000000;

	wire = (struct wire){.random = 0x9e3779b97f4a7c15ull,
	                     .now_ns = now,
	                     .offloads = offloads,
	                     .tx_elements = NET_ELEMENTS_MAX};
	random_init(&wire_seed);
	start_once();
	timers_run(now); /* of what is over */
	assert_int_equal(iface_open("0", 0), 0);
	assert_int_equal(iface_open("1", 1), 0);
	wire_event(0, NDEV_UP);
	wire_event(1, NDEV_UP);
}

void wire_end(void)
{
	struct chunk_stats chunks;

	for (unsigned n = 0; n < WIRE_UNITS; n++) {
		struct iface *i = iface_find_unit(n == 0 ? "0" : "1");

		if (i != NULL)
			iface_close(i);
	}
	chunk_get_stats(&chunks);
	assert_int_equal(chunks.refs, 0);
	assert_int_equal(chunks.chunks, 0);
	assert_int_equal(frame_free_count(), FRAMES_MAX);
	assert_int_equal(rxpool_free_count(), RX_SLOTS);
}
