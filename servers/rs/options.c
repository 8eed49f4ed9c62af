/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot options: words key=value, separated by blanks and line ends; "#" starts a comment at the
 * start of a word. A value in double quotes may hold blanks, and a value with parentheses goes on
 * until they are closed (stack expressions): storage=checksum(mirror(sata0, sata1), n=8). A key may
 * stand more than once; options_get() gives the last. Words without "=" (left by boot loaders) are
 * counted. Pure.
 */
#include <string.h>
#include "rs.h"

struct scanner {
	const char *p, *end;
};

static bool is_blank(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

static void skip_line(struct scanner *s)
{
	while (s->p < s->end && *s->p != '\n')
		s->p++;
}

static void skip_blanks(struct scanner *s)
{
	while (s->p < s->end) {
		if (*s->p == '#')
			skip_line(s);
		else if (is_blank(*s->p))
			s->p++;
		else
			return;
	}
}

/* End of the word that starts at s->p: a blank outside of quotes and parentheses. */
static const char *word_end(const struct scanner *s)
{
	unsigned depth = 0;
	bool in_quotes = false;
	const char *p;

	for (p = s->p; p < s->end && *p != '\0' && *p != '\n'; p++) {
		if (*p == '"')
			in_quotes = !in_quotes;
		else if (*p == '(')
			depth++;
		else if (*p == ')' && depth > 0)
			depth--;
		else if (is_blank(*p) && depth == 0 && !in_quotes)
			break;
	}
	return p;
}

static void take(struct options *o, const char *word, const char *end)
{
	const char *eq = memchr(word, '=', (size_t)(end - word));
	struct option *item = &o->items[o->count];
	size_t key_len, value_len;

	key_len = eq != NULL ? (size_t)(eq - word) : 0;
	if (key_len == 0 || key_len >= OPTION_KEY_MAX || o->count == OPTIONS_MAX) {
		o->rejected++;
		return;
	}
	eq++;
	value_len = (size_t)(end - eq);
	if (value_len >= 2 && eq[0] == '"' && end[-1] == '"') {
		eq++;
		value_len -= 2;
	}
	if (value_len >= OPTION_VALUE_MAX) {
		o->rejected++;
		return;
	}
	memset(item, 0, sizeof(*item));
	memcpy(item->key, word, key_len);
	memcpy(item->value, eq, value_len);
	o->count++;
}

void options_add(struct options *o, const char *text, size_t len)
{
	struct scanner s = {text, text + strnlen(text, len)};

	for (skip_blanks(&s); s.p < s.end; skip_blanks(&s)) {
		const char *end = word_end(&s);

		take(o, s.p, end);
		s.p = end;
	}
}

const char *options_get(const struct options *o, const char *key)
{
	for (unsigned i = o->count; i > 0; i--)
		if (strcmp(o->items[i - 1].key, key) == 0)
			return o->items[i - 1].value;
	return NULL;
}
