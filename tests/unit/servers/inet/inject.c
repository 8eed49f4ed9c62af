/* SPDX-License-Identifier: BSD-2-Clause */
/* See inject.h. */
#include <stdint.h>
#include <string.h>

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
	peer.is_ipv6 = IP_IS_V6(&pcb->remote_ip);
	if (peer.is_ipv6) {
		memcpy(peer.address6[0], ip_2_ip6(&pcb->remote_ip)->addr, 16);
		memcpy(peer.address6[1], ip_2_ip6(&pcb->local_ip)->addr, 16);
	} else {
		memcpy(peer.address4[0], &ip_2_ip4(&pcb->remote_ip)->addr, 4);
		memcpy(peer.address4[1], &ip_2_ip4(&pcb->local_ip)->addr, 4);
	}
	return peer;
}

size_t inject_make(const struct peer *from, const struct injected *s, uint8_t frame[INJECT_MAX])
{
	struct peer peer = *from;
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

void inject(const struct peer *from, const struct injected *s)
{
	static uint8_t frame[INJECT_MAX];
	size_t len = inject_make(from, s, frame);

	wire_inject(0, frame, len, s->is_checked ? NET_RX_CSUM_OK : 0);
}

void inject_segment(const struct peer *peer, uint8_t flags, const void *options,
                    unsigned option_bytes, unsigned len)
{
	inject(peer, &(struct injected){.seq = peer->seq,
	                                .ack = peer->ack,
	                                .flags = flags,
	                                .window = INT16_MAX,
	                                .options = options,
	                                .option_bytes = option_bytes,
	                                .bytes = len,
	                                .is_checked = true});
}
