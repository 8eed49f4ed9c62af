/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * service stack: stacks at run time.
 *
 *   stack                          those that there are
 *   stack [-net] EXPR [NAME]       start one; without -net its kind follows from the units it names
 *   stack -down NAME               end it
 */
#include <string.h>
#include "service.h"

static int list(struct service *s)
{
	s->out_len = stacks_list(s->out, SERVICE_OUT_MAX, s->is_json);
	return 0;
}

static int down(struct service *s)
{
	if (s->argc != 3)
		return service_fail(s, -EINVAL, "stack: -down needs a NAME");
	if (stacks_down(s->argv[2]) != 0)
		return service_fail(s, -ESRCH, "%s: no such stack", s->argv[2]);
	return 0;
}

static int up(struct service *s)
{
	bool is_net = strcmp(s->argv[1], "-net") == 0;
	unsigned at = is_net ? 2 : 1;
	struct stack_want w = {0};
	char why[WHY_BYTES];
	int result;

	if (s->argc <= at || s->argc > at + 2)
		return service_fail(s, -EINVAL, "stack: wrong number of arguments");
	w.expr = s->argv[at];
	w.class = is_net ? POLICY_NET : stacks_class(w.expr);
	w.name = s->argc > at + 1 ? s->argv[at + 1] : stacks_default_name(w.class);
	if (w.name[0] == '\0' || strlen(w.name) >= LABEL_MAX)
		return service_fail(s, -ENAMETOOLONG, "%s: name is empty or too long", w.name);
	if (stacks_has(w.name))
		return service_fail(s, -EEXIST, "%s: there is a stack of that name", w.name);
	result = stacks_make(&w, why);
	return result == 0 ? 0 : service_fail(s, result, "%s", why);
}

int service_stack(struct service *s)
{
	if (s->argc == 1)
		return list(s);
	if (!s->is_root)
		return service_fail(s, -EPERM, "stack: only root may change stacks");
	return strcmp(s->argv[1], "-down") == 0 ? down(s) : up(s);
}
