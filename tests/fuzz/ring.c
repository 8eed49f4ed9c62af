/* uses: lib/ring/ring.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings against a hostile peer: the input is a list of pokes into the shared header, mixed with our
 * own pushes and pops. Handles must stay inside the ring and agree with themselves.
 */
#include <stdlib.h>
#include "ring/ring.h"

#define SLOTS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_producer(struct ring_producer *p)
{
	uint64_t words[8] = {1};
	int room = ring_free_slots(p);
	int r = ring_push(p, words);

	if (room > SLOTS || (room > 0 && r != 0) || (room == 0 && r != -EAGAIN) ||
	    (room < 0 && r != -EPROTOVIOL))
		abort();
}

static void check_consumer(struct ring_consumer *c)
{
	uint64_t words[8];
	int waiting = ring_waiting(c);
	int r = ring_pop(c, words);

	if (waiting > SLOTS || (waiting > 0 && r != 0) || (waiting == 0 && r != -EAGAIN) ||
	    (waiting < 0 && r != -EPROTOVIOL))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ring *shared = aligned_alloc(PAGE_BYTES, ring_bytes(SLOTS));
	struct ring_producer p;
	struct ring_consumer c;

	memset(shared, 0, ring_bytes(SLOTS));
	ring_init(shared, SLOTS, 1);
	if (ring_producer_attach(&p, shared, SLOTS, 1) != 0 ||
	    ring_consumer_attach(&c, shared, SLOTS, 1) != 0)
		abort();
	for (size_t i = 0; i + 5 <= size; i += 5) {
		uint32_t value;

		memcpy(&value, data + i + 1, 4);
		switch (data[i] % 8) {
		case 0: shared->produced = value; break;
		case 1: shared->consumed = value; break;
		case 2: shared->produced = c.consumed + value % (SLOTS + 2); break;
		case 3: shared->consumed = p.consumed + value % (SLOTS + 2); break;
		case 4: memset(shared, (int)value, 64); break;
		case 5: (void)ring_consumer_may_sleep(&c); break;
		case 6: check_consumer(&c); break;
		default: check_producer(&p); break;
		}
	}
	free(shared);
	return 0;
}
