/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/rs/needs.c */
/* When a component with "needs net" may start for the first time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "servers/rs/rs.h"

struct component components[COMPONENTS_MAX];

enum { INET, DRIVER, FILTER, DISK };

static int set_up(void **state)
{
	(void)state;
	memset(components, 0, sizeof(components));
	for (unsigned i = INET; i <= DISK; i++)
		components[i].is_used = true;
	components[INET].life.state = CS_WAITING;
	components[INET].policy.kind = POLICY_SERVER;
	components[INET].policy.needs = 1u << POLICY_NET;
	components[DRIVER].policy.kind = POLICY_DRIVER;
	components[DRIVER].policy.serves = POLICY_NET;
	components[FILTER].policy.kind = POLICY_FILTER;
	components[FILTER].policy.serves = POLICY_NET;
	components[DISK].policy.kind = POLICY_DRIVER;
	components[DISK].life.state = CS_RUNNING;
	return 0;
}

static bool is_met(enum comp_state driver, enum comp_state filter)
{
	components[DRIVER].life.state = driver;
	components[FILTER].life.state = filter;
	return needs_met(&components[INET]);
}

static void driver_must_run(void **state)
{
	(void)state;
	assert_false(is_met(CS_WAITING, CS_DOWN));
	assert_false(is_met(CS_CLAIMING, CS_DOWN));
	assert_false(is_met(CS_STARTING, CS_DOWN));
	assert_true(is_met(CS_RUNNING, CS_DOWN));
	assert_true(needs_met(&components[DISK])); /* who needs nothing */
}

static void filters_come_first(void **state)
{
	(void)state;
	assert_false(is_met(CS_STARTING, CS_RUNNING)); /* a filter is no device */
	assert_false(is_met(CS_RUNNING, CS_WAITING));
	assert_false(is_met(CS_RUNNING, CS_STARTING));
	assert_true(is_met(CS_RUNNING, CS_RUNNING));
	assert_true(is_met(CS_RUNNING, CS_BACKOFF)); /* one that fails holds nobody up */
}

static void only_the_first_start_waits(void **state)
{
	struct component *inet = &components[INET];

	(void)state;
	inet->life.cause = CAUSE_SIGNAL;
	assert_true(is_met(CS_BACKOFF, CS_STARTING));
	inet->life.cause = CAUSE_NONE;
	assert_false(is_met(CS_STARTING, CS_STARTING));
	inet->life.is_trial = true; /* service up */
	assert_true(is_met(CS_STARTING, CS_DOWN));
}

/* The loopback works on a machine without a card. */
static void nothing_is_waited_for_without_drivers(void **state)
{
	(void)state;
	assert_true(is_met(CS_DOWN, CS_DOWN));     /* no device */
	assert_true(is_met(CS_DOWN, CS_STARTING)); /* what stands on none */
	assert_true(is_met(CS_BACKOFF, CS_DOWN));  /* it is picked up when it comes */
	components[DRIVER].is_used = false;        /* net=none */
	assert_true(is_met(CS_DOWN, CS_DOWN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(driver_must_run, set_up),
		cmocka_unit_test_setup(filters_come_first, set_up),
		cmocka_unit_test_setup(only_the_first_start_waits, set_up),
		cmocka_unit_test_setup(nothing_is_waited_for_without_drivers, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
