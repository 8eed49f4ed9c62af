/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lwIP would believe and should not. lwIP assumes frames that an Ethernet card has padded and peers that
 * mean well; whoever can send us a frame is neither. Two places:
 *
 * - Frames, before lwIP sees them: ARP packets that end early; packets from the wire that claim to come from
 *   ourselves (RFC 1122, 3.2.1.3); IPv6 header chains that end in memory that a driver may still write, or in a
 *   later fragment (RFC 7112); path MTUs below IPv6's least (RFC 8201, 4); neighbour discovery in fragments (RFC
 *   6980) and with options that are empty or end behind it (RFC 4861, 4.6).
 * - Segments, when their connection is known (lwIP's hook): what is not acceptable by sequence number (RFC
 *   9293, 3.10.7.4) or acknowledges what could not be in flight (RFC 5961, 5.2) is answered by an ACK and goes no
 *   further: neither its window nor its options nor its data count. So is what is an old duplicate by its timestamp
 *   (paws.h), and a SYN for a half-open connection that is not its own. Segment sizes that leave no room for data
 *   are raised, and set by a SYN alone. When a SYN comes and there is no room, a half-open connection gives way
 *   (halfopen.h).
 *
 * What is dropped is counted in `service status inet`.
 */
#ifndef INET_SIEVE_H
#define INET_SIEVE_H

#include "axolotl/types.h"

struct sieve_counts {
	uint64_t frames, segments;
	uint64_t challenges; /* segments that were answered */
	uint64_t old;        /* duplicates */
};

/* A frame of so many bytes, of which the first head_bytes are in one piece. */
bool sieve_admits(const uint8_t *frame, size_t head_bytes, size_t frame_bytes);
void sieve_get_counts(struct sieve_counts *c);

#endif
