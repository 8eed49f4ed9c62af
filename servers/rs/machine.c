/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a component: see machine.h for the drawing and the table. */
#include <errno.h>
#include "rs.h"

static const char *const state_names[CS_COUNT] = {
	[CS_DOWN] = "down",           [CS_WAITING] = "waiting", [CS_CLAIMING] = "claiming",
	[CS_STARTING] = "starting",   [CS_RUNNING] = "running", [CS_STOPPING] = "stopping",
	[CS_SILENCING] = "silencing", [CS_BACKOFF] = "backoff",
};

static const char *const cause_names[CAUSE_COUNT] = {
	[CAUSE_NONE] = "none",     [CAUSE_EXIT] = "exit",           [CAUSE_EXCEPTION] = "exception",
	[CAUSE_SIGNAL] = "signal", [CAUSE_HEARTBEAT] = "heartbeat", [CAUSE_COMPLAINT] = "complaint",
	[CAUSE_UPDATE] = "update", [CAUSE_INIT] = "init",
};

#define TO(s) (1u << (s))
/* Legal transitions. */
static const unsigned successors[CS_COUNT] = {
	[CS_DOWN] = TO(CS_WAITING),
	[CS_WAITING] =
		TO(CS_SILENCING) | TO(CS_CLAIMING) | TO(CS_STARTING) | TO(CS_BACKOFF) | TO(CS_DOWN),
	[CS_CLAIMING] = TO(CS_STARTING) | TO(CS_SILENCING) | TO(CS_BACKOFF) | TO(CS_DOWN),
	[CS_STARTING] = TO(CS_RUNNING) | TO(CS_SILENCING) | TO(CS_BACKOFF) | TO(CS_DOWN),
	[CS_RUNNING] = TO(CS_STOPPING) | TO(CS_SILENCING) | TO(CS_BACKOFF) | TO(CS_DOWN),
	[CS_STOPPING] = TO(CS_SILENCING) | TO(CS_BACKOFF) | TO(CS_DOWN),
	[CS_SILENCING] = TO(CS_BACKOFF) | TO(CS_DOWN),
	[CS_BACKOFF] = TO(CS_WAITING) | TO(CS_DOWN),
};

static void start_process(struct component *c);

const char *machine_state_name(enum comp_state s)
{
	return s < CS_COUNT ? state_names[s] : "?";
}

const char *machine_cause_name(enum rs_cause cause)
{
	return cause < CAUSE_COUNT ? cause_names[cause] : "?";
}

static void set_state(struct component *c, enum comp_state to, uint64_t timeout_ns)
{
	SYS_ASSERT(successors[c->life.state] & TO(to));
	c->life.state = to;
	c->life.deadline_ns = timeout_ns != 0 ? act_now() + timeout_ns : 0;
	c->life.heartbeat_ns = 0;
	c->life.unanswered = 0;
}

static bool is_alive(const struct life *l)
{
	return l->now.ep != EP_NONE;
}

void machine_init(struct component *c)
{
	c->life.state = CS_DOWN;
	c->life.now.ep = EP_NONE;
	c->life.standby.ep = EP_NONE;
}

/* ---- the end of a process ---- */

static void drop_standby(struct component *c)
{
	struct life *l = &c->life;

	l->standby_ns = 0;
	if (l->standby.ep == EP_NONE)
		return;
	act_kill(l->standby.ep);
	act_bury(c, l->standby.ep);
	l->standby.ep = EP_NONE;
}

static void go_down(struct component *c)
{
	struct life *l = &c->life;

	drop_standby(c);
	set_state(c, CS_DOWN, 0);
	act_unpublish(c);
	if (l->is_claimed)
		act_release(c);
	l->is_claimed = false;
	l->want_down = false;
	act_settled(c, l->last_error);
}

/* What somebody kills or replaces on purpose did not crash, once it had been ready. */
static bool is_deliberate(const struct life *l)
{
	return l->cause == CAUSE_UPDATE || (l->cause == CAUSE_SIGNAL && l->uptime_ns != 0);
}

static void enter_backoff(struct component *c)
{
	struct life *l = &c->life;
	uint64_t delay_ns = 0;

	if (!is_deliberate(l))
		delay_ns = backoff_crash(&l->backoff, &l->delays, l->uptime_ns);
	l->restarts++;
	set_state(c, CS_BACKOFF, delay_ns);
	if (l->has_script && l->cause != CAUSE_UPDATE && act_script(c)) {
		l->deadline_ns = act_now() + SCRIPT_TIMEOUT_NS;
		return;
	}
	if (delay_ns == 0)
		machine_go(c);
}

static void when_silent(struct component *c)
{
	if (c->life.want_down)
		go_down(c);
	else
		enter_backoff(c);
}

/* The process is dead: silence its devices before anything else. */
static void recover(struct component *c, enum rs_cause cause)
{
	struct life *l = &c->life;
	bool was_coming_up = l->state == CS_STARTING || l->state == CS_CLAIMING;

	l->cause = cause;
	l->detect_ns = act_now();
	c->causes[cause]++;
	act_event(c, EV_DETECT, cause, l->restarts);
	l->uptime_ns = l->up_since_ns != 0 ? l->detect_ns - l->up_since_ns : 0;
	l->up_since_ns = 0;
	act_bury(c, l->now.ep);
	l->now.ep = EP_NONE;
	if (was_coming_up) {
		if (l->last_error == 0)
			l->last_error = -EIO;
		act_settled(c, l->last_error);
	}
	if ((!l->is_guarded && cause != CAUSE_UPDATE) || l->is_trial)
		l->want_down = true;
	if (!l->is_claimed) {
		when_silent(c);
		return;
	}
	set_state(c, CS_SILENCING, SILENCE_TIMEOUT_NS);
	if (act_silence(c) != 0)
		l->last_error = -EIO; /* pci is not there: asked again by the timeout */
}

void machine_exited(struct component *c, enum rs_cause cause)
{
	struct life *l = &c->life;

	if (!is_alive(l))
		return;
	recover(c, l->state == CS_STOPPING ? CAUSE_UPDATE : cause);
}

void machine_condemn(struct component *c, enum rs_cause cause)
{
	if (!is_alive(&c->life))
		return;
	act_kill(c->life.now.ep);
	recover(c, cause);
}

void machine_standby_exited(struct component *c)
{
	struct life *l = &c->life;

	act_bury(c, l->standby.ep);
	l->standby.ep = EP_NONE;
	l->standby_ns = l->state == CS_RUNNING ? act_now() + STANDBY_RETRY_NS : 0;
}

void machine_silenced(struct component *c, unsigned devices)
{
	if (c->life.state != CS_SILENCING)
		return;
	act_event(c, EV_SILENCE, devices, 0);
	when_silent(c);
}

/* ---- the start of a process ---- */

static void start_failed(struct component *c, int error)
{
	c->life.last_error = error;
	if (is_alive(&c->life)) {
		machine_condemn(c, CAUSE_INIT);
		return;
	}
	act_settled(c, error);
	c->life.cause = CAUSE_INIT;
	c->life.uptime_ns = 0;
	if (c->life.is_guarded && !c->life.is_trial && !c->life.want_down)
		enter_backoff(c);
	else
		go_down(c);
}

static void launch(struct component *c)
{
	struct life *l = &c->life;
	uint32_t how = SYS_INIT_FIRST;
	int result = 0;

	if (l->cause != CAUSE_NONE)
		how = l->cause == CAUSE_UPDATE ? SYS_INIT_UPDATE : SYS_INIT_RESTART;
	set_state(c, CS_STARTING, l->init_ns);
	if (!l->was_started)
		result = act_start(l->now.ep);
	if (result == 0)
		result = act_init(c, how);
	if (result != 0)
		start_failed(c, result);
}

/* Takes the standby, or makes a process; it has the label's privileges when this succeeds. */
static int obtain_process(struct component *c)
{
	struct life *l = &c->life;
	int result;

	l->was_started = l->standby.ep != EP_NONE;
	if (l->was_started) {
		l->now = l->standby;
		l->standby.ep = EP_NONE;
	} else {
		result = act_spawn(c, &l->now, false);
		if (result != 0) {
			l->now.ep = EP_NONE;
			return result;
		}
	}
	l->standby_ns = 0;
	return act_assign(c, l->now.ep);
}

static void start_process(struct component *c)
{
	struct life *l = &c->life;
	int result = obtain_process(c);

	if (is_alive(l) && l->cause != CAUSE_NONE)
		act_event(c, EV_RESTART, l->was_started, 0);
	if (result == 0 && l->has_pci) {
		set_state(c, CS_CLAIMING, CLAIM_TIMEOUT_NS);
		result = act_claim(c);
	} else if (result == 0) {
		launch(c);
	}
	if (result != 0)
		start_failed(c, result);
}

void machine_claimed(struct component *c, int result, unsigned devices)
{
	struct life *l = &c->life;

	if (l->state != CS_CLAIMING)
		return;
	l->is_claimed = true;
	if (result == 0 && devices > 0) {
		launch(c);
		return;
	}
	l->last_error = result != 0 ? result : -ENODEV;
	l->want_down = l->want_down || devices == 0; /* nothing to drive: no use in trying again */
	act_kill(l->now.ep);
	act_bury(c, l->now.ep);
	l->now.ep = EP_NONE;
	when_silent(c);
}

void machine_ready(struct component *c, int status)
{
	struct life *l = &c->life;

	if (l->state != CS_STARTING)
		return;
	if (status == 0) {
		act_event(c, EV_READY, 0, 0);
		status = act_publish(c);
	}
	if (status != 0) {
		start_failed(c, status);
		return;
	}
	set_state(c, CS_RUNNING, 0);
	l->is_trial = false;
	l->ready_ns = act_now();
	l->up_since_ns = l->ready_ns;
	l->last_error = 0;
	if (l->period_ns != 0)
		l->heartbeat_ns = l->ready_ns + l->period_ns;
	if (l->wants_standby && l->standby.ep == EP_NONE)
		l->standby_ns = l->ready_ns + STANDBY_CALM_NS;
	act_settled(c, 0);
	act_running(c);
}

void machine_advance(struct component *c)
{
	if (c->life.state == CS_WAITING && act_deps_ready(c))
		start_process(c);
}

void machine_up(struct component *c)
{
	struct life *l = &c->life;

	l->want_down = false; /* one that is going down comes back when it is */
	if (l->state != CS_DOWN)
		return;
	l->restarts = 0;
	l->cause = CAUSE_NONE;
	l->last_error = 0;
	set_state(c, CS_WAITING, 0);
	machine_advance(c);
}

void machine_go(struct component *c)
{
	if (c->life.state != CS_BACKOFF)
		return;
	set_state(c, CS_WAITING, 0);
	machine_advance(c);
}

/* ---- requests of the administrator ---- */

void machine_down(struct component *c)
{
	struct life *l = &c->life;

	l->want_down = true;
	l->last_error = 0;
	switch (l->state) {
	case CS_DOWN: act_settled(c, 0); break;
	case CS_WAITING:
	case CS_BACKOFF: go_down(c); break;
	case CS_RUNNING:
		act_shutdown(c);
		set_state(c, CS_STOPPING, l->stop_ns);
		break;
	case CS_CLAIMING:
	case CS_STARTING: machine_condemn(c, CAUSE_UPDATE); break;
	case CS_STOPPING:
	case CS_SILENCING:
	case CS_COUNT: break; /* it ends there anyway */
	}
}

/* ---- time ---- */

void machine_alive(struct component *c)
{
	c->life.unanswered = 0;
}

static void heartbeat(struct component *c)
{
	struct life *l = &c->life;

	if (l->unanswered > 0)
		act_event(c, EV_HEARTBEAT, l->unanswered, 0);
	if (l->unanswered >= HEARTBEATS_MISSED_MAX) {
		machine_condemn(c, CAUSE_HEARTBEAT);
		return;
	}
	l->unanswered++;
	l->heartbeat_ns = act_now() + l->period_ns;
	act_ping(c);
}

static void make_standby(struct component *c)
{
	struct life *l = &c->life;
	struct process p;

	l->standby_ns = 0;
	if (act_spawn(c, &p, true) != 0) {
		l->standby_ns = act_now() + STANDBY_RETRY_NS;
		return;
	}
	if (act_start_standby(p.ep) != 0) {
		act_kill(p.ep);
		act_bury(c, p.ep);
		l->standby_ns = act_now() + STANDBY_RETRY_NS;
		return;
	}
	l->standby = p;
}

/* The next incarnation is loaded before this one stops, from the binary that is wanted now. */
void machine_replace(struct component *c)
{
	struct life *l = &c->life;

	if (l->state == CS_BACKOFF) {
		machine_go(c);
	} else if (l->state == CS_RUNNING) {
		drop_standby(c);
		make_standby(c);
		act_shutdown(c);
		set_state(c, CS_STOPPING, l->stop_ns);
	}
}

void machine_ask_pci_again(struct component *c)
{
	if (c->life.state == CS_SILENCING)
		c->life.last_error = act_silence(c);
	else if (c->life.state == CS_CLAIMING)
		c->life.last_error = act_claim(c);
}

static void state_timeout(struct component *c)
{
	struct life *l = &c->life;

	l->deadline_ns = 0;
	switch (l->state) {
	case CS_CLAIMING:
	case CS_STARTING:
		l->last_error = -ETIMEDOUT;
		machine_condemn(c, CAUSE_INIT);
		break;
	case CS_STOPPING: machine_condemn(c, CAUSE_UPDATE); break;
	case CS_SILENCING:
		l->deadline_ns = act_now() + SILENCE_TIMEOUT_NS;
		if (act_silence(c) != 0)
			l->last_error = -EIO; /* pci is not there; it is asked again */
		break;
	case CS_BACKOFF: machine_go(c); break;
	case CS_DOWN:
	case CS_WAITING:
	case CS_RUNNING:
	case CS_COUNT: break; /* have no deadline */
	}
}

static bool is_due(uint64_t t_ns)
{
	return t_ns != 0 && t_ns <= act_now();
}

void machine_tick(struct component *c)
{
	struct life *l = &c->life;

	if (is_due(l->deadline_ns))
		state_timeout(c);
	if (is_due(l->heartbeat_ns))
		heartbeat(c);
	if (l->state == CS_RUNNING && is_due(l->standby_ns))
		make_standby(c);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	if (a == 0 || (b != 0 && b < a))
		return b;
	return a;
}

uint64_t machine_next_ns(const struct component *c)
{
	const struct life *l = &c->life;
	uint64_t next = earlier(l->deadline_ns, l->heartbeat_ns);

	return l->state == CS_RUNNING ? earlier(next, l->standby_ns) : next;
}
