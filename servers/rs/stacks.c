/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stacks: an expression becomes a filter process for each of its filters, all or none, or a second
 * name of a unit. Of which protocol a filter is, its policy says ("serves"). In a network stack
 * `guard`, `fault` and `trace` are the binaries netguard, netfault and nettrace: a policy of the
 * name with "net" in front is preferred.
 *
 * A record of each stack is kept for listings; what really exists is the table of components.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "rs.h"
#include "stack/stack.h"

#define STACKS_MAX 16

struct record {
	bool is_used;
	char name[LABEL_MAX];
	enum policy_class class;
	char expr[STACK_TEXT_MAX];
};
static struct record records[STACKS_MAX];

static const struct {
	const char *prefix; /* of units in ds */
	const char *word;   /* for people */
	const char *default_name;
} classes[POLICY_CLASSES] = {
	[POLICY_BLOCK] = {"blk", "storage", "disk"},
	[POLICY_NET] = {"net", "network", "net0"},
};

const char *stacks_default_name(enum policy_class class)
{
	return classes[class].default_name;
}

/* ---- records ---- */

static bool has_filter(const char *name)
{
	for (unsigned i = 0; i < COMPONENTS_MAX; i++)
		if (components[i].is_used && strcmp(components[i].stack, name) == 0)
			return true;
	return false;
}

bool stacks_has(const char *name)
{
	return has_filter(name) || alias_unit(name) != NULL;
}

/* Filters can also be taken down one by one. */
static void drop_stale(void)
{
	for (unsigned i = 0; i < STACKS_MAX; i++)
		if (records[i].is_used && !stacks_has(records[i].name))
			records[i].is_used = false;
}

static struct record *new_record(void)
{
	drop_stale();
	for (unsigned i = 0; i < STACKS_MAX; i++)
		if (!records[i].is_used)
			return &records[i];
	return NULL;
}

/* ---- checks ---- */

struct failure {
	const char *expr;
	char *why; /* WHY_BYTES */
};

static int __attribute__((format(printf, 3, 4)))
fail_at(const struct failure *f, unsigned column, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(f->why, WHY_BYTES, "%.100s: column %u: ", f->expr, column);

	va_start(ap, fmt);
	if (n > 0 && n < WHY_BYTES)
		vsnprintf(f->why + n, WHY_BYTES - (size_t)n, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static bool is_unit(enum policy_class class, const char *name)
{
	char key[DS_KEY_MAX], value[DS_VALUE_MAX];

	return snprintf(key, sizeof(key), "%s.%s", classes[class].prefix, name) < DS_KEY_MAX &&
	       ds_lookup_str(key, value, sizeof(value)) >= 0;
}

/* A unit that is not there yet may still come; one of another kind never fits. */
static int check_unit(const struct failure *f, const struct stack_node *node,
                      enum policy_class class)
{
	for (unsigned i = 0; i < POLICY_CLASSES; i++)
		if (i != class && is_unit((enum policy_class)i, node->name) &&
		    !is_unit(class, node->name))
			return fail_at(f, node->column, "%s is a %s unit, not for a %s stack",
			               node->name, classes[i].word, classes[class].word);
	return 0;
}

/* Also turns the filter's name into that of its binary. */
static int check_filter(const struct failure *f, struct stack_node *node, enum policy_class class)
{
	char name[LABEL_MAX + 4];
	const struct policy *p = NULL;

	snprintf(name, sizeof(name), "net%s", node->name);
	if (class == POLICY_NET && strlen(name) < LABEL_MAX)
		p = policy_find(&boot_policies, name, name);
	if (p != NULL)
		memcpy(node->name, name, strlen(name) + 1);
	else
		p = policy_find(&boot_policies, node->name, node->name);
	if (p == NULL)
		return fail_at(f, node->column, "there is no filter %s", node->name);
	if (p->kind != POLICY_FILTER)
		return fail_at(f, node->column, "%s is no filter", node->name);
	if (p->serves != class)
		return fail_at(f, node->column, "%s is a filter for %s stacks, not for %s ones",
		               node->name, classes[p->serves].word, classes[class].word);
	return 0;
}

static int check(const struct failure *f, struct stack *s, enum policy_class class)
{
	int result = 0;

	for (uint16_t i = 0; result == 0 && i < s->node_count; i++)
		result = s->nodes[i].is_filter ? check_filter(f, &s->nodes[i], class)
		                               : check_unit(f, &s->nodes[i], class);
	return result;
}

/* ---- making ---- */

static int make_filter(const struct stack *s, uint16_t node, const char *top,
                       struct component **out)
{
	static struct stack_argv argv;
	static struct args args;
	char label[LABEL_MAX];
	struct blueprint b = {
		.program = s->nodes[node].name, .label = label, .args = &args, .stack = top};
	const char *word = argv.text;
	int result = stack_label(s, node, top, label);

	if (result == 0)
		result = stack_argv(s, node, top, &argv);
	if (result != 0)
		return result;
	memset(&args, 0, sizeof(args));
	word += strlen(word) + 1; /* argv[0] is the program's name */
	result = args_add_words(&args, word, argv.argc - 1);
	if (result != 0)
		return result;
	b.policy = policy_find(&boot_policies, b.program, label);
	return make_component(&b, out);
}

/* All of a stack or nothing; the lower ones start first. */
static int make_filters(const struct stack *s, const char *top, char *why)
{
	struct component *made[STACK_NODES_MAX];
	unsigned count = 0;
	int result = 0;

	for (uint16_t node = 0; result == 0 && node < s->node_count; node++) {
		if (!s->nodes[node].is_filter)
			continue;
		result = make_filter(s, node, top, &made[count]);
		if (result == 0)
			count++;
		else
			snprintf(why, WHY_BYTES, "%s: %s", s->nodes[node].name, strerror(-result));
	}
	while (count > 0) {
		count--;
		if (result == 0)
			machine_up(made[count]);
		else
			make_remove(made[count]);
	}
	return result;
}

static int make_alias(const struct stack_want *w, const char *unit, char *why)
{
	const struct alias_want alias = {w->class, w->name, unit};
	int result = alias_add(&alias);

	if (result != 0)
		snprintf(why, WHY_BYTES, "%s: %s", w->name, strerror(-result));
	return result;
}

int stacks_make(const struct stack_want *w, char why[WHY_BYTES])
{
	static struct stack s;
	const struct failure f = {w->expr, why};
	struct record *r = new_record();
	struct stack_error error;
	char text[STACK_TEXT_MAX];
	int result = stack_parse(w->expr, &s, &error);

	why[0] = '\0';
	if (result != 0)
		return fail_at(&f, error.column, "%s", error.message);
	if (r == NULL || stack_print(&s, text, sizeof(text)) < 0) {
		snprintf(why, WHY_BYTES, "%s",
		         r == NULL ? "too many stacks" : "expression is too long");
		return -ENOSPC;
	}
	result = check(&f, &s, w->class);
	if (result != 0)
		return result;
	if (s.nodes[0].is_filter)
		result = make_filters(&s, w->name, why);
	else if (strcmp(s.nodes[0].name, w->name) != 0)
		result = make_alias(w, s.nodes[0].name, why);
	if (result != 0)
		return result;
	*r = (struct record){.is_used = true, .class = w->class};
	memcpy(r->name, w->name, strnlen(w->name, LABEL_MAX - 1));
	memcpy(r->expr, text, sizeof(text));
	return 0;
}

enum policy_class stacks_class(const char *expr)
{
	static struct stack s;
	struct stack_error error;

	if (stack_parse(expr, &s, &error) != 0)
		return POLICY_BLOCK; /* the error is told when the stack is made */
	for (uint16_t i = 0; i < s.node_count; i++)
		if (!s.nodes[i].is_filter && is_unit(POLICY_NET, s.nodes[i].name) &&
		    !is_unit(POLICY_BLOCK, s.nodes[i].name))
			return POLICY_NET;
	return POLICY_BLOCK;
}

int stacks_down(const char *name)
{
	unsigned count = alias_remove(name) ? 1 : 0;

	for (unsigned i = 0; i < COMPONENTS_MAX; i++) {
		struct component *c = &components[i];

		if (!c->is_used || c->stack[0] == '\0' || strcmp(c->stack, name) != 0)
			continue;
		c->is_transient = true;
		machine_down(c);
		count++;
	}
	return count > 0 ? 0 : -ESRCH;
}

/* ---- listing ---- */

/* running, or what the first filter does that does not run. */
static const char *state_of(const struct record *r)
{
	if (!has_filter(r->name))
		return alias_is_there(r->name) ? "running" : "waiting";
	for (unsigned i = 0; i < COMPONENTS_MAX; i++) {
		const struct component *c = &components[i];

		if (c->is_used && strcmp(c->stack, r->name) == 0 && c->life.state != CS_RUNNING)
			return machine_state_name(c->life.state);
	}
	return "running";
}

size_t stacks_list(char *buf, size_t len, bool is_json)
{
	struct text t = {buf, 0, len};
	const char *separator = "\n";

	drop_stale();
	if (is_json)
		text_put(&t, "{\"stacks\": [");
	else
		text_put(&t, "%-12s %-8s %-9s %s\n", "NAME", "KIND", "STATE", "EXPRESSION");
	for (unsigned i = 0; i < STACKS_MAX; i++) {
		const struct record *r = &records[i];

		if (!r->is_used)
			continue;
		if (is_json) {
			text_put(&t, "%s{\"name\": \"%s\", \"kind\": \"%s\", \"state\": \"%s\", ",
			         separator, r->name, classes[r->class].word, state_of(r));
			text_put(&t, "\"expression\": ");
			text_json(&t, r->expr, strlen(r->expr));
			text_put(&t, "}");
			separator = ",\n";
		} else {
			text_put(&t, "%-12s %-8s %-9s %s\n", r->name, classes[r->class].word,
			         state_of(r), r->expr);
		}
	}
	if (is_json)
		text_put(&t, "\n]}\n");
	return t.len;
}
