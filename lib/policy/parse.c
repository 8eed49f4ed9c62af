/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scanner and outer grammar of system.conf: see policy.h. Statements are in keys.c.
 */
#include "axolotl/errno.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "policy_impl.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_blanks(struct policy_scan *s)
{
	while (is_blank(*s->text) || *s->text == '#') {
		if (*s->text == '#') {
			s->text += strcspn(s->text, "\n");
			continue;
		}
		s->line += *s->text == '\n';
		s->text++;
	}
}

static void take_word(struct policy_scan *s, size_t len, size_t skip)
{
	s->token = TOKEN_WORD;
	if (len >= sizeof(s->word)) {
		len = sizeof(s->word) - 1;
		s->token = TOKEN_BAD;
	}
	memcpy(s->word, s->text, len);
	s->word[len] = '\0';
	s->text += s->token == TOKEN_BAD ? len : len + skip;
}

void policy_next(struct policy_scan *s)
{
	skip_blanks(s);
	s->word[0] = *s->text;
	s->word[1] = '\0';
	switch (*s->text) {
	case '\0': s->token = TOKEN_END; return;
	case '{': s->token = TOKEN_OPEN; break;
	case '}': s->token = TOKEN_CLOSE; break;
	case ';': s->token = TOKEN_SEMICOLON; break;
	case '"':
		s->text++;
		take_word(s, strcspn(s->text, "\"\n"), 1);
		if (s->text[-1] != '"')
			s->token = TOKEN_BAD;
		return;
	default: take_word(s, strcspn(s->text, " \t\r\n{};#\""), 0); return;
	}
	s->text++;
}

int policy_fail(struct policy_scan *s, const char *fmt, ...)
{
	char *out = s->error->message;
	size_t size = sizeof(s->error->message);
	int n;
	va_list args;

	s->error->line = s->line;
	if (s->token == TOKEN_END)
		n = snprintf(out, size, "%s:%u: end of file: ", s->file, s->line);
	else
		n = snprintf(out, size, "%s:%u: '%s': ", s->file, s->line, s->word);
	if (n < 0 || (size_t)n >= size)
		return -EINVAL;
	va_start(args, fmt);
	vsnprintf(out + n, size - (size_t)n, fmt, args);
	va_end(args);
	return -EINVAL;
}

static int parse_kind(struct policy_scan *s, uint32_t *kind)
{
	static const char *const kinds[] = {"driver", "server", "filter", "program"};

	for (uint32_t i = 0; s->token == TOKEN_WORD && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(s->word, kinds[i]) == 0) {
			*kind = i;
			return 0;
		}
	}
	return policy_fail(s, "expected driver, server, filter or program");
}

static uint32_t default_priority(uint32_t kind)
{
	switch ((enum policy_kind)kind) {
	case POLICY_SERVER: return 2;
	case POLICY_DRIVER: return 4;
	case POLICY_FILTER: return 5;
	case POLICY_PROGRAM: break;
	}
	return 7;
}

static int begin_entry(struct policy_scan *s)
{
	struct policy *e;
	uint32_t kind = 0;

	if (parse_kind(s, &kind) != 0)
		return -EINVAL;
	if (s->out->count == s->out->capacity)
		return policy_fail(s, "more than %u entries", s->out->capacity);
	policy_next(s);
	if (s->token != TOKEN_WORD)
		return policy_fail(s, "expected a name");
	if (strlen(s->word) >= LABEL_MAX)
		return policy_fail(s, "name is longer than %d characters", LABEL_MAX - 1);
	for (unsigned i = 0; i < s->out->count; i++) {
		if (strcmp(s->out->entries[i].name, s->word) == 0)
			return policy_fail(s, "has an entry already, in line %u",
			                   s->out->entries[i].line);
	}
	e = &s->out->entries[s->out->count];
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->line = s->line;
	e->flags = PRIV_SYSTEM;
	e->uid = POLICY_UID;
	e->priority = default_priority(kind);
	e->quantum_us = POLICY_QUANTUM_US;
	e->heartbeat_us = POLICY_HEARTBEAT_US;
	e->pci_devices = 1;
	memcpy(e->name, s->word, strlen(s->word));
	s->entry = e;
	s->seen = 0;
	policy_next(s);
	return s->token == TOKEN_OPEN ? 0 : policy_fail(s, "expected '{'");
}

static int parse_entry(struct policy_scan *s)
{
	bool is_first = true;
	int r = begin_entry(s);

	if (r != 0)
		return r;
	policy_next(s);
	while (s->token != TOKEN_CLOSE) {
		if (s->token != TOKEN_WORD)
			return policy_fail(s, "expected a key or '}'");
		r = policy_statement(s, is_first);
		if (r != 0)
			return r;
		is_first = false;
	}
	s->out->count++;
	policy_next(s);
	if (s->token == TOKEN_SEMICOLON)
		policy_next(s);
	return 0;
}

int policy_parse(const char *file, const char *text, struct policy_file *out,
                 struct policy_error *error)
{
	struct policy_scan s = {.file = file, .text = text, .line = 1, .error = error, .out = out};
	int r = 0;

	memset(error, 0, sizeof(*error));
	out->count = 0;
	policy_next(&s);
	while (r == 0 && s.token != TOKEN_END)
		r = parse_entry(&s);
	return r;
}

bool policy_matches(const char *pattern, const char *label)
{
	size_t len = strlen(pattern);

	if (len > 0 && pattern[len - 1] == '*')
		return strncmp(pattern, label, len - 1) == 0;
	return strcmp(pattern, label) == 0;
}

bool policy_has_label(const struct policy_labels *list, const char *label)
{
	for (uint32_t i = 0; i < list->count; i++) {
		if (policy_matches(list->label[i], label))
			return true;
	}
	return false;
}

const struct policy *policy_find(const struct policy_file *f, const char *program,
                                 const char *label)
{
	for (unsigned i = 0; i < f->count; i++) {
		if (policy_matches(f->entries[i].name, label))
			return &f->entries[i];
	}
	for (unsigned i = 0; i < f->count; i++) {
		if (policy_matches(f->entries[i].name, program))
			return &f->entries[i];
	}
	return NULL;
}
