/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `service status LABEL` with what the component says of itself (SYS_STATUS, key=value lines), and
 * `service control LABEL WORDS`, which hands it a command. rs asks by ASEND and goes on; the caller
 * gets its answer when the component has replied, has died, or has let the deadline pass: in the
 * last two cases status comes without the component's own part, and control fails.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "service.h"

#define QUERIES_MAX      8
#define QUERY_BYTES      4096u
#define QUERY_TIMEOUT_NS 500000000ull

struct query {
	bool is_used;
	bool is_json;
	bool is_control;
	uint32_t id;
	struct component *c;
	endpoint_t asked; /* the incarnation */
	grant_t grant;
	uint64_t deadline_ns;
	struct waiter to;
	char text[QUERY_BYTES + 1];
};

static struct query queries[QUERIES_MAX];
static uint32_t next_id;
static char report[SERVICE_OUT_MAX];

static void finish(struct query *q, int outcome)
{
	int64_t result;

	q->is_used = false;
	grant_revoke(q->grant);
	q->text[outcome > 0 ? outcome : 0] = '\0';
	if (q->is_control) {
		result = service_put_text(&q->to, q->text);
		service_reply(q->to.ep, result != 0 ? -EFAULT : (int64_t)outcome);
		return;
	}
	report[report_one(q->c, report, sizeof(report) - 1,
	                  &(struct report_form){q->is_json, q->text})] = '\0';
	result = service_put_text(&q->to, report);
	service_reply(q->to.ep, result != 0 ? -EFAULT : (int64_t)strlen(report));
}

static struct query *free_query(void)
{
	for (unsigned i = 0; i < QUERIES_MAX; i++)
		if (!queries[i].is_used)
			return &queries[i];
	return NULL;
}

int status_ask(struct service *s, struct component *c, const char *command)
{
	struct query *q = free_query();
	struct sys_status_req req = {.id = ++next_id, .len_bytes = QUERY_BYTES};
	struct msg m;

	if (q == NULL)
		return -EAGAIN;
	memset(q->text, 0, sizeof(q->text));
	q->grant = grant_direct(c->life.now.ep, q->text, QUERY_BYTES, GRANT_WRITE);
	if (q->grant == GRANT_INVALID)
		return -EAGAIN;
	req.grant = q->grant;
	if (command != NULL)
		snprintf(req.command, sizeof(req.command), "%s", command);
	msg_put(&m, command != NULL ? SYS_CONTROL : SYS_STATUS, &req);
	if (sys_asend(c->life.now.ep, &m) != 0) {
		grant_revoke(q->grant);
		return -EAGAIN;
	}
	q->is_used = true;
	q->is_json = s->is_json;
	q->is_control = command != NULL;
	q->id = req.id;
	q->c = c;
	q->asked = c->life.now.ep;
	q->deadline_ns = now_ns() + QUERY_TIMEOUT_NS;
	q->to = (struct waiter){.ep = s->ep,
	                        .out = (uint64_t)(uintptr_t)s->user.out,
	                        .out_bytes = s->user.out_bytes};
	return 0;
}

void on_status_reply(const struct msg *m)
{
	struct sys_status_rep rep;

	msg_get(m, &rep);
	for (unsigned i = 0; i < QUERIES_MAX; i++) {
		struct query *q = &queries[i];

		if (!q->is_used || q->id != rep.id || q->asked != m->source)
			continue;
		finish(q, rep.result <= (int32_t)QUERY_BYTES ? rep.result : 0);
		return;
	}
}

void status_tick(void)
{
	uint64_t now = now_ns();

	for (unsigned i = 0; i < QUERIES_MAX; i++) {
		struct query *q = &queries[i];

		if (q->is_used && (q->deadline_ns <= now || q->c->life.now.ep != q->asked))
			finish(q, -ETIMEDOUT);
	}
}

uint64_t status_next_ns(void)
{
	uint64_t next = 0;

	for (unsigned i = 0; i < QUERIES_MAX; i++)
		if (queries[i].is_used && (next == 0 || queries[i].deadline_ns < next))
			next = queries[i].deadline_ns;
	return next;
}
