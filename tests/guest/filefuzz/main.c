/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random file calls with random arguments, from several processes of an ordinary user that share a
 * directory, some files and pipes. Nothing is checked but that all of them get through and the system
 * still works: vfs must survive whatever applications do.
 *
 *     filefuzz [SEED [CALLS [PROCESSES]]]
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "random/random.h"

#define CALLS     4000
#define PROCESSES 6

static const uint16_t calls[] = {
	SYS_read,
	SYS_write,
	SYS_open,
	SYS_close,
	SYS_stat,
	SYS_fstat,
	SYS_lstat,
	SYS_poll,
	SYS_lseek,
	SYS_ioctl,
	SYS_pread64,
	SYS_pwrite64,
	SYS_readv,
	SYS_writev,
	SYS_access,
	SYS_pipe,
	SYS_select,
	SYS_dup,
	SYS_dup2,
	SYS_sendfile,
	SYS_socketpair,
	SYS_fcntl,
	SYS_flock,
	SYS_fsync,
	SYS_truncate,
	SYS_ftruncate,
	SYS_getcwd,
	SYS_chdir,
	SYS_fchdir,
	SYS_rename,
	SYS_mkdir,
	SYS_rmdir,
	SYS_creat,
	SYS_link,
	SYS_unlink,
	SYS_symlink,
	SYS_readlink,
	SYS_chmod,
	SYS_fchmod,
	SYS_chown,
	SYS_umask,
	SYS_utime,
	SYS_mknod,
	SYS_statfs,
	SYS_fstatfs,
	SYS_getdents64,
	SYS_fadvise64,
	SYS_utimes,
	SYS_openat,
	SYS_mkdirat,
	SYS_newfstatat,
	SYS_unlinkat,
	SYS_renameat,
	SYS_linkat,
	SYS_symlinkat,
	SYS_readlinkat,
	SYS_fchmodat,
	SYS_faccessat,
	SYS_pselect6,
	SYS_ppoll,
	SYS_utimensat,
	SYS_epoll_pwait,
	SYS_eventfd2,
	SYS_fallocate,
	SYS_epoll_create1,
	SYS_dup3,
	SYS_pipe2,
	SYS_preadv,
	SYS_pwritev,
	SYS_syncfs,
	SYS_renameat2,
	SYS_copy_file_range,
	SYS_statx,
	SYS_close_range,
	SYS_execve,
	SYS_mmap,
	SYS_epoll_ctl,
	SYS_epoll_wait,
	SYS_mount,
	SYS_umount2,
	SYS_chroot,
	SYS_timerfd_create,
	SYS_timerfd_settime,
	SYS_read,
	SYS_write,
	SYS_open,
	SYS_openat,
	SYS_rename,
	SYS_unlink,
};

static const char *const names[] = {"a",
                                    "b",
                                    "c",
                                    "d",
                                    "d/a",
                                    "d/b",
                                    "e",
                                    "e/f",
                                    "a/x",
                                    "..",
                                    ".",
                                    "",
                                    "../..",
                                    "d/../e",
                                    "./a",
                                    "l",
                                    "l/a",
                                    "p",
                                    "/dev/null",
                                    "/dev/zero",
                                    "/dev/full",
                                    "/proc/self/stat",
                                    "/proc/self",
                                    "/dev/fd/3",
                                    "nonexistent/x",
                                    "/proc/self/fd/4",
                                    "d/",
                                    "e//",
                                    "l2"};

static uint8_t *memory; /* two pages, then a hole */
static uint64_t state;

static uint64_t next_random(void)
{
	return random_xorshift(&state);
}

static uint64_t below(uint64_t n)
{
	return next_random() % n;
}

static uint64_t random_address(void)
{
	switch (below(8)) {
	case 0: return 0;
	case 1: return (uint64_t)memory + 8192 - below(40);
	case 2: return below(2) ? 0x10 : 0xffff800000000000ull;
	case 3: return (uint64_t)memory + below(8192);
	default: return (uint64_t)names[below(sizeof(names) / sizeof(names[0]))];
	}
}

static uint64_t random_arg(unsigned index)
{
	static const int64_t numbers[] = {0,    1,     2,  8,         100,       512,      4096,
	                                  8192, 65537, -1, INT32_MAX, INT64_MIN, AT_FDCWD, 1 << 20};

	switch (below(index == 0 ? 6 : 10)) {
	case 0:
	case 1: return below(20);
	case 2: return below(400);
	case 3: return (uint64_t)numbers[below(sizeof(numbers) / sizeof(numbers[0]))];
	case 4: return next_random() & ((1ull << below(63)) - 1);
	default: return random_address();
	}
}

/* Random contents that make sense as iovec, pollfd, timespec, flock, a name. */
static void scribble(void)
{
	for (unsigned i = 0; i < 1024; i++)
		((uint64_t *)memory)[i] = below(3) ? random_arg(1) : 0;
	if (below(2))
		memcpy(memory + below(100) * 64, names[below(20)], 2);
}

static void on_alarm(int signo)
{
	(void)signo;
}

static void one_call(void)
{
	uint16_t number = calls[below(sizeof(calls) / sizeof(calls[0]))];
	uint64_t a[6];

	for (unsigned i = 0; i < 6; i++)
		a[i] = random_arg(i);
	/* Not into the code, and the streams of the test stay open. */
	if (number == SYS_mmap) {
		a[0] = 0;
		a[1] &= 0xffff;
		a[3] &= ~(uint64_t)MAP_FIXED;
	}
	if ((number == SYS_close || number == SYS_close_range) && a[0] < 3)
		a[0] = 3 + below(20);
	if ((number == SYS_dup2 || number == SYS_dup3) && a[1] < 3)
		a[1] = 3 + below(20);
	/* A mask that blocks the alarm would make it wait for ever. */
	if (number == SYS_ppoll)
		a[3] = 0;
	if (number == SYS_epoll_pwait)
		a[4] = 0;
	if (number == SYS_pselect6)
		a[5] = 0;
	if (number == SYS_write && a[0] < 3)
		a[0] += 3;
	if (number == SYS_writev && a[0] < 3)
		a[0] += 3;
	(void)syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int child(unsigned n, unsigned count)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	struct itimerval it = {{0, 20000}, {0, 20000}}; /* calls that wait are interrupted */
	int null = open("/dev/null", O_RDWR);

	state += 0x9e3779b97f4a7c15ull * (n + 1);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	if (setgid(1000) != 0 || setuid(1000) != 0 || sigaction(SIGALRM, &sa, NULL) != 0)
		return 1;
	setitimer(ITIMER_REAL, &it, NULL);
	for (unsigned i = 0; i < count; i++) {
		if (i % 8 == 0)
			scribble();
		one_call();
	}
	return 0;
}

static void prepare(void)
{
	char dir[] = "/tmp/fuzz.XXXXXX";
	int p[2];

	if (!mkdtemp(dir) || chmod(dir, 0777) != 0 || chdir(dir) != 0)
		exit(1);
	memory = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || munmap(memory + 8192, 4096) != 0)
		exit(1);
	if (mkdir("d", 0777) != 0 || mkdir("e", 0777) != 0 || symlink("d", "l") != 0 ||
	    symlink("l2", "l2") != 0 || mkfifo("p", 0666) != 0 || chmod("d", 0777) != 0 ||
	    chmod("e", 0777) != 0 || pipe(p) != 0)
		exit(1);
	for (int i = 0; i < 3; i++)
		if (open("a", O_RDWR | O_CREAT, 0666) < 0)
			exit(1);
}

int main(int argc, char **argv)
{
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	unsigned count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 0) : CALLS;
	unsigned processes = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 0) : PROCESSES, bad = 0;
	int status;

	state = seed * 0x2545f4914f6cdd1dull + 1;
	prepare();
	for (unsigned i = 0; i < processes; i++)
		if (fork() == 0)
			_exit(child(i, count));
	while (wait(&status) > 0)
		bad += status != 0;
	printf("seed %llu: %u processes, %u calls each, %u ended badly\n", (unsigned long long)seed,
	       processes, count, bad);
	return bad != 0;
}
