/* SPDX-License-Identifier: BSD-2-Clause */
/* fork: private memory is copied on write, shared memory is shared, everything else is inherited.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>
#include "memory.h"

static uint8_t bss[64 * PAGE];
static int data = 17;
static uint8_t *area;

static void expect_and_change(void *arg)
{
	uint8_t stack_byte = *(uint8_t *)arg;

	CHECK(data == 18 && bss[5 * PAGE] == 3 && area[9 * PAGE] == 4 && stack_byte == 5);
	data = 1;
	memset(bss, 1, sizeof(bss));
	memset(area, 1, 16 * PAGE);
	*(uint8_t *)arg = 1;
	CHECK(data == 1 && bss[5 * PAGE] == 1 && area[9 * PAGE] == 1);
}

static void private_memory_is_copied(void)
{
	uint8_t on_stack = 5;

	area = anon(16 * PAGE, PROT_READ | PROT_WRITE);
	data = 18;
	bss[5 * PAGE] = 3;
	area[9 * PAGE] = 4;
	CHECK(status_of(expect_and_change, &on_stack) == 0);
	CHECK(data == 18 && bss[5 * PAGE] == 3 && bss[0] == 0 && area[9 * PAGE] == 4 &&
	      on_stack == 5);
}

static void write_after_child(void *arg)
{
	usleep(1000);
	CHECK(*(volatile uint8_t *)arg == 7);
}

static void parent_writes_stay_private(void)
{
	uint8_t *p = anon(PAGE, PROT_READ | PROT_WRITE);
	int status;
	pid_t pid;

	p[0] = 7;
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		write_after_child(p);
		_exit(0);
	}
	p[0] = 8;
	CHECK(waitpid(pid, &status, 0) == pid && status == 0 && p[0] == 8);
}

static void many_generations(void)
{
	uint8_t *p = anon(PAGE, PROT_READ | PROT_WRITE);
	int status;

	for (unsigned depth = 0; depth < 8; depth++) {
		pid_t pid = fork();

		CHECK(pid >= 0 && p[0] == depth);
		if (pid != 0) {
			CHECK(waitpid(pid, &status, 0) == pid && status == 0 && p[0] == depth);
			if (depth == 0)
				return;
			_exit(0);
		}
		p[0]++;
	}
	_exit(0);
}

static void set_bytes(void *arg)
{
	uint8_t *p = arg;

	for (unsigned i = 0; i < 64; i++)
		p[i * PAGE] = (uint8_t)i;
}

static void shared_anonymous_memory_is_shared(void)
{
	uint8_t *p =
		mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	p[3 * PAGE + 1] = 9;
	CHECK(status_of(set_bytes, p) == 0);
	for (unsigned i = 0; i < 64; i++)
		CHECK(p[i * PAGE] == i);
	CHECK(p[3 * PAGE + 1] == 9);
	CHECK(munmap(p, 64 * PAGE) == 0);
}

static void attach_and_set(void *arg)
{
	uint8_t *p = shmat(*(int *)arg, NULL, 0);

	CHECK(p != (void *)-1);
	set_bytes(p);
	CHECK(shmdt(p) == 0);
}

static void sysv_segments_live_until_removed_and_detached(void)
{
	int id = shmget(IPC_PRIVATE, 64 * PAGE - 5, IPC_CREAT | 0600);
	struct shmid_ds ds;
	uint8_t *p;

	CHECK(id >= 0);
	p = shmat(id, NULL, 0);
	CHECK(p != (void *)-1);
	CHECK(status_of(attach_and_set, &id) == 0 && p[63 * PAGE] == 63);
	CHECK(shmctl(id, IPC_STAT, &ds) == 0 && ds.shm_nattch == 1 &&
	      ds.shm_segsz == 64 * PAGE - 5);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK(status_of(set_bytes, p) == 0 && p[2 * PAGE] == 2);
	CHECK(shmdt(p) == 0);
	CHECK(shmctl(id, IPC_STAT, &ds) == -1 && errno == EINVAL);
	CHECK(shmat(id, NULL, 0) == (void *)-1 && errno == EINVAL);
}

static void sysv_keys_name_segments(void)
{
	key_t key = 0x41580000 + getpid();
	int id = shmget(key, PAGE, IPC_CREAT | IPC_EXCL | 0600);
	uint8_t *p;

	CHECK(id >= 0 && shmget(key, PAGE, 0) == id);
	CHECK(shmget(key, PAGE, IPC_CREAT | IPC_EXCL) == -1 && errno == EEXIST);
	CHECK(shmget(key, 2 * PAGE, 0) == -1 && errno == EINVAL);
	p = shmat(id, NULL, SHM_RDONLY);
	CHECK(p != (void *)-1 && p[0] == 0 && status_of(do_write, p) == 11);
	CHECK(shmdt(p + 1) == -1 && shmdt(p) == 0 && shmctl(id, IPC_RMID, NULL) == 0);
	CHECK(shmget(key, PAGE, 0) == -1 && errno == ENOENT);
}

static void vfork_child_shares_memory(void)
{
	volatile int seen = 0;
	pid_t pid = vfork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		seen = 1; /* NOLINT: the point of this test */
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(seen == 0 || seen == 1); /* a copy is allowed, too */
}

const struct test fork_tests[] = {
	TEST(private_memory_is_copied),
	TEST(parent_writes_stay_private),
	TEST(many_generations),
	TEST(shared_anonymous_memory_is_shared),
	TEST(sysv_segments_live_until_removed_and_detached),
	TEST(sysv_keys_name_segments),
	TEST(vfork_child_shares_memory),
	{0},
};
