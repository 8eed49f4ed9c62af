/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the rows of all tables (abi.h), each in a child with a deadline; what it leaves behind is
 * killed. */
#include <sys/prctl.h>
#include "abi.h"

#define DEADLINE_S 20

static const struct row *const tables[] = {rows_process, rows_wait,  rows_signal,  rows_fault,
                                           rows_stack,   rows_time,  rows_session, rows_thread,
                                           rows_pty,     rows_ptyjob};

void check_at(bool ok, const char *file, int line, const char *what)
{
	if (ok)
		return;
	printf("  %s:%d: not true: %s (errno %d)\n", file, line, what, errno);
	fflush(stdout);
	_exit(1);
}

int wait_for(pid_t pid)
{
	int status = -1;
	pid_t r;

	do
		r = waitpid(pid, &status, 0);
	while (r == -1 && errno == EINTR);
	CHECK(r == pid);
	return status;
}

void catch_signal(int signo, void (*fn)(int), int flags)
{
	struct sigaction a = {.sa_flags = flags};

	a.sa_handler = fn;
	CHECK(sigaction(signo, &a, NULL) == 0);
}

uint64_t now_us(void)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void sleep_us(unsigned us)
{
	struct timespec ts = {us / 1000000, us % 1000000 * 1000l};

	while (nanosleep(&ts, &ts) == -1 && errno == EINTR)
		continue;
}

void let_block(void)
{
	sleep_us(30000);
}

static bool wait_with_deadline(pid_t pid, int *status)
{
	for (int ms = 0; ms < DEADLINE_S * 1000; ms += 5) {
		pid_t r = waitpid(pid, status, WNOHANG);
		if (r == pid)
			return true;
		sleep_us(5000);
	}
	printf("  no end after %d s\n", DEADLINE_S);
	return false;
}

static void reap_strays(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

static bool run(const struct row *r)
{
	int status = -1;
	pid_t pid;
	bool has_ended;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		r->fn();
		fflush(stdout);
		_exit(0);
	}
	setpgid(pid, pid);
	has_ended = wait_with_deadline(pid, &status);
	kill(-pid, SIGKILL);
	if (!has_ended) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	reap_strays();
	if (!has_ended || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		printf("FAIL %s (status %x)\n", r->name, (unsigned)status);
		return false;
	}
	printf("ok   %s\n", r->name);
	return true;
}

static bool is_wanted(const struct row *r, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(r->name, argv[i]))
			return true;
	return argc == 1;
}

int main(int argc, char **argv)
{
	bool is_list = argc == 2 && !strcmp(argv[1], "-l");
	unsigned passed = 0, failed = 0;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (argc == 4 && (!strcmp(argv[1], "-f") || !strcmp(argv[1], "-F")))
		return fuzz(strtoull(argv[2], NULL, 0), (unsigned)strtoul(argv[3], NULL, 0),
		            argv[1][1] == 'F');
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (const struct row *r = tables[t]; r->name; r++) {
			if (is_list)
				printf("%s\n", r->name);
			else if (is_wanted(r, argc, argv))
				run(r) ? passed++ : failed++;
		}
	}
	if (!is_list)
		printf("abi: %u passed, %u failed\n", passed, failed);
	return failed != 0;
}
