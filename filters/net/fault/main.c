/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault(lower, rules="...", seed=1): the chaos monkey of networks. It does to frames what bad cables,
 * radios and drivers do, on purpose and by rule (rules.h). Experiments put it into a stack.
 *
 * Model: a frame is passed on with the client's own arena, unless a rule fires. A frame that is spoiled or
 * doubled on its way down is copied to memory of our own first, so the client's stays what it was; on its
 * way up it is spoiled in place, and doubled into a buffer that was held back. What is delayed waits in a
 * line that is sorted by time. Offloads are not shown above: a device would put a right checksum on
 * a wrong frame, and nobody could find it.
 *
 * Every shot is an event of the log (EV_FAULT: kind, frame number), the ledger by which detection is scored;
 * the last ones are in STATUS too.
 *
 * State kept over a restart: chance and the counters of the rules, in ds (lib/faultrule), saved before each
 * RECEIVE that follows a shot.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arena/arena.h"
#include "faultrule/faultfilter.h"
#include "netfilter/netfilter.h"
#include "line.h"
#include "rules.h"

#define COPIES     64
#define COPY_BYTES (NET_MTU_MAX + NET_FRAME_MIN)
#define RESERVE    8
#define LEDGER     32
#define REORDER_NS 20000000ull /* if no other frame comes by */

static struct netfault_rules rules;
static struct line waiting;                 /* delayed frames of both directions */
static struct netfilter_hold *overtaken[2]; /* [is_tx]: waits for the next frame to pass */
static uint8_t *copies;
static uint16_t free_copies[COPIES];
static unsigned free_count;
static int copy_arena;
static uint64_t start_ns, frames[2], missed;
static bool is_dirty;
static struct filter_timer timer;

/* ---- the ledger ---- */

static struct shot {
	uint64_t t_us, frame;
	uint32_t bytes;
	uint8_t kind;
	bool is_tx;
} ledger[LEDGER];
static uint64_t ledger_count;

static void record(enum netfault_kind kind, bool is_tx, uint32_t bytes)
{
	ledger[ledger_count++ % LEDGER] = (struct shot){.t_us = (now_ns() - start_ns) / 1000,
	                                                .frame = frames[is_tx],
	                                                .bytes = bytes,
	                                                .kind = (uint8_t)kind,
	                                                .is_tx = is_tx};
	log_event(EV_FAULT, netdev_server(netfilter_lower()), sys_label(), kind, frames[is_tx]);
	is_dirty = true;
}

static void save(void)
{
	if (!is_dirty)
		return;
	is_dirty = false;
	fault_save(&rules.common);
}

/* ---- letting go ---- */

static struct netfilter_frame *frame_of(struct netfilter_hold *h)
{
	return (struct netfilter_frame *)(void *)((uint8_t *)h -
	                                          offsetof(struct netfilter_frame, hold));
}

static struct netfilter_buffer *buffer_of(struct netfilter_hold *h)
{
	return (struct netfilter_buffer *)(void *)((uint8_t *)h -
	                                           offsetof(struct netfilter_buffer, hold));
}

static void let_go(struct netfilter_hold *h)
{
	if (h->is_tx)
		netfilter_send(frame_of(h));
	else
		netfilter_rx_up(buffer_of(h));
}

static void lose(struct netfilter_hold *h)
{
	if (h->is_tx)
		netfilter_end(frame_of(h), 0); /* as if the wire had swallowed it */
	else
		netfilter_rx_drop(buffer_of(h));
}

/* A frame passes: the one that it overtakes follows. */
static void pass(struct netfilter_hold *h)
{
	struct netfilter_hold *late = overtaken[h->is_tx];

	overtaken[h->is_tx] = NULL;
	let_go(h);
	if (late == NULL)
		return;
	line_remove(&waiting, late);
	let_go(late);
}

static void set_timer(void)
{
	filter_timer_set(&timer, waiting.head != NULL ? waiting.head->t_due_ns : 0);
}

static void wait_until(struct netfilter_hold *h, uint64_t t_due_ns)
{
	h->t_due_ns = t_due_ns;
	line_add(&waiting, h);
	set_timer();
}

static void due(struct filter_timer *t)
{
	struct netfilter_hold *h;

	(void)t;
	while ((h = line_take_due(&waiting, now_ns())) != NULL) {
		if (overtaken[h->is_tx] == h)
			overtaken[h->is_tx] = NULL;
		let_go(h);
	}
	set_timer();
}

/* The session above is over. */
static void stop(void)
{
	struct netfilter_hold *h;

	overtaken[0] = overtaken[1] = NULL;
	while ((h = line_take_due(&waiting, UINT64_MAX)) != NULL)
		lose(h);
	set_timer();
}

/* ---- copies ---- */

/* The frame's bytes in our own memory, which becomes what is sent as `to`. */
static uint8_t *copy_frame(const struct netfilter_frame *from, struct netfilter_frame *to)
{
	uint32_t bytes = from->up->bytes;
	unsigned slot;

	if (free_count == 0 || bytes > COPY_BYTES || from->up->flags != 0)
		return NULL;
	slot = free_copies[--free_count];
	netfilter_copy(from, copies + (size_t)slot * COPY_BYTES, bytes);
	to->elements[0] = (struct net_element){.offset = (uint64_t)slot * COPY_BYTES,
	                                       .len_bytes = bytes,
	                                       .arena = (uint16_t)copy_arena};
	to->down.desc = (struct net_tx){.elements = 1};
	to->user = slot + 1;
	return copies + (size_t)slot * COPY_BYTES;
}

static void tx_done(struct netfilter_frame *f, int status)
{
	(void)status;
	if (f->user > 0)
		free_copies[free_count++] = (uint16_t)(f->user - 1);
	f->user = 0;
}

static bool corrupt(struct netfilter_hold *h)
{
	struct netfilter_buffer *b = buffer_of(h);
	uint8_t *bytes;

	if (!h->is_tx) {
		netfault_corrupt(&rules, b->up->buffer.ptr, (uint32_t)b->bytes);
		b->flags &= ~NET_RX_CSUM_OK; /* that was said of another frame */
		return true;
	}
	bytes = copy_frame(frame_of(h), frame_of(h));
	if (bytes != NULL)
		netfault_corrupt(&rules, bytes, frame_of(h)->up->bytes);
	return bytes != NULL;
}

/* The second one; NULL: there is no room for it. */
static struct netfilter_hold *double_tx(const struct netfilter_frame *f)
{
	struct netfilter_frame *twin = netfilter_new_frame();

	if (twin == NULL)
		return NULL;
	twin->hold.is_tx = true;
	if (copy_frame(f, twin) != NULL)
		return &twin->hold;
	netfilter_end(twin, -ENOBUFS);
	return NULL;
}

static struct netfilter_hold *double_rx(const struct netfilter_buffer *b)
{
	struct netfilter_buffer *twin = netfilter_take_reserve();

	if (twin == NULL)
		return NULL;
	twin->hold.is_tx = false;
	if ((uint32_t)b->bytes > twin->up->buffer.len_bytes) {
		netfilter_rx_drop(twin);
		return NULL;
	}
	memcpy(twin->up->buffer.ptr, b->up->buffer.ptr, (size_t)b->bytes);
	twin->bytes = b->bytes;
	twin->flags = b->flags;
	return &twin->hold;
}

/* ---- shots ---- */

static void take_back(const struct netfault_shot *shot)
{
	fault_unfire(&rules.common, shot->rule);
	missed++;
}

static void shoot(struct netfilter_hold *h, const struct netfault_shot *shot, uint32_t bytes)
{
	struct netfilter_hold *twin = NULL;
	bool is_hit = true;

	if (shot->kind == NETFAULT_CORRUPT)
		is_hit = corrupt(h);
	if (shot->kind == NETFAULT_DUPLICATE) {
		twin = h->is_tx ? double_tx(frame_of(h)) : double_rx(buffer_of(h));
		is_hit = twin != NULL;
	}
	if (is_hit)
		record(shot->kind, h->is_tx, bytes);
	else
		take_back(shot);
	if (shot->kind == NETFAULT_DIE)
		exit(1);
	if (shot->kind == NETFAULT_DROP) {
		lose(h);
	} else if (shot->kind == NETFAULT_DELAY) {
		wait_until(h, now_ns() + shot->delay_ns);
	} else if (shot->kind == NETFAULT_REORDER && overtaken[h->is_tx] == NULL) {
		overtaken[h->is_tx] = h;
		wait_until(h, now_ns() + REORDER_NS);
	} else {
		pass(h);
	}
	if (twin != NULL)
		let_go(twin);
}

static void handle(struct netfilter_hold *h, uint32_t bytes)
{
	uint64_t now = now_ns();
	struct netfault_frame f = {.is_tx = h->is_tx,
	                           .bytes = bytes,
	                           .age_us = (now - start_ns) / 1000,
	                           .now_ns = now};
	struct netfault_shot shot = netfault_decide(&rules, &f);

	frames[h->is_tx]++;
	if (shot.kind == NETFAULT_NONE)
		pass(h);
	else
		shoot(h, &shot, bytes);
}

static void tx(struct netfilter_frame *f)
{
	f->hold.is_tx = true;
	handle(&f->hold, f->up->bytes);
}

static void rx(struct netfilter_buffer *b)
{
	b->hold.is_tx = false;
	handle(&b->hold, (uint32_t)b->bytes);
}

/* ---- start ---- */

static int configure(const struct stack_options *o)
{
	return fault_configure(&rules.common, &netfault_grammar, o);
}

static bool has_rule(enum netfault_kind kind)
{
	for (unsigned i = 0; i < rules.common.count; i++)
		if (rules.common.rule[i].kind == kind)
			return true;
	return false;
}

static int start(void)
{
	size_t bytes = (COPIES * COPY_BYTES + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);

	start_ns = now_ns();
	timer.fn = due;
	fault_restore(&rules.common);
	copies = arena_pages(bytes);
	if (copies == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < COPIES; i++)
		free_copies[free_count++] = (uint16_t)i;
	if (has_rule(NETFAULT_DUPLICATE))
		netfilter_reserve(RESERVE);
	copy_arena = netdev_arena(copies, bytes, true);
	return copy_arena < 0 ? copy_arena : 0;
}

static int ledger_text(char *buf, size_t len)
{
	uint64_t from = ledger_count > LEDGER ? ledger_count - LEDGER : 0;
	size_t used = 0;

	for (uint64_t i = from; i < ledger_count && used < len; i++) {
		const struct shot *s = &ledger[i % LEDGER];

		used += (size_t)snprintf(
			buf + used, len - used, "shot%llu=%s %s frame=%llu bytes=%u t_us=%llu\n",
			(unsigned long long)i, fault_name(&netfault_grammar, s->kind),
			s->is_tx ? "tx" : "rx", (unsigned long long)s->frame, s->bytes,
			(unsigned long long)s->t_us);
	}
	return (int)(used < len ? used : len);
}

static int status(char *buf, size_t len)
{
	size_t used = (size_t)snprintf(buf, len,
	                               "tx=%llu\nrx=%llu\nshots=%llu\nmissed=%llu\nwaiting=%u\n",
	                               (unsigned long long)frames[1], (unsigned long long)frames[0],
	                               (unsigned long long)rules.common.state.shots,
	                               (unsigned long long)missed, waiting.count);

	if (used < len)
		used += (size_t)fault_status_text(&rules.common, &netfault_grammar, buf + used,
		                                  len - used);
	if (used < len)
		used += (size_t)ledger_text(buf + used, len - used);
	return (int)(used < len ? used : len);
}

int main(int argc, char **argv)
{
	static const char *const options[] = {"rules", "seed", NULL};
	static const struct netfilter_ops ops = {
		.tx = tx, .tx_done = tx_done, .rx = rx, .stop = stop};
	static const struct netfilter filter = {.name = "netfault",
	                                        .options = options,
	                                        .maps_arenas = true,
	                                        .offloads = 0,
	                                        .ops = &ops,
	                                        .configure = configure,
	                                        .start = start,
	                                        .idle = save,
	                                        .status = status};

	netfilter_main(argc, argv, &filter);
}
