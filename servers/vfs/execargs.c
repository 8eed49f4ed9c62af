/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings and stack of an execve; see execargs.h. */
#include <errno.h>
#include <string.h>
#include "execargs.h"

void exec_args_reset(struct exec_args *a)
{
	a->start = a->env_start = a->end = EXEC_ROOM;
	a->argc = a->envc = 0;
}

char *exec_args_room(struct exec_args *a, size_t *size)
{
	*size = sizeof(a->text) - a->end;
	if (*size > EXEC_STRING_MAX)
		*size = EXEC_STRING_MAX;
	return (char *)a->text + a->end;
}

int exec_args_added(struct exec_args *a, size_t len, bool is_env)
{
	if (a->argc + a->envc >= EXEC_STRINGS_MAX)
		return -E2BIG;
	a->end += (uint32_t)len + 1;
	if (is_env) {
		a->envc++;
	} else {
		a->argc++;
		a->env_start = a->end;
	}
	return 0;
}

int exec_args_add(struct exec_args *a, const char *s, bool is_env)
{
	size_t size, len = strlen(s);
	char *room = exec_args_room(a, &size);

	if (len + 1 > size)
		return -E2BIG;
	memcpy(room, s, len + 1);
	return exec_args_added(a, len, is_env);
}

int exec_args_push(struct exec_args *a, const char *s)
{
	size_t bytes = strlen(s) + 1;

	if (bytes > a->start || a->argc + a->envc >= EXEC_STRINGS_MAX)
		return -E2BIG;
	a->start -= (uint32_t)bytes;
	memcpy(a->text + a->start, s, bytes);
	a->argc++;
	return 0;
}

void exec_args_pop(struct exec_args *a)
{
	if (a->argc == 0)
		return;
	a->start += (uint32_t)strlen((char *)a->text + a->start) + 1;
	a->argc--;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int exec_shebang(char *line, size_t len, const char **interp, const char **arg)
{
	char *end, *p;

	if (len < 3 || line[0] != '#' || line[1] != '!')
		return -ENOEXEC;
	if (len > EXEC_LINE_MAX)
		len = EXEC_LINE_MAX;
	line[len - 1] = '\0'; /* a longer line is cut, as Linux does */
	end = line + strcspn(line, "\n");
	*end = '\0';
	while (end > line && is_blank(end[-1]))
		*--end = '\0';
	p = line + 2;
	while (is_blank(*p))
		p++;
	if (!*p)
		return -ENOEXEC;
	*interp = p;
	while (*p && !is_blank(*p))
		p++;
	if (*p)
		*p++ = '\0';
	while (is_blank(*p))
		p++;
	*arg = p;
	return 0;
}

/* What lies above the strings: random bytes, platform, execfn, a zero word. */
static int build_tail(struct exec_stack *s, uint64_t *execfn, uint64_t *platform, uint64_t *random)
{
	static const char name[] = "x86_64";
	size_t fn = strlen(s->execfn) + 1;
	uint8_t *p = s->tail;

	s->tail_len = 16 + sizeof(name) + fn + 8;
	if (s->tail_len > sizeof(s->tail))
		return -E2BIG;
	s->tail_at = s->top - s->tail_len;
	*random = s->tail_at;
	*platform = *random + 16;
	*execfn = *platform + sizeof(name);
	memcpy(p, s->random, 16);
	memcpy(p + 16, name, sizeof(name));
	memcpy(p + 16 + sizeof(name), s->execfn, fn);
	memset(p + 16 + sizeof(name) + fn, 0, 8);
	return 0;
}

/* Addresses of `count` strings that start at text offset *at. */
static uint64_t *put_pointers(const struct exec_args *a, uint64_t *out, uint32_t *at, uint64_t base)
{
	uint32_t limit = *at < a->env_start ? a->env_start : a->end;

	while (*at < limit) {
		*out++ = base + (*at - a->start);
		*at += (uint32_t)strlen((const char *)a->text + *at) + 1;
	}
	*out++ = 0;
	return out;
}

int exec_stack_build(const struct exec_args *a, struct exec_stack *s, uint64_t *vector,
                     size_t max_words)
{
	uint64_t execfn, platform, random, *out = vector;
	uint32_t at = a->start;
	int r = build_tail(s, &execfn, &platform, &random);

	if (r)
		return r;
	s->words = 1 + a->argc + 1 + a->envc + 1 + 2 * (s->aux_count + 4ul);
	if (s->words > max_words || s->aux_count > EXEC_AUX_MAX)
		return -E2BIG;
	s->text_at = s->tail_at - (a->end - a->start);
	s->sp = (s->text_at - s->words * 8) & ~15ul;
	*out++ = a->argc;
	if (a->start == a->env_start)
		*out++ = 0;
	else
		out = put_pointers(a, out, &at, s->text_at);
	at = a->env_start;
	if (at == a->end)
		*out++ = 0;
	else
		out = put_pointers(a, out, &at, s->text_at);
	for (unsigned i = 0; i < s->aux_count; i++) {
		*out++ = s->aux[i].type;
		*out++ = s->aux[i].value;
	}
	*out++ = AUX_EXECFN;
	*out++ = execfn;
	*out++ = AUX_PLATFORM;
	*out++ = platform;
	*out++ = AUX_RANDOM;
	*out++ = random;
	*out++ = AUX_NULL;
	*out++ = 0;
	return (size_t)(out - vector) == s->words ? 0 : -EINVAL;
}
