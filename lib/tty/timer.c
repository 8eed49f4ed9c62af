/* SPDX-License-Identifier: BSD-2-Clause */
/* VTIME of the lines of one process, which share its one alarm. See line.h. */
#include "sys/sys.h"
#include "tty/line_impl.h"

static struct line *lines;
static uint64_t alarm_at;

void line_timer_add(struct line *l)
{
	l->next = lines;
	lines = l;
}

void line_timer_remove(struct line *l)
{
	struct line **link = &lines;

	while (*link != NULL && *link != l)
		link = &(*link)->next;
	if (*link != NULL)
		*link = l->next;
}

void lines_alarm(uint64_t now)
{
	alarm_at = 0;
	for (struct line *l = lines; l != NULL; l = l->next)
		line_alarm(l, now);
}

void lines_set_alarm(void)
{
	uint64_t soonest = 0;

	for (const struct line *l = lines; l != NULL; l = l->next)
		if (l->t_read_ns != 0 && (soonest == 0 || l->t_read_ns < soonest))
			soonest = l->t_read_ns;
	if (soonest == alarm_at)
		return;
	alarm_at = soonest;
	if (k_setalarm(soonest) < 0)
		sys_panic("no alarm");
}
