/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who waits for a component to be up or down: vfs (RS_UP_FS, answered by ASEND) and processes in a
 * service call (answered when they stop waiting, or never, if they died: the answer is then lost).
 * A process in `service next` waits for the next recovery that a script should handle.
 */
#include <stdio.h>
#include <string.h>
#include "rs.h"

#define WAITERS_MAX 64

static struct waiter waiters[WAITERS_MAX];

int waiter_add(const struct waiter *w)
{
	for (unsigned i = 0; i < WAITERS_MAX; i++) {
		if (waiters[i].is_used)
			continue;
		waiters[i] = *w;
		waiters[i].is_used = true;
		return 0;
	}
	return -EAGAIN;
}

static void answer_fs(const struct waiter *w, int result)
{
	struct rs_rep rep = {.id = w->id, .result = result, .ep = w->c->life.now.ep};
	struct msg m;

	msg_put(&m, RS_UP_FS | MSG_REPLY, &rep);
	if (sys_asend(w->ep, &m) != 0)
		sys_log("vfs does not learn about %s", w->c->label);
}

static void answer_service(const struct waiter *w, int result)
{
	const struct component *c = w->c;
	char text[160];

	if (result != 0) {
		snprintf(text, sizeof(text), "%s: %s (%s)\n", c->label, strerror(-result),
		         machine_state_name(c->life.state));
		if (service_put_text(w, text) != 0)
			result = -EFAULT;
	}
	service_reply(w->ep, result);
}

void waiters_settled(struct component *c, int result)
{
	for (unsigned i = 0; i < WAITERS_MAX; i++) {
		struct waiter *w = &waiters[i];

		if (!w->is_used || w->c != c)
			continue;
		w->is_used = false;
		if (w->is_fs)
			answer_fs(w, result);
		else
			answer_service(w, result);
	}
}

void waiters_forget(endpoint_t ep)
{
	for (unsigned i = 0; i < WAITERS_MAX; i++)
		if (waiters[i].is_used && !waiters[i].is_fs && waiters[i].ep == ep)
			waiters[i].is_used = false;
}

struct waiter *waiter_query(void)
{
	for (unsigned i = 0; i < WAITERS_MAX; i++)
		if (waiters[i].is_used && waiters[i].is_query)
			return &waiters[i];
	return NULL;
}

/* script, component, reason, repetition, arguments: a line each (Fig. 4.2 of the thesis). */
bool waiters_script(struct component *c)
{
	struct waiter *w = waiter_query();
	char text[512];
	int len;

	if (w == NULL)
		return false;
	len = snprintf(text, sizeof(text), "%s\n%s\n%s\n%u\n", c->recovery, c->label,
	               machine_cause_name(c->life.cause), c->life.restarts);
	if (len < 0 || (size_t)len >= sizeof(text))
		return false;
	w->is_used = false;
	return service_put_text(w, text) == 0 && service_reply(w->ep, len);
}
