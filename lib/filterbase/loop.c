/* SPDX-License-Identifier: BSD-2-Clause */
/* Main loop of filters. See filterbase.h. */
#include <stdio.h>
#include <stdlib.h>
#include "filterbase/filterbase.h"
#include "sys/sys.h"

#define ROUNDS_MAX 32

static const struct filter_loop *self;
static const char *name;
static bool is_restart;

bool filter_is_restart(void)
{
	return is_restart;
}

static int init(const struct sys_init *how)
{
	is_restart = how->how != SYS_INIT_FIRST;
	return self->init();
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	if (self->server->message(m, how) || self->client->message(m))
		return;
	if (self->message == NULL || !self->message(m, how))
		sys_violation(m->source, VIOL_REQUEST, m->type);
}

static void doorbell(endpoint_t from)
{
	/* The same process may be above and below. */
	bool is_upper = self->server->doorbell(from);

	if (!self->client->doorbell(from) && !is_upper)
		sys_violation(from, VIOL_REQUEST, 0);
}

static void ds_change(const struct ds_change *c)
{
	(void)self->client->ds_change(c);
}

static void alarm(uint64_t now)
{
	self->client->alarm(now);
	filter_alarm(now);
}

/* Completions from below complete requests above, whose clients send new ones, which go below:
 * until a round changes nothing, so that no doorbell is owed when we sleep. */
static bool settle(void)
{
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		uint64_t before = self->activity();

		if (self->before_halves != NULL)
			self->before_halves();
		self->client->idle();
		self->server->idle();
		if (self->after_halves != NULL)
			self->after_halves();
		if (self->activity() == before)
			return true;
	}
	return false;
}

static void idle(void)
{
	/* If not settled: at once, after the messages that wait. */
	filter_set_alarm(settle() ? self->client->next_deadline() : 1);
}

static int control(const char *command, char *buf, size_t len)
{
	return self->control == NULL ? -EOPNOTSUPP : self->control(command, buf, len);
}

static int status(char *buf, size_t len)
{
	return filter_status(FILTER_UNIT, buf, len);
}

int filter_status(unsigned unit, char *buf, size_t len)
{
	size_t used;

	if (unit != FILTER_UNIT)
		return -ENXIO;
	used = (size_t)snprintf(buf, len, "filter=%s\nunit=%s\n", name, filter_unit());
	if (used < len && self->status != NULL)
		used += (size_t)self->status(buf + used, len - used);
	if (used < len)
		used += (size_t)self->server->status_text(buf + used, len - used);
	if (used < len)
		used += (size_t)self->client->status_text(buf + used, len - used);
	return (int)(used < len ? used : len);
}

void filter_run(int argc, char **argv, const struct filter_spec *spec, const struct filter_loop *l)
{
	static const struct sys_component component = {.init = init,
	                                               .message = message,
	                                               .doorbell = doorbell,
	                                               .alarm = alarm,
	                                               .ds_change = ds_change,
	                                               .idle = idle,
	                                               .status = status,
	                                               .control = control};

	self = l;
	name = spec->name;
	if (filter_arguments(argc, argv, spec) != 0)
		exit(1);
	sys_main(&component);
}
