/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP segments from outside to eth0 of the wire (wire.h), as from any peer, with right checksums. */
#ifndef TESTS_INET_INJECT_H
#define TESTS_INET_INJECT_H

#include "axolotl/types.h"
#include "lwip/tcp.h"
#include "tests/fuzz/inet/packets.h"

/* The host 10.0.0.`host`, from a port of it to one of eth0. */
struct peer inject_host(uint8_t host, uint16_t port, uint16_t local_port);
/* The real peer of a connection of eth0's, of either family: in order, all acknowledged. */
struct peer inject_peer(const struct tcp_pcb *pcb);
/* `len` zeros behind the options; their length is a multiple of 4. */
void inject_segment(const struct peer *peer, uint8_t flags, const void *options,
                    unsigned option_bytes, unsigned len);

/* A segment of which more is to be said. */
struct injected {
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;
	const void *options; /* a multiple of 4 bytes */
	unsigned option_bytes;
	const void *data; /* NULL: zeros */
	unsigned bytes;
	bool is_checked; /* the device says that the sums are right; they are in any case */
};

#define INJECT_MAX 20000 /* bytes of a frame */

/* The frame's length; seq and ack are those of `s`. */
size_t inject_make(const struct peer *from, const struct injected *s, uint8_t frame[INJECT_MAX]);
void inject(const struct peer *from, const struct injected *s);

#endif
