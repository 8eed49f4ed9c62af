/* SPDX-License-Identifier: BSD-2-Clause */
/* dup, fcntl, close-on-exec, locks. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "files.h"

static void dup_takes_the_lowest(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	CHECK(dup(fd) == fd + 1 && dup2(fd, 50) == 50 && dup2(fd, fd) == fd);
	CHECK(fcntl(fd, F_DUPFD, 50) == 51 && fcntl(fd, F_DUPFD_CLOEXEC, 50) == 52);
	CHECK(fcntl(52, F_GETFD) == FD_CLOEXEC && fcntl(51, F_GETFD) == 0);
	CHECK(dup3(fd, 60, O_CLOEXEC) == 60 && fcntl(60, F_GETFD) == FD_CLOEXEC);
	FAILS(dup3(fd, fd, 0), EINVAL);
	FAILS(dup2(99, 5), EBADF);
	FAILS(dup2(fd, -1), EBADF);
	FAILS(dup2(fd, 100000000), EBADF);
	FAILS(fcntl(fd, F_DUPFD, -1), EINVAL);
}

static void dup2_closes_the_target(void)
{
	int p[2];
	char c;

	CHECK(pipe(p) == 0 && dup2(p[0], p[1]) == p[1]);
	CHECK(read(p[0], &c, 1) == 0); /* the only writer is gone */
}

static void flags_belong_to_descriptor_or_file(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_APPEND, 0600), copy = dup(fd);

	CHECK(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(copy, F_GETFD) == 0);
	CHECK((fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND)) == (O_RDWR | O_APPEND));
	CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	CHECK((fcntl(copy, F_GETFL) & (O_APPEND | O_NONBLOCK | O_ACCMODE)) ==
	      (O_NONBLOCK | O_RDWR));
	FAILS(fcntl(99, F_GETFL), EBADF);
	FAILS(fcntl(fd, 9999), EINVAL);
}

static void nonblocking_by_ioctl(void)
{
	int p[2], on = 1, n;
	char c;

	CHECK(pipe(p) == 0 && ioctl(p[0], FIONBIO, &on) == 0);
	FAILS(read(p[0], &c, 1), EAGAIN);
	CHECK(write(p[1], "abc", 3) == 3 && ioctl(p[0], FIONREAD, &n) == 0 && n == 3);
	FAILS(ioctl(p[0], 0x5401, &n), ENOTTY);
	FAILS(ioctl(99, FIONREAD, &n), EBADF);
}

static void descriptors_run_out_at_emfile(void)
{
	int fd, last = -1;

	while ((fd = open("/dev/null", O_RDONLY)) >= 0)
		last = fd;
	CHECK(errno == EMFILE && last >= 255);
	CHECK(close(last) == 0 && open("/dev/null", O_RDONLY) == last);
	FAILS(dup(0), EMFILE);
}

static void close_range_closes_and_marks(void)
{
	for (int i = 40; i < 50; i++)
		CHECK(dup2(0, i) == i || dup2(1, i) == i);
	CHECK(syscall(SYS_close_range, 42, 44, 0) == 0);
	FAILS(fcntl(43, F_GETFD), EBADF);
	CHECK(fcntl(41, F_GETFD) == 0 && fcntl(45, F_GETFD) == 0);
	CHECK(syscall(SYS_close_range, 46, ~0u, 4) == 0 && fcntl(47, F_GETFD) == FD_CLOEXEC);
	FAILS(syscall(SYS_close_range, 5, 4, 0), EINVAL);
}

static void child_moves(void *arg)
{
	int fd = *(int *)arg;

	CHECK(lseek(fd, 5, SEEK_SET) == 5 && close(fd) == 0);
}

static void fork_shares_files_but_not_tables(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	CHECK(status_of(child_moves, &fd) == 0);
	CHECK(lseek(fd, 0, SEEK_CUR) == 5);
}

const struct test fd_tests[] = {
	TEST(dup_takes_the_lowest),
	TEST(dup2_closes_the_target),
	TEST(flags_belong_to_descriptor_or_file),
	TEST(nonblocking_by_ioctl),
	TEST(descriptors_run_out_at_emfile),
	TEST(close_range_closes_and_marks),
	TEST(fork_shares_files_but_not_tables),
	{NULL, NULL},
};

/* ---- locks ---- */

static struct flock range(short type, off_t start, off_t len)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
}

static void expect_locked(void *arg)
{
	int fd = open("f", O_RDWR);
	struct flock l = range(F_WRLCK, 5, 1), other = range(F_WRLCK, 50, 10);

	(void)arg;
	FAILS(fcntl(fd, F_SETLK, &l), EAGAIN);
	CHECK(fcntl(fd, F_GETLK, &l) == 0 && l.l_type == F_WRLCK && l.l_pid == getppid());
	CHECK(l.l_start == 0 && l.l_len == 10 && fcntl(fd, F_SETLK, &other) == 0);
}

static void record_locks_exclude_other_processes(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600);
	struct flock l = range(F_WRLCK, 0, 10), again = range(F_RDLCK, 0, 5);

	CHECK(fcntl(fd, F_SETLK, &l) == 0);
	CHECK(status_of(expect_locked, NULL) == 0);
	CHECK(fcntl(fd, F_GETLK, &again) == 0 &&
	      again.l_type == F_UNLCK); /* one's own are no conflict */
}

static void expect_free(void *arg)
{
	int fd = open("f", O_RDWR);
	struct flock l = range(F_WRLCK, 0, 0);

	(void)arg;
	CHECK(fcntl(fd, F_SETLK, &l) == 0);
}

static void any_close_drops_record_locks(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600), other = open("f", O_RDONLY);
	struct flock l = range(F_WRLCK, 0, 0);

	CHECK(fcntl(fd, F_SETLK, &l) == 0 && close(other) == 0);
	CHECK(status_of(expect_free, NULL) == 0);
}

static void lock_and_wait(void *arg)
{
	int fd = open("f", O_RDWR);
	struct flock l = range(F_WRLCK, 0, 0);

	(void)arg;
	CHECK(fcntl(fd, F_SETLKW, &l) == 0);
}

static void setlkw_waits_for_release(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0600), status;
	struct flock l = range(F_WRLCK, 0, 0);
	pid_t pid;

	CHECK(fcntl(fd, F_SETLK, &l) == 0);
	pid = fork();
	if (pid == 0) {
		lock_and_wait(NULL);
		_exit(7);
	}
	msleep(100);
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	l.l_type = F_UNLCK;
	CHECK(fcntl(fd, F_SETLK, &l) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == EXITED(7));
}

static void on_alarm(int signo)
{
	(void)signo;
}

static void a_signal_ends_waiting_for_a_lock(void)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	int fd = open("f", O_RDWR | O_CREAT, 0600), p[2];
	struct flock l = range(F_WRLCK, 0, 0);
	pid_t pid;
	char c;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		CHECK(fcntl(fd, F_SETLK, &l) == 0 && write(p[1], "x", 1) == 1);
		pause();
	}
	CHECK(read(p[0], &c, 1) == 1);
	sigaction(SIGALRM, &sa, NULL);
	ualarm(100000, 100000);
	FAILS(fcntl(fd, F_SETLKW, &l), EINTR);
	CHECK(kill(pid, SIGKILL) == 0);
}

static void flock_is_per_open_file(void)
{
	int a = open("f", O_RDWR | O_CREAT, 0600), b = open("f", O_RDWR), copy = dup(a);

	CHECK(flock(a, LOCK_EX) == 0);
	FAILS(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK(close(a) == 0);
	FAILS(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK(flock(copy, LOCK_SH) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0);
	FAILS(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK(close(copy) == 0 && flock(b, LOCK_EX | LOCK_NB) == 0 && flock(b, LOCK_UN) == 0);
}

static void bad_locks_are_refused(void)
{
	int r = open("f", O_RDONLY | O_CREAT, 0600);
	struct flock l = range(F_WRLCK, 0, 0);

	FAILS(fcntl(r, F_SETLK, &l), EBADF);
	l = range(F_RDLCK, -5, 2);
	FAILS(fcntl(r, F_SETLK, &l), EINVAL);
	l = range(99, 0, 2);
	FAILS(fcntl(r, F_SETLK, &l), EINVAL);
	FAILS(flock(r, 64), EINVAL);
}

const struct test lock_tests[] = {
	TEST(record_locks_exclude_other_processes),
	TEST(any_close_drops_record_locks),
	TEST(setlkw_waits_for_release),
	TEST(a_signal_ends_waiting_for_a_lock),
	TEST(flock_is_per_open_file),
	TEST(bad_locks_are_refused),
	{NULL, NULL},
};
