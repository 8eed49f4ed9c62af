/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames that a dead driver's device had put into our buffers before anybody was told. Its descriptors
 * died with it, so lengths and order come from the frames themselves, and only what a checksum proves
 * to be complete is taken: unfragmented TCP, UDP and ICMP over IPv4 and IPv6. The device is silent by
 * then (protocols, "rs, ds and complaints"), or lets go of the buffer within this frame.
 *
 * A buffer is marked before it goes down: a word in each 128 bytes, the smallest piece that PCI Express
 * devices usually write at once. A frame with such a word left in it is not complete, whatever
 * its 16-bit checksum says. Pure.
 */
#ifndef LIB_NETDEV_SALVAGE_H
#define LIB_NETDEV_SALVAGE_H

#include <stdbool.h>
#include <stdint.h>

/* Both: a buffer of len_bytes >= NET_RX_BUFFER. */
void net_salvage_mark(uint8_t *buffer, uint32_t len_bytes);
/* Has nothing been written since it was marked? */
bool net_salvage_is_marked(const uint8_t *buffer);
/* Bytes of the frame that is complete in the buffer, without padding; 0: none. */
uint32_t net_salvage_frame(const uint8_t *buffer, uint32_t len_bytes);

#endif
