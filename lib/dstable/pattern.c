/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thompson's construction: the text becomes postfix (shunting yard; '&' in the list below is the
 * concatenation), the postfix becomes states. A fragment is a start state and one dangling exit;
 * exits of alternatives meet in a SPLIT whose both ways are the same.
 */
#include <string.h>
#include "axolotl/errno.h"
#include "dstable/pattern.h"

#define TOKENS_MAX (2 * PATTERN_TEXT_MAX)
#define NO_STATE   0xff

enum op { OP_ATOM, OP_CONCAT, OP_ALTERNATE, OP_STAR, OP_PLUS, OP_OPTION, OP_OPEN, OP_EMPTY };

struct token {
	uint8_t op;
	uint8_t pos; /* ATOM: where it is in the text */
};

struct compiler {
	struct pattern *p;
	struct token out[TOKENS_MAX], ops[TOKENS_MAX];
	unsigned out_count, op_count;
	bool had_atom; /* the next atom is concatenated to what is there */
};

/* ---- text to postfix ---- */

static unsigned precedence(uint8_t op)
{
	if (op == OP_ALTERNATE)
		return 1;
	return op == OP_CONCAT ? 2 : 0;
}

static bool emit(struct compiler *c, uint8_t op, uint8_t pos)
{
	if (c->out_count == TOKENS_MAX)
		return false;
	c->out[c->out_count++] = (struct token){op, pos};
	return true;
}

static bool push_op(struct compiler *c, uint8_t op)
{
	while (op != OP_OPEN && c->op_count > 0 &&
	       precedence(c->ops[c->op_count - 1].op) >= precedence(op)) {
		if (!emit(c, c->ops[--c->op_count].op, 0))
			return false;
	}
	if (c->op_count == TOKENS_MAX)
		return false;
	c->ops[c->op_count++] = (struct token){op, 0};
	return true;
}

static bool close_group(struct compiler *c)
{
	if (!c->had_atom && !emit(c, OP_EMPTY, 0))
		return false;
	while (c->op_count > 0 && c->ops[c->op_count - 1].op != OP_OPEN) {
		if (!emit(c, c->ops[--c->op_count].op, 0))
			return false;
	}
	return true;
}

/* Length of the atom at text[pos], 0: malformed. */
static unsigned atom_length(const char *text, unsigned pos)
{
	unsigned end = pos + 1;

	if (text[pos] == '\\')
		return text[pos + 1] == '\0' ? 0 : 2;
	if (text[pos] != '[')
		return 1;
	end += text[end] == '^';
	end += text[end] == ']'; /* first in the list: a literal */
	while (text[end] != '\0' && text[end] != ']')
		end++;
	return text[end] == ']' ? end + 1 - pos : 0;
}

static bool begin_atom(struct compiler *c)
{
	bool fits = !c->had_atom || push_op(c, OP_CONCAT);

	c->had_atom = true;
	return fits;
}

static bool take_operator(struct compiler *c, char ch)
{
	switch (ch) {
	case '*': return c->had_atom && emit(c, OP_STAR, 0);
	case '+': return c->had_atom && emit(c, OP_PLUS, 0);
	case '?': return c->had_atom && emit(c, OP_OPTION, 0);
	case '|':
		if ((!c->had_atom && !emit(c, OP_EMPTY, 0)) || !push_op(c, OP_ALTERNATE))
			return false;
		c->had_atom = false;
		return true;
	case '(':
		if (!begin_atom(c) || !push_op(c, OP_OPEN))
			return false;
		c->had_atom = false;
		return true;
	default: /* ')' */
		if (!close_group(c) || c->op_count == 0)
			return false;
		c->op_count--;
		c->had_atom = true;
		return true;
	}
}

static bool to_postfix(struct compiler *c)
{
	const char *text = c->p->text;

	for (unsigned pos = 0; text[pos] != '\0';) {
		unsigned len = 1;

		if (strchr("*+?|()", text[pos]) != NULL) {
			if (!take_operator(c, text[pos]))
				return false;
		} else {
			len = atom_length(text, pos);
			if (len == 0 || !begin_atom(c) || !emit(c, OP_ATOM, (uint8_t)pos))
				return false;
		}
		pos += len;
	}
	return close_group(c) && c->op_count == 0;
}

/* ---- postfix to states ---- */

struct fragment {
	uint8_t start, exit; /* exit: a state whose `next` dangles */
};

static uint8_t add_state(struct pattern *p, enum pattern_state_kind kind, uint8_t arg)
{
	if (p->count == PATTERN_STATES_MAX)
		return NO_STATE;
	p->states[p->count] = (struct pattern_state){(uint8_t)kind, arg, NO_STATE, NO_STATE};
	return p->count++;
}

/* An atom, or OP_EMPTY: a SPLIT with one way. */
static bool atom_fragment(struct pattern *p, struct token t, struct fragment *f)
{
	const char *c = &p->text[t.pos];
	enum pattern_state_kind kind = PATTERN_CHAR;
	uint8_t arg = (uint8_t)*c;

	if (t.op == OP_EMPTY) {
		kind = PATTERN_SPLIT;
	} else if (*c == '.') {
		kind = PATTERN_ANY;
	} else if (*c == '[') {
		kind = PATTERN_CLASS;
		arg = t.pos;
	} else if (*c == '\\') {
		arg = (uint8_t)c[1];
	}
	f->start = f->exit = add_state(p, kind, arg);
	return f->start != NO_STATE;
}

static bool alternate(struct pattern *p, struct fragment *a, struct fragment b)
{
	uint8_t split = add_state(p, PATTERN_SPLIT, 0);
	uint8_t join = add_state(p, PATTERN_SPLIT, 0);

	if (split == NO_STATE || join == NO_STATE)
		return false;
	p->states[split].next = a->start;
	p->states[split].other = b.start;
	p->states[a->exit].next = join;
	p->states[b.exit].next = join;
	*a = (struct fragment){split, join};
	return true;
}

/* star: (split) -> a -> split; plus: a -> split -> a; option: split -> a -> join. */
static bool repeat(struct pattern *p, uint8_t op, struct fragment *a)
{
	uint8_t split = add_state(p, PATTERN_SPLIT, 0);
	uint8_t join = add_state(p, PATTERN_SPLIT, 0);

	if (split == NO_STATE || join == NO_STATE)
		return false;
	p->states[split].next = a->start;
	p->states[split].other = join;
	p->states[a->exit].next = op == OP_OPTION ? join : split;
	if (op != OP_PLUS)
		a->start = split;
	a->exit = join;
	return true;
}

static bool build(struct compiler *c)
{
	struct fragment stack[TOKENS_MAX];
	struct pattern *p = c->p;
	unsigned depth = 0;
	uint8_t match;

	for (unsigned i = 0; i < c->out_count; i++) {
		uint8_t op = c->out[i].op;
		bool good = true;

		if (op == OP_ATOM || op == OP_EMPTY) {
			good = atom_fragment(p, c->out[i], &stack[depth++]);
		} else if (op == OP_CONCAT || op == OP_ALTERNATE) {
			if (depth < 2)
				return false;
			depth--;
			if (op == OP_ALTERNATE) {
				good = alternate(p, &stack[depth - 1], stack[depth]);
			} else {
				p->states[stack[depth - 1].exit].next = stack[depth].start;
				stack[depth - 1].exit = stack[depth].exit;
			}
		} else {
			good = depth > 0 && repeat(p, op, &stack[depth - 1]);
		}
		if (!good)
			return false;
	}
	match = add_state(p, PATTERN_MATCH, 0);
	if (depth != 1 || match == NO_STATE)
		return false;
	p->states[stack[0].exit].next = match;
	p->start = stack[0].start;
	return true;
}

int pattern_compile(struct pattern *p, const char *text)
{
	struct compiler c = {.p = p};
	size_t len = strnlen(text, PATTERN_TEXT_MAX);

	memset(p, 0, sizeof(*p));
	if (len == PATTERN_TEXT_MAX)
		return -EINVAL;
	memcpy(p->text, text, len);
	return to_postfix(&c) && build(&c) ? 0 : -EINVAL;
}

/* ---- matching ---- */

struct state_set {
	uint8_t list[PATTERN_STATES_MAX];
	unsigned count;
	bool has[PATTERN_STATES_MAX];
};

static void set_add(const struct pattern *p, struct state_set *set, uint8_t state)
{
	unsigned from = set->count;

	if (state == NO_STATE || set->has[state])
		return;
	set->has[state] = true;
	set->list[set->count++] = state;
	/* Follow empty ways; the list is its own work list. */
	for (; from < set->count; from++) {
		const struct pattern_state *s = &p->states[set->list[from]];
		const uint8_t ways[2] = {s->next, s->other};

		for (unsigned i = 0; s->kind == PATTERN_SPLIT && i < 2; i++) {
			if (ways[i] != NO_STATE && !set->has[ways[i]]) {
				set->has[ways[i]] = true;
				set->list[set->count++] = ways[i];
			}
		}
	}
}

static bool class_has(const char *text, char c)
{
	bool is_negated = text[1] == '^';
	const char *first = text + 1 + is_negated;
	bool is_in = false;

	for (const char *t = first; *t != ']' || t == first; t++) {
		if (t[1] == '-' && t[2] != ']') {
			is_in |= c >= t[0] && c <= t[2];
			t += 2;
		} else {
			is_in |= c == *t;
		}
	}
	return is_in != is_negated;
}

static bool accepts(const struct pattern *p, const struct pattern_state *s, char c)
{
	switch ((enum pattern_state_kind)s->kind) {
	case PATTERN_CHAR: return (char)s->arg == c;
	case PATTERN_ANY: return true;
	case PATTERN_CLASS: return class_has(&p->text[s->arg], c);
	case PATTERN_SPLIT:
	case PATTERN_MATCH: break;
	}
	return false;
}

bool pattern_match(const struct pattern *p, const char *string)
{
	struct state_set now = {0};

	set_add(p, &now, p->start);
	for (; *string != '\0' && now.count > 0; string++) {
		struct state_set then = {0};

		for (unsigned i = 0; i < now.count; i++) {
			const struct pattern_state *s = &p->states[now.list[i]];

			if (accepts(p, s, *string))
				set_add(p, &then, s->next);
		}
		now = then;
	}
	for (unsigned i = 0; i < now.count; i++) {
		if (p->states[now.list[i]].kind == PATTERN_MATCH)
			return true;
	}
	return false;
}
