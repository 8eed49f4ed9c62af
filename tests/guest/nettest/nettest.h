/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Private to nettest: what the parts share.
 *
 *   main.c    start, main loop, results      port.c    a unit: buffers down and up
 *   frames.c  pure: frames as bytes          probes.c  frames on their way: sent, expected, checked
 *   ping.c    against QEMU's user network    pair.c    from one unit to another
 */
#ifndef NETTEST_H
#define NETTEST_H

#include "netdev/netdev.h"
#include "sys/sys.h"
#include "tester/tester.h"

#define FRAME_MAX   (NET_MTU_MAX + NET_FRAME_MIN) /* as it is sent */
#define FRAME_USUAL 1514u /* of most cards; beyond, not every size is tried */
#define FRAME_MIN   60u

/* ---- frames.c ---- */

enum frame_kind {
	FRAME_PLAIN, /* an experimental EtherType, numbered */
	FRAME_TCP4,
	FRAME_UDP4,
	FRAME_TCP6,
	FRAME_UDP6,
	FRAME_ECHO, /* ICMP echo request, IPv4 */
	FRAME_ARP   /* request for the peer's address */
};

struct frame_ends {
	uint8_t from[6], to[6];
	uint8_t from_ip[4], to_ip[4];
};

struct frame_spec {
	enum frame_kind kind;
	uint16_t number; /* which frame it is; the bytes follow from it */
	uint32_t bytes;  /* of all of it */
	bool is_summed;  /* TCP, UDP: checksum in place; else the sum of the pseudo header */
};

unsigned frame_header_bytes(enum frame_kind kind);
unsigned frame_csum_start(enum frame_kind kind);  /* TCP, UDP */
unsigned frame_csum_offset(enum frame_kind kind); /* from there */
void frame_make(const struct frame_spec *s, const struct frame_ends *e, uint8_t *out);
/* The number that a received frame carries, and its kind; -1: not one of ours. */
int frame_number(const uint8_t *frame, uint32_t len_bytes, enum frame_kind *kind);
uint8_t frame_byte(uint16_t number, uint32_t index); /* of the payload */
/* A segment of a TCP frame: where its payload is in the one of the whole; -1: a header or a checksum is
 * wrong, or a byte of the payload. */
int64_t frame_check_segment(const struct frame_spec *whole, const uint8_t *frame,
                            uint32_t len_bytes, uint32_t *payload_bytes);
/* TCP, UDP: where the device says that the checksum is right (NET_RX_CSUM_OK), the field may still hold
 * only the sum of the pseudo header: then it is completed. */
void frame_complete(enum frame_kind kind, uint8_t *frame, uint32_t len_bytes);
/* An answer to an echo request. */
bool frame_check_echo(const struct frame_spec *request, const struct frame_ends *e,
                      const uint8_t *frame, uint32_t len_bytes);

/* ---- port.c ---- */

struct port {
	struct netdev *dev;
	char name[LABEL_MAX];
	bool is_up;
	unsigned rounds; /* deaths survived */
	struct frame_ends ends;
	uint64_t sent, confirmed, failed, received, receive_errors;
	uint64_t merged; /* frames that came in several buffers */
	void (*receive)(struct port *p, uint8_t *frame, uint32_t len_bytes, unsigned flags);
};
extern struct port ports[2];
extern bool want_merging; /* frames larger than the MTU may come */

int ports_init(void) MUST_CHECK;                  /* memory for all */
bool port_open(struct port *p, const char *unit); /* waits until it is up */
/* In the test's fiber: sends it, cut into elements in ways that change. gso_bytes 0: not segmented. */
void port_send(struct port *p, const struct frame_spec *s, unsigned gso_bytes);
void port_drain(struct port *p); /* until everything is confirmed */

/* ---- probes.c ---- */

struct probe_policy {
	uint64_t timeout_ns;
	bool is_repeated; /* after a timeout; else the frame is lost then */
	bool is_ordered;  /* segments come in their order, none twice */
};
struct probe_counts {
	uint64_t answered, lost, repeated, strange, wrong;
	uint64_t longest_ns;
};
extern struct probe_counts probe_counts;

void probes_init(const struct probe_policy *policy);
/* In the test's fiber: waits for room, sends. `to`: where it has to arrive. */
void probe_send(struct port *from, struct port *to, struct frame_spec *s, unsigned gso_bytes);
void probes_drain(void); /* until all are answered or lost */

/* ---- tests ---- */

void ping_run(bool is_load, uint64_t duration_ns);
void pair_run(bool is_load, uint64_t duration_ns);

/* ---- main.c ---- */

void report(const char *name, bool is_good); /* one line, and counted */
uint32_t random32(void);

#endif
