/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP segments in Ethernet frames, for checksum and segmentation offload and for merging what was received: finding the
 * headers, the pseudo header's sum, and whether one segment goes on where another ends. Pure.
 */
#ifndef INET_SEGMENTS_H
#define INET_SEGMENTS_H

#include "axolotl/types.h"

struct segment {
	uint16_t tcp_offset;   /* of the TCP header in the frame */
	uint16_t header_bytes; /* Ethernet + IP + TCP */
	uint32_t payload_bytes;
	uint32_t seq;
	bool is_ipv6;
};

/* false: not TCP, a fragment, options or extension headers between, padding behind, or the headers are not all in the
 * first head_bytes of the frame. */
bool segment_parse(const uint8_t *frame, size_t head_bytes, size_t frame_bytes, struct segment *s);
/* IPv4: the sum over its header; IPv6 has none. */
bool segment_is_header_right(const uint8_t *frame, const struct segment *s);
/* Puts the pseudo header's sum, for payload_bytes, into the checksum field. */
void segment_seed_sum(uint8_t *frame, const struct segment *s);
/* May `next` be appended to `first`, whose payload goes up to next_seq? Same connection, same
 * acknowledgement, window and options; no flags but ACK and PSH. */
bool segment_follows(const uint8_t *first, const struct segment *s, uint32_t next_seq,
                     const uint8_t *next, const struct segment *n);
/* Does `next`, an acknowledgement without data, say all that `first` says, which is another one of the same
 * connection, and acknowledge more? Duplicates never do: they have a meaning of their own. */
bool segment_replaces(const uint8_t *first, const struct segment *s, const uint8_t *next,
                      const struct segment *n);
/* The headers of `frame` become those of one frame with so much payload. A PSH of any part moves to the
 * end, where the server puts it: it says that all up to there is to be handed over, and that is still so. */
void segment_stretch(uint8_t *frame, struct segment *s, uint32_t payload_bytes, bool is_push);
bool segment_has_push(const uint8_t *frame, const struct segment *s);

#endif
