/* SPDX-License-Identifier: BSD-2-Clause */
/* See inject.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/servers/inet/bytes.h"
#include "tests/unit/servers/inet/inject.h"
#include "tests/unit/servers/inet/wire.h"

struct peer inject_host(uint8_t host, uint16_t port, uint16_t local_port)
{
	return (struct peer){.port = port,
	                     .local_port = local_port,
	                     .address4 = {{10, 0, 0, host}, {10, 0, 0, 1}},
	                     .mac = {2, 2, 2, 2, 2, 0},
	                     .hardware = {10, 10, 10, 10, 10, 10}};
}

struct peer inject_peer(const struct tcp_pcb *pcb)
{
	struct peer peer = inject_host(2, pcb->remote_port, pcb->local_port);

	peer.seq = pcb->rcv_nxt;
	peer.ack = pcb->snd_nxt;
	return peer;
}

void inject_segment(const struct peer *peer, uint8_t flags, const void *options,
                    unsigned option_bytes, unsigned len)
{
	uint8_t frame[PACKET_MAX] = {0};
	size_t bytes = packet_segment(peer, flags, frame);

	if (option_bytes > 0)
		memcpy(frame + bytes, options, option_bytes);
	frame[46] = (uint8_t)((5 + option_bytes / 4) << 4);
	bytes += option_bytes + len;
	set_ip_length(frame, bytes);
	wire_inject(0, frame, bytes, NET_RX_CSUM_OK);
}
