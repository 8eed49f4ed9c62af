/* SPDX-License-Identifier: BSD-2-Clause */
/* Time and blame in the client half: how long a request may take, what is overdue, complaints. */
#include <string.h>

#include "blockdev/client.h"

#define FLUSH_PATIENCE 6            /* deadlines of FLUSH and FUA are so many times longer */
#define DOUBLINGS_MAX  3            /* of the deadline of a request that was overdue */
#define TICK_NS        250000000ull /* deadlines are rounded up to this, so that alarms are rare */

/* Disks may take many seconds to empty their caches. What was overdue once may be so because the whole
 * machine is slow: the next incarnation gets more time for it. */
uint64_t server_patience(const struct bdev_io *io)
{
	unsigned doublings = io->times_overdue < DOUBLINGS_MAX ? io->times_overdue : DOUBLINGS_MAX;

	return (bdev_cfg.deadline_ns << doublings) * (bqueue_is_slow(io) ? FLUSH_PATIENCE : 1);
}

/* ---- complaints ---- */

void server_accuse(struct server *s, enum proto_rule rule, struct bdev_io *io)
{
	io->is_accused = 1;
	server_complain(s, rule, io->bdev->unit, io->id);
}

void server_complain(struct server *s, enum proto_rule rule, uint32_t unit, uint32_t request)
{
	bdev_count.violations++;
	sys_complain(s->ep, rule, unit, request, s->label, strlen(s->label));
}

void bdev_complain(struct bdev *b, enum proto_rule rule, const struct bdev_io *io,
                   const void *evidence, size_t len)
{
	bdev_count.violations++;
	sys_complain(b->server->ep, rule, b->unit, io != NULL ? io->id : 0, evidence, len);
}

/* ---- deadlines ---- */

static void check_deadlines(struct server *s, uint64_t now)
{
	struct bdev_io *io;

	if (s->state == SERVER_WAITING) {
		if (s->ep != EP_NONE && s->t_retry_ns != 0 && now >= s->t_retry_ns)
			server_attach(s);
		if (s->t_offline_ns != 0 && now >= s->t_offline_ns) {
			s->t_offline_ns = 0;
			server_fail_waiting(s, NULL, -EIO);
		}
		return;
	}
	if (s->t_control_ns != 0 && now >= s->t_control_ns) {
		server_complain(s, RULE_B8, 0, 0);
		server_lost(s, false);
		return;
	}
	while ((io = bqueue_overdue(&s->queue, now, now + FLUSH_PATIENCE * bdev_cfg.deadline_ns)) !=
	       NULL) {
		bdev_count.overdue++;
		if (io->times_overdue < UINT8_MAX)
			io->times_overdue++;
		server_accuse(s, RULE_B8, io);
	}
}

void bdev_alarm(uint64_t now)
{
	for (unsigned i = 0; i <= BDEV_SERVERS_MAX; i++)
		if (bdev_servers[i].is_used)
			check_deadlines(&bdev_servers[i], now);
}

uint64_t bdev_next_deadline(void)
{
	uint64_t soonest = 0, exact = 0;

	for (unsigned i = 0; i <= BDEV_SERVERS_MAX; i++) {
		const struct server *s = &bdev_servers[i];

		if (!s->is_used)
			continue;
		if (s->want_poll)
			return now_ns();
		soonest = ns_earlier(soonest, s->t_control_ns);
		if (s->state == SERVER_WAITING) {
			soonest = ns_earlier(soonest, s->t_offline_ns);
			if (s->ep != EP_NONE)
				exact = ns_earlier(exact, s->t_retry_ns);
		} else if (s->queue.sent.head != NULL) {
			soonest = ns_earlier(soonest, s->queue.sent.head->t_deadline_ns);
		}
	}
	if (soonest != 0)
		soonest = (soonest + TICK_NS - 1) / TICK_NS * TICK_NS;
	return ns_earlier(soonest, exact);
}
