/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the tables, or with "bench" measures what memory operations cost. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "memory.h"

static bool is_axolotl;

void do_read(void *arg)
{
	volatile uint8_t byte = *(volatile uint8_t *)arg;

	(void)byte;
}

void do_write(void *arg)
{
	*(volatile uint8_t *)arg = 1;
}

void do_call(void *arg)
{
	void (*fn)(void);

	memcpy(&fn, &arg, sizeof(fn));
	fn();
}

uint8_t *anon(size_t len, int prot)
{
	uint8_t *p = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

uint64_t clock_ns(void)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return (uint64_t)ts.tv_sec * 1000000000ul + (uint64_t)ts.tv_nsec;
}

static void run_row(void *arg)
{
	const struct test *t = arg;

	alarm(60);
	t->fn();
}

static unsigned run_table(const struct test *table, unsigned *passed)
{
	unsigned failed = 0;

	for (struct test t = *table; t.name != NULL; t = *++table) {
		int status;

		if (t.is_ours && !is_axolotl)
			continue;
		status = status_of(run_row, &t);
		printf("%s %s", status == 0 ? "ok  " : "FAIL", t.name);
		printf(status == 0 ? "\n" : " (status %x)\n", (unsigned)status);
		fflush(stdout);
		*passed += status == 0;
		failed += status != 0;
	}
	return failed;
}

int main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0;
	struct utsname u;

	CHECK(uname(&u) == 0);
	is_axolotl = strstr(u.version, "Axolotl") != NULL;
	if (argc > 1 && strcmp(argv[1], "bench") == 0) {
		run_benchmark();
		return 0;
	}
	failed += run_table(fork_tests, &passed);
	failed += run_table(map_tests, &passed);
	failed += run_table(file_tests, &passed);
	failed += run_table(thread_tests, &passed);
	failed += run_table(stress_tests, &passed);
	failed += run_table(limit_tests, &passed);
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
