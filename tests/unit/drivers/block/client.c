/* SPDX-License-Identifier: BSD-2-Clause */
/* See client.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/drivers/block/client.h"
#include "tests/unit/support/pattern.h"

#define READ_TIME_NS  (5 * SECOND)  /* clients complain after that (B8) */
#define FLUSH_TIME_NS (30 * SECOND) /* the same of FLUSH, FUA and what waits behind them */

struct client client;

static const struct client_world *w;
static struct ask asks[ASKS_MAX];
static uint8_t memory[ASKS_MAX][ASK_SECTORS * BLK_SECTOR];
static uint64_t t_slow; /* until then requests may take as long as a FLUSH */

/* ---- contents ---- */

static void learn(const struct ask *a)
{
	for (uint32_t i = 0; i < a->r.sectors; i++) {
		uint64_t sector = a->r.sector + i;
		struct belief *b = &client.beliefs[sector];
		uint32_t found = pattern_version(a->data + i * BLK_SECTOR, sector);

		if (found < b->low || found > b->high)
			fail_msg("sector %llu: version %u, expected %u to %u",
			         (unsigned long long)sector, found, b->low, b->high);
		if (a->power_losses == client.power_losses)
			b->low = b->high = found;
	}
}

static void believe_written(const struct ask *a, bool is_success)
{
	bool is_final = (a->r.flags & BLK_REQ_FUA) || !w->has_cache();

	for (uint32_t i = 0; i < a->r.sectors; i++) {
		struct belief *b = &client.beliefs[a->r.sector + i];

		b->high = a->version;
		if (is_success && a->power_losses == client.power_losses)
			b->low = a->version;
		if (is_success && is_final)
			b->durable = a->version;
	}
}

static void believe_flushed(const struct ask *a)
{
	for (unsigned i = 0; i < CLIENT_SECTORS; i++)
		if (client.beliefs[i].durable < a->settled[i])
			client.beliefs[i].durable = a->settled[i];
}

void client_power_lost(void)
{
	client.power_losses++;
	for (unsigned i = 0; i < CLIENT_SECTORS; i++)
		if (client.beliefs[i].durable < client.beliefs[i].low)
			client.beliefs[i].low = client.beliefs[i].durable;
}

void client_other_disk(void)
{
	memset(client.beliefs, 0, sizeof(client.beliefs));
}

/* ---- requests ---- */

void client_reset(const struct client_world *world)
{
	w = world;
	client = (struct client){.fragment = PAGE_BYTES};
	memset(asks, 0, sizeof(asks));
	t_slow = 0;
}

bool client_overlaps(uint64_t sector, uint32_t sectors)
{
	for (unsigned i = 0; i < ASKS_MAX; i++)
		if (asks[i].is_used && !asks[i].is_done && asks[i].r.sector < sector + sectors &&
		    sector < asks[i].r.sector + asks[i].r.sectors)
			return true;
	return false;
}

static void make_elements(struct ask *a)
{
	struct bserver_request *r = &a->r;
	uint64_t left = r->bytes, done = 0;

	while (left > 0) {
		uint32_t n = left < w->element_bytes ? (uint32_t)left : w->element_bytes;

		r->elements[r->element_count++] = (struct bserver_element){
			.ptr = a->data + done, .len_bytes = n, .offset = done};
		done += n;
		left -= n;
	}
}

static bool is_slow(const struct ask *a)
{
	return a->r.op == BLK_FLUSH || (a->r.flags & BLK_REQ_FUA);
}

static void submit(struct ask *a)
{
	a->r.t_start_ns = *w->now;
	a->power_losses = client.power_losses;
	if (is_slow(a))
		t_slow = *w->now + FLUSH_TIME_NS;
	if (a->r.bytes > 0)
		w->lend(a->data, a->r.bytes);
	client.pending++;
	w->submit(&a->r);
}

struct ask *ask(enum blk_op op, uint64_t sector, uint32_t sectors, unsigned flags)
{
	struct ask *a = asks;

	while (a < asks + ASKS_MAX && a->is_used)
		a++;
	assert_true(a < asks + ASKS_MAX && sectors <= ASK_SECTORS);
	memset(a, 0, sizeof(*a));
	a->is_used = true;
	a->data = memory[a - asks];
	a->r = (struct bserver_request){.op = op,
	                                .flags = (uint8_t)flags,
	                                .sectors = sectors,
	                                .sector = sector,
	                                .bytes = (uint64_t)sectors * BLK_SECTOR,
	                                .is_pending = true};
	make_elements(a);
	if (op == BLK_WRITE)
		a->version = ++client.version;
	pattern_put_run(a->data, sector, sectors, a->version);
	for (unsigned i = 0; op == BLK_FLUSH && i < CLIENT_SECTORS; i++)
		a->settled[i] = client.beliefs[i].low;
	submit(a);
	return a;
}

void ask_forget(struct ask *a)
{
	assert_true(a->is_done);
	a->is_used = false;
}

int ask_and_wait(enum blk_op op, uint64_t sector, uint32_t sectors, unsigned flags)
{
	struct ask *a = ask(op, sector, sectors, flags);

	w->wait();
	ask_forget(a);
	return a->status;
}

struct ask *client_any(bool want_done)
{
	for (unsigned i = 0; i < ASKS_MAX; i++)
		if (asks[i].is_used && asks[i].is_done == want_done)
			return &asks[i];
	return NULL;
}

void client_forget_all(int status)
{
	struct ask *a;

	while ((a = client_any(true)) != NULL) {
		assert_int_equal(a->status, status);
		ask_forget(a);
	}
}

void client_check_disk(void)
{
	for (uint64_t sector = 0; sector < CLIENT_SECTORS; sector += 64)
		assert_int_equal(ask_and_wait(BLK_READ, sector, 64, 0), 0);
}

/* Its arenas are gone with it. */
void client_driver_died(void)
{
	for (unsigned i = 0; i < ASKS_MAX; i++)
		if (asks[i].is_used && !asks[i].is_done)
			w->take_back(asks[i].data);
}

/* In the order of submission, which nobody here depends on. */
void client_replay(void)
{
	for (unsigned i = 0; i < ASKS_MAX; i++) {
		struct ask *a = &asks[i];

		if (!a->is_used || a->is_done)
			continue;
		client.pending--;
		submit(a);
	}
}

/* ---- lib/blockdev ---- */

bool bserver_segment(const struct bserver_request *r, struct bserver_cursor *c, uint32_t max_bytes,
                     struct bserver_segment *seg)
{
	const struct bserver_element *e = &r->elements[c->element];
	uint32_t n;

	*seg = (struct bserver_segment){.bus = 0};
	if (c->element >= r->element_count)
		return false;
	n = client.fragment - (uint32_t)((e->offset + c->offset) % client.fragment);
	n = n < e->len_bytes - c->offset ? n : e->len_bytes - c->offset;
	n = n < max_bytes ? n : max_bytes;
	*seg = (struct bserver_segment){(uintptr_t)e->ptr + c->offset, n};
	c->offset += n;
	if (c->offset == e->len_bytes) {
		c->element++;
		c->offset = 0;
	}
	return n > 0;
}

void bserver_complete(struct bserver_request *r, int status)
{
	struct ask *a = (struct ask *)(void *)r;
	uint64_t limit = is_slow(a) || r->t_start_ns < t_slow ? FLUSH_TIME_NS : READ_TIME_NS;

	assert_true(r->is_pending && a->is_used && !a->is_done && status <= 0); /* B3 */
	r->is_pending = false;
	a->is_done = true;
	a->status = status;
	a->t_done = *w->now;
	client.pending--;
	if (r->bytes > 0)
		w->take_back(a->data);
	if (!client.is_patient && *w->now - r->t_start_ns >= limit)
		fail_msg("operation %d took %llu ms", r->op,
		         (unsigned long long)(*w->now - r->t_start_ns) / MS);
	if (r->op == BLK_READ && status == 0)
		learn(a);
	else if (r->op == BLK_WRITE)
		believe_written(a, status == 0);
	else if (r->op == BLK_FLUSH && status == 0)
		believe_flushed(a);
}
