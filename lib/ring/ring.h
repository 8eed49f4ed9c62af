/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings: one producer, one consumer, 64-byte slots in memory that both sides map and neither
 * believes (rules R1-R5 of docs/protocols.md). Used by lib/blockdev and lib/netdev.
 *
 *   shared memory: [ struct ring: one page ][ slots x 64 bytes ], slots a power of two
 *
 * The owner of the memory calls ring_init(); each side then makes its private handle, which holds
 * the trusted copies: slot count, own index, last valid index of the peer. Of shared memory only
 * the peer's index, the peer's sleep flag and, by a consumer, the slots are ever read.
 *
 * Doorbell (R2): a side that wants to wait says so with *_may_sleep(), which sets its flag and
 * looks again; it waits only if that returns true. The other side asks *_must_ring() after a batch
 * and sends one NOTIFY if that returns true. Both use full barriers, so no wake-up is lost. A peer
 * that lies about its flag only costs itself its wake-up, or us a NOTIFY.
 *
 * A violation breaks the handle for good: all calls return -EPROTOVIOL and `violated` names the
 * rule, until the ring is made anew with another generation (R5).
 */
#ifndef LIB_RING_H
#define LIB_RING_H

#include "axolotl/types.h"
#include "axolotl/errno.h"
#include "axolotl/blk.h"

#define RING_MAGIC      0x31676e72u /* "rng1" */
#define RING_SLOT_BYTES 64u
#define RING_SLOTS_MAX  4096u
#define RING_LINE_BYTES 64

struct ring { /* shared; each index and each flag has a cache line of its own */
	uint32_t magic;
	uint32_t generation;
	uint32_t slots;
	uint32_t slot_bytes;
	uint8_t pad0[RING_LINE_BYTES - 16];
	uint32_t produced; /* slots ever pushed, modulo 2^32: written by the producer */
	uint8_t pad1[RING_LINE_BYTES - 4];
	uint32_t consumed; /* slots ever taken: written by the consumer */
	uint8_t pad2[RING_LINE_BYTES - 4];
	uint32_t consumer_sleeps; /* set by the consumer, cleared by whoever sees it */
	uint8_t pad3[RING_LINE_BYTES - 4];
	uint32_t producer_sleeps; /* the producer waits for a free slot */
	uint8_t pad4[RING_LINE_BYTES - 4];
	uint8_t reserved[PAGE_BYTES - 5 * RING_LINE_BYTES];
};
_Static_assert(sizeof(struct ring) == PAGE_BYTES, "slots start on a page");
_Static_assert(offsetof(struct ring, produced) == 64 && offsetof(struct ring, consumed) == 128,
               "one cache line for each index");
_Static_assert(RING_SLOT_BYTES == sizeof(struct blk_request) &&
                       RING_SLOT_BYTES == sizeof(struct blk_completion),
               "descriptors fill a slot");

struct ring_producer {
	struct ring *shared;
	uint32_t slots;
	uint32_t produced;        /* ours; the shared one is only written */
	uint32_t consumed;        /* peer's, last valid value */
	enum proto_rule violated; /* RULE_NONE while all is well */
};

struct ring_consumer {
	struct ring *shared;
	uint32_t slots;
	uint32_t consumed; /* ours */
	uint32_t produced; /* peer's, last valid value */
	enum proto_rule violated;
};

/* Bytes of a ring with its slots, whole pages; 0 unless slots is a power of two <= RING_SLOTS_MAX.
 */
size_t ring_bytes(uint32_t slots);

/* Owner of the memory, before the peer knows of it. */
void ring_init(struct ring *shared, uint32_t slots, uint32_t generation);

/* Make a handle. 0; -EINVAL: slots; -EPROTOVIOL: header is not that of this ring (R5). */
int ring_producer_attach(struct ring_producer *p, struct ring *shared, uint32_t slots,
                         uint32_t generation) MUST_CHECK;
int ring_consumer_attach(struct ring_consumer *c, struct ring *shared, uint32_t slots,
                         uint32_t generation) MUST_CHECK;

/* Free slots, or -EPROTOVIOL. */
int ring_free_slots(struct ring_producer *p) MUST_CHECK;
/* Number (0..slots-1) of the slot that the next push fills: tables beside the ring have a row for
 * it. The row is ours as soon as ring_free_slots() > 0. */
uint32_t ring_next_slot(const struct ring_producer *p);
/* Copy one descriptor in. 0; -EAGAIN: full; -EPROTOVIOL. */
int ring_push(struct ring_producer *p, const void *descriptor) MUST_CHECK;
bool ring_producer_must_ring(struct ring_producer *p);
bool ring_producer_may_sleep(struct ring_producer *p);

/* Copy the next descriptor out, once, without giving its slot back. 0; -EAGAIN: empty; -EPROTOVIOL.
 * *slot (may be NULL) is its number; rows of tables beside the ring stay ours until ring_advance().
 */
int ring_peek(struct ring_consumer *c, void *descriptor, uint32_t *slot) MUST_CHECK;
void ring_advance(struct ring_consumer *c);
/* A private copy of what is in such a row: whole words, each read once. */
void ring_copy_row(void *to, const void *row, size_t bytes);
/* Both. */
int ring_pop(struct ring_consumer *c, void *descriptor) MUST_CHECK;
/* Descriptors that wait, or -EPROTOVIOL. */
int ring_waiting(struct ring_consumer *c) MUST_CHECK;
bool ring_consumer_must_ring(struct ring_consumer *c); /* after ring_advance: producer waits */
bool ring_consumer_may_sleep(struct ring_consumer *c);

#endif
