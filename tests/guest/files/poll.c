/* SPDX-License-Identifier: BSD-2-Clause */
/* poll, select, epoll, eventfd, timerfd. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "files.h"

static short poll_one(int fd, short events, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	CHECK(poll(&p, 1, timeout_ms) >= 0);
	return p.revents;
}

static void pipes_are_polled(void)
{
	static char big[65536];
	int p[2];

	CHECK(pipe(p) == 0 && poll_one(p[0], POLLIN, 0) == 0 &&
	      poll_one(p[1], POLLOUT, 0) == POLLOUT);
	CHECK(write(p[1], big, sizeof(big)) == sizeof(big));
	CHECK(poll_one(p[1], POLLOUT, 0) == 0 && poll_one(p[0], POLLIN, 0) == POLLIN);
	CHECK(close(p[1]) == 0 && poll_one(p[0], POLLIN, 0) == (POLLIN | POLLHUP));
	CHECK(read(p[0], big, sizeof(big)) == sizeof(big) && poll_one(p[0], POLLIN, 0) == POLLHUP);
	CHECK(pipe(p) == 0 && close(p[0]) == 0 && (poll_one(p[1], POLLOUT, 0) & POLLERR));
}

static void poll_reports_bad_and_skips_negative(void)
{
	struct pollfd p[3] = {{99, POLLIN, 0}, {-1, POLLIN, 7}, {0, 0, 0}};
	int fd = open("f", O_RDWR | O_CREAT, 0600);

	p[2].fd = fd;
	p[2].events = POLLIN | POLLOUT;
	CHECK(poll(p, 3, 1000) == 2 && p[0].revents == POLLNVAL && p[1].revents == 0);
	CHECK(p[2].revents == (POLLIN | POLLOUT));
}

static void timeouts_are_kept(void)
{
	uint64_t start = clock_ms(), end;
	int p[2];

	CHECK(pipe(p) == 0 && poll_one(p[0], POLLIN, 100) == 0);
	end = clock_ms();
	CHECK(end - start >= 99 && end - start < 3000);
	CHECK(poll(NULL, 0, 50) == 0);
}

static void write_later(int fd)
{
	if (fork() == 0) {
		msleep(60);
		CHECK(write(fd, "x", 1) == 1);
		_exit(0);
	}
}

static void poll_wakes_for_data(void)
{
	int p[2], q[2];
	struct pollfd f[2];

	CHECK(pipe(p) == 0 && pipe(q) == 0);
	f[0] = (struct pollfd){p[0], POLLIN, 0};
	f[1] = (struct pollfd){q[0], POLLIN, 0};
	write_later(q[1]);
	CHECK(poll(f, 2, -1) == 1 && f[0].revents == 0 && f[1].revents == POLLIN);
}

static void on_signal(int signo)
{
	(void)signo;
}

static void signals_interrupt_poll(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGALRM, &sa, NULL);
	ualarm(50000, 50000);
	FAILS(poll(NULL, 0, -1), EINTR); /* never restarted */
}

static void ppoll_opens_a_window_for_signals(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct timespec ts = {5, 0};
	sigset_t block, none;

	sigemptyset(&none);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigaction(SIGUSR1, &sa, NULL);
	CHECK(sigprocmask(SIG_BLOCK, &block, NULL) == 0 && raise(SIGUSR1) == 0);
	FAILS(ppoll(NULL, 0, &ts, &none), EINTR); /* it was pending before */
	CHECK(sigprocmask(SIG_BLOCK, NULL, &none) == 0 && sigismember(&none, SIGUSR1));
	sigdelset(&none, SIGUSR1);
	ts = (struct timespec){0, 20000000};
	CHECK(ppoll(NULL, 0, &ts, &none) == 0);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &none) == 0 && sigismember(&none, SIGUSR1));
}

static void select_sets_and_clears_bits(void)
{
	struct timeval tv = {0, 50000};
	fd_set in, out;
	int p[2];

	CHECK(pipe(p) == 0);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(p[0], &in);
	FD_SET(p[1], &out);
	CHECK(select(p[1] + 1, &in, &out, NULL, &tv) == 1 && !FD_ISSET(p[0], &in) &&
	      FD_ISSET(p[1], &out));
	FD_ZERO(&in);
	FD_SET(p[0], &in);
	CHECK(select(p[0] + 1, &in, NULL, NULL, &tv) == 0 && !FD_ISSET(p[0], &in));
	FD_SET(p[0], &in);
	write_later(p[1]);
	CHECK(select(p[0] + 1, &in, NULL, NULL, NULL) == 1 && FD_ISSET(p[0], &in));
	FD_SET(40, &in);
	FAILS(select(41, &in, NULL, NULL, &tv), EBADF);
}

const struct test poll_tests[] = {
	TEST(pipes_are_polled),
	TEST(poll_reports_bad_and_skips_negative),
	TEST(timeouts_are_kept),
	TEST(poll_wakes_for_data),
	TEST(signals_interrupt_poll),
	TEST(ppoll_opens_a_window_for_signals),
	TEST(select_sets_and_clears_bits),
	{NULL, NULL},
};

/* ---- epoll, eventfd, timerfd ---- */

static void epoll_reports_level(void)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 42}, got[4];
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2];

	CHECK(ep >= 0 && pipe(p) == 0 && epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev) == 0);
	FAILS(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), EEXIST);
	CHECK(epoll_wait(ep, got, 4, 0) == 0);
	write_later(p[1]);
	CHECK(epoll_wait(ep, got, 4, -1) == 1 && got[0].events == EPOLLIN && got[0].data.u64 == 42);
	CHECK(epoll_wait(ep, got, 4, 0) == 1); /* still there */
	CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL) == 0 && epoll_wait(ep, got, 4, 0) == 0);
	FAILS(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL), ENOENT);
	FAILS(epoll_wait(p[0], got, 4, 0), EINVAL);
}

static void epoll_edges_and_oneshots(void)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET}, got[4];
	int ep = epoll_create1(0), p[2];
	char c;

	CHECK(pipe(p) == 0 && epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev) == 0);
	CHECK(write(p[1], "ab", 2) == 2 && epoll_wait(ep, got, 4, 0) == 1 &&
	      epoll_wait(ep, got, 4, 0) == 0);
	CHECK(write(p[1], "c", 1) == 1 && epoll_wait(ep, got, 4, 0) == 1);
	ev.events = EPOLLIN | EPOLLONESHOT;
	CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev) == 0 && epoll_wait(ep, got, 4, 0) == 1);
	CHECK(epoll_wait(ep, got, 4, 0) == 0 && write(p[1], "d", 1) == 1 &&
	      epoll_wait(ep, got, 4, 0) == 0);
	CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &ev) == 0 && epoll_wait(ep, got, 4, 0) == 1);
	CHECK(read(p[0], &c, 1) == 1);
}

static void closing_leaves_the_epoll(void)
{
	struct epoll_event ev = {.events = EPOLLIN}, got[4];
	int ep = epoll_create1(0), p[2];

	CHECK(pipe(p) == 0 && epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev) == 0);
	CHECK(write(p[1], "x", 1) == 1 && close(p[0]) == 0 && epoll_wait(ep, got, 4, 20) == 0);
}

static void eventfds_count(void)
{
	uint64_t v;
	int fd = eventfd(3, EFD_NONBLOCK), sem = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);

	CHECK(read(fd, &v, 8) == 8 && v == 3);
	FAILS(read(fd, &v, 8), EAGAIN);
	v = 5;
	CHECK(write(fd, &v, 8) == 8 && write(fd, &v, 8) == 8 && poll_one(fd, POLLIN, 0) == POLLIN);
	CHECK(read(fd, &v, 8) == 8 && v == 10 && poll_one(fd, POLLIN, 0) == 0);
	CHECK(read(sem, &v, 8) == 8 && v == 1 && read(sem, &v, 8) == 8 && v == 1);
	FAILS(read(sem, &v, 8), EAGAIN);
	FAILS(read(fd, &v, 4), EINVAL);
}

static void timerfds_expire(void)
{
	struct itimerspec its = {.it_value = {0, 30000000}, .it_interval = {0, 30000000}}, now;
	uint64_t v = 0, start = clock_ms();
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	CHECK(fd >= 0 && timerfd_settime(fd, 0, &its, NULL) == 0 && timerfd_gettime(fd, &now) == 0);
	CHECK(now.it_interval.tv_nsec == 30000000 && now.it_value.tv_nsec > 0);
	CHECK(read(fd, &v, 8) == 8 && v >= 1 && clock_ms() - start >= 29);
	msleep(100);
	CHECK(read(fd, &v, 8) == 8 && v >= 2);
	its = (struct itimerspec){0};
	CHECK(timerfd_settime(fd, 0, &its, NULL) == 0 && poll_one(fd, POLLIN, 60) == 0);
}

const struct test event_tests[] = {
	TEST(epoll_reports_level), TEST(epoll_edges_and_oneshots), TEST(closing_leaves_the_epoll),
	TEST(eventfds_count),      TEST(timerfds_expire),          {NULL, NULL},
};
