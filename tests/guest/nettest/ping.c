/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Against QEMU's user network, which answers ARP and ICMP for 10.0.2.2 itself: every size of frame once, or
 * as load while somebody kills the driver. What is not answered is sent again.
 */
#include <string.h>

#include "nettest.h"

#define REPEAT_NS 400000000ull

static const uint8_t own_ip[4] = {10, 0, 2, 15}, gateway_ip[4] = {10, 0, 2, 2};

static void echo(struct port *p, uint32_t bytes)
{
	struct frame_spec s = {.kind = FRAME_ECHO, .bytes = bytes};

	probe_send(p, p, &s, 0);
}

static bool find_gateway(struct port *p)
{
	struct frame_spec s = {.kind = FRAME_ARP, .bytes = FRAME_MIN};

	probe_send(p, p, &s, 0);
	probes_drain();
	return p->ends.to[0] != 0xff;
}

void ping_run(bool is_load, uint64_t duration_ns)
{
	static const struct probe_policy policy = {.timeout_ns = REPEAT_NS, .is_repeated = true};
	struct port *p = &ports[0];
	uint64_t end;

	probes_init(&policy);
	memcpy(p->ends.from_ip, own_ip, 4);
	memcpy(p->ends.to_ip, gateway_ip, 4);
	memset(p->ends.to, 0xff, 6);
	report("gateway_answers_arp", find_gateway(p));
	end = now_ns() + duration_ns;
	for (uint32_t size = FRAME_MIN; is_load ? now_ns() < end : size <= FRAME_USUAL; size++)
		echo(p, is_load ? FRAME_MIN + random32() % (FRAME_USUAL - FRAME_MIN + 1) : size);
	probes_drain();
	port_drain(p);
	report("echoes_are_answered_byte_for_byte", probe_counts.wrong == 0);
	report("frames_are_confirmed", p->failed == 0);
}
