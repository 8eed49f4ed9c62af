/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Legs as devices: opening, failing, coming back. A leg that failed is closed, which ends all its
 * requests, and opened again after a while (1 s, doubled up to a minute); once it opens, the
 * manager decides whether it may come back.
 */
#include <errno.h>
#include <stdio.h>
#include "mirror.h"

#define RETRY_FIRST_NS 1000000000ull
#define RETRY_MOST_NS  60000000000ull

struct leg legs[MIRROR_LEGS_MAX];

static void opened(void *ctx, struct bdev *b, int status)
{
	unsigned i = (unsigned)(uintptr_t)ctx;

	(void)b;
	if (status != 0) {
		sys_log("leg %u (%s) cannot be opened: error %d\n", i, filter_lower(i), -status);
		return;
	}
	legs[i].is_open = true;
	if (set.is_running && !mirror_takes_writes(&set, i))
		legs[i].want_join = true;
	manager_kick();
}

/* Unplugged, also if it is back already: it may lack writes that it had acknowledged. */
static void left(void *ctx, struct bdev *b)
{
	(void)b;
	leg_fail((unsigned)(uintptr_t)ctx, -ENXIO);
}

void leg_open(unsigned i)
{
	static const struct bdev_events events = {.opened = opened, .left = left};
	struct leg *leg = &legs[i];

	leg->t_retry_ns = 0;
	leg->is_open = leg->is_read = false;
	leg->b = bdev_open(filter_lower(i), BLK_ACCESS_READ | BLK_ACCESS_WRITE, &events,
	                   (void *)(uintptr_t)i);
	if (leg->b == NULL)
		leg->t_retry_ns = now_ns() + RETRY_FIRST_NS;
}

void leg_give_up(unsigned i)
{
	struct leg *leg = &legs[i];

	if (leg->retry_ns < RETRY_FIRST_NS)
		leg->retry_ns = RETRY_FIRST_NS;
	leg->t_retry_ns = now_ns() + leg->retry_ns;
	leg->retry_ns = leg->retry_ns < RETRY_MOST_NS / 2 ? leg->retry_ns * 2 : RETRY_MOST_NS;
	leg->closing = leg->b;
	leg->b = NULL;
	leg->is_open = leg->want_join = false;
}

/* From the main loop: callbacks of the library must not close a unit. */
void leg_close_due(void)
{
	for (unsigned i = 0; i < set.legs; i++) {
		struct bdev *b = legs[i].closing;

		legs[i].closing = NULL;
		if (b != NULL)
			bdev_close(b); /* ends its requests: callbacks run from here */
	}
}

void leg_fail(unsigned i, int error)
{
	bool was_member = mirror_takes_writes(&set, i);
	endpoint_t server = legs[i].b != NULL ? bdev_server(legs[i].b) : EP_NONE;

	legs[i].errors++;
	if (!set.is_running || !was_member || !mirror_fail(&set, i))
		return; /* the last good one: its errors go up, it stays */
	sys_log("leg %u (%s) failed: error %d; generation %llu\n", i, filter_lower(i), -error,
	        (unsigned long long)set.super.generation);
	log_event(EV_LEG_FAILED, server, sys_label(), i, (uint64_t)-error);
	leg_give_up(i);
	manager_kick();
}

void leg_retry_due(uint64_t now)
{
	for (unsigned i = 0; i < set.legs; i++) {
		if (legs[i].b == NULL && legs[i].closing == NULL && legs[i].t_retry_ns != 0 &&
		    legs[i].t_retry_ns <= now)
			leg_open(i);
	}
}

int leg_status(char *buf, size_t len)
{
	size_t used = 0;

	for (unsigned i = 0; i < set.legs && used < len; i++) {
		const struct leg *leg = &legs[i];

		used += (size_t)snprintf(
			buf + used, len - used,
			"leg%u=%s state=%s queue=%u reads=%llu writes=%llu errors=%llu "
			"repairs=%llu resync_left=%u\n",
			i, filter_lower(i), mirror_state_name(set.leg[i].state), set.leg[i].queue,
			(unsigned long long)leg->reads, (unsigned long long)leg->writes,
			(unsigned long long)leg->errors, (unsigned long long)leg->repairs,
			mirror_resync_left(&set, i));
	}
	return (int)(used < len ? used : len);
}
