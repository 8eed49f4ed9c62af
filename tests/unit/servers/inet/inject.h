/* SPDX-License-Identifier: BSD-2-Clause */
/* TCP segments from outside to eth0 of the wire (wire.h), as from any peer; the device says that their checksums are right. */
#ifndef TESTS_INET_INJECT_H
#define TESTS_INET_INJECT_H

#include "axolotl/types.h"
#include "lwip/tcp.h"
#include "tests/fuzz/inet/packets.h"

/* The host 10.0.0.`host`, from a port of it to one of eth0. */
struct peer inject_host(uint8_t host, uint16_t port, uint16_t local_port);
/* The real peer of a connection of eth0's: in order, all acknowledged. */
struct peer inject_peer(const struct tcp_pcb *pcb);
/* `len` zeros behind the options; their length is a multiple of 4. */
void inject_segment(const struct peer *peer, uint8_t flags, const void *options,
                    unsigned option_bytes, unsigned len);

#endif
