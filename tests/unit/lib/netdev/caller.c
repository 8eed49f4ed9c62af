/* SPDX-License-Identifier: BSD-2-Clause */
/* The client in the tests of lib/netdev: see caller.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "caller.h"

#define PAGES 256

struct caller caller;

static void done(struct netdev_tx *t, int status)
{
	unsigned i = (unsigned)(t - caller.frames);

	caller.done_count++;
	caller.done_times[i]++;
	caller.done_status[i] = status;
}

static void on_filled(struct netdev_rx *r, int bytes, unsigned flags)
{
	(void)flags;
	if (bytes < 0) {
		caller.canceled++;
		return;
	}
	caller.filled_bytes = bytes;
	memcpy(&caller.filled[caller.filled_count++ % 4096],
	       caller.memory + r->buffer.offset + NET_FRAME_MIN, 4);
	if (caller.closes)
		netdev_close(caller.dev);
	if (!caller.is_lazy)
		assert_int_equal(netdev_post(caller.dev, r), 0);
}

static void on_event(void *ctx, struct netdev *d, enum netdev_event what)
{
	(void)ctx;
	(void)d;
	caller.events[what]++;
}

const struct netdev_events caller_events = {.event = on_event};

int caller_setup(void **state)
{
	(void)state;
	world_reset();
	memset(caller.frames, 0, sizeof(caller.frames));
	memset(caller.done_times, 0, sizeof(caller.done_times));
	memset(caller.events, 0, sizeof(caller.events));
	caller.done_count = caller.filled_count = caller.canceled = 0;
	caller.is_lazy = caller.closes = false;
	caller.memory = aligned_alloc(PAGE_BYTES, PAGES * PAGE_BYTES);
	memset(caller.memory, 0, PAGES * PAGE_BYTES);
	caller.arena = netdev_arena(caller.memory, PAGES * PAGE_BYTES, false);
	assert_true(caller.arena >= 0);
	caller.dev = netdev_open("n0", &caller_events, NULL);
	assert_non_null(caller.dev);
	return 0;
}

int caller_teardown(void **state)
{
	(void)state;
	world_reset();
	free(caller.memory);
	return 0;
}

/* Frame i: 60 bytes, its number behind the header. Buffers are in the first half of the caller.arena. */
struct netdev_tx *caller_frame(unsigned i)
{
	uint64_t offset = PAGES / 2 * PAGE_BYTES + i * 64;
	uint32_t number = i + 1;

	memcpy(caller.memory + offset + NET_FRAME_MIN, &number, sizeof(number));
	caller.frames[i] =
		(struct netdev_tx){.desc = {.elements = 1,
	                                    .inline_elements = {{.offset = offset,
	                                                         .len_bytes = 60,
	                                                         .arena = (uint16_t)caller.arena}}},
	                           .done = done};
	return &caller.frames[i];
}

void caller_send(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		assert_int_equal(netdev_send(caller.dev, caller_frame(i)), 0);
}

void caller_post(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		caller.buffers[i] = (struct netdev_rx){.buffer = {.offset = i * 2048ull,
		                                                  .len_bytes = 2048,
		                                                  .arena = (uint16_t)caller.arena},
		                                       .memory = caller.memory + i * 2048,
		                                       .filled = on_filled};
		assert_int_equal(netdev_post(caller.dev, &caller.buffers[i]), 0);
	}
}

void caller_start(void)
{
	world_start_server(CAUSE_NONE);
	world_run();
}

void caller_hold(unsigned frames, unsigned buffers)
{
	world.mode = CARD_HOLDS;
	caller_start();
	caller_post(buffers);
	caller_send(0, frames);
	world_run();
}

void caller_restart(enum rs_cause cause)
{
	world_kill_server();
	world_start_server(cause);
	world_run();
}
