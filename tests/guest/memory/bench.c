/* SPDX-License-Identifier: BSD-2-Clause */
/* What memory operations cost, as the best of some rounds: one line each, "name ns". */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "memory.h"

#define ROUNDS 20
#define PAGES  256ul

static uint64_t start_ns, best_ns;

static void begin(void)
{
	start_ns = clock_ns();
}

static void end(unsigned per)
{
	uint64_t t = (clock_ns() - start_ns) / per;

	if (t < best_ns)
		best_ns = t;
}

static void report(const char *name)
{
	printf("%-16s %8lu ns\n", name, (unsigned long)best_ns);
	best_ns = UINT64_MAX;
}

static void measure_calls(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		begin();
		for (unsigned k = 0; k < 100; k++)
			CHECK(munmap((void *)0x10000000ul, PAGE) == 0);
		end(100);
	}
	report("call");
	for (unsigned i = 0; i < ROUNDS; i++) {
		uint8_t *p;

		begin();
		p = anon(PAGES * PAGE, PROT_READ | PROT_WRITE);
		for (size_t k = 0; k < PAGES; k++)
			p[k * PAGE] = 1;
		end(PAGES);
		CHECK(munmap(p, PAGES * PAGE) == 0);
	}
	report("touch-page");
}

static void measure_fork(void)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		pid_t pid;

		begin();
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			_exit(0);
		CHECK(waitpid(pid, NULL, 0) == pid);
		end(1);
	}
	report("fork-exit-wait");
	for (unsigned i = 0; i < ROUNDS; i++) {
		pid_t pid;

		begin();
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			execl("/bin/busybox", "true", (char *)NULL);
			_exit(1);
		}
		CHECK(waitpid(pid, NULL, 0) == pid);
		end(1);
	}
	report("fork-exec-wait");
}

static void measure_copy_on_write(void)
{
	uint8_t *p = anon(PAGES * PAGE, PROT_READ | PROT_WRITE);

	memset(p, 1, PAGES * PAGE);
	for (unsigned i = 0; i < ROUNDS; i++) {
		int stop[2];
		pid_t pid;
		char byte;

		CHECK(pipe(stop) == 0);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			close(stop[1]);
			_exit(read(stop[0], &byte, 1) < 0);
		}
		begin();
		for (size_t k = 0; k < PAGES; k++)
			p[k * PAGE]++;
		end(PAGES);
		close(stop[0]);
		close(stop[1]);
		CHECK(waitpid(pid, NULL, 0) == pid);
	}
	report("copy-page");
}

void run_benchmark(void)
{
	best_ns = UINT64_MAX;
	measure_calls();
	measure_fork();
	measure_copy_on_write();
}
