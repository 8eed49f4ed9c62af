/* SPDX-License-Identifier: BSD-2-Clause */
/* Text of paths; see pathname.h. */
#include <errno.h>
#include <string.h>
#include "pathname.h"

const char *path_component(const char **path, size_t *len)
{
	const char *start = *path + strspn(*path, "/");

	*len = strcspn(start, "/");
	*path = start + *len;
	return start;
}

bool path_is_end(const char *path)
{
	return path[strspn(path, "/")] == '\0';
}

int path_splice(char *path, size_t size, const char *target, const char *rest)
{
	size_t target_len = strlen(target), rest_len = strlen(rest);

	if (target_len + rest_len + 1 > size)
		return -ENAMETOOLONG;
	memmove(path + target_len, rest, rest_len + 1);
	for (size_t i = 0; i < target_len; i++)
		path[i] = target[i];
	return 0;
}

int path_own_fd(const char *path)
{
	static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};
	static const char *const prefixes[] = {"/dev/fd/", "/proc/self/fd/"};
	int fd = 0;

	for (int i = 0; i < 3; i++)
		if (!strcmp(path, names[i]))
			return i;
	for (int i = 0; i < 2; i++) {
		size_t len = strlen(prefixes[i]);

		if (strncmp(path, prefixes[i], len) != 0 || !path[len])
			continue;
		for (path += len; *path >= '0' && *path <= '9' && fd < 100000; path++)
			fd = fd * 10 + *path - '0';
		return *path ? -1 : fd;
	}
	return -1;
}
