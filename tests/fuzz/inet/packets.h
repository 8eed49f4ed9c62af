/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets out of the bytes of a fuzzer's input: wrong in as many ways as there are bytes, and right in what
 * would else have them dropped at the door (addresses, lengths, checksums), unless the input says otherwise. */
#ifndef FUZZ_INET_PACKETS_H
#define FUZZ_INET_PACKETS_H

#include "axolotl/types.h"

/* The input, byte by byte; zeros behind its end. */
struct input {
	const uint8_t *data;
	size_t left;
};
uint8_t take8(struct input *in);
uint16_t take16(struct input *in);
uint32_t take32(struct input *in);
/* At most `max` bytes, as many as the next byte or two say; fewer at the end. */
size_t take_bytes(struct input *in, uint8_t *to, size_t max);

/* What the stack has told about the connection that the fuzzer holds with it. */
struct peer {
	bool is_ipv6;
	uint16_t port, local_port;   /* ours, the stack's */
	uint32_t seq, ack;           /* our next byte, the next one that we expect */
	uint8_t address4[2][4];      /* ours, the stack's */
	uint8_t address6[2][16];     /* the same */
	uint8_t mac[6], hardware[6]; /* the stack's, ours */
	uint32_t dhcp_id;
};

#define PACKET_MAX 2048

enum packet_kind {
	PACKET_RAW,
	PACKET_IP4,
	PACKET_FRAGMENT4,
	PACKET_TCP,
	PACKET_UDP,
	PACKET_ICMP,
	PACKET_IP6,
	PACKET_FRAGMENT6,
	PACKET_ICMP6,
	PACKET_ARP,
	PACKET_DHCP,
	PACKET_KINDS
};
/* An Ethernet frame of the kind; its length. */
size_t packet_make(enum packet_kind kind, struct input *in, const struct peer *peer,
                   uint8_t frame[PACKET_MAX]);
/* A segment of the connection, for handshakes. */
size_t packet_segment(const struct peer *peer, uint8_t flags, uint8_t frame[PACKET_MAX]);

#endif
