/* SPDX-License-Identifier: BSD-2-Clause */
/* Skeleton of block filters: main loop. See filter.h. */
#include <stdio.h>
#include <stdlib.h>
#include "filter/filter_impl.h"

static const struct filter *self;
static bool is_restart;

bool filter_is_restart(void)
{
	return is_restart;
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
	bdev_alarm(now);
	filter_alarm(now);
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
	/* If not settled: at once, after the messages that wait. */
	filter_set_alarm(settle() ? bdev_next_deadline() : 1);
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

	const struct filter_spec spec = {.name = f->name,
	                                 .options = f->options,
	                                 .lowers_min = f->lowers_min,
	                                 .lowers_max = f->lowers_max,
	                                 .configure = f->configure};

	self = f;
	if (filter_arguments(argc, argv, &spec) != 0)
		exit(1);
	sys_main(&component);
}
