/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "needs net" of a policy: the first start of inet waits for a driver that serves a network, and then for
 * filters that are about to start, because they say in ds which units they stand on. When no driver is to
 * be expected (the machine has no card, or net=none) it comes without: there is a loopback. Pure.
 */
#include "rs.h"

static bool is_coming(const struct component *c)
{
	return c->life.state == CS_WAITING || c->life.state == CS_CLAIMING ||
	       c->life.state == CS_STARTING;
}

/* A driver of the class runs, and what stands on drivers has said so in ds; or there is none. */
static bool is_settled(enum policy_class class)
{
	bool has_driver = false, has_coming_driver = false, has_coming_filter = false;

	for (unsigned i = 0; i < COMPONENTS_MAX; i++) {
		const struct component *o = &components[i];

		if (!o->is_used || o->is_fixed || o->policy.serves != class)
			continue;
		if (o->policy.kind == POLICY_FILTER)
			has_coming_filter |= is_coming(o);
		if (o->policy.kind != POLICY_DRIVER)
			continue;
		has_driver |= o->life.state == CS_RUNNING;
		has_coming_driver |= is_coming(o);
	}
	return has_driver ? !has_coming_filter : !has_coming_driver;
}

/* Once it has run, and when somebody asks for it, it comes without. */
bool needs_met(const struct component *c)
{
	if (c->life.cause != CAUSE_NONE || c->life.is_trial)
		return true;
	for (unsigned i = 0; i < POLICY_CLASSES; i++)
		if ((c->policy.needs >> i & 1) != 0 && !is_settled((enum policy_class)i))
			return false;
	return true;
}
