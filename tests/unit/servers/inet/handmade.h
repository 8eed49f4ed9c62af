/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP connection made by hand, without a handshake, to one of three kinds of peer behind eth0, and what it receives: a
 * test says which segments come in one turn, and sees what lwIP got and what it acknowledged. What lwIP sends is looked at
 * before it would need a neighbour, and goes nowhere.
 */
#ifndef TESTS_INET_HANDMADE_H
#define TESTS_INET_HANDMADE_H

#include <stddef.h>

#include "axolotl/types.h"
#include "servers/inet/iface.h"
#include "tests/unit/servers/inet/inject.h"

struct CMUnitTest;
struct tcp_pcb;

#define START  0xffffe000u /* what comes first; numbers wrap */
#define SENT   5000u       /* what the connection has sent, and is acknowledged */
#define WINDOW 200000u
#define STREAM (100u * 1400)
#define TIMED  "\1\1\x08\x0a\0\0\0\1\0\0\0\2" /* options */

extern enum family { IP4, IP6, IP6_LINK, FAMILIES } family;
extern struct iface *card;
extern struct tcp_pcb *pcb; /* NULL: ended */
struct seen {
	unsigned bytes, segments; /* as lwIP has seen them */
	unsigned pieces;          /* of the last one */
	unsigned pushes;
	unsigned acks;   /* sent, without data */
	bool is_refused; /* nothing is taken */
	bool is_unread;  /* the window stays closed */
};
extern struct seen seen;

/* eth0 with such offloads, and a connection of its port 80. */
void handmade_start(unsigned offloads);
void handmade_stop(void); /* and the wire's end */
struct tcp_pcb *handmade_connect(uint16_t port);
/* Around each test. */
int handmade_begin(void **state);
int handmade_end(void **state);
/* All tests with each family; how many have failed. */
int handmade_run(const char *name, const struct CMUnitTest *tests, size_t count);

/* Bytes of the stream from `from` on; of what can be said about it, what all have. */
struct injected segment(unsigned from, unsigned bytes);
void send(struct injected s);
void send_to(const struct tcp_pcb *to, struct injected s);
size_t make_frame(const struct injected *s, uint8_t frame[INJECT_MAX]);
void send_row(unsigned from, unsigned bytes, unsigned segments);
/* All that was sent comes in one turn, behind acknowledgements enough for merging. */
void turn(void);
/* So many segments have come so far, and these bytes of the stream. */
void expect(unsigned segments, unsigned bytes);

#endif
