/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long requests and commands may take.
 *
 * Each request has a limit that is shorter than its client's patience (B8), and it fails at the limit if
 * something is wrong: a port that is not READY, careful ones that take long. (Waiting long for a slow device is nothing
 * wrong.) Each command has a deadline. A careful one gets its share of the time that is left, and lets the others go first
 * when that was not enough: so one which always hangs leaves enough for the others, and a device
 * that stands still for some seconds costs nobody anything.
 */
#include "ahci.h"

#define COMMAND_NS      2000000000ull /* a first try */
#define CAREFUL_MOST_NS 2500000000ull
#define CAREFUL_MIN_NS  1000000000ull
#define LAST_TRY_NS     200000000ull /* with less left none is made */
#define FLUSH_NS        12000000000ull
/* Clients wait 5 s; six times that for FLUSH and FUA, and what stands behind them. */
#define LIMIT_NS        4500000000ull
#define SLOW_LIMIT_NS   27000000000ull
#define LOOK_NS         500000000ull /* between looks at what is active: interrupts get lost */

static bool is_slow(const struct bserver_request *r)
{
	return r->op == BLK_FLUSH || (r->flags & BLK_REQ_FUA);
}

static void hurry(struct job *j, uint64_t limit)
{
	if (j->t_limit_ns > limit)
		j->t_limit_ns = limit;
}

/* A FLUSH is done: what stood behind it, up to the next one, has no excuse any more. */
static void hurry_all(struct port *p)
{
	uint64_t limit = now_ns() + LIMIT_NS;

	for (unsigned slot = 0; slot < SLOTS_MAX; slot++)
		if (p->jobs[slot] != NULL && !is_slow(p->jobs[slot]->r))
			hurry(p->jobs[slot], limit);
	for (struct job *j = p->wait_head; j != NULL && !is_slow(j->r); j = j->next)
		hurry(j, limit);
}

void deadline_submit(struct port *p, struct job *j)
{
	j->t_limit_ns = j->r->t_start_ns + (is_slow(j->r) ? SLOW_LIMIT_NS : LIMIT_NS);
	if (is_slow(j->r)) {
		p->slow_left++;
		p->t_slow_limit_ns = j->t_limit_ns;
	} else if (p->slow_left > 0 && j->t_limit_ns < p->t_slow_limit_ns) {
		j->t_limit_ns = p->t_slow_limit_ns;
	}
}

void deadline_done(struct port *p, const struct bserver_request *r)
{
	if (!is_slow(r))
		return;
	p->slow_left--;
	hurry_all(p);
}

uint64_t deadline_first_limit(const struct port *p)
{
	uint64_t first = 0;

	for (const struct job *j = p->wait_head; j != NULL; j = j->next)
		first = ns_earlier(first, j->t_limit_ns);
	return first;
}

/* ---- commands ---- */

/* How long the job's next command may take. */
static uint64_t patience(const struct port *p, const struct job *j, uint64_t now)
{
	uint64_t left = j->t_limit_ns > now + LAST_TRY_NS ? j->t_limit_ns - now : LAST_TRY_NS;
	uint64_t most = j->is_flush ? FLUSH_NS : COMMAND_NS;

	if (!j->is_careful)
		return most;
	if (!j->is_flush) {
		most = left / p->careful_left;
		most = most < CAREFUL_MIN_NS ? CAREFUL_MIN_NS : most;
		most = most > CAREFUL_MOST_NS ? CAREFUL_MOST_NS : most;
	}
	return most < left ? most : left;
}

bool deadline_allows_retry(const struct job *j, uint64_t now)
{
	return now + LAST_TRY_NS <= j->t_limit_ns;
}

/* (IDENTIFY is watched by its state.) */
void deadline_issue(struct port *p, unsigned slot, const struct job *j)
{
	uint64_t now = now_ns(), look = now + LOOK_NS;

	p->t_deadline_ns[slot] = now + patience(p, j, now);
	if (look > p->t_deadline_ns[slot])
		look = p->t_deadline_ns[slot];
	p->t_look_ns = ns_earlier(p->t_look_ns, look);
}

bool deadline_has_passed(const struct port *p, uint64_t now)
{
	for (unsigned slot = 0; slot < SLOTS_MAX; slot++) {
		if (!(p->active & 1u << slot) || now < p->t_deadline_ns[slot])
			continue;
		sys_log("ahci: port %u: command in slot %u timed out\n", p->number, slot);
		return true;
	}
	return false;
}

void deadline_plan_look(struct port *p, uint64_t now)
{
	p->t_look_ns = p->active != 0 ? now + LOOK_NS : 0;
	for (unsigned slot = 0; slot < SLOTS_MAX; slot++)
		if (p->active & 1u << slot && p->t_deadline_ns[slot] < p->t_look_ns)
			p->t_look_ns = p->t_deadline_ns[slot];
}
