/* SPDX-License-Identifier: BSD-2-Clause */
/* Anonymous mappings, protection, brk, mremap, advice. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "memory.h"

#define RW (PROT_READ | PROT_WRITE)

static void fresh_memory_is_zero(void)
{
	uint8_t *p = anon(100 * PAGE, RW);

	for (size_t i = 0; i < 100 * PAGE; i += 64)
		CHECK(p[i] == 0);
	memset(p, 0xee, 100 * PAGE);
	CHECK(munmap(p, 100 * PAGE) == 0);
	p = anon(100 * PAGE, RW);
	for (size_t i = 0; i < 100 * PAGE; i += 64)
		CHECK(p[i] == 0);
}

static void bad_addresses_raise_sigsegv(void)
{
	uint8_t *p = anon(3 * PAGE, RW);

	CHECK(status_of(do_read, (void *)8) == SIGSEGV);
	CHECK(status_of(do_write, (void *)0xffff800000000000ul) == SIGSEGV);
	CHECK(munmap(p + PAGE, PAGE) == 0);
	CHECK(status_of(do_read, p + PAGE) == SIGSEGV);
	CHECK(status_of(do_write, p + 2 * PAGE) == 0);
}

static void protection_is_enforced(void)
{
	uint8_t *p = anon(4 * PAGE, RW);

	p[PAGE] = 5;
	CHECK(mprotect(p + PAGE, PAGE, PROT_READ) == 0);
	CHECK(p[PAGE] == 5 && status_of(do_write, p + PAGE) == SIGSEGV);
	CHECK(status_of(do_write, p) == 0 && status_of(do_write, p + 2 * PAGE) == 0);
	CHECK(mprotect(p + PAGE, PAGE, PROT_NONE) == 0);
	CHECK(status_of(do_read, p + PAGE) == SIGSEGV);
	CHECK(mprotect(p, 4 * PAGE, RW) == 0 && p[PAGE] == 5);
	p[PAGE] = 6;
	CHECK(p[PAGE] == 6);
	/* musl's own mprotect rounds the address */
	CHECK(syscall(SYS_mprotect, p + 1, PAGE, RW) == -1 && errno == EINVAL);
	CHECK(munmap(p + 3 * PAGE, PAGE) == 0);
	CHECK(mprotect(p + 2 * PAGE, 2 * PAGE, PROT_READ) == -1 && errno == ENOMEM);
}

static void protection_holds_after_fork(void *arg)
{
	uint8_t *p = arg;

	CHECK(p[0] == 3 && mprotect(p, PAGE, RW) == 0);
	p[0] = 4;
}

static void read_only_pages_survive_fork(void)
{
	uint8_t *p = anon(PAGE, RW);

	p[0] = 3;
	CHECK(mprotect(p, PAGE, PROT_READ) == 0);
	CHECK(status_of(protection_holds_after_fork, p) == 0);
	CHECK(p[0] == 3 && status_of(do_write, p) == SIGSEGV);
}

static void data_is_not_executable(void)
{
	uint8_t *p = anon(PAGE, RW);

	p[0] = 0xc3; /* ret */
	CHECK(status_of(do_call, p) == SIGSEGV);
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_EXEC) == 0);
	CHECK(status_of(do_call, p) == 0);
}

static void text_is_not_writable(void)
{
	void (*fn)(void) = text_is_not_writable;
	void *at;

	memcpy(&at, &fn, sizeof(at));
	CHECK(status_of(do_write, at) == SIGSEGV);
}

static void write_and_execute_never_together(void)
{
	uint8_t *p = anon(PAGE, RW);

	CHECK(mprotect(p, PAGE, RW | PROT_EXEC) == -1 && errno == EACCES);
	CHECK(mmap(NULL, PAGE, RW | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	      errno == EACCES);
}

static void fixed_mappings_replace(void)
{
	uint8_t *p = anon(8 * PAGE, RW), *q;

	memset(p, 1, 8 * PAGE);
	q = mmap(p + 2 * PAGE, 2 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(q == p + 2 * PAGE && q[0] == 0 && q[2 * PAGE - 1] == 0);
	CHECK(p[2 * PAGE - 1] == 1 && p[4 * PAGE] == 1);
	CHECK(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
	              MAP_FAILED &&
	      errno == EEXIST);
	CHECK(mmap(p + 1, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED &&
	      errno == EINVAL);
}

static void hints_are_taken_when_free(void)
{
	uint8_t *p = anon(4 * PAGE, RW);

	CHECK(munmap(p, 4 * PAGE) == 0);
	CHECK(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == p);
	CHECK(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != p);
}

static void mapping_arguments_are_checked(void)
{
	CHECK(mmap(NULL, 0, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	      errno == EINVAL);
	CHECK(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE, 99, 0) == MAP_FAILED && errno == EBADF);
	CHECK(mmap(NULL, ~0ul, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	      errno == ENOMEM);
	CHECK(munmap((void *)1, PAGE) == -1 && errno == EINVAL);
	CHECK(munmap((void *)(1ul << 50), PAGE) == -1 && errno == EINVAL);
	CHECK(munmap((void *)0x10000000ul, PAGE) == 0);
}

static void mremap_grows_moves_and_shrinks(void)
{
	uint8_t *p = anon(4 * PAGE, RW), *q;

	memset(p, 7, 4 * PAGE);
	CHECK(mprotect(p + 3 * PAGE, PAGE, PROT_READ) == 0);
	CHECK(mprotect(p + 3 * PAGE, PAGE, RW) == 0);
	q = mremap(p, 4 * PAGE, 40 * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q[0] == 7 && q[4 * PAGE - 1] == 7 && q[4 * PAGE] == 0);
	q[39 * PAGE] = 1;
	CHECK(mremap(q, 40 * PAGE, PAGE, 0) == q && q[0] == 7);
	CHECK(status_of(do_read, q + PAGE) == SIGSEGV);
	CHECK(mremap((void *)(1ul << 30), PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED &&
	      errno == EFAULT);
	p = anon(2 * PAGE, RW);
	CHECK(mremap(q, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p) == p && p[0] == 7);
	CHECK(status_of(do_read, q) == SIGSEGV);
}

static void brk_moves_the_heap(void)
{
	uint8_t *start = sbrk(0);

	CHECK(start != (void *)-1);
	for (unsigned i = 0; i < 40; i++) {
		uint8_t *p = malloc(5000 + i * 1000);

		CHECK(p != NULL);
		memset(p, 1, 5000 + i * 1000);
		if (i % 2)
			free(p);
	}
}

static int grow_stack(int depth)
{
	volatile uint8_t frame[PAGE];

	frame[0] = (uint8_t)depth;
	return depth == 0 ? frame[0] : grow_stack(depth - 1) + frame[0];
}

static void recurse_forever(void *arg)
{
	(void)arg;
	(void)grow_stack(1 << 20);
}

static void stack_grows_to_its_limit(void)
{
	CHECK(grow_stack(1500) >= 0); /* 6 MiB and more */
	CHECK(status_of(recurse_forever, NULL) == SIGSEGV);
}

static void dontneed_forgets(void)
{
	uint8_t *p = anon(4 * PAGE, RW);
	unsigned char vec[4];

	memset(p, 5, 4 * PAGE);
	CHECK(madvise(p + PAGE, PAGE, MADV_DONTNEED) == 0);
	CHECK(p[0] == 5 && p[2 * PAGE] == 5 && mincore(p, 4 * PAGE, vec) == 0 &&
	      (vec[0] & 1) == 1 && (vec[3] & 1) == 1);
	CHECK(p[PAGE] == 0);
	CHECK(madvise(p, PAGE, 77) == -1 && errno == EINVAL);
	CHECK(madvise(p, PAGE, MADV_WILLNEED) == 0);
	CHECK(mlock(p, 4 * PAGE) == 0 && munlock(p, 4 * PAGE) == 0);
	CHECK(msync(p, PAGE, MS_SYNC) == 0);
}

static void many_regions(void)
{
	enum { COUNT = 1000 };
	static uint8_t *list[COUNT];

	for (unsigned i = 0; i < COUNT; i++) {
		list[i] = anon(2 * PAGE, RW);
		list[i][0] = (uint8_t)i;
		CHECK(mprotect(list[i] + PAGE, PAGE, PROT_NONE) == 0);
	}
	for (unsigned i = 0; i < COUNT; i++)
		CHECK(list[i][0] == (uint8_t)i);
	for (unsigned i = 0; i < COUNT; i += 2)
		CHECK(munmap(list[i], 2 * PAGE) == 0);
	for (unsigned i = 1; i < COUNT; i += 2)
		CHECK(list[i][0] == (uint8_t)i);
}

const struct test map_tests[] = {
	TEST(fresh_memory_is_zero),
	TEST(bad_addresses_raise_sigsegv),
	TEST(protection_is_enforced),
	TEST(read_only_pages_survive_fork),
	TEST(data_is_not_executable),
	TEST(text_is_not_writable),
	OURS(write_and_execute_never_together),
	TEST(fixed_mappings_replace),
	TEST(hints_are_taken_when_free),
	TEST(mapping_arguments_are_checked),
	TEST(mremap_grows_moves_and_shrinks),
	TEST(brk_moves_the_heap),
	TEST(stack_grows_to_its_limit),
	TEST(dontneed_forgets),
	TEST(many_regions),
	{0},
};
