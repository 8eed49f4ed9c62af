/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the network protocol for tests: sends numbered frames to a unit that sends them back
 * (tests/guest/badnic, with or without filters above it), and sends those again that do not return in time,
 * as TCP would. Started like a driver; results are in its status.
 *
 *     service up /tests/netecho -args "UNIT[,frames=N]"        default: 20000 frames
 *
 *     done=1         each frame came back at least once
 *     confirmed      frames whose done() was called; failed: with an error; twice: more than once
 *     wrong          frames that came back with other contents; doubles: that came back again
 *     up back changed link lost refused gone: events
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netdev/netdev.h"
#include "sys/sys.h"

#define WINDOW     64
#define BUFFERS    128
#define SLOT_BYTES NET_RX_BUFFER
#define ETHERTYPE  0xb588 /* 0x88b5, local experimental (IEEE 802), as bytes in memory */
#define RESEND_NS  200000000ull
#define FRAMES_MAX 1000000u

/* What follows the Ethernet header. */
struct payload {
	uint32_t number;
	uint32_t check; /* of the number: ~number */
} __attribute__((packed));

static struct slot {
	struct netdev_tx tx;
	uint32_t number;
	bool is_sent;  /* with the library */
	bool is_heard; /* it came back: the slot's frame is over when it is also confirmed */
	bool is_used;
	uint64_t t_sent_ns;
} slots[WINDOW];

static struct netdev_rx buffers[BUFFERS];
static uint8_t *memory; /* WINDOW frames, then BUFFERS buffers */
static int arena;
static struct netdev *dev;
static char unit[LABEL_MAX];
static uint32_t frames = 20000, next_number, heard;
static uint64_t sent, resent, confirmed, failed, twice, wrong, doubles, received;
static unsigned events[8];
static uint64_t t_start_ns, t_end_ns, alarm_at;

static struct slot *slot_of(uint32_t number)
{
	return &slots[number % WINDOW];
}

static void release(struct slot *s)
{
	if (!s->is_sent && s->is_heard)
		s->is_used = false;
}

static void done(struct netdev_tx *t, int status)
{
	struct slot *s = t->cookie;

	confirmed++;
	failed += status != 0;
	twice += !s->is_sent;
	s->is_sent = false;
	release(s);
}

static uint32_t bytes_of(uint32_t number)
{
	return 60 + number * 7 % 1400;
}

static void send_slot(struct slot *s)
{
	uint64_t offset = (uint64_t)(s - slots) * SLOT_BYTES;
	uint8_t *frame = memory + offset;
	struct payload p = {.number = s->number, .check = ~s->number};
	uint16_t type = ETHERTYPE;

	memset(frame, (int)(s->number & 0xff), bytes_of(s->number));
	memset(frame, 0x02, 12);
	memcpy(frame + 12, &type, sizeof(type));
	memcpy(frame + NET_FRAME_MIN, &p, sizeof(p));
	s->tx = (struct netdev_tx){.desc = {.elements = 1,
	                                    .inline_elements = {{.offset = offset,
	                                                         .len_bytes = bytes_of(s->number),
	                                                         .arena = (uint16_t)arena}}},
	                           .done = done,
	                           .cookie = s};
	s->t_sent_ns = now_ns();
	if (netdev_send(dev, &s->tx) != 0) {
		failed++;
		return;
	}
	s->is_sent = true;
	sent++;
}

static bool is_intact(const uint8_t *frame, int bytes, const struct payload *p)
{
	if (bytes < 60 || p->check != ~p->number || p->number >= frames ||
	    (uint32_t)bytes != bytes_of(p->number))
		return false;
	for (int i = NET_FRAME_MIN + (int)sizeof(*p); i < bytes; i++)
		if (frame[i] != (p->number & 0xff))
			return false;
	return true;
}

static void take(const uint8_t *frame, int bytes)
{
	struct payload p;
	struct slot *s;

	memcpy(&p, frame + NET_FRAME_MIN, sizeof(p));
	received++;
	if (!is_intact(frame, bytes, &p)) {
		wrong++;
		return;
	}
	s = slot_of(p.number);
	if (!s->is_used || s->number != p.number || s->is_heard) {
		doubles++;
		return;
	}
	s->is_heard = true;
	heard++;
	release(s);
}

static void filled(struct netdev_rx *r, int bytes, unsigned flags)
{
	(void)flags;
	if (bytes < 0)
		return;
	take(memory + r->buffer.offset, bytes);
	if (netdev_post(dev, r) != 0)
		failed++;
}

static void post_all(void)
{
	for (unsigned i = 0; i < BUFFERS; i++) {
		buffers[i] =
			(struct netdev_rx){.buffer = {.offset = (uint64_t)(WINDOW + i) * SLOT_BYTES,
		                                      .len_bytes = SLOT_BYTES,
		                                      .arena = (uint16_t)arena},
		                           .filled = filled};
		if (netdev_post(dev, &buffers[i]) != 0)
			sys_panic("a buffer was refused");
	}
}

static void on_event(void *ctx, struct netdev *d, enum netdev_event what)
{
	(void)ctx;
	(void)d;
	events[what]++;
	if (what == NDEV_UP)
		t_start_ns = now_ns();
}

/* Frames that may be sent now; then the alarm. */
static void work(void)
{
	uint64_t now = now_ns(), at = netdev_next_deadline();

	for (unsigned i = 0; i < WINDOW && t_start_ns != 0; i++) {
		struct slot *s = &slots[i];

		if (s->is_used && !s->is_sent && !s->is_heard && now - s->t_sent_ns > RESEND_NS) {
			resent++;
			send_slot(s);
		}
	}
	while (t_start_ns != 0 && next_number < frames && !slot_of(next_number)->is_used) {
		struct slot *s = slot_of(next_number);

		*s = (struct slot){.number = next_number++, .is_used = true};
		send_slot(s);
	}
	if (heard == frames && t_end_ns == 0)
		t_end_ns = now;
	if (heard < frames && (at == 0 || at > now + RESEND_NS))
		at = (now / RESEND_NS + 1) * RESEND_NS;
	if (at != alarm_at && k_setalarm(at) == 0)
		alarm_at = at;
}

/* ---- component ---- */

static void idle(void)
{
	work();
	netdev_idle();
	work(); /* what was confirmed makes room */
	netdev_idle();
}

static void alarm_fired(uint64_t now)
{
	alarm_at = 0;
	netdev_alarm(now);
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	(void)how;
	if (!netdev_message(m))
		sys_violation(m->source, VIOL_REQUEST, m->type);
}

static void doorbell(endpoint_t from)
{
	(void)netdev_doorbell(from);
}

static void ds_change(const struct ds_change *c)
{
	(void)netdev_ds_change(c);
}

static int init(const struct sys_init *how)
{
	static const struct netdev_events handlers = {.event = on_event};
	size_t bytes = (size_t)(WINDOW + BUFFERS) * SLOT_BYTES;

	(void)how;
	memory = aligned_alloc(PAGE_BYTES, bytes);
	if (memory == NULL)
		return -ENOMEM;
	memset(memory, 0, bytes);
	arena = netdev_arena(memory, bytes, false);
	dev = netdev_open(unit, &handlers, NULL);
	if (arena < 0 || dev == NULL)
		return -ENOMEM;
	post_all();
	return 0;
}

static int status(char *buf, size_t len)
{
	uint64_t ms = t_end_ns != 0 ? (t_end_ns - t_start_ns) / 1000000 : 0;
	int n = snprintf(
		buf, len,
		"done=%d\nframes=%u\nheard=%u\nsent=%llu\nresent=%llu\nconfirmed=%llu\n"
		"failed=%llu\ntwice=%llu\nreceived=%llu\nwrong=%llu\ndoubles=%llu\nms=%llu\n"
		"up=%u\nlost=%u\nback=%u\nchanged=%u\nlink=%u\nrefused=%u\ngone=%u\n",
		heard == frames, frames, heard, (unsigned long long)sent,
		(unsigned long long)resent, (unsigned long long)confirmed,
		(unsigned long long)failed, (unsigned long long)twice, (unsigned long long)received,
		(unsigned long long)wrong, (unsigned long long)doubles, (unsigned long long)ms,
		events[NDEV_UP], events[NDEV_LOST], events[NDEV_BACK], events[NDEV_CHANGED],
		events[NDEV_LINK], events[NDEV_REFUSED], events[NDEV_GONE]);

	if (n < 0 || (size_t)n >= len)
		return 0;
	return n + netdev_status_text(buf + n, len - (size_t)n);
}

int main(int argc, char **argv)
{
	static const struct sys_component component = {.init = init,
	                                               .message = message,
	                                               .doorbell = doorbell,
	                                               .ds_change = ds_change,
	                                               .alarm = alarm_fired,
	                                               .idle = idle,
	                                               .status = status};
	const char *comma = argc > 1 ? strchr(argv[1], ',') : NULL;

	if (argc < 2) {
		sys_log("netecho: the unit is missing\n");
		return 1;
	}
	snprintf(unit, sizeof(unit), "%.*s",
	         (int)(comma != NULL ? comma - argv[1] : (ptrdiff_t)strlen(argv[1])), argv[1]);
	if (comma != NULL && strncmp(comma, ",frames=", 8) == 0)
		frames = (uint32_t)strtoul(comma + 8, NULL, 10);
	if (frames == 0 || frames > FRAMES_MAX) {
		sys_log("netecho: frames=1 to %u\n", FRAMES_MAX);
		return 1;
	}
	sys_main(&component);
}
