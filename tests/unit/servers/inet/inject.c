/* SPDX-License-Identifier: BSD-2-Clause */
/* See inject.h. */
#include <stdint.h>
#include <string.h>

#include "lwip/tcp.h"
#include "tests/fuzz/inet/packets.h"
#include "tests/unit/servers/inet/bytes.h"
#include "tests/unit/servers/inet/inject.h"
#include "tests/unit/servers/inet/wire.h"

static struct peer peer_of(const struct tcp_pcb *pcb)
{
	struct peer p = {.is_ipv6 = IP_IS_V6(&pcb->remote_ip),
	                 .port = pcb->remote_port,
	                 .local_port = pcb->local_port,
	                 .mac = {2, 2, 2, 2, 2, 0},
	                 .hardware = {10, 10, 10, 10, 10, 10}};

	if (p.is_ipv6) {
		memcpy(p.address6[0], ip_2_ip6(&pcb->remote_ip)->addr, 16);
		memcpy(p.address6[1], ip_2_ip6(&pcb->local_ip)->addr, 16);
	} else {
		memcpy(p.address4[0], &ip_2_ip4(&pcb->remote_ip)->addr, 4);
		memcpy(p.address4[1], &ip_2_ip4(&pcb->local_ip)->addr, 4);
	}
	return p;
}

size_t inject_make(const struct tcp_pcb *to, const struct injected *s, uint8_t frame[INJECT_MAX])
{
	struct peer peer = peer_of(to);
	size_t at, len;
	uint8_t *tcp;

	peer.seq = s->seq;
	peer.ack = s->ack;
	len = packet_segment(&peer, s->flags, frame);
	at = len - 20;
	tcp = frame + at;
	if (s->option_bytes > 0)
		memcpy(frame + len, s->options, s->option_bytes);
	len += s->option_bytes;
	memset(frame + len, 0, s->bytes);
	if (s->data != NULL)
		memcpy(frame + len, s->data, s->bytes);
	len += s->bytes;
	tcp[12] = (uint8_t)((5 + s->option_bytes / 4) << 4);
	put16(tcp + 14, s->window);
	set_ip_length(frame, len);
	set_tcp_sum(frame + 14, tcp, len - at);
	return len;
}

void inject(const struct tcp_pcb *to, const struct injected *s)
{
	static uint8_t frame[INJECT_MAX];
	size_t len = inject_make(to, s, frame);

	wire_inject(0, frame, len, s->is_checked ? NET_RX_CSUM_OK : 0);
}
