/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tables; with a word, only rows whose name contains it. Also the helper that exec tests start. */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "files.h"
#include "helper.h"

char self_path[PATH_MAX];

struct user_job {
	void (*fn)(void *arg);
	void *arg;
};

static void become_user(void *arg)
{
	const struct user_job *j = arg;

	CHECK(setgid(1000) == 0 && setuid(1000) == 0);
	j->fn(j->arg);
}

void as_user(void (*fn)(void *arg), void *arg)
{
	struct user_job j = {fn, arg};

	CHECK(status_of(become_user, &j) == 0);
}

void put_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	size_t len = strlen(text);

	CHECK(fd >= 0 && write(fd, text, len) == (ssize_t)len && close(fd) == 0);
}

const char *get_file(const char *path)
{
	static char buf[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	CHECK(fd >= 0);
	n = read(fd, buf, sizeof(buf) - 1);
	CHECK(n >= 0 && close(fd) == 0);
	buf[n] = '\0';
	return buf;
}

void msleep(int ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000l};

	CHECK(nanosleep(&ts, NULL) == 0);
}

uint64_t clock_ms(void)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void run_row(void *arg)
{
	const struct test *t = arg;

	alarm(60);
	umask(022);
	t->fn();
}

static bool run_one(const struct test *t)
{
	struct test row = *t;
	char dir[] = "/tmp/files.XXXXXX", command[64];
	int status;

	CHECK(mkdtemp(dir) && chmod(dir, 0777) == 0 && chdir(dir) == 0);
	status = status_of(run_row, &row);
	printf("%s %s", status == 0 ? "ok  " : "FAIL", t->name);
	printf(status == 0 ? "\n" : " (status %x)\n", (unsigned)status);
	fflush(stdout);
	CHECK(chdir("/tmp") == 0);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CHECK(system(command) == 0);
	return status == 0;
}

static unsigned run_table(const struct test *table, const char *only, unsigned *passed)
{
	unsigned failed = 0;

	for (; table->name; table++) {
		if (only && !strstr(table->name, only))
			continue;
		if (run_one(table))
			(*passed)++;
		else
			failed++;
	}
	return failed;
}

int main(int argc, char **argv)
{
	static const struct test *const tables[] = {
		open_tests,         name_tests,         walk_tests,     attr_tests,
		io_tests,           dir_tests,          fd_tests,       pipe_tests,
		fifo_tests,         poll_tests,         event_tests,    lock_tests,
		exec_tests,         device_tests,       bad_tests,      local_name_tests,
		local_misuse_tests, local_stream_tests, datagram_tests, company_tests,
		local_wait_tests,
	};
	unsigned passed = 0, failed = 0;

	if (argc > 1 && strncmp(argv[1], "helper-", 7) == 0)
		return helper_main(argc, argv);
	CHECK(realpath(argv[0], self_path));
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		failed += run_table(tables[i], argc > 1 ? argv[1] : NULL, &passed);
	if (argc > 1)
		failed += run_table(inet_tests, argv[1], &passed);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
