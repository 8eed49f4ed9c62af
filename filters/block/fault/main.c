/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault(lower, rules="...", seed=1): the chaos monkey. It does to requests what bad disks, cables and
 * drivers do, on purpose and by rule (rules.h). Experiments put it into a stack.
 *
 * Model: a request is passed on with the client's own arena, unless a rule fires. Data that is
 * spoiled on its way down is copied to a buffer of our own first, so the client's memory stays what
 * it was; on its way up it is spoiled in place. One such copy exists at a time; a shot that would
 * need a second one is not fired.
 *
 * Every shot is an event of the log (EV_FAULT: kind, sector), the ledger by which detection is
 * scored; sectors are those of the lower unit, and of contents the one that was spoiled.
 *
 * State kept over a restart: chance and the counters of the rules, in ds (lib/faultrule).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arena/arena.h"
#include "faultrule/faultfilter.h"
#include "filter/filter.h"
#include "rules.h"

#define REQUESTS_MAX BSERVER_REQUESTS_MAX
#define BUFFER_BYTES (1u << 20)

struct request {
	struct filter_request f;
	const struct fault_rule *rule; /* that fired, or NULL */
	bool has_buffer;
	struct filter_timer timer;
};

static struct request requests[REQUESTS_MAX];
static struct fault_rules rules;
static int buffer_arena;
static uint8_t *buffer;
static bool is_buffer_used;
static uint64_t start_ns, passed;

/* ---- the ledger ---- */

static void record(const struct fault_rule *rule, uint64_t sector)
{
	log_event(EV_FAULT, bdev_server(filter_single()), sys_label(), rule->kind, sector);
	fault_save(&rules);
}

/* ---- completion ---- */

static bool is_lie(const struct request *q, enum bserver_lie *lie)
{
	static const struct {
		enum fault_kind kind;
		enum bserver_lie lie;
	} lies[] = {{FAULT_WRONG_ID, BSERVER_LIE_ID},
	            {FAULT_DUPLICATE, BSERVER_LIE_TWICE},
	            {FAULT_SHORT, BSERVER_LIE_SHORT}};

	for (unsigned i = 0; q->rule != NULL && i < sizeof(lies) / sizeof(lies[0]); i++) {
		*lie = lies[i].lie;
		if (q->rule->kind == lies[i].kind)
			return true;
	}
	return false;
}

static void finish(struct request *q, int status)
{
	enum bserver_lie lie;

	if (q->has_buffer)
		is_buffer_used = false;
	q->f.io.status = status;
	if (status == 0 && is_lie(q, &lie)) {
		record(q->rule, q->f.r->sector);
		bserver_complete_lying(q->f.r, lie);
		return;
	}
	filter_complete(q->f.r, &q->f.io);
}

static uint8_t *client_sector(const struct bserver_request *r, uint64_t index)
{
	uint64_t offset = index * BLK_SECTOR;

	for (unsigned i = 0; i < r->element_count; i++) {
		const struct bserver_element *e = &r->elements[i];

		if (offset < e->len_bytes)
			return (uint8_t *)e->ptr + offset;
		offset -= e->len_bytes;
	}
	return NULL;
}

static void late(struct filter_timer *t)
{
	struct request *q = &requests[0];

	while (&q->timer != t)
		q++;
	finish(q, q->f.io.status);
}

static bool is_spoiling(const struct fault_rule *rule)
{
	return rule != NULL &&
	       (rule->kind == FAULT_ZERO || rule->kind == FAULT_RANDOM || rule->kind == FAULT_BIT);
}

static void io_done(struct bdev_io *io)
{
	struct request *q = &requests[((struct filter_request *)io->cookie)->r->slot];

	if (io->status == 0 && q->f.r->op == BLK_READ && is_spoiling(q->rule)) {
		uint64_t index = fault_random(&rules) % q->f.r->sectors;

		fault_spoil(&rules, (enum fault_kind)q->rule->kind, client_sector(q->f.r, index));
		record(q->rule, q->f.r->sector + index);
	}
	if (q->rule != NULL && q->rule->kind == FAULT_DELAY) {
		q->timer.fn = late;
		filter_timer_set(&q->timer, now_ns() + q->rule->when.for_us * 1000);
		return;
	}
	finish(q, io->status);
}

/* ---- submission ---- */

static void pass(struct request *q)
{
	filter_send(&q->f, io_done);
}

/* Data of a write in our own buffer; false: it is in use or too small. */
static bool take_buffer(struct request *q)
{
	const struct bserver_request *r = q->f.r;

	if (is_buffer_used || r->bytes > BUFFER_BYTES)
		return false;
	for (uint64_t i = 0; i < r->sectors; i++)
		memcpy(buffer + i * BLK_SECTOR, client_sector(r, i), BLK_SECTOR);
	q->f.elements[0] = (struct blk_element){.len_bytes = (uint32_t)r->bytes,
	                                        .arena = (uint16_t)buffer_arena};
	q->f.io.element_count = 1;
	q->has_buffer = is_buffer_used = true;
	return true;
}

static void spoil_write(struct request *q)
{
	uint64_t index = fault_random(&rules) % q->f.r->sectors;

	if (!take_buffer(q)) {
		fault_unfire(&rules, (unsigned)(q->rule - rules.rule));
	} else {
		fault_spoil(&rules, (enum fault_kind)q->rule->kind, buffer + index * BLK_SECTOR);
		record(q->rule, q->f.r->sector + index);
	}
	pass(q);
}

static void tear(struct request *q)
{
	uint32_t half = q->f.r->sectors / 2;

	if (half > 0 && !take_buffer(q)) {
		pass(q);
		return;
	}
	record(q->rule, q->f.r->sector + half);
	if (half == 0) {
		finish(q, 0);
		return;
	}
	q->f.io.sectors = half;
	q->f.elements[0].len_bytes = half * BLK_SECTOR;
	pass(q);
}

static void misdirect(struct request *q)
{
	uint64_t room = bdev_info(filter_single())->sectors - q->f.r->sectors;

	q->f.io.sector = room == 0 ? q->f.io.sector : fault_random(&rules) % (room + 1);
	record(q->rule, q->f.r->sector);
	pass(q);
}

static void shoot(struct request *q)
{
	switch ((enum fault_kind)q->rule->kind) {
	case FAULT_ZERO:
	case FAULT_RANDOM:
	case FAULT_BIT:
		if (q->f.r->op == BLK_WRITE)
			spoil_write(q);
		else
			pass(q); /* spoiled when it comes back */
		return;
	case FAULT_TORN: tear(q); return;
	case FAULT_MISDIRECT: misdirect(q); return;
	case FAULT_WRONG_ID:
	case FAULT_DUPLICATE:
	case FAULT_SHORT: pass(q); return; /* a lie when it comes back */
	case FAULT_NONE:
	case FAULT_ERROR:
	case FAULT_LOST:
	case FAULT_DELAY:
	case FAULT_HANG:
	case FAULT_DIE:
	case FAULT_KINDS: break;
	}
	record(q->rule, q->f.r->sector);
	if (q->rule->kind == FAULT_ERROR)
		finish(q, -EIO);
	else if (q->rule->kind == FAULT_LOST)
		finish(q, 0);
	else if (q->rule->kind == FAULT_DELAY)
		pass(q);
	else if (q->rule->kind == FAULT_DIE)
		exit(1);
	/* FAULT_HANG: somebody above will have had enough */
}

static void submit(struct bserver_request *r)
{
	struct request *q = &requests[r->slot];
	const struct fault_request what = {.is_write = r->op == BLK_WRITE,
	                                   .sector = r->sector,
	                                   .sectors = r->sectors,
	                                   .age_us = (now_ns() - start_ns) / 1000};

	q->has_buffer = false;
	filter_request_init(&q->f, r);
	q->rule = r->sectors > 0 && r->op != BLK_SYNC ? fault_decide(&rules, &what) : NULL;
	if (q->rule != NULL) {
		shoot(q);
		return;
	}
	passed++;
	pass(q);
}

/* ---- start ---- */

static int configure(const struct stack_options *o)
{
	return fault_configure(&rules, &fault_grammar, o);
}

static int start(void)
{
	start_ns = now_ns();
	fault_restore(&rules);
	buffer = arena_pages(BUFFER_BYTES);
	if (buffer == NULL)
		return -ENOMEM;
	buffer_arena = bdev_arena(buffer, BUFFER_BYTES, false);
	return buffer_arena < 0 ? buffer_arena : 0;
}

static int status(char *buf, size_t len)
{
	size_t used =
		(size_t)snprintf(buf, len, "passed=%llu\nshots=%llu\n", (unsigned long long)passed,
	                         (unsigned long long)rules.state.shots);

	if (used < len)
		used += (size_t)fault_status_text(&rules, &fault_grammar, buf + used, len - used);
	return (int)(used < len ? used : len);
}

int main(int argc, char **argv)
{
	static const char *const options[] = {"rules", "seed", NULL};
	static const struct filter filter = {.name = "fault",
	                                     .options = options,
	                                     .lowers_min = 1,
	                                     .lowers_max = 1,
	                                     .maps_arenas = true,
	                                     .submit = submit,
	                                     .configure = configure,
	                                     .start = start,
	                                     .status = status};

	filter_main(argc, argv, &filter);
}
