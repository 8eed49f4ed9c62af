/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PM_INFO_TEXT: command line, environment, limits, names of the machine. Arguments and environment
 * are read from where execve put them; the process may have overwritten them, so every address is
 * checked and what cannot be read ends the text.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "pm.h"

#define TEXT_BYTES   4096
#define STRINGS_MAX  4096
#define STRING_CHUNK 64

static char text[TEXT_BYTES];

/* Address behind the string at addr; addr itself if it cannot be read. */
static uint64_t end_of_string(struct thread *t, uint64_t addr)
{
	char part[STRING_CHUNK];
	uint64_t at = addr;

	while (at - addr < TEXT_BYTES && copy_in_now(t, part, at, sizeof(part)) == 0) {
		size_t n = strnlen(part, sizeof(part));
		if (n < sizeof(part))
			return at + n + 1;
		at += sizeof(part);
	}
	return addr;
}

/* Last pointer of a list that NULL ends, 0 for an empty one; *next is where the next list begins.
 */
static uint64_t last_of_list(struct thread *t, uint64_t addr, uint64_t *next)
{
	uint64_t last = 0, word;

	for (unsigned i = 0; i < STRINGS_MAX; i++, addr += sizeof(word)) {
		if (copy_in_now(t, &word, addr, sizeof(word)) < 0)
			return 0;
		if (!word)
			break;
		last = word;
	}
	*next = addr + sizeof(word);
	return last;
}

static uint64_t first_of_list(struct thread *t, uint64_t addr)
{
	uint64_t word;

	return copy_in_now(t, &word, addr, sizeof(word)) < 0 ? 0 : word;
}

/* execve puts argc, argv, envp at the stack pointer, and all strings one behind the other. */
void info_note_start(struct thread *t, uint64_t stack)
{
	struct proc *p = t->proc;
	uint64_t argv = stack + sizeof(uint64_t), envp = 0, after, last_arg, last_env = 0;

	p->arg_start = first_of_list(t, argv);
	last_arg = last_of_list(t, argv, &envp);
	p->env_start = envp ? first_of_list(t, envp) : 0;
	if (p->env_start)
		last_env = last_of_list(t, envp, &after);
	p->arg_end = p->env_start ? p->env_start : last_arg ? end_of_string(t, last_arg) : 0;
	p->env_end = last_env ? end_of_string(t, last_env) : 0;
}

static size_t read_strings(struct thread *t, uint64_t first, uint64_t end)
{
	size_t len = first && end > first ? end - first : 0;

	if (len > TEXT_BYTES)
		len = TEXT_BYTES;
	return len == 0 || copy_in_now(t, text, first, len) < 0 ? 0 : len;
}

static const char *const limit_names[KRLIM_COUNT][2] = {
	{"Max cpu time", "seconds"},     {"Max file size", "bytes"},
	{"Max data size", "bytes"},      {"Max stack size", "bytes"},
	{"Max core file size", "bytes"}, {"Max resident set", "bytes"},
	{"Max processes", "processes"},  {"Max open files", "files"},
	{"Max locked memory", "bytes"},  {"Max address space", "bytes"},
	{"Max file locks", "locks"},     {"Max pending signals", "signals"},
	{"Max msgqueue size", "bytes"},  {"Max nice priority", ""},
	{"Max realtime priority", ""},   {"Max realtime timeout", "us"},
};

static const char *limit_text(uint64_t value, char *buf, size_t len)
{
	if (value == KRLIM_INFINITY)
		return "unlimited";
	(void)snprintf(buf, len, "%llu", (unsigned long long)value);
	return buf;
}

static size_t list_limits(const struct proc *p)
{
	size_t n = (size_t)snprintf(text, sizeof(text), "%-25s %-20s %-20s %-10s\n", "Limit",
	                            "Soft Limit", "Hard Limit", "Units");
	char soft[24], hard[24];

	for (int i = 0; i < KRLIM_COUNT && n < sizeof(text) - 100; i++)
		n += (size_t)snprintf(
			text + n, sizeof(text) - n, "%-25s %-20s %-20s %-10s\n", limit_names[i][0],
			limit_text(p->rlimits[i].cur, soft, sizeof(soft)),
			limit_text(p->rlimits[i].max, hard, sizeof(hard)), limit_names[i][1]);
	return n;
}

int32_t info_text(endpoint_t who, const struct pm_text *req)
{
	struct thread *t = thread_by_ep(req->ep);
	size_t len = 0;
	int r = 0;

	if (req->what == PM_TEXT_UTS) {
		memcpy(text, &uts, sizeof(uts));
		len = sizeof(uts);
	} else if (!t) {
		return -ESRCH;
	} else if (req->what == PM_TEXT_LIMITS) {
		len = list_limits(t->proc);
	} else if (req->what > PM_TEXT_LIMITS) {
		return -EINVAL;
	} else if (!t->proc->is_system) {
		len = req->what == PM_TEXT_ENVIRON
		              ? read_strings(t, t->proc->env_start, t->proc->env_end)
		              : read_strings(t, t->proc->arg_start, t->proc->arg_end);
	}
	if (len > req->len_bytes)
		len = req->len_bytes;
	if (len > 0)
		r = k_safecopy_to(who, req->grant, 0, text, len);
	return r < 0 ? r : (int32_t)len;
}
