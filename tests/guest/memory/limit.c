/* SPDX-License-Identifier: BSD-2-Clause */
/* Running out of memory: errors for those who ask, death for who overdraws, and the system lives
 * on. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include "memory.h"

#define CHUNK       (16ul << 20)
#define RAM_TO_FILL (1ul << 30)

static void too_large_is_enomem(void)
{
	CHECK(mmap(NULL, 1ul << 42, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	              MAP_FAILED &&
	      errno == ENOMEM);
}

static void reservations_without_memory_are_free(void)
{
	uint8_t *p = mmap(NULL, 1ul << 36, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	                  -1, 0);

	CHECK(p != MAP_FAILED && mprotect(p + CHUNK, PAGE, PROT_READ | PROT_WRITE) == 0);
	p[CHUNK] = 1;
	CHECK(munmap(p, 1ul << 36) == 0);
}

/* Maps without touching until that is refused. */
static void mapping_without_end_is_enomem(void)
{
	unsigned count = 0;

	while (mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	       MAP_FAILED)
		CHECK(++count < 100000);
	CHECK(errno == ENOMEM);
}

static void touch_without_end(void *arg)
{
	(void)arg;
	for (;;) {
		uint8_t *p = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		                  -1, 0);

		CHECK(p != MAP_FAILED);
		for (size_t i = 0; i < CHUNK; i += PAGE)
			p[i] = 1;
	}
}

/* Twice, so that the memory must have come back. */
static void who_overdraws_is_killed(void)
{
	struct sysinfo info;

	CHECK(sysinfo(&info) == 0);
	if (info.totalram * (info.mem_unit ? info.mem_unit : 1) > RAM_TO_FILL)
		return; /* filling it would take too long */
	for (unsigned i = 0; i < 2; i++) {
		int status = status_of(touch_without_end, NULL);

		CHECK(status == SIGKILL || status == EXITED(1));
	}
}

static void touch_some(void *arg)
{
	(void)arg;
	memset(anon(CHUNK, PROT_READ | PROT_WRITE), 1, CHUNK);
}

static void memory_of_the_dead_comes_back(void)
{
	struct sysinfo before, after;
	uint64_t unit;

	CHECK(status_of(touch_some, NULL) == 0);
	CHECK(sysinfo(&before) == 0);
	unit = before.mem_unit ? before.mem_unit : 1;
	for (unsigned i = 0; i < 10; i++)
		CHECK(status_of(touch_some, NULL) == 0);
	CHECK(sysinfo(&after) == 0);
	CHECK(after.freeram * unit + CHUNK > before.freeram * unit);
}

const struct test limit_tests[] = {
	TEST(too_large_is_enomem),           TEST(reservations_without_memory_are_free),
	OURS(mapping_without_end_is_enomem), OURS(who_overdraws_is_killed),
	OURS(memory_of_the_dead_comes_back), {0},
};
