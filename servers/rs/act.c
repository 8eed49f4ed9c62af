/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the state machine asks for, done with pm, ds, pci and the kernel. Calls to pm and ds are
 * synchronous: they are below rs (D6). Whatever goes to a component or to pci is an ASEND or
 * NOTIFY.
 *
 * Dead processes are reaped (their memory is freed) only after a while and never before their
 * devices are silent: the work must not delay the recovery, and a device may still write.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "rs.h"
#include "pciq.h"

#define BURY_DELAY_NS 30000000ull
#define BURY_TRIES    50

struct corpse {
	endpoint_t ep;
	struct component *c;
	uint64_t due_ns;
	unsigned tries;
};
static struct corpse corpses[CORPSES_MAX];
static unsigned corpse_count;

uint64_t act_now(void)
{
	return now_ns();
}

/* Drivers of PCI devices need pci; everything else finds its servers itself, by ds, and waits for
 * them only if its policy says so. */
bool act_deps_ready(const struct component *c)
{
	const struct component *pci;

	if (!needs_met(c))
		return false;

	if (!c->life.has_pci)
		return true;
	pci = table_find("pci");
	return pci != NULL && pci->life.state == CS_RUNNING;
}

static int pm_call(uint32_t type, endpoint_t ep)
{
	struct pm_ep req = {ep};
	struct pm_rep rep = {0};
	int result = sys_call(EP_PM, type, &req, &rep);

	return result != 0 ? result : rep.result;
}

/* A spare's name differs by the last letter, so that people who kill by name get the component. */
static void process_name(const struct component *c, char name[PM_NAME_MAX], bool is_spare)
{
	snprintf(name, PM_NAME_MAX, "%.*s%s", PM_NAME_MAX - 2, c->program, is_spare ? "+" : "");
}

/* After the restart, where it delays nobody. */
static void name_promoted(const struct component *c)
{
	struct pm_rename req = {.ep = c->life.now.ep};
	struct pm_rep rep = {0};

	process_name(c, req.name, false);
	if (sys_call(EP_PM, PM_RENAME, &req, &rep) != 0 || rep.result != 0)
		sys_log("%s keeps the name of a spare", c->label);
}

int act_spawn(struct component *c, struct process *p, bool is_spare)
{
	struct pm_spawn req = {.argc = c->args.count,
	                       .args_addr = (uint64_t)(uintptr_t)c->args.text,
	                       .args_bytes = c->args.bytes,
	                       .uid = c->policy.uid};
	struct pm_spawn_rep rep = {0};
	int result;

	if (c->image == NULL)
		return -ENOENT;
	req.image = c->image->id;
	process_name(c, req.name, is_spare);
	result = sys_call(EP_PM, PM_SPAWN, &req, &rep);
	if (result == 0)
		result = rep.result;
	if (result != 0)
		return result;
	p->ep = rep.ep;
	p->pid = rep.pid;
	result = k_sched(SCHED_SET, p->ep, c->policy.priority, c->policy.quantum_us);
	if (result < 0) {
		act_kill(p->ep);
		act_bury(c, p->ep);
	}
	return result < 0 ? result : 0;
}

int act_assign(struct component *c, endpoint_t ep)
{
	int result = k_privctl(PRIVCTL_ASSIGN, ep, &c->priv_id);

	return result < 0 ? result : 0;
}

int act_start(endpoint_t ep)
{
	return pm_call(PM_START, ep);
}

int act_start_standby(endpoint_t ep)
{
	uint32_t id = PRIV_ID_STANDBY;
	int result = k_privctl(PRIVCTL_ASSIGN, ep, &id);

	return result < 0 ? result : pm_call(PM_START, ep);
}

int act_init(struct component *c, uint32_t how)
{
	struct sys_init init = {.how = how, .restarts = c->life.restarts};
	struct msg m;

	memcpy(init.label, c->label, LABEL_MAX);
	msg_put(&m, SYS_INIT, &init);
	return sys_asend(c->life.now.ep, &m);
}

int act_claim(struct component *c)
{
	return pciq_claim(c);
}

int act_silence(struct component *c)
{
	return pciq_silence(c);
}

void act_release(struct component *c)
{
	if (pciq_release(c) != 0)
		sys_log("pci does not know that %s gave up its devices", c->label);
}

/* ds keeps the name of a dead incarnation until this very step: it is never missing. */
int act_publish(struct component *c)
{
	endpoint_t old = c->published;
	int result;

	/* Who opens it anew may have sunk below whoever computes just now. */
	if (old != EP_NONE && k_sched(SCHED_BOOST, c->life.now.ep, 0, 0) < 0)
		return -ESRCH;
	result = ds_publish_label(c->label, c->life.now.ep, c->life.cause);
	if (result != 0)
		return result;
	c->published = c->life.now.ep;
	act_event(c, EV_PUBLISH, (uint64_t)(uint32_t)old, (uint64_t)(uint32_t)c->published);
	return 0;
}

void act_unpublish(struct component *c)
{
	if (c->published != EP_NONE && ds_delete(c->label) != 0)
		sys_log("ds keeps the name %s", c->label);
	c->published = EP_NONE;
}

void act_shutdown(struct component *c)
{
	struct msg m;
	uint32_t nothing = 0;

	msg_put(&m, SYS_SHUTDOWN, &nothing);
	if (sys_asend(c->life.now.ep, &m) != 0)
		c->life.deadline_ns = act_now(); /* cannot be asked: it is killed */
}

void act_kill(endpoint_t ep)
{
	struct pm_kill req = {ep, SIGKILL};
	struct pm_rep rep = {0};

	if (sys_call(EP_PM, PM_KILL, &req, &rep) != 0)
		sys_log("pm does not answer to PM_KILL");
}

void act_ping(struct component *c)
{
	ipc_notify(c->life.now.ep); /* a dead one is found by its exit */
}

bool act_script(struct component *c)
{
	return waiters_script(c);
}

void act_event(const struct component *c, enum event_kind kind, uint64_t a, uint64_t b)
{
	log_event(kind, c->life.now.ep, c->label, a, b);
}

void act_settled(struct component *c, int result)
{
	waiters_settled(c, result);
}

static void count_recovery(struct component *c)
{
	struct life *l = &c->life;

	if (l->cause == CAUSE_NONE) {
		c->up_ns = l->ready_ns;
		return;
	}
	c->recoveries++;
	c->outage_ns = l->ready_ns - l->detect_ns;
	if (c->outage_ns > c->outage_max_ns)
		c->outage_max_ns = c->outage_ns;
}

void act_running(struct component *c)
{
	count_recovery(c);
	if (c->life.was_started)
		name_promoted(c);
	if (strcmp(c->label, "pci") != 0)
		return;
	pciq_reset();
	for (unsigned i = 0; i < COMPONENTS_MAX; i++) {
		if (!components[i].is_used || components[i].is_fixed)
			continue;
		machine_ask_pci_again(&components[i]);
		machine_advance(&components[i]);
	}
}

/* ---- corpses ---- */

void act_bury(struct component *c, endpoint_t ep)
{
	sys_asend_cancel(ep);
	if (corpse_count < CORPSES_MAX) {
		corpses[corpse_count++] = (struct corpse){ep, c, act_now() + BURY_DELAY_NS, 0};
		return;
	}
	sys_log("too many dead processes; endpoint %d is not reaped", ep);
}

bool corpse_is(endpoint_t ep)
{
	for (unsigned i = 0; i < corpse_count; i++)
		if (corpses[i].ep == ep)
			return true;
	return false;
}

/* True: it is gone, or given up. */
static bool try_reap(struct corpse *k)
{
	int result;

	if (k->c != NULL && k->c->is_used && k->c->life.state == CS_SILENCING) {
		k->due_ns = act_now() + BURY_DELAY_NS;
		return false;
	}
	result = pm_call(PM_REAP, k->ep);
	if (result == 0 || result == -ESRCH)
		return true;
	k->due_ns = act_now() + BURY_DELAY_NS;
	k->tries++;
	if (k->tries < BURY_TRIES)
		return false;
	sys_log("pm does not reap endpoint %d", k->ep);
	return true;
}

/* One at a time: reaping is long, and messages wait. */
void corpses_tick(void)
{
	uint64_t now = act_now();

	for (unsigned i = 0; i < corpse_count; i++) {
		if (corpses[i].due_ns > now)
			continue;
		if (try_reap(&corpses[i]))
			corpses[i] = corpses[--corpse_count];
		return;
	}
}

uint64_t corpses_next_ns(void)
{
	uint64_t next = 0;

	for (unsigned i = 0; i < corpse_count; i++)
		if (next == 0 || corpses[i].due_ns < next)
			next = corpses[i].due_ns;
	return next;
}
