/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stack expressions: walking and printing the tree, names in a running system, argv of filters.
 */
#include "axolotl/errno.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "stack/stack.h"

uint16_t stack_lower(const struct stack *s, uint16_t node, unsigned index)
{
	for (uint16_t i = 0; i < s->node_count; i++) {
		if (s->nodes[i].parent == node && index-- == 0)
			return i;
	}
	return STACK_NONE;
}

const struct stack_arg *stack_arg(const struct stack *s, uint16_t node, const char *name)
{
	for (unsigned i = 0; i < s->arg_count; i++) {
		if (s->args[i].node == node && strcmp(s->args[i].name, name) == 0)
			return &s->args[i];
	}
	return NULL;
}

/* ---- printing ---- */

struct printer {
	char *buf;
	size_t len;
	size_t used; /* without the NUL; >= len: did not fit */
};

__attribute__((format(printf, 2, 3))) static void print(struct printer *out, const char *fmt, ...)
{
	size_t room = out->used < out->len ? out->len - out->used : 0;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(room > 0 ? out->buf + out->used : NULL, room, fmt, args);
	va_end(args);
	if (n > 0)
		out->used += (size_t)n;
}

static void print_args(const struct stack *s, uint16_t node, struct printer *out)
{
	for (unsigned i = 0; i < s->arg_count; i++) {
		const struct stack_arg *arg = &s->args[i];
		const char *quote = arg->is_quoted ? "\"" : "";

		if (arg->node == node)
			print(out, ", %s=%s%s%s", arg->name, quote, arg->text, quote);
	}
}

int stack_print(const struct stack *s, char *buf, size_t len)
{
	struct printer out = {.buf = buf, .len = len};
	uint16_t open = STACK_NONE; /* innermost filter whose parenthesis is open */
	bool is_first = true;

	for (uint16_t i = 0; i < s->node_count; i++) {
		const struct stack_node *node = &s->nodes[i];

		for (; open != node->parent; open = s->nodes[open].parent) {
			print_args(s, open, &out);
			print(&out, ")");
		}
		print(&out, "%s%s%s", is_first ? "" : ", ", node->name, node->is_filter ? "(" : "");
		is_first = node->is_filter;
		if (node->is_filter)
			open = i;
	}
	for (; open != STACK_NONE; open = s->nodes[open].parent) {
		print_args(s, open, &out);
		print(&out, ")");
	}
	return out.used < len ? (int)out.used : -ENOSPC;
}

/* ---- names ---- */

int stack_unit(const struct stack *s, uint16_t node, const char *top, char out[LABEL_MAX])
{
	int n;

	if (!s->nodes[node].is_filter)
		n = snprintf(out, LABEL_MAX, "%s", s->nodes[node].name);
	else if (node == 0)
		n = snprintf(out, LABEL_MAX, "%s", top);
	else
		n = snprintf(out, LABEL_MAX, "%s.%u", top, node);
	return n < LABEL_MAX ? 0 : -ENAMETOOLONG;
}

int stack_label(const struct stack *s, uint16_t node, const char *top, char out[LABEL_MAX])
{
	char unit[LABEL_MAX];
	int r = stack_unit(s, node, top, unit);
	int n;

	if (r != 0)
		return r;
	n = snprintf(out, LABEL_MAX, "%s.%s", s->nodes[node].name, unit);
	return n < LABEL_MAX ? 0 : -ENAMETOOLONG;
}

/* ---- argv ---- */

static int argv_add(struct stack_argv *out, const char *prefix, const char *word)
{
	size_t room = sizeof(out->text) - out->bytes;
	int n = snprintf(out->text + out->bytes, room, "%s%s", prefix, word);

	if (n < 0 || (size_t)n >= room)
		return -ENOSPC;
	out->bytes += (unsigned)n + 1;
	out->argc++;
	return 0;
}

static int argv_add_pair(struct stack_argv *out, const char *name, const char *value)
{
	int r = argv_add(out, "-", name);

	return r != 0 ? r : argv_add(out, "", value);
}

static int argv_add_lowers(const struct stack *s, uint16_t node, const char *top,
                           struct stack_argv *out)
{
	char unit[LABEL_MAX];
	int r = 0;

	for (unsigned i = 0; r == 0 && i < s->nodes[node].lowers; i++) {
		r = stack_unit(s, stack_lower(s, node, i), top, unit);
		if (r == 0)
			r = argv_add_pair(out, "lower", unit);
	}
	return r;
}

int stack_argv(const struct stack *s, uint16_t node, const char *top, struct stack_argv *out)
{
	char label[LABEL_MAX];
	char unit[LABEL_MAX];
	int r;

	out->argc = out->bytes = 0;
	if (node >= s->node_count || !s->nodes[node].is_filter)
		return -EINVAL;
	r = stack_unit(s, node, top, unit);
	if (r == 0)
		r = stack_label(s, node, top, label);
	if (r == 0)
		r = argv_add(out, "", s->nodes[node].name);
	if (r == 0)
		r = argv_add_pair(out, "label", label);
	if (r == 0)
		r = argv_add_pair(out, "unit", unit);
	if (r == 0)
		r = argv_add_lowers(s, node, top, out);
	for (unsigned i = 0; r == 0 && i < s->arg_count; i++) {
		if (s->args[i].node == node)
			r = argv_add_pair(out, s->args[i].name, s->args[i].text);
	}
	return r;
}

const char *stack_option(const struct stack_options *o, const char *name, unsigned index)
{
	for (int i = 1; i + 1 < o->argc; i += 2) {
		if (o->argv[i][0] == '-' && strcmp(o->argv[i] + 1, name) == 0 && index-- == 0)
			return o->argv[i + 1];
	}
	return NULL;
}

int stack_option_number(const struct stack_options *o, const char *name, enum stack_kind kind,
                        uint64_t *out)
{
	const char *text = stack_option(o, name, 0);
	struct stack_arg arg = {0};

	if (text == NULL)
		return -ENOENT;
	if (snprintf(arg.text, sizeof(arg.text), "%s", text) >= (int)sizeof(arg.text))
		return -EINVAL;
	stack_classify(&arg);
	if (arg.kind != STACK_NUMBER && arg.kind != kind)
		return -EINVAL;
	if (arg.kind == STACK_WORD)
		return -EINVAL;
	*out = arg.number;
	return 0;
}
