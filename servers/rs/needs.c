/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "needs net" of a policy: the first start of inet waits for a driver that serves a network, and for
 * filters that are about to start, because they say in ds which units they stand on. A machine
 * without network never starts it. Pure.
 */
#include "rs.h"

static bool is_coming(const struct component *c)
{
	return c->life.state == CS_WAITING || c->life.state == CS_CLAIMING ||
	       c->life.state == CS_STARTING;
}

/* A driver of the class runs, and what stands on drivers has said so in ds. */
static bool has_class(enum policy_class class)
{
	bool has_driver = false;

	for (unsigned i = 0; i < COMPONENTS_MAX; i++) {
		const struct component *o = &components[i];

		if (!o->is_used || o->is_fixed || o->policy.serves != class)
			continue;
		if (o->policy.kind == POLICY_FILTER && is_coming(o))
			return false;
		has_driver |= o->policy.kind == POLICY_DRIVER && o->life.state == CS_RUNNING;
	}
	return has_driver;
}

/* Once it has run, and when somebody asks for it, it comes without. */
bool needs_met(const struct component *c)
{
	if (c->life.cause != CAUSE_NONE || c->life.is_trial)
		return true;
	for (unsigned i = 0; i < POLICY_CLASSES; i++)
		if ((c->policy.needs >> i & 1) != 0 && !has_class((enum policy_class)i))
			return false;
	return true;
}
