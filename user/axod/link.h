/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link layer of the guest agent: reliable, ordered frames over a serial line that may lose or
 * damage bytes.
 *
 * Callers: main.c moves bytes between the device and link_input()/link_output(); job.c sends and
 * receives frames. bench/link.py is the other end. Pure: no system calls, the time is an argument.
 *
 * Frame, little endian:  u8 magic[2] = A5 5A; u8 type; u8 zero; u16 session; u16 seq; u16 ack; u16
 * length; u32 id; u32 crc32 (IEEE, over the 16 bytes before it and the payload); payload
 *
 * Session: the host opens one with SYN (payload: u32 bytes it can take unacknowledged); the agent
 * forgets all that belongs to the session before and answers HELLO (payload: u32 version, u32 bytes
 * it can take). Frames of another session are answered with NOSESSION, so a host learns that the
 * agent was restarted.
 *
 * Within a session frames of type >= LINK_DATA are numbered from 0 on (seq, modulo 65536); `ack` in
 * each frame is the next number that its sender expects. Go-back-N: a receiver takes only the
 * number it expects; it asks for a repetition with NAK when it sees a later one, and the sender
 * repeats from there, at once on NAK, and on a timeout that doubles from LINK_RETRY_MIN_MS to
 * LINK_RETRY_MAX_MS.
 *
 * Invariant: the bytes sent and not acknowledged never exceed the peer's window, because the serial
 * line has no flow control of its own; so a receiver whose input buffer has that size loses
 * nothing.
 */
#ifndef AXOD_LINK_H
#define AXOD_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_VERSION      1u
#define LINK_HEADER_BYTES 20u
#define LINK_PAYLOAD_MAX  1024u
#define LINK_FRAME_MAX    (LINK_HEADER_BYTES + LINK_PAYLOAD_MAX)
#define LINK_QUEUE_FRAMES 32u
#define LINK_RETRY_MIN_MS 250
#define LINK_RETRY_MAX_MS 2000
#define LINK_PARTIAL_MS   400 /* then the start of a frame was none: its length may be damaged */

enum link_type {
	LINK_SYN = 1,
	LINK_HELLO = 2,
	LINK_ACK = 3,
	LINK_NAK = 4,
	LINK_NOSESSION = 5,
	LINK_DATA = 16, /* first type that is numbered and repeated; the rest is in job.h */
};

struct link_frame {
	uint8_t type;
	uint32_t id;
	const uint8_t *payload;
	size_t length_bytes;
};

struct link;

struct link_handler {
	void *context;
	/* A numbered frame, in order, exactly once. */
	void (*on_frame)(void *context, const struct link_frame *frame);
	/* A new session began: forget everything of the old one. */
	void (*on_session)(void *context);
};

struct link_slot {
	size_t size_bytes;
	uint8_t bytes[LINK_FRAME_MAX];
};

struct link {
	struct link_handler handler;
	uint32_t own_window_bytes;
	bool is_open;
	uint16_t session;

	/* Receiving: bytes of a frame that is not complete yet. */
	uint16_t rx_expected;
	bool has_ack_due;
	bool has_nak_sent;
	size_t rx_fill_bytes;
	bool rx_moved;       /* bytes were taken away since rx_since_ms was set */
	int64_t rx_since_ms; /* so long does the frame at the front wait for the rest of it */
	uint8_t rx_bytes[LINK_FRAME_MAX];

	/* Sending: slots tx_first..tx_next-1 (modulo the queue) are not acknowledged; before
	 * tx_resume, sent. */
	uint32_t peer_window_bytes;
	uint32_t tx_flight_bytes;
	uint16_t tx_first;
	uint16_t tx_resume;
	uint16_t tx_next;
	int64_t retry_at_ms; /* 0: nothing is waiting for an acknowledgement */
	int64_t retry_ms;
	struct link_slot slots[LINK_QUEUE_FRAMES];

	/* The frame that is being written to the device. */
	size_t out_fill_bytes;
	size_t out_done_bytes;
	uint8_t out_bytes[LINK_FRAME_MAX];
	uint8_t control_due; /* HELLO, NAK or NOSESSION to send before anything else, or 0 */
	uint16_t control_session;

	/* Counters for STATUS. */
	uint32_t crc_errors;
	uint32_t repeated;
};

void link_init(struct link *link, const struct link_handler *handler, uint32_t window_bytes);

/* Bytes from the device. Calls the handler for each frame. */
void link_input(struct link *link, const uint8_t *bytes, size_t size_bytes);

/* Queues a numbered frame. -EAGAIN: the queue is full, or no session is open; -EMSGSIZE: payload
 * too long. */
int link_send(struct link *link, const struct link_frame *frame);

/* How many more frames link_send() takes now. */
size_t link_room(const struct link *link);

/* The bytes that should go to the device now; link_output_done() says how many of them went. */
size_t link_output(struct link *link, int64_t now_ms, const uint8_t **bytes);
void link_output_done(struct link *link, size_t size_bytes);

/* When link_output() should be called although nothing else happened; -1: never. */
int64_t link_deadline_ms(const struct link *link);

#endif
