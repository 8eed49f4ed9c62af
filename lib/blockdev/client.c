/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Client half of the block protocol: units, submission, the data path and the main loop hooks. The
 * model is in blockdev.h, who owns what in client.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "blockdev/check.h"
#include "blockdev/client.h"
#include "ring/blk_region.h"

/* Completions may bring new requests, which may complete at once, and so on. */
#define IDLE_ROUNDS_MAX   64
#define RESTARTS_SEEN_MAX 8 /* B1 completions in one session before it counts as a violation */

struct bdev_config bdev_cfg = {
	.deadline_ns = BDEV_DEADLINE_NS, .offline_ns = BDEV_OFFLINE_NS, .slots = 128};
struct bdev_stats bdev_count;
struct server bdev_servers[BDEV_SERVERS_MAX + 1] = {
	[0] = {.is_used = true, .ep = EP_NONE, .region_grant = GRANT_INVALID}};
struct bdev bdev_units[BDEV_UNITS_MAX];

void bdev_configure(const struct bdev_config *c)
{
	if (c->deadline_ns != 0)
		bdev_cfg.deadline_ns = c->deadline_ns;
	if (c->offline_ns != 0)
		bdev_cfg.offline_ns = c->offline_ns;
	if (ring_bytes(c->slots) != 0 && c->slots <= BLK_SLOTS_MAX)
		bdev_cfg.slots = c->slots;
}

/* ---- units ---- */

struct bdev *bdev_open(const char *unit, unsigned access, const struct bdev_events *ev, void *ctx)
{
	struct bdev *b = NULL;

	for (unsigned i = 0; i < BDEV_UNITS_MAX && b == NULL; i++)
		if (!bdev_units[i].is_used)
			b = &bdev_units[i];
	if (b == NULL || strlen(unit) >= sizeof(b->name))
		return NULL;
	*b = (struct bdev){.is_used = true,
	                   .access = access,
	                   .ctx = ctx,
	                   .server = &bdev_servers[0],
	                   .state = UNIT_UNKNOWN,
	                   .info_grant = GRANT_INVALID};
	snprintf(b->name, sizeof(b->name), "%s", unit);
	if (ev != NULL)
		b->events = *ev;
	if (resolve_start(b) != 0) {
		b->is_used = false;
		return NULL;
	}
	return b;
}

void unit_release(struct bdev *b)
{
	if (b->io_count > 0)
		return;
	server_close_unit(b->server, b);
	grant_revoke(b->info_grant);
	b->is_used = false;
}

void bdev_close(struct bdev *b)
{
	b->state = UNIT_CLOSING;
	b->events = (struct bdev_events){.opened = NULL};
	b->io_count++; /* hold it while callbacks run */
	server_fail_waiting(b->server, b, -ECANCELED);
	b->io_count--;
	unit_release(b);
}

bool bdev_is_up(const struct bdev *b)
{
	return b->state == UNIT_OPEN && b->server->state == SERVER_UP;
}

const struct blk_info *bdev_info(const struct bdev *b)
{
	return b->has_info ? &b->info : NULL;
}

const char *bdev_unit_name(const struct bdev *b)
{
	return b->name;
}

endpoint_t bdev_server(const struct bdev *b)
{
	return b->server->ep;
}

void *bdev_context(const struct bdev *b)
{
	return b->ctx;
}

void bdev_get_stats(struct bdev_stats *s)
{
	*s = bdev_count;
}

int bdev_status_text(char *buf, size_t len)
{
	static const char *const names[] = {"waiting", "attaching", "setup", "up"};
	size_t used = 0;

	for (unsigned i = 0; i < BDEV_UNITS_MAX && used < len; i++) {
		const struct bdev *b = &bdev_units[i];

		if (b->is_used)
			used += (size_t)snprintf(
				buf + used, len - used, "lower.%s=%s server=%s pending=%u\n",
				b->name, names[b->server->state], b->server->label, b->io_count);
	}
	if (used < len)
		used += (size_t)snprintf(
			buf + used, len - used,
			"lower_submitted=%llu\nlower_failed=%llu\nlower_deaths=%llu\n"
			"lower_replayed=%llu\nlower_violations=%llu\n",
			(unsigned long long)bdev_count.submitted,
			(unsigned long long)bdev_count.failed,
			(unsigned long long)bdev_count.deaths,
			(unsigned long long)bdev_count.replayed,
			(unsigned long long)bdev_count.violations);
	return (int)(used < len ? used : len);
}

/* ---- submission ---- */

static bool elements_valid(const struct bdev_io *io)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < io->element_count; i++) {
		const struct blk_element *e = &io->elements[i];

		if (e->reserved != 0 || e->len_bytes == 0 || e->len_bytes % BLK_SECTOR != 0 ||
		    e->offset % 2 != 0 ||
		    !bdev_arena_holds(e->arena, e->offset, e->len_bytes, io->op == BLK_READ))
			return false;
		bytes += e->len_bytes;
	}
	return bytes == (uint64_t)io->sectors * BLK_SECTOR;
}

static int check_io(const struct bdev *b, const struct bdev_io *io)
{
	if (io->op == BLK_FLUSH)
		return io->sectors == 0 && io->element_count == 0 && io->sector == 0 ? 0 : -EINVAL;
	if (io->op == BLK_SYNC)
		return io->element_count == 0 && (b->access & BLK_ACCESS_JUDGE) ? 0 : -EINVAL;
	if (io->op != BLK_READ && io->op != BLK_WRITE)
		return -EINVAL;
	if (io->op == BLK_WRITE && !(b->access & BLK_ACCESS_WRITE))
		return -EACCES;
	if (io->sectors == 0 || io->element_count > BLK_ELEMENTS_MAX ||
	    io->sectors > BLK_REQUEST_MAX / BLK_SECTOR || !elements_valid(io))
		return -EINVAL;
	if (b->has_info &&
	    (io->sectors > b->info.sectors || io->sector > b->info.sectors - io->sectors ||
	     io->sectors > b->info.max_bytes / BLK_SECTOR ||
	     io->element_count > b->info.max_elements))
		return -EINVAL;
	return 0;
}

int bdev_submit(struct bdev *b, struct bdev_io *io)
{
	struct server *s = b->server;
	int err = check_io(b, io);

	if (err != 0 || b->state == UNIT_CLOSING)
		return err != 0 ? err : -ECANCELED;
	io->status = 0;
	io->deaths = io->errors = io->blame = io->times_overdue = 0;
	io->is_suspect = io->was_sent = io->is_accused = 0;
	io->t_submit_ns = now_ns();
	io->bdev = b;
	b->io_count++;
	bdev_count.submitted++;
	bqueue_add(&s->queue, io);
	if (b->state == UNIT_REFUSED)
		s->has_hopeless = true;
	if (s->state == SERVER_UP)
		server_pump(s);
	else if (s->t_offline_ns == 0 && bdev_cfg.offline_ns != BDEV_FOREVER)
		s->t_offline_ns = io->t_submit_ns + bdev_cfg.offline_ns;
	return 0;
}

void bdev_finish(struct bdev_io *io, int status)
{
	struct bdev *b = io->bdev;

	if (io->state != IO_IDLE)
		bqueue_remove(&b->server->queue, io);
	io->status = status;
	io->t_done_ns = now_ns();
	b->io_count--;
	if (status == 0)
		bdev_count.completed++;
	else
		bdev_count.failed++;
	io->done(io);
	if (b->state == UNIT_CLOSING)
		unit_release(b);
}

void server_fail_waiting(struct server *s, const struct bdev *only, int status)
{
	struct bdev_io *next, *failed = NULL;
	struct bdev_io **tail = &failed;

	/* Collect first: done may submit again. */
	for (struct bdev_io *io = s->queue.waiting.head; io != NULL; io = next) {
		next = io->next;
		if (only != NULL && io->bdev != only)
			continue;
		bqueue_remove(&s->queue, io);
		*tail = io;
		tail = &io->next;
	}
	for (struct bdev_io *io = failed; io != NULL; io = next) {
		next = io->next;
		io->next = NULL;
		bdev_finish(io, status);
	}
}

static bool is_ready(const struct bdev_io *io)
{
	return io->bdev->state == UNIT_OPEN;
}

/* Element lists longer than a descriptor holds go into the row of its slot. */
static void push_request(struct server *s, const struct bdev_io *io)
{
	struct blk_request r = {.id = io->id,
	                        .op = io->op,
	                        .flags = io->flags,
	                        .replica = io->replica,
	                        .unit = (uint8_t)io->bdev->unit,
	                        .sector = io->sector,
	                        .sectors = io->sectors,
	                        .elements = io->element_count};
	struct blk_element *row =
		blk_region_row(s->region, s->requests.slots, ring_next_slot(&s->requests));

	if (io->element_count > BLK_INLINE)
		memcpy(row, io->elements, io->element_count * sizeof(*row));
	else if (io->element_count > 0)
		memcpy(r.inline_elements, io->elements, io->element_count * sizeof(*row));
	/* The queue has as many slots as the ring, and room was checked. */
	SYS_ASSERT(ring_push(&s->requests, &r) == 0);
	s->has_requests = true;
}

void server_pump(struct server *s)
{
	struct bdev_io *io;
	int room;

	if (s->state != SERVER_UP || s->arenas_left > 0)
		return;
	room = ring_free_slots(&s->requests);
	if (room < 0) {
		server_complain(s, RULE_R4, 0, 0);
		server_lost(s, false);
		return;
	}
	while (room-- > 0 && (io = bqueue_next(&s->queue, is_ready)) != NULL) {
		bqueue_sent(&s->queue, io, now_ns() + server_patience(io));
		push_request(s, io);
	}
}

/* ---- completions ---- */

/* B1: the server forgot that the unit was opened: its medium has left. Open it again, once for all requests
 * that were under way; they keep their places. */
static void reopen_unit(struct server *s, struct bdev_io *io)
{
	struct bdev *b = io->bdev;

	if (b->state == UNIT_OPEN && ++b->restarts_seen > RESTARTS_SEEN_MAX) {
		server_complain(s, RULE_B1, b->unit, io->id);
		bdev_finish(io, -EIO);
		return;
	}
	bqueue_requeue(&s->queue, io);
	if (b->state != UNIT_OPEN)
		return;
	unit_medium_left(b);
	server_open_unit(s, b, false);
}

static void complete(struct server *s, const struct blk_completion *c)
{
	struct bdev_io *io = bqueue_match(&s->queue, c->id);
	enum proto_rule rule;

	if (io == NULL) {
		server_complain(s, bqueue_was_done(&s->queue, c->id) ? RULE_B3 : RULE_B4, 0, c->id);
		return;
	}
	rule = blk_check_completion(c, (enum blk_op)io->op,
	                            blk_payload_bytes((enum blk_op)io->op, io->sectors));
	if (rule != RULE_NONE) { /* it stays pending: the next incarnation will do it */
		server_accuse(s, rule, io);
		if (io->errors < UINT8_MAX)
			io->errors++;
		return;
	}
	if (c->status == -ERESTART && io->bdev->state != UNIT_CLOSING) {
		reopen_unit(s, io);
		return;
	}
	if (c->status == 0 && s->want_recovered) {
		s->want_recovered = false;
		log_event(EV_RECOVERED, s->ep, s->label, (uint64_t)s->ep, c->id);
	}
	if (server_patience(io) > bdev_cfg.deadline_ns)
		bqueue_hurry(&s->queue, now_ns() + bdev_cfg.deadline_ns);
	io->served_replica = c->replica;
	io->next_sector = c->next_sector;
	io->next_sectors = c->next_sectors;
	io->next_replicas = c->next_replicas;
	io->t_server_start_ns = c->t_start_ns;
	io->t_server_end_ns = c->t_end_ns;
	if (c->status == 0) {
		io->bdev->restarts_seen = 0;
		bdev_finish(io, unit_note_done(io->bdev, io));
		return;
	}
	bdev_finish(io, c->status == -ERESTART ? -EIO : c->status);
}

/* Returns how many completions there were. */
static unsigned take_completions(struct server *s)
{
	struct blk_completion c;
	unsigned count = 0;
	int r = 0;

	while (s->state == SERVER_UP && count < s->completions.slots &&
	       (r = ring_pop(&s->completions, &c)) == 0) {
		complete(s, &c);
		count++;
	}
	if (s->state == SERVER_UP && r == -EPROTOVIOL) {
		server_complain(s, s->completions.violated, 0, 0);
		server_lost(s, false);
	}
	return count;
}

/* ---- main loop hooks ---- */

bool bdev_message(const struct msg *m)
{
	uint32_t type = m->type & ~MSG_REPLY;

	if (!(m->type & MSG_REPLY) || type < BLK_ATTACH || type >= BLK_MSG_END)
		return false;
	for (unsigned i = 1; i <= BDEV_SERVERS_MAX; i++)
		if (bdev_servers[i].is_used && bdev_servers[i].ep == m->source)
			server_reply(&bdev_servers[i], m);
	return true; /* a late reply of a dead incarnation is ours too, and means nothing */
}

bool bdev_doorbell(endpoint_t from)
{
	for (unsigned i = 1; i <= BDEV_SERVERS_MAX; i++) {
		struct server *s = &bdev_servers[i];

		if (!s->is_used || s->ep != from)
			continue;
		if (s->state == SERVER_UP) {
			take_completions(s);
			server_pump(s);
		}
		return true;
	}
	return false;
}

/* Refused since before they were submitted: nothing else ends these. */
static void fail_hopeless(struct server *s)
{
	s->has_hopeless = false;
	for (unsigned i = 0; i < BDEV_UNITS_MAX; i++) {
		struct bdev *b = &bdev_units[i];

		if (b->is_used && b->server == s && b->state == UNIT_REFUSED)
			server_fail_waiting(s, b, -EIO);
	}
}

static void idle_server(struct server *s)
{
	unsigned rounds = 0;

	if (s->has_hopeless)
		fail_hopeless(s);
	s->want_poll = false;
	do {
		take_completions(s);
		server_pump(s);
		if (s->state != SERVER_UP)
			return;
	} while (!ring_consumer_may_sleep(&s->completions) && ++rounds < IDLE_ROUNDS_MAX);
	s->want_poll = rounds >= IDLE_ROUNDS_MAX;
	if (!s->has_requests)
		return;
	s->has_requests = false;
	if (ring_producer_must_ring(&s->requests) && ipc_notify(s->ep) == -EDEADSRCDST)
		server_dead(s);
}

void bdev_idle(void)
{
	for (unsigned i = 1; i <= BDEV_SERVERS_MAX; i++)
		if (bdev_servers[i].is_used && bdev_servers[i].state == SERVER_UP)
			idle_server(&bdev_servers[i]);
}

const struct client_half bdev_half = {.message = bdev_message,
                                      .doorbell = bdev_doorbell,
                                      .ds_change = bdev_ds_change,
                                      .alarm = bdev_alarm,
                                      .idle = bdev_idle,
                                      .next_deadline = bdev_next_deadline,
                                      .status_text = bdev_status_text};
