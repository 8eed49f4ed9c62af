/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parser of stack expressions: see stack.h. One pass, one character of look-ahead; `current` is the
 * filter whose parenthesis is open.
 */
#include "axolotl/errno.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "stack/stack.h"

struct parser {
	const char *text;
	size_t pos;
	struct stack *s;
	uint16_t current; /* STACK_NONE: outside of all parentheses */
	struct stack_error *error;
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
	return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-';
}

static bool is_word_char(char c)
{
	return is_name_char(c) || (c != '\0' && strchr("+:/%@", c) != NULL);
}

static void skip_blanks(struct parser *p)
{
	while (p->text[p->pos] == ' ' || p->text[p->pos] == '\t' || p->text[p->pos] == '\n')
		p->pos++;
}

__attribute__((format(printf, 2, 3))) static int fail(struct parser *p, const char *fmt, ...)
{
	va_list args;

	p->error->column = (unsigned)p->pos + 1;
	va_start(args, fmt);
	vsnprintf(p->error->message, sizeof(p->error->message), fmt, args);
	va_end(args);
	return -EINVAL;
}

static int fail_expected(struct parser *p, const char *expected)
{
	char c = p->text[p->pos];

	if (c == '\0')
		return fail(p, "expected %s, found the end", expected);
	if (c < ' ' || c > '~')
		return fail(p, "expected %s, found byte 0x%02x", expected, (unsigned char)c);
	return fail(p, "expected %s, found '%c'", expected, c);
}

static int parse_name(struct parser *p, const char *what, char out[LABEL_MAX])
{
	size_t start = p->pos;
	size_t len;

	if (!is_letter(p->text[p->pos]))
		return fail_expected(p, what);
	while (is_name_char(p->text[p->pos]))
		p->pos++;
	len = p->pos - start;
	if (len >= LABEL_MAX) {
		p->pos = start;
		return fail(p, "name is longer than %d characters", LABEL_MAX - 1);
	}
	memcpy(out, p->text + start, len);
	out[len] = '\0';
	return 0;
}

/* ---- values ---- */

static bool scale_number(struct stack_arg *arg, uint64_t number, const char *unit)
{
	static const struct {
		const char *unit;
		enum stack_kind kind;
		uint64_t factor;
	} units[] = {
		{"", STACK_NUMBER, 1},          {"K", STACK_SIZE, 1ull << 10},
		{"M", STACK_SIZE, 1ull << 20},  {"G", STACK_SIZE, 1ull << 30},
		{"us", STACK_DURATION, 1},      {"ms", STACK_DURATION, 1000},
		{"s", STACK_DURATION, 1000000},
	};

	for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(unit, units[i].unit) != 0)
			continue;
		if (number > UINT64_MAX / units[i].factor)
			return false;
		arg->kind = (uint8_t)units[i].kind;
		arg->number = number * units[i].factor;
		return true;
	}
	return false;
}

void stack_classify(struct stack_arg *arg)
{
	const char *c = arg->text;
	uint64_t number = 0;

	arg->kind = STACK_WORD;
	arg->number = 0;
	if (!is_digit(*c) || arg->is_quoted)
		return;
	for (; is_digit(*c); c++) {
		unsigned digit = (unsigned)(*c - '0');

		if (number > (UINT64_MAX - digit) / 10)
			return; /* too large for a number: stays a word */
		number = number * 10 + digit;
	}
	(void)scale_number(arg, number, c);
}

static int parse_value(struct parser *p, struct stack_arg *arg)
{
	size_t start;
	size_t len;

	skip_blanks(p);
	arg->is_quoted = p->text[p->pos] == '"';
	p->pos += arg->is_quoted;
	start = p->pos;
	if (arg->is_quoted) {
		while (p->text[p->pos] >= ' ' && p->text[p->pos] != '"')
			p->pos++;
		if (p->text[p->pos] != '"')
			return fail_expected(p, "'\"'");
	} else {
		while (is_word_char(p->text[p->pos]))
			p->pos++;
		if (p->pos == start)
			return fail_expected(p, "a value");
	}
	len = p->pos - start;
	if (len >= sizeof(arg->text)) {
		p->pos = start;
		return fail(p, "value is longer than %zu characters", sizeof(arg->text) - 1);
	}
	memcpy(arg->text, p->text + start, len);
	arg->text[len] = '\0';
	p->pos += arg->is_quoted;
	stack_classify(arg);
	return 0;
}

/* ---- tree ---- */

static int add_arg(struct parser *p, const char *name, size_t name_pos)
{
	struct stack *s = p->s;
	struct stack_arg *arg = &s->args[s->arg_count];

	if (stack_arg(s, p->current, name) != NULL) {
		p->pos = name_pos;
		return fail(p, "'%s' is given twice", name);
	}
	if (strcmp(name, "label") == 0 || strcmp(name, "unit") == 0 || strcmp(name, "lower") == 0) {
		p->pos = name_pos;
		return fail(p, "'%s' is set by the system", name);
	}
	if (s->arg_count == STACK_ARGS_MAX) {
		p->pos = name_pos;
		return fail(p, "more than %d arguments", STACK_ARGS_MAX);
	}
	*arg = (struct stack_arg){.node = p->current};
	memcpy(arg->name, name, LABEL_MAX);
	p->pos++; /* '=' */
	int r = parse_value(p, arg);
	if (r == 0)
		s->arg_count++;
	return r;
}

static int add_node(struct parser *p, const char *name, size_t name_pos)
{
	struct stack *s = p->s;
	struct stack_node *node = &s->nodes[s->node_count];
	unsigned depth = p->current == STACK_NONE ? 0 : s->nodes[p->current].depth + 1u;

	if (s->node_count == STACK_NODES_MAX || depth == STACK_DEPTH_MAX) {
		p->pos = name_pos;
		return depth == STACK_DEPTH_MAX ? fail(p, "nested deeper than %d", STACK_DEPTH_MAX)
		                                : fail(p, "more than %d names", STACK_NODES_MAX);
	}
	*node = (struct stack_node){
		.parent = p->current, .depth = (uint16_t)depth, .column = (uint16_t)(name_pos + 1)};
	memcpy(node->name, name, LABEL_MAX);
	if (p->current != STACK_NONE)
		s->nodes[p->current].lowers++;
	if (p->text[p->pos] == '(') {
		p->pos++;
		node->is_filter = 1;
		p->current = s->node_count;
	}
	s->node_count++;
	return 0;
}

/* One item up to the point where a comma, a parenthesis or the end must follow. *opened: a filter
 * began, so an item must follow. */
static int parse_item(struct parser *p, bool *opened)
{
	char name[LABEL_MAX] = {0};
	uint16_t before = p->current;
	size_t name_pos;
	int r;

	skip_blanks(p);
	name_pos = p->pos;
	r = parse_name(p, p->current == STACK_NONE ? "a filter or unit name" : "a name", name);
	if (r != 0)
		return r;
	skip_blanks(p);
	if (p->text[p->pos] == '=' && p->current != STACK_NONE)
		r = add_arg(p, name, name_pos);
	else
		r = add_node(p, name, name_pos);
	*opened = p->current != before;
	return r;
}

/* Closes parentheses as far as they go; then a comma, or the end. */
static int close_items(struct parser *p)
{
	for (;;) {
		skip_blanks(p);
		if (p->current == STACK_NONE)
			return p->text[p->pos] == '\0' ? 0 : fail_expected(p, "the end");
		if (p->text[p->pos] == ',') {
			p->pos++;
			return 0;
		}
		if (p->text[p->pos] != ')')
			return fail_expected(p, "',' or ')'");
		if (p->s->nodes[p->current].lowers == 0)
			return fail(p, "'%s' has nothing below it", p->s->nodes[p->current].name);
		p->pos++;
		p->current = p->s->nodes[p->current].parent;
	}
}

int stack_parse(const char *text, struct stack *s, struct stack_error *error)
{
	struct parser p = {.text = text, .s = s, .current = STACK_NONE, .error = error};
	bool opened;
	int r;

	memset(s, 0, sizeof(*s));
	memset(error, 0, sizeof(*error));
	if (strnlen(text, STACK_TEXT_MAX) == STACK_TEXT_MAX)
		return fail(&p, "expression is longer than %d characters", STACK_TEXT_MAX - 1);
	do {
		r = parse_item(&p, &opened);
		if (r == 0 && !opened)
			r = close_items(&p);
	} while (r == 0 && p.current != STACK_NONE);
	return r;
}
