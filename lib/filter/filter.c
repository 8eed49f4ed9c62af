/* SPDX-License-Identifier: BSD-2-Clause */
/* Skeleton of block filters: start, and what the main loop does for them. See filter.h. */
#include <stdlib.h>
#include "filter/filter_impl.h"

static const struct filter *self;

static void fiber_panic(const char *why)
{
	sys_panic("%s", why);
}

static int init(void)
{
	struct bserver_config config = {.ops = self->ops != NULL ? self->ops
	                                                         : filter_single_ops(self->submit),
	                                .maps_arenas = self->maps_arenas,
	                                .queue_depth = self->queue_depth};
	int r;

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

static uint64_t activity(void)
{
	struct bserver_stats upper;
	struct bdev_stats lower;

	bserver_get_stats(&upper);
	bdev_get_stats(&lower);
	return upper.accepted + upper.completed + lower.submitted + lower.completed + lower.failed;
}

static void before_halves(void)
{
	if (self->idle != NULL)
		self->idle();
	fiber_run_queued();
}

void filter_main(int argc, char **argv, const struct filter *f)
{
	const struct filter_spec spec = {.name = f->name,
	                                 .options = f->options,
	                                 .lowers_min = f->lowers_min,
	                                 .lowers_max = f->lowers_max,
	                                 .configure = f->configure};
	const struct filter_loop loop = {.server = &bserver_half,
	                                 .client = &bdev_half,
	                                 .init = init,
	                                 .activity = activity,
	                                 .before_halves = before_halves,
	                                 .after_halves = fiber_run_queued,
	                                 .status = f->status,
	                                 .control = f->control};

	self = f;
	filter_run(argc, argv, &spec, &loop);
}
