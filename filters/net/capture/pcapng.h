/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks of the pcapng file format (draft-ietf-opsawg-pcapng-02, sections 4.1-4.3), little-endian, for
 * Ethernet frames with time stamps in ns. Pure.
 */
#ifndef CAPTURE_PCAPNG_H
#define CAPTURE_PCAPNG_H

#include "axolotl/types.h"

#define PCAPNG_SNAPLEN_MAX  65550u
/* Enhanced Packet Block around a frame: fixed part, padding, flags and end of options, length. */
#define PCAPNG_PACKET_EXTRA (28u + 3u + 12u + 4u)
#define PCAPNG_BLOCK_MAX    (PCAPNG_SNAPLEN_MAX + PCAPNG_PACKET_EXTRA)
#define PCAPNG_HEADER_MAX   160u

enum pcapng_direction { PCAPNG_INBOUND = 1, PCAPNG_OUTBOUND = 2 };

/* Section Header and Interface Description: what a file begins with. `name`: of the interface, < 32 bytes.
 * Returns bytes, at most PCAPNG_HEADER_MAX. */
size_t pcapng_header(void *out, const char *name, uint32_t snaplen);

struct pcapng_packet {
	uint64_t t_ns;           /* since 1970 */
	uint32_t captured_bytes; /* of the frame, in the block */
	uint32_t frame_bytes;
	enum pcapng_direction direction;
};
/* Enhanced Packet Block whose frame is at pcapng_frame(out) already; returns its bytes, a multiple of 4. */
size_t pcapng_finish_packet(void *out, const struct pcapng_packet *p);
static inline void *pcapng_frame(void *out)
{
	return (uint8_t *)out + 28;
}

#endif
