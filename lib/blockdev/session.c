/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions of the client half: attach, set-up, death, return. The state drawing is in blockdev.h.
 *
 *   state      endpoint changes  reply of ATTACH  last set-up reply  time
 *   WAITING    attach            late, ignored    late, ignored      retry: attach; offline: EIO
 *   ATTACHING  lost, attach      arenas, opens    -                  control deadline: B8, lost
 *   SETUP      lost, attach      -                UP, replay         control deadline: B8, lost
 *   UP         lost, attach      -                -                  request deadline: B8
 */
#include <errno.h>
#include <string.h>

#include "arena/arena.h"
#include "blockdev/client.h"
#include "ring/blk_region.h"
#include "sys/control.h"

#define RETRY_SOON_NS 10000000ull   /* the asynchronous table was full, the server is busy */
#define RETRY_LATE_NS 1000000000ull /* after a violation: rs should have replaced it by then */

static uint32_t last_generation;

static void set_state(struct server *s, enum server_state state)
{
	static const uint8_t legal[] = {
		[SERVER_WAITING] = 1u << SERVER_ATTACHING | 1u << SERVER_WAITING,
		[SERVER_ATTACHING] = 1u << SERVER_SETUP | 1u << SERVER_WAITING,
		[SERVER_SETUP] = 1u << SERVER_UP | 1u << SERVER_WAITING,
		[SERVER_UP] = 1u << SERVER_WAITING,
	};

	SYS_ASSERT(legal[s->state] & 1u << state);
	s->state = state;
}

int server_control(struct server *s, uint32_t type, void *payload, struct control **c)
{
	unsigned i = 0;
	int err;

	while (i < CONTROLS_MAX && s->controls[i].id != 0)
		i++;
	if (i == CONTROLS_MAX)
		return -EAGAIN;
	err = control_ask(s->ep, type, payload,
	                  type == BLK_ATTACH  ? sizeof(struct blk_attach)
	                  : type == BLK_ARENA ? sizeof(struct arena_announce)
	                                      : sizeof(struct blk_ctl));
	if (err != 0)
		return err;
	s->controls[i] = (struct control){.type = type};
	memcpy(&s->controls[i].id, payload, sizeof(s->controls[i].id));
	if (s->t_control_ns == 0)
		s->t_control_ns = now_ns() + bdev_cfg.deadline_ns;
	*c = &s->controls[i];
	return 0;
}

/* ---- attach ---- */

static int prepare_region(struct server *s)
{
	if (s->region == NULL) {
		size_t bytes = blk_region_bytes(bdev_cfg.slots);

		s->region = arena_pages(bytes);
		if (s->region == NULL)
			return -ENOMEM;
		s->region_bytes = bytes;
	}
	s->generation = ++last_generation;
	ring_init(blk_region_requests(s->region), bdev_cfg.slots, s->generation);
	ring_init(blk_region_completions(s->region, bdev_cfg.slots), bdev_cfg.slots, s->generation);
	if (ring_producer_attach(&s->requests, blk_region_requests(s->region), bdev_cfg.slots,
	                         s->generation) != 0 ||
	    ring_consumer_attach(&s->completions, blk_region_completions(s->region, bdev_cfg.slots),
	                         bdev_cfg.slots, s->generation) != 0)
		return -EPROTOVIOL; /* a former server scribbles in it: the next try has a new
				       generation */
	s->region_grant = grant_direct(s->ep, s->region, s->region_bytes,
	                               GRANT_READ | GRANT_WRITE | GRANT_MAP);
	return s->region_grant == GRANT_INVALID ? -ENOSPC : 0;
}

void server_attach(struct server *s)
{
	struct control *c;
	struct blk_attach req;

	s->t_retry_ns = 0;
	if (prepare_region(s) != 0) {
		s->t_retry_ns = now_ns() + RETRY_SOON_NS;
		return;
	}
	req = (struct blk_attach){.region_grant = s->region_grant,
	                          .region_bytes = s->region_bytes,
	                          .slots = bdev_cfg.slots,
	                          .generation = s->generation};
	if (server_control(s, BLK_ATTACH, &req, &c) != 0) {
		grant_revoke(s->region_grant);
		s->region_grant = GRANT_INVALID;
		s->t_retry_ns = now_ns() + RETRY_SOON_NS;
		return;
	}
	set_state(s, SERVER_ATTACHING);
}

void server_open_unit(struct server *s, struct bdev *b, bool is_setup)
{
	struct control *c;
	struct blk_ctl req = {.session = s->session, .unit = b->unit, .arg = b->access};

	grant_revoke(b->info_grant);
	b->info_grant = grant_direct(s->ep, &b->info_buf, sizeof(b->info_buf), GRANT_WRITE);
	b->state = UNIT_OPENING;
	b->was_named = false;
	b->replies_left = 0;
	b->refused = b->info_grant == GRANT_INVALID ? -ENOSPC : 0;
	memset(&b->info_buf, 0, sizeof(b->info_buf));
	for (uint32_t type = BLK_OPEN; type <= BLK_GETINFO; type++) {
		if (type == BLK_CLOSE)
			continue;
		if (type == BLK_GETINFO) {
			req.grant = b->info_grant;
			req.len_bytes = sizeof(b->info_buf);
		}
		if (server_control(s, type, &req, &c) != 0) {
			b->refused = -EAGAIN;
			continue;
		}
		c->bdev = b;
		c->is_setup = is_setup;
		b->replies_left++;
		s->setup_left += is_setup;
	}
	if (b->replies_left == 0) /* nothing could be sent: with the next incarnation or event */
		b->state = UNIT_REFUSED;
}

void server_close_unit(struct server *s, struct bdev *b)
{
	struct blk_ctl req = {.session = s->session, .unit = b->unit};
	struct control *c;

	for (unsigned i = 0; i < CONTROLS_MAX; i++)
		if (s->controls[i].bdev == b)
			s->controls[i].bdev = NULL;
	if (s->unit_count > 0)
		s->unit_count--;
	/* If it cannot be sent, the open count is wrong until the session ends, which harms nobody.
	 */
	if ((s->state == SERVER_UP || s->state == SERVER_SETUP) &&
	    server_control(s, BLK_CLOSE, &req, &c) != 0)
		sys_log("blockdev: close of %s was not sent\n", b->name);
}

static void setup(struct server *s)
{
	set_state(s, SERVER_SETUP);
	s->setup_left = server_send_arenas(s);
	for (unsigned i = 0; i < BDEV_UNITS_MAX; i++) {
		struct bdev *b = &bdev_units[i];

		if (b->is_used && b->server == s && b->state != UNIT_CLOSING)
			server_open_unit(s, b, true);
	}
}

static void come_up(struct server *s)
{
	set_state(s, SERVER_UP);
	s->t_offline_ns = 0;
	s->sessions++;
	if (s->sessions > 1) {
		s->want_recovered = true;
		log_event(EV_REOPEN, s->ep, s->label, (uint64_t)s->ep, 0);
		log_event(EV_REPLAY, s->ep, s->label, s->queue.waiting.count, (uint64_t)s->ep);
		bdev_count.replayed += s->replayed;
	}
	s->replayed = 0;
	server_pump(s);
}

/* ---- replies ---- */

static bool info_valid(const struct blk_info *i)
{
	return i->sectors <= UINT64_MAX / BLK_SECTOR && i->max_bytes >= BLK_SECTOR &&
	       i->max_bytes % BLK_SECTOR == 0 && i->max_elements >= 1 && i->queue_depth >= 1 &&
	       i->replicas >= 1 && i->replicas <= UINT8_MAX;
}

static void take_info(struct bdev *b)
{
	struct blk_info info;

	memcpy(&info, &b->info_buf, sizeof(info)); /* the copy is what is checked and kept */
	if (!info_valid(&info)) {
		server_complain(b->server, RULE_R4, b->unit, 0);
		b->refused = -EIO;
		return;
	}
	if (info.max_bytes > BLK_REQUEST_MAX)
		info.max_bytes = BLK_REQUEST_MAX;
	if (info.max_elements > BLK_ELEMENTS_MAX)
		info.max_elements = BLK_ELEMENTS_MAX;
	info.model[sizeof(info.model) - 1] = info.serial[sizeof(info.serial) - 1] = '\0';
	if (b->has_info && !unit_is_same_medium(b, &info)) {
		sys_log("blockdev: %s is another one (%s %s, %llu sectors): refused\n", b->name,
		        info.model, info.serial, (unsigned long long)info.sectors);
		b->refused = -ENXIO;
		return;
	}
	b->info = info;
	b->has_info = true;
}

static void unit_reply(struct server *s, struct bdev *b, int result)
{
	if (b->state != UNIT_OPENING)
		return;
	if (result < 0 && b->refused == 0)
		b->refused = result;
	if (--b->replies_left > 0)
		return;
	if (b->refused == 0)
		take_info(b);
	b->state = b->refused == 0 ? UNIT_OPEN : UNIT_REFUSED;
	if (b->refused == -ENXIO)
		unit_medium_left(b);
	if (b->events.opened != NULL)
		b->events.opened(b->ctx, b, b->refused);
	if (!b->is_used || b->state != UNIT_REFUSED)
		return;
	server_fail_waiting(s, b, -EIO);
	if (b->is_used && b->was_named && b->state == UNIT_REFUSED)
		server_open_unit(s, b, false);
}

static void attach_reply(struct server *s, const struct blk_rep *rep)
{
	if (s->state != SERVER_ATTACHING)
		return;
	if (rep->result < 0) {
		sys_log("blockdev: %s refused a session: error %d\n", s->label, -rep->result);
		server_lost(s, false);
		return;
	}
	s->session = rep->value;
	setup(s);
}

static void dispatch_reply(struct server *s, const struct control *c, const struct blk_rep *rep)
{
	if (c->type == BLK_ATTACH)
		attach_reply(s, rep);
	else if (c->type == BLK_ARENA && s->arenas_left > 0)
		s->arenas_left--;
	if (c->type == BLK_ARENA && rep->result < 0)
		sys_log("blockdev: %s refused an arena: error %d\n", s->label, -rep->result);
	if ((c->type == BLK_OPEN || c->type == BLK_GETINFO) && c->bdev != NULL)
		unit_reply(s, c->bdev, rep->result);
}

void server_reply(struct server *s, const struct msg *m)
{
	struct control c = {.id = 0};
	struct blk_rep rep;
	unsigned left = 0;

	msg_get(m, &rep);
	for (unsigned i = 0; i < CONTROLS_MAX; i++) {
		if (rep.id != 0 && s->controls[i].id == rep.id &&
		    s->controls[i].type == (m->type & ~MSG_REPLY)) {
			c = s->controls[i];
			s->controls[i] = (struct control){.id = 0};
		}
		left += s->controls[i].id != 0;
	}
	if (c.id == 0)
		return; /* of an earlier session */
	s->t_control_ns = left > 0 ? now_ns() + bdev_cfg.deadline_ns : 0;
	if (rep.result == -ERESTART && c.type != BLK_CLOSE) {
		server_lost(s, false); /* it does not know the session: attach again */
		s->t_retry_ns = now_ns();
		return;
	}
	dispatch_reply(s, &c, &rep);
	if (c.is_setup && s->setup_left > 0)
		s->setup_left--;
	if (s->state == SERVER_SETUP && s->setup_left == 0)
		come_up(s);
	else
		server_pump(s);
}

/* ---- the end of a session ---- */

static void fail_killers(struct server *s, struct bdev_io *killers)
{
	struct bdev_io *next;

	for (struct bdev_io *io = killers; io != NULL; io = next) {
		next = io->next;
		io->next = NULL;
		bdev_count.quarantined++;
		log_event(EV_QUARANTINE, s->ep, s->label, io->id, io->deaths);
		sys_log("blockdev: request %u of %s (op %u, sector %llu) killed %s %u times: EIO\n",
		        io->id, io->bdev->name, io->op, (unsigned long long)io->sector, s->label,
		        io->deaths);
		bdev_finish(io, -EIO);
	}
}

static void units_lost(struct server *s)
{
	for (unsigned i = 0; i < BDEV_UNITS_MAX; i++) {
		struct bdev *b = &bdev_units[i];
		bool was_open = b->state == UNIT_OPEN;

		if (!b->is_used || b->server != s)
			continue;
		if (b->state == UNIT_CLOSING) { /* the close is done: the session is gone */
			server_fail_waiting(s, b, -ECANCELED);
			continue;
		}
		b->state = UNIT_KNOWN;
		b->restarts_seen = 0;
		if (was_open && b->events.lost != NULL)
			b->events.lost(b->ctx, b);
	}
}

static void drop_grants(struct server *s, bool is_death)
{
	arena_take_back(&s->region_grant, is_death);
	server_drop_arena_grants(s, is_death);
}

void server_lost(struct server *s, bool is_death)
{
	if (s->state == SERVER_WAITING)
		return;
	if (is_death)
		bdev_count.deaths++;
	set_state(s, SERVER_WAITING);
	sys_asend_cancel(s->ep);
	memset(s->controls, 0, sizeof(s->controls));
	s->setup_left = s->arenas_left = 0;
	s->t_control_ns = 0;
	s->want_poll = s->has_requests = false;
	drop_grants(s, is_death);
	s->replayed += is_death ? bqueue_death(&s->queue) : bqueue_unsend_all(&s->queue);
	s->t_retry_ns = is_death ? 0 : now_ns() + RETRY_LATE_NS;
	if (bdev_cfg.offline_ns != BDEV_FOREVER)
		s->t_offline_ns = now_ns() + bdev_cfg.offline_ns;
	units_lost(s);
}

void server_judge(struct server *s, uint32_t cause)
{
	unsigned points = BDEV_BLAME_HARD;

	/* A death that somebody brought about says nothing about what was pending, nor does it make
	 * the server one that does not come back, however often that happens. */
	if (cause == CAUSE_SIGNAL || cause == CAUSE_UPDATE) {
		points = 0;
		if (s->t_offline_ns != 0)
			s->t_offline_ns = now_ns() + bdev_cfg.offline_ns;
	} else if (cause == CAUSE_HEARTBEAT || cause == CAUSE_INIT) {
		points = BDEV_BLAME_SOFT;
	}
	fail_killers(s, bqueue_judge(&s->queue, points, cause == CAUSE_COMPLAINT));
}

void server_dead(struct server *s)
{
	server_lost(s, true);
	s->ep = EP_NONE;
}
