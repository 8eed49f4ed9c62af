/* SPDX-License-Identifier: BSD-2-Clause */
/* See machine_model.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "tests/unit/servers/rs/machine_model.h"

struct component c;
char trace[1024];
uint64_t now;
static endpoint_t next_ep;
bool deps, has_script;
int spawn_error, silence_error, settled;

static void note(const char *fmt, int arg)
{
	size_t len = strlen(trace);

	snprintf(trace + len, sizeof(trace) - len, len > 0 ? " " : "%s", "");
	len = strlen(trace);
	snprintf(trace + len, sizeof(trace) - len, fmt, arg);
}

uint64_t act_now(void)
{
	return now;
}
bool act_deps_ready(const struct component *x)
{
	(void)x;
	return deps;
}
int act_spawn(struct component *x, struct process *p, bool is_spare)
{
	(void)x;
	(void)is_spare;
	if (spawn_error != 0)
		return spawn_error;
	p->ep = next_ep++;
	p->pid = 1;
	note("spawn%d", p->ep);
	return 0;
}
int act_assign(struct component *x, endpoint_t ep)
{
	(void)x;
	note("assign%d", ep);
	return 0;
}
int act_start(endpoint_t ep)
{
	note("start%d", ep);
	return 0;
}
int act_start_standby(endpoint_t ep)
{
	note("standby%d", ep);
	return 0;
}
int act_init(struct component *x, uint32_t how)
{
	(void)x;
	note("init:%d", (int)how);
	return 0;
}
int act_claim(struct component *x)
{
	note("claim%d", x->life.now.ep);
	return 0;
}
int act_silence(struct component *x)
{
	(void)x;
	note("silence", 0);
	return silence_error;
}
void act_release(struct component *x)
{
	(void)x;
	note("release", 0);
}
int act_publish(struct component *x)
{
	note("publish%d", x->life.now.ep);
	return 0;
}
void act_unpublish(struct component *x)
{
	(void)x;
	note("unpublish", 0);
}
void act_shutdown(struct component *x)
{
	(void)x;
	note("shutdown", 0);
}
void act_kill(endpoint_t ep)
{
	note("kill%d", ep);
}
void act_bury(struct component *x, endpoint_t ep)
{
	(void)x;
	note("bury%d", ep);
}
void act_ping(struct component *x)
{
	(void)x;
	note("ping", 0);
}
bool act_script(struct component *x)
{
	(void)x;
	note("script", 0);
	return has_script;
}
void act_event(const struct component *x, enum event_kind kind, uint64_t a, uint64_t b)
{
	(void)x;
	(void)kind;
	(void)a;
	(void)b;
}
void act_settled(struct component *x, int result)
{
	(void)x;
	settled = result;
}
void act_running(struct component *x)
{
	(void)x;
}
int set_up(void **state)
{
	(void)state;
	memset(&c, 0, sizeof(c));
	machine_init(&c);
	c.life.is_guarded = true;
	c.life.init_ns = 1000 * MS;
	c.life.stop_ns = 1000 * MS;
	backoff_defaults(&c.life.delays);
	trace[0] = '\0';
	now = 1000 * MS;
	next_ep = 70;
	deps = true;
	has_script = false;
	spawn_error = silence_error = 0;
	settled = 99;
	return 0;
}
