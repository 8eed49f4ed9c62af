/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers of filters, and the process's one alarm. See filterbase.h. */
#include "filterbase/filterbase.h"
#include "sys/sys.h"

static uint64_t alarm_set_ns;
static struct filter_timer *timers;

void filter_timer_set(struct filter_timer *t, uint64_t at_ns)
{
	t->at_ns = at_ns;
	if (t->is_linked)
		return;
	t->is_linked = true;
	t->next = timers;
	timers = t;
}

static uint64_t next_timer(void)
{
	uint64_t soonest = 0;

	for (const struct filter_timer *t = timers; t != NULL; t = t->next)
		soonest = ns_earlier(soonest, t->at_ns);
	return soonest;
}

static void run_timers(uint64_t now)
{
	for (struct filter_timer *t = timers; t != NULL; t = t->next) {
		if (t->at_ns == 0 || t->at_ns > now)
			continue;
		t->at_ns = 0;
		t->fn(t);
	}
}

void filter_alarm(uint64_t now)
{
	alarm_set_ns = 0;
	run_timers(now);
}

void filter_set_alarm(uint64_t at)
{
	at = ns_earlier(at, next_timer());
	if (at == alarm_set_ns)
		return;
	alarm_set_ns = at;
	if (k_setalarm(at) != 0)
		sys_log("the alarm cannot be set\n");
}
