/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The call of the service utility, AXO_NR_SERVICE (thesis 2.2, Fig. 2.4). A redirected Linux call:
 * its caller is an application, so everything is copied from its memory and checked, and only root
 * may change anything. Commands that start or stop something are answered when it is done; rs goes
 * on meanwhile.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "service.h"

static struct service call;

bool service_reply(endpoint_t ep, int64_t result)
{
	struct linux_rep rep = {result};
	struct msg m;

	msg_put(&m, (MSG_LINUX | AXO_NR_SERVICE) | MSG_REPLY, &rep);
	if (ipc_nbsend(ep, &m) == 0)
		return true;
	waiters_forget(ep); /* it was killed while it waited */
	return false;
}

int service_put_text(const struct waiter *w, const char *text)
{
	size_t len = strlen(text) + 1;
	int result;

	if (w->out_bytes == 0)
		return 0;
	if (len > w->out_bytes)
		len = w->out_bytes;
	result = k_vircopy(EP_SELF, (uint64_t)(uintptr_t)text, w->ep, w->out, len);
	return result < 0 ? result : 0;
}

int service_fail(struct service *s, int error, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(s->out, SERVICE_OUT_MAX - 1, fmt, ap);
	va_end(ap);
	s->out_len = len > 0 ? strnlen(s->out, SERVICE_OUT_MAX - 2) : 0;
	s->out[s->out_len++] = '\n';
	s->out[s->out_len] = '\0';
	return error;
}

int service_wait(struct service *s, struct component *c)
{
	struct waiter w = {.c = c,
	                   .ep = s->ep,
	                   .out = (uint64_t)(uintptr_t)s->user.out,
	                   .out_bytes = s->user.out_bytes};
	int result = waiter_add(&w);

	if (result != 0)
		return service_fail(s, result, "%s: too many callers wait", c->label);
	if (s->note[0] != '\0' && service_put_text(&w, s->note) != 0)
		s->note[0] = '\0'; /* its memory is not there: the answer fails as well */
	return -ESUSPENDREP;
}

/* ---- commands ---- */

struct component *service_name(struct service *s)
{
	const char *word = s->argv[1];
	unsigned count;
	struct component *c = names_find(word, &count);

	if (c == NULL && count > 1)
		service_fail(s, 0, "%s: %u components run that binary; see `service list`", word,
		             count);
	else if (c == NULL)
		service_fail(s, 0, "%s: no such component; see `service list`", word);
	else if (strcmp(c->label, word) != 0)
		snprintf(s->note, sizeof(s->note), "%.40s: %s\n", word, c->label);
	return c;
}

struct component *service_component(struct service *s)
{
	struct component *c = service_name(s);

	if (c == NULL || !c->is_fixed)
		return c;
	service_fail(s, 0, "%s: belongs to the trusted base and is not managed", c->label);
	return NULL;
}

/* Without pci nobody could silence the devices of a driver that dies. */
static bool is_needed(const struct component *c)
{
	if (strcmp(c->label, "pci") != 0)
		return false;
	for (unsigned i = 0; i < COMPONENTS_MAX; i++)
		if (components[i].is_used && components[i].life.is_claimed)
			return true;
	return false;
}

static int service_down(struct service *s)
{
	struct component *c = service_component(s);
	int result;

	if (c == NULL)
		return -ESRCH;
	if (is_needed(c))
		return service_fail(s, -EBUSY, "%s: drivers with devices need it", c->label);
	result = service_wait(s, c);
	if (result == -ESUSPENDREP) {
		c->is_transient = true;
		machine_down(c);
	}
	return result;
}

/* One that is down comes up; one that is up is replaced, by `renew`. */
static int bring_back(struct service *s, void (*renew)(struct component *c))
{
	struct component *c = service_component(s);
	int result;

	if (c == NULL)
		return -ESRCH;
	if (c->life.state == CS_WAITING)
		return service_fail(s, -EAGAIN, "%s: waits for %s", c->label,
		                    c->life.has_pci ? "pci" : "a driver that it needs");
	result = service_wait(s, c);
	if (result != -ESUSPENDREP)
		return result;
	if (c->life.state == CS_DOWN)
		machine_up(c);
	else
		renew(c);
	return result;
}

/* Also what a recovery script calls when the component may come back (Fig. 4.2). */
static int service_refresh(struct service *s)
{
	return bring_back(s, machine_replace);
}

static void condemn(struct component *c)
{
	machine_condemn(c, CAUSE_UPDATE);
}

static int service_restart(struct service *s)
{
	return bring_back(s, condemn);
}

static int service_list(struct service *s)
{
	s->out_len = report_list(s->out, SERVICE_OUT_MAX, s->is_json);
	return 0;
}

static int service_status(struct service *s)
{
	const struct report_form form = {s->is_json, NULL};
	struct component *c;

	if (s->argc == 1)
		return service_list(s);
	c = service_name(s);
	if (c == NULL)
		return -ESRCH;
	if (!c->is_fixed && c->life.state == CS_RUNNING && status_ask(s, c, NULL) == 0)
		return -ESUSPENDREP;
	s->out_len = report_one(c, s->out, SERVICE_OUT_MAX, &form);
	return 0;
}

/* control LABEL WORDS: for the component itself; its answer is printed as it is. */
static int service_control(struct service *s)
{
	char command[SYS_COMMAND_MAX];
	struct component *c = service_component(s);
	size_t len = 0;

	if (c == NULL)
		return -ESRCH;
	for (unsigned i = 2; i < s->argc && len < sizeof(command); i++)
		len += (size_t)snprintf(command + len, sizeof(command) - len, "%s%s",
		                        i > 2 ? " " : "", s->argv[i]);
	if (len >= sizeof(command))
		return service_fail(s, -E2BIG, "%s: the command is too long", c->label);
	if (c->is_fixed || c->life.state != CS_RUNNING || status_ask(s, c, command) != 0)
		return service_fail(s, -EAGAIN, "%s does not run", c->label);
	return -ESUSPENDREP;
}

/* A monitor process waits for recoveries that a script governs. One at a time: the newest. */
static int service_next(struct service *s)
{
	struct waiter w = {.is_query = true,
	                   .ep = s->ep,
	                   .out = (uint64_t)(uintptr_t)s->user.out,
	                   .out_bytes = s->user.out_bytes};
	struct waiter *old = waiter_query();
	int result;

	if (old != NULL) {
		old->is_used = false;
		service_reply(old->ep, -ECANCELED);
	}
	result = waiter_add(&w);
	return result != 0 ? service_fail(s, result, "next: too many callers wait") : -ESUSPENDREP;
}

struct command {
	const char *name;
	unsigned args_min, args_max;
	bool is_open; /* to everybody */
	service_fn_t fn;
};
static const struct command commands[] = {
	{"up", 1, SERVICE_WORDS_MAX, false, service_up},
	{"update", 1, 1, false, service_update},
	{"down", 1, 1, false, service_down},
	{"refresh", 1, 1, false, service_refresh},
	{"restart", 1, 1, false, service_restart},
	{"list", 0, 0, true, service_list},
	{"status", 0, 1, true, service_status},
	{"control", 2, 8, false, service_control},
	{"stack", 0, 3, true, service_stack},
	{"next", 0, 0, false, service_next},
};

static int run(struct service *s)
{
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (s->argc == 0 || strcmp(c->name, s->argv[0]) != 0)
			continue;
		if (s->argc - 1 < c->args_min || s->argc - 1 > c->args_max)
			return service_fail(s, -EINVAL, "%s: wrong number of arguments", c->name);
		if (!c->is_open && !s->is_root)
			return service_fail(s, -EPERM, "%s: only root may do that", c->name);
		return c->fn(s);
	}
	return service_fail(s, -EINVAL, "%s: unknown command", s->argc > 0 ? s->argv[0] : "");
}

/* ---- the call ---- */

static int split_words(struct service *s, size_t bytes)
{
	const char *p = s->words;

	while (p < s->words + bytes) {
		if (strcmp(p, "--json") == 0) {
			s->is_json = true;
		} else {
			if (s->argc == SERVICE_WORDS_MAX)
				return -E2BIG;
			s->argv[s->argc++] = p;
		}
		p += strlen(p) + 1;
	}
	return 0;
}

static int fetch(struct service *s, const struct msg *m)
{
	struct linux_call linux_args;
	uint64_t bytes;
	int result;

	msg_get(m, &linux_args);
	memset(s, 0, offsetof(struct service, words));
	s->ep = m->source;
	s->out_len = 0;
	result = k_vircopy(m->source, linux_args.args[0], EP_SELF, (uint64_t)(uintptr_t)&s->user,
	                   sizeof(s->user));
	if (result < 0)
		return -EFAULT;
	bytes = s->user.argv_bytes;
	if (bytes == 0 || bytes > SERVICE_ARGV_MAX)
		return -E2BIG;
	result = k_vircopy(m->source, (uint64_t)(uintptr_t)s->user.argv, EP_SELF,
	                   (uint64_t)(uintptr_t)s->words, bytes);
	if (result < 0)
		return -EFAULT;
	if (s->words[bytes - 1] != '\0')
		return -EINVAL;
	return split_words(s, bytes);
}

static int check_caller(struct service *s)
{
	struct pm_ep req = {s->ep};
	struct pm_proc_rep rep = {0};
	int result = sys_call(EP_PM, PM_GETPROC, &req, &rep);

	if (result == 0)
		result = rep.result;
	s->is_root = result == 0 && rep.euid == 0;
	return result;
}

static int64_t deliver_out(struct service *s, int result)
{
	size_t len = s->out_len;

	if (len == 0 || s->user.out_bytes == 0)
		return result;
	if (len >= s->user.out_bytes)
		len = s->user.out_bytes - 1;
	s->out[len] = '\0';
	if (k_vircopy(EP_SELF, (uint64_t)(uintptr_t)s->out, s->ep, (uint64_t)(uintptr_t)s->user.out,
	              len + 1) < 0)
		return -EFAULT;
	return result != 0 ? result : (int64_t)len;
}

void service_call(const struct msg *m)
{
	struct service *s = &call;
	int result = fetch(s, m);

	if (result == 0)
		result = check_caller(s);
	if (result != 0) {
		service_reply(m->source, result);
		return;
	}
	result = run(s);
	if (result != -ESUSPENDREP)
		service_reply(s->ep, deliver_out(s, result));
}
