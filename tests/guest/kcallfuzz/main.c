/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kcallfuzz: native calls (IPC and kernel calls) with random arguments from an ordinary program.
 *
 *   kcallfuzz COUNT SEED      or      kcallfuzz crash (writes to address 16)
 *
 * Callers: tests/system/programs.py, as root and as a user; neither has privileges of a system
 * process. Calls are made by children in batches, because one of them may end or hang its caller;
 * a hanging child is ended by its alarm. Exit status 0: every child ended; what the calls returned
 * is printed as counts. That the system survived is for the caller to see.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "random/random.h"

#define NATIVE_FIRST 0x1000u
#define NATIVE_COUNT 0x100u
#define BATCH        200u
#define ARGUMENTS    6

struct counts {
	uint64_t refused, accepted, ended;
};

static uint8_t scratch[8192];

static long native_call(uint64_t number, const uint64_t arg[ARGUMENTS])
{
	long result;
	register uint64_t r10 __asm__("r10") = arg[3];
	register uint64_t r8 __asm__("r8") = arg[4];
	register uint64_t r9 __asm__("r9") = arg[5];

	__asm__ volatile("syscall"
	                 : "=a"(result)
	                 : "a"(number), "D"(arg[0]), "S"(arg[1]), "d"(arg[2]), "r"(r10), "r"(r8),
	                   "r"(r9)
	                 : "rcx", "r11", "memory");
	return result;
}

/* Small numbers, pointers into our memory, into the kernel, wild ones. */
static uint64_t random_argument(uint64_t *state)
{
	static const uint64_t edges[] = {0,
	                                 1,
	                                 0x7fffffff,
	                                 0xffffffff,
	                                 ~0ull,
	                                 1ull << 63,
	                                 0x7ffffffff000,
	                                 0x800000000000,
	                                 0xffff800000000000,
	                                 0xffffffff80000000,
	                                 0xffffffffffffff00};
	uint64_t value = random_splitmix(state);

	switch (random_splitmix(state) % 6) {
	case 0: return value % 64;
	case 1: return value % 0x10000;
	case 2: return (uint64_t)(uintptr_t)scratch + value % sizeof(scratch);
	case 3: return edges[value % (sizeof(edges) / sizeof(edges[0]))];
	case 4: return (value % 256) << 32 | (value >> 32) % 64; /* like an endpoint */
	default: return value;
	}
}

static void run_batch(struct counts *counts, uint64_t seed)
{
	uint64_t state = seed;
	uint64_t arg[ARGUMENTS];

	alarm(2);
	for (unsigned i = 0; i < BATCH; i++) {
		uint64_t number = NATIVE_FIRST + random_splitmix(&state) % NATIVE_COUNT;

		for (size_t j = 0; j < sizeof(scratch); j += 8) {
			uint64_t value = random_argument(&state);

			memcpy(scratch + j, &value, sizeof(value));
		}
		for (int j = 0; j < ARGUMENTS; j++)
			arg[j] = random_argument(&state);
		if (native_call(number, arg) < 0)
			counts->refused++;
		else
			counts->accepted++;
	}
	_exit(0);
}

static bool run_child(struct counts *counts, uint64_t seed)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return false;
	if (pid == 0)
		run_batch(counts, seed);
	if (waitpid(pid, &status, 0) != pid)
		return false;
	counts->ended += status != 0;
	return true;
}

int main(int argc, char **argv)
{
	struct counts *counts =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile uintptr_t bad_address = 16;
	unsigned long count;
	uint64_t seed;

	if (argc == 2 && strcmp(argv[1], "crash") == 0)
		*(volatile int *)bad_address = 1;
	if (argc != 3 || counts == MAP_FAILED) {
		fprintf(stderr, "usage: kcallfuzz COUNT SEED   or   kcallfuzz crash\n");
		return 2;
	}
	count = strtoul(argv[1], NULL, 10);
	seed = strtoull(argv[2], NULL, 10);
	for (unsigned long done = 0; done < count; done += BATCH) {
		if (!run_child(counts, seed * 1000003 + done)) {
			perror("kcallfuzz");
			return 1;
		}
	}
	printf("refused=%llu accepted=%llu ended=%llu\n", (unsigned long long)counts->refused,
	       (unsigned long long)counts->accepted, (unsigned long long)counts->ended);
	return 0;
}
