/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Server half of the block protocol: the data path. A request is copied out of its slot (and its
 * row), validated as a copy, and either completed at once with an error or handed to the component
 * (R3). Completions are pushed at once; doorbells are rung in bserver_idle().
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "blockdev/host.h"
#include "ring/blk_region.h"

struct bserver_stats bserver_count;

/* Nothing of it is touched before it is used: each page costs a fault, and starts must be fast. */
static struct bserver_request requests[BSERVER_REQUESTS_MAX];
static unsigned used_count; /* requests that were ever used: the first so many */
static uint16_t free_requests[BSERVER_REQUESTS_MAX]; /* a stack: the last one used is warm */
static unsigned free_count;                          /* of those that were used */
static unsigned with_component;

void bserver_init(const struct bserver_config *c)
{
	bserver_cfg = *c;
	if (bserver_cfg.queue_depth == 0 || bserver_cfg.queue_depth > BSERVER_REQUESTS_MAX)
		bserver_cfg.queue_depth = BSERVER_REQUESTS_MAX;
	used_count = free_count = with_component = 0;
}

void bserver_get_stats(struct bserver_stats *s)
{
	*s = bserver_count;
}

int bserver_status_text(char *buf, size_t len)
{
	const struct bserver_stats *c = &bserver_count;
	int n = snprintf(
		buf, len,
		"accepted=%llu\ncompleted=%llu\nfailed=%llu\nrefused=%llu\nviolations=%llu\n"
		"sessions=%llu\nbytes_read=%llu\nbytes_written=%llu\n",
		(unsigned long long)c->accepted, (unsigned long long)c->completed,
		(unsigned long long)c->failed, (unsigned long long)c->refused,
		(unsigned long long)c->violations, (unsigned long long)c->sessions,
		(unsigned long long)c->bytes_read, (unsigned long long)c->bytes_written);

	return (size_t)n < len ? n : (int)len;
}

/* ---- completion ---- */

static void push_completion(struct bserver_session *s, const struct blk_completion *c)
{
	/* There is room: take_request() keeps a slot for each request that it takes. */
	if (ring_push(&s->completions, c) == 0)
		s->has_completions = true;
	else
		session_violation(s, c->id);
}

static void count_completion(const struct bserver_request *r, int status)
{
	bserver_count.completed++;
	if (status != 0)
		bserver_count.failed++;
	else if (r->op == BLK_READ)
		bserver_count.bytes_read += r->bytes;
	else if (r->op == BLK_WRITE)
		bserver_count.bytes_written += r->bytes;
}

static struct blk_completion completion_of(const struct bserver_request *r, int status)
{
	return (struct blk_completion){.id = r->id,
	                               .status = status,
	                               .bytes = status == 0 ? r->bytes : 0,
	                               .t_start_ns = r->t_start_ns,
	                               .t_end_ns = now_ns(),
	                               .replica = r->served_replica,
	                               .next_sector = r->next_sector,
	                               .next_sectors = r->next_sectors,
	                               .next_replicas = r->next_replicas};
}

static void complete_as(struct bserver_request *r, const struct blk_completion *c)
{
	struct bserver_session *s = r->session;

	SYS_ASSERT(r->is_pending && c->status <= 0); /* B3 */
	r->is_pending = false;
	count_completion(r, c->status);
	for (unsigned i = 0; i < r->element_count; i++)
		s->arenas.slots[r->elements[i].arena].pending--;
	free_requests[free_count++] = (uint16_t)r->slot;
	with_component--;
	s->pending--;
	if (s->is_dropped)
		session_free_if_idle(s);
	else
		push_completion(s, c);
}

void bserver_complete(struct bserver_request *r, int status)
{
	const struct blk_completion c = completion_of(r, status);

	complete_as(r, &c);
}

void bserver_complete_lying(struct bserver_request *r, enum bserver_lie lie)
{
	struct bserver_session *s = r->session;
	struct blk_completion c = completion_of(r, 0);
	bool has_room = !s->is_dropped && ring_free_slots(&s->completions) > (int)s->pending;

	if (lie == BSERVER_LIE_TWICE && has_room)
		push_completion(s, &c);
	if (lie == BSERVER_LIE_ID)
		c.id ^= 1u << 31; /* sequences do not come so far in a test */
	if (lie == BSERVER_LIE_SHORT)
		c.bytes -= BLK_SECTOR;
	complete_as(r, &c);
}

/* ---- requests ---- */

/* The request's elements as a private copy. */
static const struct blk_element *copy_elements(const struct bserver_session *s,
                                               const struct blk_request *d, uint32_t slot,
                                               struct blk_element *copy)
{
	if (d->elements <= BLK_INLINE)
		return d->inline_elements;
	ring_copy_row(copy, blk_region_row(s->region, s->requests.slots, slot),
	              d->elements * sizeof(*copy));
	return copy;
}

static int check(const struct bserver_session *s, const struct blk_request *d,
                 const struct blk_element *elements)
{
	struct blk_info info;
	struct blk_limits limits = {.info = &info, .arenas = s->arenas.views};
	int err;

	limits.is_open = s->open_count[d->unit] > 0;
	limits.access = s->access[d->unit];
	if (!limits.is_open)
		return -ERESTART;
	err = bserver_cfg.ops->info(d->unit, &info);
	if (err != 0)
		return -EIO; /* the unit has gone */
	return blk_check_request(d, elements, &limits);
}

/* There is one: with_component is below queue_depth. */
static struct bserver_request *take_free(void)
{
	unsigned i = free_count > 0 ? free_requests[--free_count] : used_count++;

	requests[i].slot = i;
	return &requests[i];
}

static void hand_over(struct bserver_session *s, const struct blk_request *d,
                      const struct blk_element *elements)
{
	struct bserver_request *r = take_free();

	r->op = (enum blk_op)d->op;
	r->unit = d->unit;
	r->flags = d->flags;
	r->replica = d->replica;
	r->element_count = d->elements;
	r->sectors = d->sectors;
	r->sector = d->sector;
	r->bytes = blk_payload_bytes(r->op, d->sectors);
	r->t_start_ns = now_ns();
	r->served_replica = r->next_sectors = r->next_replicas = 0;
	r->next_sector = 0;
	r->user = NULL;
	r->id = d->id;
	r->session = s;
	r->is_pending = true;
	for (unsigned i = 0; i < d->elements; i++) {
		struct arena_slot *a = &s->arenas.slots[elements[i].arena];

		a->pending++;
		r->elements[i] = (struct bserver_element){
			.ptr = a->map.ptr != NULL ? a->map.ptr + elements[i].offset : NULL,
			.len_bytes = elements[i].len_bytes,
			.arena = elements[i].arena,
			.tag = (uint16_t)a->tag,
			.offset = elements[i].offset};
	}
	s->pending++;
	with_component++;
	bserver_count.accepted++;
	bserver_cfg.ops->submit(r);
}

static void refuse(struct bserver_session *s, const struct blk_request *d, int status)
{
	uint64_t t = now_ns();
	struct blk_completion c = {.id = d->id, .status = status, .t_start_ns = t, .t_end_ns = t};

	bserver_count.refused++;
	push_completion(s, &c);
}

/* Takes one request if there is one and room for it. */
static bool take_request(struct bserver_session *s)
{
	struct blk_request d = {.id = 0};
	static struct blk_element copy[BLK_ELEMENTS_MAX]; /* until hand_over() has read it */
	const struct blk_element *elements;
	uint32_t slot;
	int r, room, err;

	if (with_component >= bserver_cfg.queue_depth)
		return false; /* goes on after a completion */
	r = ring_peek(&s->requests, &d, &slot);
	room = ring_free_slots(&s->completions);
	/* A client has at most `slots` requests unfinished, so completions always have room. */
	if (r == -EPROTOVIOL || room < 0 || (r == 0 && room <= (int)s->pending)) {
		session_violation(s, d.id);
		return false;
	}
	if (r != 0)
		return false;
	if (!blk_request_is_sane(&d)) {
		ring_advance(&s->requests);
		refuse(s, &d, -EINVAL);
		return true;
	}
	elements = copy_elements(s, &d, slot, copy);
	ring_advance(&s->requests);
	err = check(s, &d, elements);
	if (err == 0)
		hand_over(s, &d, elements);
	else
		refuse(s, &d, err);
	return true;
}

static bool take_requests(struct bserver_session *s)
{
	unsigned count = 0;

	while (s->is_used && !s->is_dropped && count < s->requests.slots && take_request(s))
		count++;
	return count > 0;
}

/* ---- main loop hooks ---- */

bool bserver_doorbell(endpoint_t from)
{
	bool is_ours = false, any = false;

	for (unsigned i = 0; i < BSERVER_SESSIONS_MAX; i++) {
		struct bserver_session *s = &bserver_sessions[i];

		if (s->is_used && !s->is_dropped && s->client == from) {
			any |= take_requests(s);
			is_ours = true;
		}
	}
	if (any && bserver_cfg.ops->flush_batch != NULL)
		bserver_cfg.ops->flush_batch();
	return is_ours;
}

/* True when the session has nothing more for us now, and its client will ring when it has. */
static bool settle(struct bserver_session *s)
{
	bool any = take_requests(s);

	if (!s->is_used || s->is_dropped)
		return !any;
	if (s->has_completions) {
		s->has_completions = false;
		if (ring_producer_must_ring(&s->completions) &&
		    ipc_notify(s->client) == -EDEADSRCDST) {
			session_drop(s);
			return !any;
		}
	}
	if (with_component >= bserver_cfg.queue_depth)
		return !any; /* a completion brings us back */
	return ring_consumer_may_sleep(&s->requests) && !any;
}

void bserver_idle(void)
{
	bool is_settled;

	/* Ends when no client adds while we look, which on one CPU is the second round. It cannot
	 * stop earlier: a client that was not told that we sleep would never ring. */
	do {
		is_settled = true;
		for (unsigned i = 0; i < BSERVER_SESSIONS_MAX; i++)
			if (bserver_sessions[i].is_used && !bserver_sessions[i].is_dropped)
				is_settled &= settle(&bserver_sessions[i]);
		if (!is_settled && bserver_cfg.ops->flush_batch != NULL)
			bserver_cfg.ops->flush_batch();
	} while (!is_settled);
}

const struct server_half bserver_half = {.message = bserver_message,
                                         .doorbell = bserver_doorbell,
                                         .idle = bserver_idle,
                                         .status_text = bserver_status_text};
