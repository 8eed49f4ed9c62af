/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on an arena of pages against a model: what each page holds and what may be done
 * with it. Children inherit, check everything, scribble, and must not change what we see.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "random/random.h"
#include "memory.h"

#define PAGES 400u
#define STEPS 6000u
#define RW    (PROT_READ | PROT_WRITE)

struct model {
	bool is_mapped, is_file;
	uint8_t prot;
	uint8_t value;     /* of the whole page, where is_mapped */
	uint16_t position; /* is_file: page of the file */
};

static uint8_t *arena;
static struct model model[PAGES];
static uint64_t seed = 88172645463325252ul;
static int file;

static unsigned pick(unsigned below)
{
	return (unsigned)(random_xorshift(&seed) >> 20) % below;
}

static uint8_t value_in_file(unsigned page)
{
	return (uint8_t)(page * 7 + 1);
}

static void check_page(unsigned i)
{
	const uint8_t *p = arena + i * PAGE;

	if (!model[i].is_mapped || !(model[i].prot & PROT_READ))
		return;
	CHECK(p[0] == model[i].value && p[PAGE / 2] == model[i].value &&
	      p[PAGE - 1] == model[i].value);
}

static void map_anon(unsigned first, unsigned count)
{
	CHECK(mmap(arena + first * PAGE, count * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	           -1, 0) == arena + first * PAGE);
	for (unsigned i = first; i < first + count; i++)
		model[i] = (struct model){.is_mapped = true, .prot = RW};
}

static void map_file(unsigned first, unsigned count)
{
	unsigned at = pick(PAGES - count);

	CHECK(mmap(arena + first * PAGE, count * PAGE, RW, MAP_PRIVATE | MAP_FIXED, file,
	           (off_t)(at * PAGE)) == arena + first * PAGE);
	for (unsigned i = first; i < first + count; i++, at++)
		model[i] = (struct model){.is_mapped = true,
		                          .is_file = true,
		                          .prot = RW,
		                          .value = value_in_file(at),
		                          .position = (uint16_t)at};
}

static void unmap(unsigned first, unsigned count)
{
	CHECK(munmap(arena + first * PAGE, count * PAGE) == 0);
	memset(&model[first], 0, count * sizeof(model[0]));
}

static bool is_all_mapped(unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++)
		if (!model[i].is_mapped)
			return false;
	return true;
}

static void protect(unsigned first, unsigned count)
{
	static const uint8_t prots[] = {PROT_NONE, PROT_READ, RW, RW};
	uint8_t prot = prots[pick(4)];

	if (!is_all_mapped(first, count))
		return;
	CHECK(mprotect(arena + first * PAGE, count * PAGE, prot) == 0);
	for (unsigned i = first; i < first + count; i++)
		model[i].prot = prot;
}

static void write_pages(unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		if (!model[i].is_mapped || !(model[i].prot & PROT_WRITE))
			continue;
		model[i].value = (uint8_t)pick(256);
		memset(arena + i * PAGE, model[i].value, PAGE);
	}
}

static void forget(unsigned first, unsigned count)
{
	if (!is_all_mapped(first, count))
		return;
	CHECK(madvise(arena + first * PAGE, count * PAGE, MADV_DONTNEED) == 0);
	for (unsigned i = first; i < first + count; i++)
		model[i].value = model[i].is_file ? value_in_file(model[i].position) : 0;
}

static void move_page(unsigned from, unsigned to)
{
	if (from == to || !model[from].is_mapped)
		return;
	CHECK(mremap(arena + from * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	             arena + to * PAGE) == arena + to * PAGE);
	model[to] = model[from];
	memset(&model[from], 0, sizeof(model[0]));
}

static void check_and_scribble(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < PAGES; i++)
		check_page(i);
	write_pages(0, PAGES);
	for (unsigned i = 0; i < PAGES; i++)
		check_page(i);
}

static void step(void)
{
	unsigned first = pick(PAGES - 20), count = 1 + pick(19);

	switch (pick(12)) {
	case 0:
	case 1: map_anon(first, count); break;
	case 2: map_file(first, count); break;
	case 3: unmap(first, count); break;
	case 4:
	case 5: protect(first, count); break;
	case 6: forget(first, count); break;
	case 7: move_page(first, pick(PAGES)); break;
	case 8:
		if (pick(20) == 0)
			CHECK(status_of(check_and_scribble, NULL) == 0);
		break;
	default: write_pages(first, count); break;
	}
	for (unsigned i = first; i < first + count; i++)
		check_page(i);
}

static void random_operations_match_model(void)
{
	static uint8_t page[PAGE];
	char path[64];

	snprintf(path, sizeof(path), "/tmp/stress.%d", getpid());
	file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(file >= 0 && unlink(path) == 0);
	for (unsigned i = 0; i < PAGES; i++) {
		memset(page, value_in_file(i), PAGE);
		CHECK(write(file, page, PAGE) == (ssize_t)PAGE);
	}
	arena = anon(PAGES * PAGE, PROT_NONE);
	map_anon(0, PAGES);
	for (unsigned i = 0; i < STEPS; i++)
		step();
	check_and_scribble(NULL);
}

/* ---- arguments that nobody meant ---- */

static long argument(void)
{
	static uint8_t spot[4 * PAGE];
	static const long special[] = {0,
	                               1,
	                               -1,
	                               PAGE,
	                               PAGE - 1,
	                               -(long)PAGE,
	                               0x7fffffffffff,
	                               0x7ffffffff000,
	                               0x7ffff7ff0000,
	                               0x7ffff7ff1000,
	                               1l << 47,
	                               1l << 62,
	                               (long)(1ul << 63),
	                               0x400000,
	                               MAP_PRIVATE | MAP_ANONYMOUS,
	                               MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED,
	                               MREMAP_MAYMOVE | MREMAP_FIXED};

	switch (pick(5)) {
	case 0: return special[pick(sizeof(special) / sizeof(special[0]))];
	case 1: return (long)(spot + pick(4 * PAGE));
	case 2: return pick(8);
	case 3: return (long)(pick(64) * PAGE);
	default: return (long)(((uint64_t)pick(1u << 30) << 17) + pick(2) * pick(PAGE));
	}
}

static void call_at_random(void *arg)
{
	static const long numbers[] = {SYS_mmap,   SYS_mprotect, SYS_munmap,   SYS_brk,
	                               SYS_mremap, SYS_msync,    SYS_mincore,  SYS_madvise,
	                               SYS_shmget, SYS_shmat,    SYS_shmctl,   SYS_shmdt,
	                               SYS_mlock,  SYS_munlock,  SYS_mlockall, SYS_munlockall};

	seed = 88172645463325252ul + *(unsigned *)arg * 7919ul;
	for (unsigned i = 0; i < 2000; i++)
		syscall(numbers[pick(sizeof(numbers) / sizeof(numbers[0]))], argument(), argument(),
		        argument(), argument(), argument(), argument());
}

static void remove_segments(void)
{
	for (int id = 0; id < 1 << 16; id++)
		if (shmctl(id, IPC_RMID, NULL) == 0)
			continue;
}

/* The caller may well destroy itself; nobody else may notice. */
static void random_arguments_hurt_only_the_caller(void)
{
	uint8_t *p = anon(16 * PAGE, RW);

	memset(p, 0x5a, 16 * PAGE);
	for (unsigned round = 0; round < 60; round++) {
		int status = status_of(call_at_random, &round);

		CHECK(status == 0 || status == SIGSEGV || status == SIGBUS || status == SIGKILL);
	}
	for (size_t i = 0; i < 16 * PAGE; i++)
		CHECK(p[i] == 0x5a);
	remove_segments();
}

const struct test stress_tests[] = {
	TEST(random_operations_match_model),
	OURS(random_arguments_hurt_only_the_caller),
	{0},
};
