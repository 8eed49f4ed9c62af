/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * axod: the agent inside the guest that runs commands for the host's tools over a serial line.
 *
 *   axod DEVICE [WINDOW]     DEVICE: /dev/ttyS1; or fd:N, a descriptor that is open already (tests)
 *                            WINDOW: bytes that the device buffers for us (default 4096)
 *
 * Callers: init starts it (image/root/etc/inittab); bench/agent.py is the other end. It is an
 * ordinary program of the Linux ABI and also runs under Linux. link.c is the protocol on the wire,
 * job.c runs the commands, this file moves bytes and waits.
 *
 * The device may fail and come back (its driver was restarted): it is closed and opened again until
 * that works; the link layer repeats what was lost, so jobs do not notice. State kept over a
 * restart of axod itself: none; the host is told by NOSESSION.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "job.h"
#include "link.h"

#define WINDOW_DEFAULT_BYTES 4096u
#define REOPEN_MS            200
#define IDLE_MS              1000

static struct link host_link;
static int wake_fds[2] = {-1, -1};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void on_child(int number)
{
	int saved = errno;
	ssize_t ignored = write(wake_fds[1], "", 1);

	(void)number;
	(void)ignored; /* a full pipe wakes us as well */
	errno = saved;
}

static void on_frame(void *context, const struct link_frame *frame)
{
	(void)context;
	job_take_frame(frame);
}

static void on_session(void *context)
{
	(void)context;
	job_kill_all();
}

/* All eight bits pass, nothing is echoed, no signals. A device that is not a terminal is left
 * alone. */
static void make_raw(int fd)
{
	struct termios mode;

	if (tcgetattr(fd, &mode) != 0)
		return;
	cfmakeraw(&mode);
	mode.c_cflag |= CLOCAL | CREAD;
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	cfsetspeed(&mode, B115200);
	tcsetattr(fd, TCSANOW, &mode);
}

static int open_device(const char *name)
{
	int fd;

	if (strncmp(name, "fd:", 3) == 0) {
		fd = (int)strtol(name + 3, NULL, 10);
		fcntl(fd, F_SETFL, O_NONBLOCK);
	} else {
		fd = open(name, O_RDWR | O_NOCTTY | O_NONBLOCK);
	}
	if (fd < 0)
		return -1;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	make_raw(fd);
	return fd;
}

static bool is_gone(ssize_t done)
{
	return done == 0 || (done < 0 && errno != EAGAIN && errno != EINTR);
}

/* Both directions as far as they go; false: the device is gone. */
static bool serve_device(int fd)
{
	uint8_t bytes[4096];
	const uint8_t *out;
	size_t count;
	ssize_t done = read(fd, bytes, sizeof(bytes));

	if (done > 0)
		link_input(&host_link, bytes, (size_t)done);
	else if (is_gone(done))
		return false;
	while ((count = link_output(&host_link, now_ms(), &out)) != 0) {
		done = write(fd, out, count);
		if (done > 0)
			link_output_done(&host_link, (size_t)done);
		else if (is_gone(done))
			return false;
		else
			break;
	}
	return true;
}

static int64_t earlier(int64_t a, int64_t b)
{
	if (a < 0 || b < 0)
		return a < 0 ? b : a;
	return a < b ? a : b;
}

/* Sleeps until a descriptor is ready, a child has ended or a deadline has come. */
static void wait_for_work(int fd)
{
	struct pollfd polls[JOB_POLLS_MAX + 2];
	const uint8_t *out;
	int64_t now = now_ms();
	int64_t until = earlier(job_deadline_ms(), link_deadline_ms(&host_link));
	int64_t wait_ms = until < 0 ? IDLE_MS : until - now;
	size_t count = 0;
	char drop[64];

	if (wait_ms > IDLE_MS)
		wait_ms = IDLE_MS;
	/* A deadline that is over but could not be acted upon must not make this a busy loop. */
	if (wait_ms < 1)
		wait_ms = 1;
	polls[count++] = (struct pollfd){.fd = wake_fds[0], .events = POLLIN};
	if (fd < 0)
		wait_ms = wait_ms < REOPEN_MS ? wait_ms : REOPEN_MS;
	else
		polls[count++] = (struct pollfd){
			.fd = fd,
			.events = (short)(link_output(&host_link, now, &out) != 0 ? POLLIN | POLLOUT
		                                                                  : POLLIN)};
	count += job_polls(polls + count);
	if (poll(polls, count, (int)wait_ms) < 0 && errno != EINTR)
		usleep(10000);
	while (read(wake_fds[0], drop, sizeof(drop)) > 0)
		continue;
}

static void serve(const char *device)
{
	int fd = open_device(device);
	bool may_reopen = strncmp(device, "fd:", 3) != 0;

	while (fd >= 0 || may_reopen) {
		int64_t now;

		wait_for_work(fd);
		now = now_ms();
		job_reap(now);
		if (fd < 0)
			fd = open_device(device);
		if (fd >= 0 && !serve_device(fd)) {
			close(fd);
			fd = -1;
		}
		job_step(now);
	}
}

int main(int argc, char **argv)
{
	static const struct link_handler handler = {.on_frame = on_frame, .on_session = on_session};
	struct sigaction action = {.sa_handler = on_child, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
	unsigned long window_bytes = argc > 2 ? strtoul(argv[2], NULL, 10) : WINDOW_DEFAULT_BYTES;

	if (argc < 2 || argc > 3 || window_bytes < LINK_FRAME_MAX || window_bytes > 1u << 20) {
		fprintf(stderr, "usage: axod DEVICE [WINDOW]   (window: %u bytes to 1 MiB)\n",
		        LINK_FRAME_MAX);
		return 2;
	}
	if (pipe(wake_fds) != 0) {
		perror("axod: pipe");
		return 1;
	}
	for (int i = 0; i < 2; i++) {
		fcntl(wake_fds[i], F_SETFL, O_NONBLOCK);
		fcntl(wake_fds[i], F_SETFD, FD_CLOEXEC);
	}
	sigaction(SIGCHLD, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	link_init(&host_link, &handler, (uint32_t)window_bytes);
	job_init(&host_link);
	serve(argv[1]);
	job_kill_all();
	return 0;
}
