/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames on their way. Each that is sent is expected at a port, as it was sent, or as segments, or (echo) as
 * its answer; whatever comes must be one of those, byte for byte.
 */
#include <string.h>

#include "nettest.h"

#define PROBES_MAX 16u

struct probe {
	bool is_open;
	struct port *from, *to;
	struct frame_spec spec;
	unsigned gso_bytes;
	uint32_t arrived; /* bytes of payload, of a segmented one */
	uint64_t t_first, t_sent;
};

static struct probe probes[PROBES_MAX];
static struct probe_policy policy;
static uint16_t last_number;
struct probe_counts probe_counts;

static void wrong(const struct probe *b, const char *why, uint32_t len)
{
	if (probe_counts.wrong++ < 8)
		tester_say("nettest: %s: kind %d, %u bytes sent, %u came: %s\n", b->to->name,
		           b->spec.kind, b->spec.bytes, len, why);
}

static void answered(struct probe *b)
{
	uint64_t took = now_ns() - b->t_first;

	if (took > probe_counts.longest_ns)
		probe_counts.longest_ns = took;
	probe_counts.answered++;
	b->is_open = false;
}

static void segment(struct probe *b, const uint8_t *frame, uint32_t len)
{
	uint32_t payload = 0, total = b->spec.bytes - frame_header_bytes(b->spec.kind);
	int64_t offset = frame_check_segment(&b->spec, frame, len, &payload);

	if (offset < 0) {
		wrong(b, "segment is not as it must be", len);
		b->is_open = false;
		return;
	}
	if (payload == 0)
		return; /* QEMU's 82540EM adds one to frames that are whole segments */
	if (policy.is_ordered &&
	    (offset != b->arrived || (payload != b->gso_bytes && offset + payload != total)))
		wrong(b, "segment has another place or length", len);
	b->arrived += payload;
	if (offset + payload == total)
		answered(b);
}

/* Short frames may be padded on their way. */
static bool is_as_sent(const struct probe *b, const uint8_t *frame, uint32_t len)
{
	static uint8_t expected[FRAME_MAX];
	struct frame_spec whole = b->spec;

	if (len != b->spec.bytes && (b->spec.bytes > FRAME_MIN || len != FRAME_MIN))
		return false;
	whole.is_summed = true;
	frame_make(&whole, &b->from->ends, expected);
	return memcmp(expected, frame, b->spec.bytes) == 0;
}

static void arrived(struct probe *b, const uint8_t *frame, uint32_t len)
{
	bool is_good = true;

	if (b->gso_bytes != 0) {
		segment(b, frame, len);
		return;
	}
	if (b->spec.kind == FRAME_ARP)
		memcpy(b->from->ends.to, frame + 22, 6); /* sender of the answer */
	else if (b->spec.kind == FRAME_ECHO)
		is_good = frame_check_echo(&b->spec, &b->from->ends, frame, len);
	else
		is_good = is_as_sent(b, frame, len);
	if (!is_good)
		wrong(b, "not the bytes that were sent", len);
	answered(b);
}

static void receive(struct port *p, uint8_t *frame, uint32_t len, unsigned flags)
{
	enum frame_kind kind;
	int number = frame_number(frame, len, &kind);

	if (number >= 0 && flags & NET_RX_CSUM_OK)
		frame_complete(kind, frame, len);
	for (unsigned i = 0; number >= 0 && i < PROBES_MAX; i++) {
		struct probe *b = &probes[i];

		if (b->is_open && b->to == p && b->spec.kind == kind &&
		    (kind == FRAME_ARP || b->spec.number == number)) {
			arrived(b, frame, len);
			return;
		}
	}
	probe_counts.strange++; /* twice, late, or another machine's */
}

void probes_init(const struct probe_policy *how)
{
	policy = *how;
	memset(probes, 0, sizeof(probes));
	memset(&probe_counts, 0, sizeof(probe_counts));
	for (unsigned i = 0; i < 2; i++)
		ports[i].receive = receive;
}

static void send(struct probe *b)
{
	b->t_sent = now_ns();
	port_send(b->from, &b->spec, b->gso_bytes);
}

/* Late ones are sent again or given up; the time until the next is late. */
static uint64_t look_for_late(void)
{
	uint64_t soonest = policy.timeout_ns;

	for (unsigned i = 0; i < PROBES_MAX; i++) {
		struct probe *b = &probes[i];
		uint64_t age = now_ns() - b->t_sent;

		if (!b->is_open)
			continue;
		if (age < policy.timeout_ns) {
			soonest = policy.timeout_ns - age < soonest ? policy.timeout_ns - age
			                                            : soonest;
		} else if (policy.is_repeated) {
			probe_counts.repeated++;
			send(b);
		} else {
			probe_counts.lost++;
			b->is_open = false;
		}
	}
	return soonest;
}

static struct probe *find_free(void)
{
	for (;;) {
		uint64_t soonest = look_for_late();

		for (unsigned i = 0; i < PROBES_MAX; i++)
			if (!probes[i].is_open)
				return &probes[i];
		tester_wait(soonest);
	}
}

void probe_send(struct port *from, struct port *to, struct frame_spec *s, unsigned gso_bytes)
{
	struct probe *b = find_free();

	s->number = ++last_number;
	*b = (struct probe){.is_open = true,
	                    .from = from,
	                    .to = to,
	                    .spec = *s,
	                    .gso_bytes = gso_bytes,
	                    .t_first = now_ns()};
	send(b);
}

void probes_drain(void)
{
	bool any = true;

	while (any) {
		uint64_t soonest = look_for_late();

		any = false;
		for (unsigned i = 0; i < PROBES_MAX; i++)
			any |= probes[i].is_open;
		if (any)
			tester_wait(soonest);
	}
}
