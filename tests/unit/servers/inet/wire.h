/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two network units and a wire between them, in place of lib/netdev, with virtual time. There is one
 * lwIP, so the wire translates addresses, or the packets would not leave: the host of eth0 (10.0.0.1) knows the
 * one of eth1 (10.0.1.1) as 10.0.0.2, and is known to it as 10.0.1.2.
 *
 * A unit does what a driver does: completes checksums from the sum that is in the field, cuts segments, loses
 * frames. When it dies, frames that it had not confirmed stay with netdev and are sent again first; of
 * those that it had confirmed and not yet put on the wire some are lost.
 */
/* uses: lib/inetsum/ servers/inet/ack.c servers/inet/addressopt.c servers/inet/chunk.c
 *   servers/inet/config.c servers/inet/frame.c servers/inet/halfopen.c servers/inet/iface.c
 *   servers/inet/ifctl.c servers/inet/merge.c servers/inet/paws.c servers/inet/prr.c
 *   servers/inet/random.c servers/inet/recover.c servers/inet/resend.c servers/inet/retrans.c
 *   servers/inet/route.c servers/inet/rxpool.c servers/inet/sack.c servers/inet/sackprobe.c
 *   servers/inet/scoreboard.c servers/inet/segments.c servers/inet/sieve.c servers/inet/timers.c
 *   servers/inet/turn.c servers/inet/units.c tests/unit/servers/inet/around.c
 *   tests/unit/servers/inet/wire.c */
#ifndef TESTS_INET_WIRE_H
#define TESTS_INET_WIRE_H

#include "axolotl/types.h"
#include "netdev/netdev.h"

#define WIRE_UNITS 2

struct wire {
	uint64_t random;
	uint64_t now_ns;
	unsigned loss_permille; /* of frames on the wire */
	unsigned offloads;      /* of both units, before they come up */
	unsigned tx_elements;
	bool keeps_frames; /* for a dead unit: QEMU does, and netdev finds what a device had received */
	/* Sees each frame of either unit on the wire, and may change it; false: it is lost. May be NULL. */
	bool (*passes)(unsigned from, uint8_t *frame, size_t len);
	/* Sees each frame that unit 0 sends; may be NULL. */
	void (*on_frame)(const uint8_t *frame, size_t len);
	/* Counted. */
	unsigned frames, lost, tso_frames, segments_cut, sums_filled, replayed, pure_acks,
		echo_replies;
	unsigned resumes, flows;
	unsigned active;   /* connections, at the last net-resume */
	unsigned pieces;   /* buffers that did not end a frame (NET_OFFLOAD_RX_LRO) */
	unsigned repeated; /* segments with data from unit 0 whose last byte was sent before */
	uint32_t end_seq;
	bool has_end;
	uint32_t last_echo_sum_ok;
};
extern struct wire wire;
extern uint64_t wire_seed; /* of what inet takes for random, from the next wire_init() on */

struct tcp_pcb;

void wire_init(unsigned offloads);
void wire_end(void); /* checks that everything came back */
/* One millisecond: time, the wire, timers, the end of inet's turn. */
void wire_step(void);
void wire_receive(void); /* the same, and the turn goes on */
uint64_t wire_random(void);
void wire_kill(unsigned unit); /* NDEV_LOST */
void wire_revive(unsigned unit);
bool wire_is_dead(unsigned unit);
void wire_event(unsigned unit, enum netdev_event what);
/* A frame from outside, as if it came from the wire. */
void wire_inject(unsigned unit, const uint8_t *frame, size_t len, unsigned flags);
extern uint8_t wire_last_frame[70000]; /* the last one that unit 0 sent, and its length */
extern size_t wire_last_bytes;

#endif
