/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments that come from the wire to eth0 as if a connection's peer had sent them. */
#ifndef TESTS_INET_INJECT_H
#define TESTS_INET_INJECT_H

#include "axolotl/types.h"

struct tcp_pcb;

#define INJECT_MAX 20000 /* bytes of a frame */

struct injected {
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t window;
	const void *options; /* a multiple of 4 bytes */
	unsigned option_bytes;
	const void *data; /* NULL: zeros */
	unsigned bytes;
	bool is_checked; /* by the device; the sums are right in any case */
};

/* The frame's length. */
size_t inject_make(const struct tcp_pcb *to, const struct injected *s, uint8_t frame[INJECT_MAX]);
void inject(const struct tcp_pcb *to, const struct injected *s);

#endif
