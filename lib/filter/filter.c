/* SPDX-License-Identifier: BSD-2-Clause */
/* Skeleton of block filters: arguments and main loop. See filter.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "filter/filter_impl.h"

static const struct filter *self;
static struct stack_options arguments;
static uint64_t alarm_set_ns;
static bool is_settled;
static bool is_restart;

/* ---- arguments ---- */

int filter_usage(const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	sys_log("%s: %s\n", self->name, text);
	return -EINVAL;
}

unsigned filter_lower_count(void)
{
	unsigned count = 0;

	while (stack_option(&arguments, "lower", count) != NULL)
		count++;
	return count;
}

const char *filter_lower(unsigned i)
{
	return stack_option(&arguments, "lower", i);
}

const char *filter_unit(void)
{
	return stack_option(&arguments, "unit", 0);
}

bool filter_is_restart(void)
{
	return is_restart;
}

static bool is_known(const char *word)
{
	static const char *const common[] = {"label", "unit", "lower", NULL};

	for (unsigned i = 0; common[i] != NULL; i++) {
		if (strcmp(word, common[i]) == 0)
			return true;
	}
	for (unsigned i = 0; self->options != NULL && self->options[i] != NULL; i++) {
		if (strcmp(word, self->options[i]) == 0)
			return true;
	}
	return false;
}

static int check_arguments(void)
{
	unsigned lowers = filter_lower_count();

	for (int i = 1; i < arguments.argc; i += 2) {
		const char *word = arguments.argv[i];

		if (word[0] != '-' || !is_known(word + 1))
			return filter_usage("'%s' is not an argument of this filter", word);
		if (i + 1 == arguments.argc)
			return filter_usage("'%s' has no value", word);
	}
	if (filter_unit() == NULL)
		return filter_usage("-unit is missing");
	if (lowers < self->lowers_min || lowers > self->lowers_max)
		return filter_usage("takes %u to %u units below it, not %u", self->lowers_min,
		                    self->lowers_max, lowers);
	return self->configure == NULL ? 0 : self->configure(&arguments);
}

int filter_option(const struct stack_options *o, const struct filter_number *n, uint64_t *value)
{
	uint64_t found = 0;
	int r = stack_option_number(o, n->name, n->kind, &found);

	if (r == -ENOENT)
		return 0;
	if (r != 0 || found < n->min || found > n->max)
		return filter_usage("%s=%s: expected a value from %llu to %llu", n->name,
		                    stack_option(o, n->name, 0), (unsigned long long)n->min,
		                    (unsigned long long)n->max);
	*value = found;
	return 0;
}

/* ---- main loop ---- */

static void fiber_panic(const char *why)
{
	sys_panic("%s", why);
}

static int init(const struct sys_init *how)
{
	struct bserver_config config = {.ops = self->ops != NULL ? self->ops
	                                                         : filter_single_ops(self->submit),
	                                .maps_arenas = self->maps_arenas,
	                                .queue_depth = self->queue_depth};
	int r;

	is_restart = how->how != SYS_INIT_FIRST;
	bserver_init(&config);
	if (self->fibers > 0) {
		void *pool = aligned_alloc(PAGE_BYTES,
		                           (fiber_pool_bytes(self->fibers) + PAGE_BYTES - 1) &
		                                   ~(PAGE_BYTES - 1));

		if (pool == NULL)
			return -ENOMEM;
		fiber_pool_init(pool, self->fibers, fiber_panic);
	}
	r = self->start == NULL ? 0 : self->start();
	if (r == 0 && self->ops == NULL)
		r = filter_single_open();
	return r != 0 ? r : bserver_publish(filter_unit(), FILTER_UNIT);
}

static void message(const struct msg *m, enum ipc_primitive how)
{
	if (!bserver_message(m, how) && !bdev_message(m))
		sys_violation(m->source, VIOL_REQUEST, m->type);
}

static void doorbell(endpoint_t from)
{
	/* The same process may be above and below. */
	bool is_upper = bserver_doorbell(from);

	if (!bdev_doorbell(from) && !is_upper)
		sys_violation(from, VIOL_REQUEST, 0);
}

static void ds_change(const struct ds_change *c)
{
	(void)bdev_ds_change(c);
}

static void alarm(uint64_t now)
{
	alarm_set_ns = 0;
	bdev_alarm(now);
	filter_run_timers(now);
}

static void set_alarm(void)
{
	uint64_t at = bdev_next_deadline();
	uint64_t timer = filter_next_timer();

	if (timer != 0 && (at == 0 || timer < at))
		at = timer;
	if (!is_settled)
		at = 1; /* at once, after the messages that wait */
	if (at == alarm_set_ns)
		return;
	alarm_set_ns = at;
	if (k_setalarm(at) != 0)
		sys_log("%s: the alarm cannot be set\n", self->name);
}

#define ROUNDS_MAX 32

static uint64_t activity(void)
{
	struct bserver_stats upper;
	struct bdev_stats lower;

	bserver_get_stats(&upper);
	bdev_get_stats(&lower);
	return upper.accepted + upper.completed + lower.submitted + lower.completed + lower.failed;
}

/* Completions from below complete requests above, whose clients send new ones, which go below:
 * until a round changes nothing, so that no doorbell is owed when we sleep. */
static bool settle(void)
{
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		uint64_t before = activity();

		if (self->idle != NULL)
			self->idle();
		fiber_run_queued();
		bdev_idle();
		bserver_idle();
		fiber_run_queued();
		if (activity() == before)
			return true;
	}
	return false;
}

static void idle(void)
{
	is_settled = settle();
	set_alarm();
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
	int used = snprintf(buf, len, "filter=%s\nunit=%s\n", self->name, filter_unit());

	if (unit != FILTER_UNIT)
		return -ENXIO;
	if (used < 0 || (size_t)used >= len)
		return 0;
	if (self->status != NULL)
		used += self->status(buf + used, len - (size_t)used);
	if ((size_t)used < len)
		used += bserver_status_text(buf + used, len - (size_t)used);
	if ((size_t)used < len)
		used += bdev_status_text(buf + used, len - (size_t)used);
	return (size_t)used < len ? used : (int)len;
}

void filter_main(int argc, char **argv, const struct filter *f)
{
	static const struct sys_component component = {.init = init,
	                                               .message = message,
	                                               .doorbell = doorbell,
	                                               .alarm = alarm,
	                                               .ds_change = ds_change,
	                                               .idle = idle,
	                                               .status = status,
	                                               .control = control};

	self = f;
	arguments = (struct stack_options){argc, argv};
	if (check_arguments() != 0)
		exit(1);
	sys_main(&component);
}
