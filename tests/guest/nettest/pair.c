/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From one unit to another of the same machine and back: every size of frame, checksums and segmentation by
 * the device, checked byte for byte. As load, with frames of all kinds while somebody kills the driver:
 * then frames may be lost or come twice, but never wrong.
 */
#include <stdio.h>
#include <string.h>

#include "nettest.h"

#define LOST_NS      3000000000ull
#define LOST_LOAD_NS 300000000ull
#define HELLO_NS     100000000ull
#define LOAD_MIN     54u

/* Bytes of payload of checksummed frames, and of segmented ones (of 1000 bytes or the largest). */
static const uint32_t lengths[] = {0, 1, 2, 3, 17, 64, 255, 256, 511, 1000, 1399, 1440};
static const uint32_t segmented[] = {1001,  1500,  1999,  2001,  2920,  4381, 9999,
                                     14600, 14601, 30000, 43801, 60001, 65475};
static const char *const kind_names[] = {
	[FRAME_TCP4] = "tcp4", [FRAME_UDP4] = "udp4", [FRAME_TCP6] = "tcp6", [FRAME_UDP6] = "udp6"};

static uint64_t total_wrong, total_lost;

static uint32_t offloads(const struct port *p)
{
	return netdev_info(p->dev)->offloads;
}

static void both(struct frame_spec *s, unsigned gso_bytes)
{
	probe_send(&ports[0], &ports[1], s, gso_bytes);
	probe_send(&ports[1], &ports[0], s, gso_bytes);
}

/* What was sent since the last result must have come. */
static void result(const char *what, const char *kind)
{
	char name[64];

	probes_drain();
	snprintf(name, sizeof(name), "%s%s%s", what, kind != NULL ? "_" : "",
	         kind != NULL ? kind : "");
	report(name, probe_counts.wrong == total_wrong && probe_counts.lost == total_lost);
	total_wrong = probe_counts.wrong;
	total_lost = probe_counts.lost;
}

static void run_plain(void)
{
	uint32_t most = netdev_info(ports[0].dev)->mtu + NET_FRAME_MIN;

	for (uint32_t size = NET_FRAME_MIN + 2; size <= most; size += size < FRAME_USUAL ? 1 : 23)
		both(&(struct frame_spec){.kind = FRAME_PLAIN, .bytes = size}, 0);
	result("frames_of_every_size", NULL);
}

static void run_checksums(enum frame_kind kind)
{
	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		both(&(struct frame_spec){.kind = kind,
		                          .bytes = frame_header_bytes(kind) + lengths[i]},
		     0);
	result("checksums", kind_names[kind]);
}

static void run_segments(enum frame_kind kind, unsigned gso_bytes)
{
	uint32_t header = frame_header_bytes(kind);
	uint32_t most = netdev_info(ports[0].dev)->tso_max_bytes;

	for (unsigned i = 0; i < sizeof(segmented) / sizeof(segmented[0]); i++) {
		if (segmented[i] + header > most)
			continue;
		both(&(struct frame_spec){.kind = kind, .bytes = header + segmented[i]}, gso_bytes);
		probes_drain(); /* all of a frame's segments find buffers */
	}
	result(gso_bytes == 1000 ? "segments_of_1000_bytes" : "full_segments", kind_names[kind]);
}

static void run_suite(void)
{
	uint32_t can = offloads(&ports[0]) & offloads(&ports[1]);

	run_plain();
	for (unsigned kind = FRAME_TCP4; can & NET_OFFLOAD_TX_CSUM && kind <= FRAME_UDP6; kind++)
		run_checksums((enum frame_kind)kind);
	for (unsigned i = 0; i < 2; i++) {
		if (can & NET_OFFLOAD_TSO4)
			run_segments(FRAME_TCP4, i == 0 ? 1000 : 1460);
		if (can & NET_OFFLOAD_TSO6)
			run_segments(FRAME_TCP6, i == 0 ? 1000 : 1440);
	}
}

/* Any frame that the unit can send. */
static unsigned choose(const struct port *p, struct frame_spec *s)
{
	uint32_t r = random32(), can = offloads(p);
	uint32_t most = netdev_info(p->dev)->mtu + NET_FRAME_MIN;

	*s = (struct frame_spec){.kind = FRAME_PLAIN,
	                         .bytes = LOAD_MIN + random32() % (most - LOAD_MIN + 1)};
	if (r % 4 == 0 && can & NET_OFFLOAD_TSO4) {
		s->kind = FRAME_TCP4;
		s->bytes = 1515 + random32() % 20000;
		return 1460;
	}
	if (r % 4 == 1 && can & NET_OFFLOAD_TX_CSUM)
		s->kind = r & 16 ? FRAME_TCP4 : FRAME_UDP4;
	return 0;
}

static void run_load(uint64_t duration_ns)
{
	uint64_t end = now_ns() + duration_ns;

	for (unsigned i = 0; now_ns() < end; i++) {
		struct port *from = &ports[i % 2], *to = &ports[1 - i % 2];
		struct frame_spec s;
		unsigned gso_bytes = choose(from, &s);

		probe_send(from, to, &s, gso_bytes);
	}
	probes_drain();
	report("nothing_arrives_wrong", probe_counts.wrong == 0);
}

/* Until both hear each other: a unit that is not set up yet may lose what comes. */
static void say_hello(void)
{
	static const struct probe_policy policy = {.timeout_ns = HELLO_NS, .is_repeated = true};

	probes_init(&policy);
	both(&(struct frame_spec){.kind = FRAME_PLAIN, .bytes = FRAME_MIN}, 0);
	probes_drain();
}

void pair_run(bool is_load, uint64_t duration_ns)
{
	const struct probe_policy policy = {.timeout_ns = is_load ? LOST_LOAD_NS : LOST_NS,
	                                    .is_ordered = !is_load};

	for (unsigned i = 0; i < 2; i++) {
		struct frame_ends *e = &ports[i].ends;

		memcpy(e->to, ports[1 - i].ends.from, 6);
		memcpy(e->from_ip, (uint8_t[4]){192, 168, 7, (uint8_t)(1 + i)}, 4);
		memcpy(e->to_ip, (uint8_t[4]){192, 168, 7, (uint8_t)(2 - i)}, 4);
	}
	say_hello();
	probes_init(&policy);
	if (is_load)
		run_load(duration_ns);
	else
		run_suite();
	for (unsigned i = 0; i < 2; i++)
		port_drain(&ports[i]);
	report("frames_are_confirmed", ports[0].failed + ports[1].failed == 0);
}
