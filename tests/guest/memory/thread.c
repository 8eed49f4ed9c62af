/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads share their memory; the clock of the vDSO needs no trap and does not go backwards. */
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "memory.h"

static uint8_t *shared;
static volatile int counter;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *count(void *arg)
{
	for (unsigned i = 0; i < 1000; i++) {
		pthread_mutex_lock(&lock);
		counter++;
		pthread_mutex_unlock(&lock);
	}
	shared[(uintptr_t)arg * PAGE] = 1;
	return NULL;
}

static void threads_share_memory(void)
{
	pthread_t t[4];

	shared = anon(4 * PAGE, PROT_READ | PROT_WRITE);
	for (uintptr_t i = 0; i < 4; i++)
		CHECK(pthread_create(&t[i], NULL, count, (void *)i) == 0);
	for (unsigned i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], NULL) == 0 && shared[i * PAGE] == 1);
	CHECK(counter == 4000);
}

static void *map_some(void *arg)
{
	(void)arg;
	return anon(PAGE, PROT_READ | PROT_WRITE);
}

static void mappings_of_a_thread_outlive_it(void)
{
	pthread_t t;
	void *p;

	CHECK(pthread_create(&t, NULL, map_some, NULL) == 0 && pthread_join(t, &p) == 0);
	*(uint8_t *)p = 3;
	CHECK(*(uint8_t *)p == 3);
}

static void vdso_clock_agrees_with_the_call(void)
{
	uint64_t last = 0;

	CHECK(getauxval(AT_SYSINFO_EHDR) != 0);
	for (unsigned i = 0; i < 1000; i++) {
		struct timespec trap;
		uint64_t before = clock_ns(), after, t;

		CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &trap) == 0);
		after = clock_ns();
		t = (uint64_t)trap.tv_sec * 1000000000ul + (uint64_t)trap.tv_nsec;
		CHECK(before >= last && before <= t && t <= after);
		last = after;
	}
}

const struct test thread_tests[] = {
	TEST(threads_share_memory),
	TEST(mappings_of_a_thread_outlive_it),
	TEST(vdso_clock_agrees_with_the_call),
	{0},
};
