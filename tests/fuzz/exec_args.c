/* SPDX-License-Identifier: BSD-2-Clause */
/* uses: servers/vfs/execargs.c servers/vfs/pathname.c */
/* Any bytes as a script's first line, as strings of an execve and as paths: all pointers stay inside. */
#include <stdlib.h>
#include <string.h>
#include "servers/vfs/execargs.h"
#include "servers/vfs/pathname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct exec_args args;
static struct exec_stack stack;
static uint64_t vector[512];

static void check(bool good)
{
	if (!good)
		abort();
}

static void try_line(const uint8_t *data, size_t size)
{
	char line[EXEC_LINE_MAX];
	const char *interp, *arg;
	size_t len = size < sizeof(line) ? size : sizeof(line) - 1;

	memcpy(line, data, len);
	line[len] = '\0';
	if (exec_shebang(line, len + 1, &interp, &arg) != 0)
		return;
	check(interp >= line + 2 && interp + strlen(interp) < line + sizeof(line) && *interp);
	check(arg > interp && arg + strlen(arg) < line + sizeof(line));
	exec_args_pop(&args);
	check(exec_args_push(&args, arg) == 0 && exec_args_push(&args, interp) == 0);
}

static void try_stack(void)
{
	uint64_t low = stack.top;

	stack.aux_count = 1;
	if (exec_stack_build(&args, &stack, vector, sizeof(vector) / sizeof(vector[0])) != 0)
		return;
	check(stack.sp % 16 == 0 && stack.sp < stack.text_at && stack.text_at <= stack.tail_at);
	check(vector[0] == args.argc && stack.words <= sizeof(vector) / sizeof(vector[0]));
	for (uint32_t i = 0; i < args.argc; i++) {
		check(vector[1 + i] >= stack.text_at && vector[1 + i] < stack.tail_at);
		check(i == 0 || vector[1 + i] > vector[i]);
	}
	check(low == stack.top);
}

static void try_path(char *path, size_t room)
{
	const char *rest = path;
	size_t len, steps = 0;

	while (path_component(&rest, &len), len > 0)
		check(++steps <= room && rest <= path + strlen(path));
	check(path_is_end(rest) && path_own_fd(path) >= -1);
	rest = path + strlen(path) / 2;
	(void)!path_splice(path, room, "../target", rest);
	check(strlen(path) < room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[128];
	size_t len = size < 100 ? size : 100;

	exec_args_reset(&args);
	stack.top = 0x7fffff000000ull;
	stack.execfn = "/bin/x";
	for (size_t at = 0; at < size && at < 2000;) {
		size_t n = strnlen((const char *)data + at, size - at), room;
		char *to = exec_args_room(&args, &room);

		if (n + 1 > room)
			break;
		memcpy(to, data + at, n);
		to[n] = '\0';
		if (exec_args_added(&args, n, at > size / 2) != 0)
			break;
		at += n + 1;
	}
	try_line(data, size);
	try_stack();
	memcpy(path, data, len);
	path[len] = '\0';
	try_path(path, sizeof(path));
	return 0;
}
