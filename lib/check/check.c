/* SPDX-License-Identifier: BSD-2-Clause */
/* See check.h. */
#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "check/check.h"

void fail(const char *file, int line, const char *what)
{
	printf("  %s:%d: not true: %s (errno %d)\n", file, line, what, errno);
	fflush(stdout);
	_exit(1);
}

int status_of(void (*fn)(void *arg), void *arg)
{
	int status = -1;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		fn(arg);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) ? WTERMSIG(status)
	                           : status; /* without the mark of a core file */
}
