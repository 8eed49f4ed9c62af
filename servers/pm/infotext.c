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

#define TEXT_BYTES  4096
#define STRINGS_MAX 4096
#define POINTER	    sizeof(uint64_t)

static char text[TEXT_BYTES];

static uint64_t read_word(struct thread *t, uint64_t addr)
{
	uint64_t w;

	return copy_in_now(t, &w, addr, sizeof(w)) < 0 ? 0 : w;
}

/* The strings of a pointer list lie one behind the other: from the first one up to `end`. */
static size_t read_strings(struct thread *t, uint64_t first, uint64_t end)
{
	size_t len = end > first ? end - first : 0;

	if (!first || len == 0)
		return 0;
	if (len > TEXT_BYTES)
		len = TEXT_BYTES;
	return copy_in_now(t, text, first, len) < 0 ? 0 : len;
}

/* Address behind the last string of the list at addr. */
static uint64_t end_of_list(struct thread *t, uint64_t addr)
{
	uint64_t last = 0;
	char c = 1;

	for (unsigned i = 0; i < STRINGS_MAX; i++) {
		uint64_t p = read_word(t, addr + i * POINTER);
		if (!p)
			break;
		last = p;
	}
	for (unsigned i = 0; last && c && i < TEXT_BYTES; i++)
		if (copy_in_now(t, &c, last++, 1) < 0)
			return 0;
	return last;
}

static size_t read_list(struct thread *t, bool is_environ)
{
	uint64_t stack = t->proc->start_stack, count, argv, envp, environ_start;

	if (!stack)
		return 0;
	count = read_word(t, stack);
	if (count > STRINGS_MAX)
		return 0;
	argv = stack + POINTER;
	envp = argv + (count + 1) * POINTER;
	environ_start = read_word(t, envp);
	if (is_environ)
		return read_strings(t, environ_start, end_of_list(t, envp));
	return read_strings(t, read_word(t, argv),
			    environ_start ? environ_start : end_of_list(t, argv));
}

static const char *const limit_names[KRLIM_COUNT][2] = {
	{"Max cpu time", "seconds"},	 {"Max file size", "bytes"},
	{"Max data size", "bytes"},	 {"Max stack size", "bytes"},
	{"Max core file size", "bytes"}, {"Max resident set", "bytes"},
	{"Max processes", "processes"},	 {"Max open files", "files"},
	{"Max locked memory", "bytes"},	 {"Max address space", "bytes"},
	{"Max file locks", "locks"},	 {"Max pending signals", "signals"},
	{"Max msgqueue size", "bytes"},	 {"Max nice priority", ""},
	{"Max realtime priority", ""},	 {"Max realtime timeout", "us"},
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
		len = read_list(t, req->what == PM_TEXT_ENVIRON);
	}
	if (len > req->len_bytes)
		len = req->len_bytes;
	if (len > 0)
		r = k_safecopy_to(who, req->grant, 0, text, len);
	return r < 0 ? r : (int32_t)len;
}
