/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices, and what happens with bad addresses and descriptors. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "files.h"

static void memory_devices(void)
{
	static char buf[70000], zeros[70000];
	int fd = open("/dev/zero", O_RDWR);

	memset(buf, 1, sizeof(buf));
	CHECK(read(fd, buf, sizeof(buf)) == sizeof(buf) && memcmp(buf, zeros, sizeof(buf)) == 0);
	CHECK(write(fd, buf, 10) == 10);
	fd = open("/dev/null", O_RDWR);
	CHECK(read(fd, buf, 10) == 0 && write(fd, buf, sizeof(buf)) == sizeof(buf));
	fd = open("/dev/full", O_RDWR);
	CHECK(read(fd, buf, 10) == 10);
	FAILS(write(fd, buf, 1), ENOSPC);
}

static void random_devices_differ(void)
{
	char a[64] = "", b[64] = "";
	int fd = open("/dev/urandom", O_RDONLY);

	CHECK(read(fd, a, 64) == 64 && read(fd, b, 64) == 64 && memcmp(a, b, 64) != 0);
	fd = open("/dev/random", O_RDONLY);
	CHECK(read(fd, b, 16) == 16);
}

static void own_descriptors_have_names(void)
{
	char buf[8];
	int p[2], fd;

	put_file("f", "text");
	CHECK(dup2(open("f", O_RDONLY), 0) == 0);
	fd = open("/dev/stdin", O_RDONLY);
	CHECK(fd >= 0 && read(fd, buf, 8) == 4 && lseek(0, 0, SEEK_CUR) == 0); /* opened anew */
	CHECK(pipe(p) == 0 && dup2(p[0], 50) == 50 && write(p[1], "x", 1) == 1);
	fd = open("/proc/self/fd/50", O_RDONLY);
	CHECK(fd >= 0 && read(fd, buf, 8) == 1);
	fd = open("/dev/fd/50", O_RDONLY);
	CHECK(fd >= 0 && write(p[1], "y", 1) == 1 && read(fd, buf, 8) == 1 && buf[0] == 'y');
	FAILS(open("/dev/fd/99", O_RDONLY), ENOENT);
}

static void seeking_devices(void)
{
	int fd = open("/dev/zero", O_RDONLY);

	CHECK(lseek(fd, 0, SEEK_CUR) == 0);
	CHECK(access("/dev/tty", F_OK) == 0 && access("/dev/console", F_OK) == 0);
	FAILS(mkdir("/dev/null/x", 0755), ENOTDIR);
}

const struct test device_tests[] = {
	TEST(memory_devices),
	TEST(random_devices_differ),
	TEST(own_descriptors_have_names),
	TEST(seeking_devices),
	{NULL, NULL},
};

/* ---- bad addresses ---- */

static void *const nowhere = (void *)0x10;

static void bad_buffers_are_efault(void)
{
	struct stat st;
	int fd = open("f", O_RDWR | O_CREAT, 0600), p[2];

	CHECK(write(fd, "0123456789", 10) == 10 && lseek(fd, 0, SEEK_SET) == 0);
	FAILS(syscall(SYS_read, fd, nowhere, 5), EFAULT);
	FAILS(syscall(SYS_write, fd, nowhere, 5), EFAULT);
	CHECK(lseek(fd, 0, SEEK_CUR) == 0);
	FAILS(syscall(SYS_fstat, fd, nowhere), EFAULT);
	FAILS(syscall(SYS_stat, nowhere, &st), EFAULT);
	FAILS(syscall(SYS_open, nowhere, O_RDONLY), EFAULT);
	FAILS(syscall(SYS_pipe, nowhere), EFAULT);
	FAILS(syscall(SYS_getcwd, nowhere, 100), EFAULT);
	FAILS(syscall(SYS_readlink, "/proc/self", nowhere, 10), EFAULT);
	FAILS(syscall(SYS_poll, nowhere, 1, 0), EFAULT);
	FAILS(syscall(SYS_select, 5, nowhere, NULL, NULL, NULL), EFAULT);
	FAILS(syscall(SYS_readv, fd, nowhere, 1), EFAULT);
	FAILS(syscall(SYS_read, fd, (void *)0xffff800000000000ul, 5), EFAULT);
	CHECK(pipe(p) == 0);
	FAILS(syscall(SYS_write, p[1], nowhere, 5), EFAULT);
	CHECK(write(p[1], "abc", 3) == 3);
	FAILS(syscall(SYS_read, p[0], nowhere, 3), EFAULT);
}

static void buffers_at_the_edge_of_memory(void)
{
	char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd;

	CHECK(m != MAP_FAILED && munmap(m + 4096, 4096) == 0);
	memcpy(m + 4094, "f", 2);
	fd = open(m + 4094, O_RDWR | O_CREAT, 0600); /* the path ends where memory does */
	CHECK(fd >= 0);
	memset(m + 4090, 'x', 6);
	FAILS(open(m + 4090, O_RDONLY), EFAULT);
	CHECK(write(fd, m + 4090, 6) == 6);
	FAILS(write(fd, m + 8000, 6), EFAULT);
}

static void readonly_memory_takes_no_data(void)
{
	char *m = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd;

	put_file("f", "text");
	fd = open("f", O_RDONLY);
	CHECK(m != MAP_FAILED);
	FAILS(read(fd, m, 4), EFAULT);
	CHECK(m[0] == 0);
}

static void bad_descriptors_everywhere(void)
{
	char c;

	FAILS(read(99, &c, 1), EBADF);
	FAILS(write(-5, &c, 1), EBADF);
	FAILS(lseek(99, 0, SEEK_SET), EBADF);
	FAILS(fchmod(99, 0), EBADF);
	FAILS(ftruncate(99, 0), EBADF);
	FAILS(fchdir(99), EBADF);
	FAILS(syscall(SYS_getdents64, 99, &c, 1), EBADF);
	FAILS(syscall(SYS_epoll_wait, 99, &c, 1, 0), EBADF);
}

static void missing_features_have_the_right_errno(void)
{
	char c;
	int fd;

	put_file("f", "");
	fd = open("f", O_RDONLY);
	CHECK(socket(AF_X25, SOCK_STREAM, 0) == -1 && errno == EAFNOSUPPORT);
	FAILS(ioctl(fd, 0x12345678, &c), ENOTTY);
	CHECK(syscall(SYS_getxattr, "f", "user.x", &c, 1) == -1 &&
	      (errno == EOPNOTSUPP || errno == ENODATA));
}

const struct test bad_tests[] = {
	TEST(bad_buffers_are_efault),
	TEST(buffers_at_the_edge_of_memory),
	TEST(readonly_memory_takes_no_data),
	TEST(bad_descriptors_everywhere),
	TEST(missing_features_have_the_right_errno),
	{NULL, NULL},
};
