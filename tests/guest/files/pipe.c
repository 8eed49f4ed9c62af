/* SPDX-License-Identifier: BSD-2-Clause */
/* Pipes, FIFOs, and what signals do to calls that wait. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "files.h"

static void bytes_pass_in_order(void)
{
	char buf[16] = "";
	int p[2];

	CHECK(pipe(p) == 0 && write(p[1], "hello", 5) == 5 && write(p[1], "world", 5) == 5);
	CHECK(read(p[0], buf, 7) == 7 && memcmp(buf, "hellowo", 7) == 0);
	CHECK(read(p[0], buf, 16) == 3 && close(p[1]) == 0 && read(p[0], buf, 16) == 0);
	FAILS(lseek(p[0], 0, SEEK_SET), ESPIPE);
	FAILS(pread(p[0], buf, 1, 0), ESPIPE);
}

static void write_much(void *arg)
{
	int fd = *(int *)arg;
	static uint8_t buf[100000];

	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (uint8_t)(round + i * 7);
		CHECK(write(fd, buf, sizeof(buf)) == sizeof(buf));
	}
}

static void large_writes_block_and_arrive(void)
{
	static uint8_t buf[100000];
	int p[2], status;
	size_t at = 0;
	ssize_t n;
	pid_t pid;

	CHECK(pipe(p) == 0);
	pid = fork();
	if (pid == 0) {
		write_much(&p[1]);
		_exit(0);
	}
	close(p[1]);
	while ((n = read(p[0], buf, 7777)) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			CHECK(buf[i] == (uint8_t)(at / 100000 + at % 100000 * 7));
	CHECK(n == 0 && at == 2000000 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void write_to_nobody(void *arg)
{
	int p[2];

	CHECK(pipe(p) == 0 && close(p[0]) == 0);
	if (arg)
		signal(SIGPIPE, SIG_IGN);
	FAILS(write(p[1], "x", 1), EPIPE);
}

static void no_reader_means_sigpipe_or_epipe(void)
{
	CHECK(status_of(write_to_nobody, NULL) == SIGPIPE);
	CHECK(status_of(write_to_nobody, (void *)1) == 0);
}

static void nonblocking_ends(void)
{
	static char big[70000];
	int p[2];

	CHECK(pipe2(p, O_NONBLOCK | O_CLOEXEC) == 0 && fcntl(p[0], F_GETFD) == FD_CLOEXEC);
	FAILS(read(p[0], big, 1), EAGAIN);
	CHECK(write(p[1], big, sizeof(big)) == 65536);
	FAILS(write(p[1], big, 1), EAGAIN);
	CHECK(read(p[0], big, 100) == 100);
	FAILS(write(p[1], big, 4096), EAGAIN); /* atomic: all or nothing */
	FAILS(pipe2(p, 0x40000000), EINVAL);
}

static void small_writes(void *arg)
{
	int fd = *(int *)arg;
	char c = (char)('a' + getpid() % 20), block[3000];

	memset(block, c, sizeof(block));
	for (int i = 0; i < 30; i++)
		CHECK(write(fd, block, sizeof(block)) == sizeof(block));
}

static void small_writes_do_not_mix(void)
{
	char block[3000];
	int p[2];

	CHECK(pipe(p) == 0);
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			small_writes(&p[1]);
			_exit(0);
		}
	close(p[1]);
	for (int i = 0; i < 120; i++) {
		size_t got = 0;

		while (got < sizeof(block)) {
			ssize_t n = read(p[0], block + got, sizeof(block) - got);

			CHECK(n > 0);
			got += (size_t)n;
		}
		for (size_t k = 1; k < sizeof(block); k++)
			CHECK(block[k] == block[0]);
	}
	CHECK(read(p[0], block, 1) == 0);
}

static void vectors_through_pipes(void)
{
	char a[4], b[8];
	struct iovec out[2] = {{"abc", 3}, {"defgh", 5}}, in[2] = {{a, 4}, {b, 8}};
	int p[2];

	CHECK(pipe(p) == 0 && writev(p[1], out, 2) == 8 && readv(p[0], in, 2) == 8);
	CHECK(memcmp(a, "abcd", 4) == 0 && memcmp(b, "efgh", 4) == 0);
}

static volatile int caught;
static void on_signal(int signo)
{
	caught = signo;
}

static void handle(int signo, int flags)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};

	CHECK(sigaction(signo, &sa, NULL) == 0);
}

static void signals_interrupt_reads(void)
{
	int p[2];
	char c;

	CHECK(pipe(p) == 0);
	handle(SIGALRM, 0);
	ualarm(50000, 50000);
	FAILS(read(p[0], &c, 1), EINTR);
	CHECK(caught == SIGALRM);
}

static void reads_are_restarted(void)
{
	int p[2];
	char c;

	CHECK(pipe(p) == 0);
	handle(SIGUSR1, SA_RESTART);
	if (fork() == 0) {
		msleep(50);
		kill(getppid(), SIGUSR1);
		msleep(50);
		CHECK(write(p[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK(read(p[0], &c, 1) == 1 && c == 'x' && caught == SIGUSR1);
}

static void a_partial_write_is_reported(void)
{
	static char big[200000];
	int p[2];

	CHECK(pipe(p) == 0);
	handle(SIGALRM, SA_RESTART);
	ualarm(50000, 50000);
	CHECK(write(p[1], big, sizeof(big)) == 65536);
}

static void block_for_ever(void *arg)
{
	int p[2];
	char c;

	(void)arg;
	CHECK(pipe(p) == 0);
	alarm(1);
	signal(SIGALRM, SIG_DFL);
	(void)read(p[0], &c, 1);
}

static void a_killed_reader_ends(void)
{
	CHECK(status_of(block_for_ever, NULL) == SIGALRM);
}

static void socketpairs_go_both_ways(void)
{
	char buf[8];
	int s[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	CHECK(write(s[0], "ping", 4) == 4 && read(s[1], buf, 8) == 4 &&
	      memcmp(buf, "ping", 4) == 0);
	CHECK(write(s[1], "pong", 4) == 4 && read(s[0], buf, 8) == 4 &&
	      memcmp(buf, "pong", 4) == 0);
	CHECK(write(s[1], "end", 3) == 3 && close(s[1]) == 0);
	CHECK(read(s[0], buf, 8) == 3);
	CHECK(read(s[0], buf, 8) == 0);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(s[0], "x", 1), EPIPE);
}

const struct test pipe_tests[] = {
	TEST(bytes_pass_in_order),
	TEST(large_writes_block_and_arrive),
	TEST(no_reader_means_sigpipe_or_epipe),
	TEST(nonblocking_ends),
	TEST(small_writes_do_not_mix),
	TEST(vectors_through_pipes),
	TEST(signals_interrupt_reads),
	TEST(reads_are_restarted),
	TEST(a_partial_write_is_reported),
	TEST(a_killed_reader_ends),
	TEST(socketpairs_go_both_ways),
	{NULL, NULL},
};

/* ---- FIFOs ---- */

static void open_waits_for_the_other_side(void)
{
	char buf[4];
	int fd, status;
	pid_t pid;

	CHECK(mkfifo("p", 0600) == 0);
	pid = fork();
	if (pid == 0) {
		msleep(50);
		put_file("p", "msg");
		_exit(0);
	}
	fd = open("p", O_RDONLY);
	CHECK(fd >= 0 && read(fd, buf, 4) == 3 && read(fd, buf, 4) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static void nonblocking_opens_of_fifos(void)
{
	char c;
	int r, w;

	CHECK(mkfifo("p", 0600) == 0);
	FAILS(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
	r = open("p", O_RDONLY | O_NONBLOCK);
	CHECK(r >= 0 && read(r, &c, 1) == 0);
	w = open("p", O_WRONLY | O_NONBLOCK);
	CHECK(w >= 0);
	FAILS(read(r, &c, 1), EAGAIN);
	CHECK(write(w, "x", 1) == 1 && read(r, &c, 1) == 1 && close(w) == 0 && read(r, &c, 1) == 0);
}

static void a_short_writer_lets_the_reader_in(void)
{
	int status;
	pid_t pid;

	CHECK(mkfifo("p", 0600) == 0);
	pid = fork();
	if (pid == 0) {
		int fd = open("p", O_RDONLY);

		_exit(fd >= 0 ? 5 : 6);
	}
	CHECK(close(open("p", O_WRONLY)) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == EXITED(5));
}

static void signals_interrupt_opens_of_fifos(void)
{
	CHECK(mkfifo("p", 0600) == 0);
	handle(SIGALRM, 0);
	ualarm(50000, 50000);
	FAILS(open("p", O_RDONLY), EINTR);
}

const struct test fifo_tests[] = {
	TEST(open_waits_for_the_other_side),
	TEST(nonblocking_opens_of_fifos),
	TEST(a_short_writer_lets_the_reader_in),
	TEST(signals_interrupt_opens_of_fifos),
	{NULL, NULL},
};
