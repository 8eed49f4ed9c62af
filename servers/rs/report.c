/* SPDX-License-Identifier: BSD-2-Clause */
/* What rs knows about its components, as a table for people and as JSON for programs. */
#include <stdio.h>
#include <string.h>
#include "rs.h"

/* Applications' and standbys' privileges have no process of their own. */
static bool is_shown(const struct component *c)
{
	return c->is_used && (!c->is_fixed || c->life.now.ep != EP_NONE);
}

static unsigned long long us(uint64_t ns)
{
	return ns / 1000;
}

static uint64_t uptime_ns(const struct component *c)
{
	return c->life.up_since_ns != 0 ? now_ns() - c->life.up_since_ns : 0;
}

static void json_causes(struct text *t, const struct component *c)
{
	text_put(t, "\"causes\": {");
	for (unsigned i = CAUSE_EXIT; i < CAUSE_COUNT; i++)
		text_put(t, "%s\"%s\": %u", i > CAUSE_EXIT ? ", " : "",
		         machine_cause_name((enum rs_cause)i), c->causes[i]);
	text_put(t, "}");
}

static void json_component(struct text *t, const struct component *c)
{
	const struct life *l = &c->life;

	text_put(t, "{\"label\": \"%s\", \"program\": \"%s\", \"state\": \"%s\", \"trusted\": %s, ",
	         c->label, c->program, machine_state_name(l->state),
	         c->is_fixed ? "true" : "false");
	text_put(t, "\"endpoint\": %d, \"pid\": %d, \"stack\": \"%s\", ", l->now.ep, l->now.pid,
	         c->stack);
	text_put(t, "\"restarts\": %u, \"cause\": \"%s\", \"error\": %d, ", l->restarts,
	         machine_cause_name(l->cause), l->last_error);
	text_put(t, "\"standby\": %s, \"heartbeat_ms\": %llu, \"uptime_us\": %llu, ",
	         l->standby.ep != EP_NONE ? "true" : "false", us(l->period_ns) / 1000,
	         us(uptime_ns(c)));
	text_put(t, "\"recoveries\": %llu, \"outage_us\": %llu, \"outage_max_us\": %llu, ",
	         (unsigned long long)c->recoveries, us(c->outage_ns), us(c->outage_max_ns));
	text_put(t, "\"complaints\": %u, \"last_rule\": %u, ", c->complaints, c->last_rule);
	json_causes(t, c);
	text_put(t, "}");
}

static void text_component(struct text *t, const struct component *c)
{
	const struct life *l = &c->life;

	text_put(t, "%-23s %-9s %5d %8u %-10s %8llu %9llu %8d %s\n", c->label,
	         c->is_fixed ? "trusted" : machine_state_name(l->state), l->now.pid, l->restarts,
	         machine_cause_name(l->cause), us(c->outage_ns), us(uptime_ns(c)) / 1000, l->now.ep,
	         l->standby.ep != EP_NONE ? "standby"
	         : l->last_error != 0     ? strerror(-l->last_error)
	                                  : "");
}

size_t report_list(char *buf, size_t len, bool is_json)
{
	struct text t = {buf, 0, len};
	bool is_first = true;

	if (is_json)
		text_put(&t, "{\"services\": [");
	else
		text_put(&t, "%-23s %-9s %5s %8s %-10s %8s %9s %8s NOTE\n", "LABEL", "STATE", "PID",
		         "RESTARTS", "CAUSE", "OUT(us)", "UP(ms)", "ENDPOINT");
	for (unsigned i = 0; i < COMPONENTS_MAX; i++) {
		if (!is_shown(&components[i]))
			continue;
		if (!is_json) {
			text_component(&t, &components[i]);
			continue;
		}
		text_put(&t, "%s", is_first ? "\n" : ",\n");
		json_component(&t, &components[i]);
		is_first = false;
	}
	if (is_json)
		text_put(&t, "\n]}\n");
	return t.len;
}

static void text_details(struct text *t, const struct component *c)
{
	const struct life *l = &c->life;

	text_put(t, "label       %s\nprogram     %s\nstate       %s\n", c->label, c->program,
	         machine_state_name(l->state));
	text_put(t, "endpoint    %d\npid         %d\npriv id     %u\nuid         %u\n", l->now.ep,
	         l->now.pid, c->priv_id, c->policy.uid);
	text_put(t, "standby     %s\nheartbeat   %llu ms\nrecovery    %s\n",
	         l->standby.ep != EP_NONE ? "ready"
	         : l->wants_standby       ? "wanted"
	                                  : "no",
	         us(l->period_ns) / 1000, c->recovery[0] != '\0' ? c->recovery : "direct restart");
	text_put(t, "restarts    %u\nlast cause  %s\nlast error  %s\n", l->restarts,
	         machine_cause_name(l->cause),
	         l->last_error != 0 ? strerror(-l->last_error) : "none");
	text_put(t, "outage      %llu us, longest %llu us, of %llu recoveries\n", us(c->outage_ns),
	         us(c->outage_max_ns), (unsigned long long)c->recoveries);
	text_put(t, "complaints  %u, last rule %u\narguments  ", c->complaints, c->last_rule);
	for (unsigned i = 0; i < c->args.count; i++)
		text_put(t, " %s", args_word(&c->args, i));
	text_put(t, "\n");
}

static void json_status(struct text *t, const char *lines)
{
	const char *separator = "";

	text_put(t, "\"status\": {");
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");
		const char *eq = memchr(lines, '=', len);

		if (eq != NULL) {
			text_put(t, "%s", separator);
			text_json(t, lines, (size_t)(eq - lines));
			text_put(t, ": ");
			text_json(t, eq + 1, (size_t)(lines + len - eq - 1));
			separator = ", ";
		}
		lines += len;
		lines += *lines == '\n';
	}
	text_put(t, "}");
}

size_t report_one(const struct component *c, char *buf, size_t len, const struct report_form *form)
{
	const char *own = form->own_status != NULL ? form->own_status : "";
	struct text t = {buf, 0, len};

	if (form->is_json) {
		text_put(&t, "{\"component\": ");
		json_component(&t, c);
		text_put(&t, ", ");
		json_status(&t, own);
		text_put(&t, "}\n");
	} else {
		text_details(&t, c);
		text_put(&t, "%s", own);
	}
	return t.len;
}

/* procfs asks by SENDREC; the text goes into its grant. */
void on_info(const struct msg *m)
{
	static char text[65536];
	struct rs_info req;
	struct rs_rep rep = {0};
	struct msg out;
	size_t len;
	int result = 0;

	msg_get(m, &req);
	len = report_list(text, req.len_bytes < sizeof(text) ? req.len_bytes : sizeof(text),
	                  req.is_json != 0);
	if (len > 0)
		result = k_safecopy_to(m->source, req.grant, 0, text, len);
	rep.result = result < 0 ? result : (int)len;
	rep.ep = EP_NONE;
	msg_put(&out, RS_INFO | MSG_REPLY, &rep);
	if (ipc_nbsend(m->source, &out) != 0)
		return; /* it does not wait any more */
}
