/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netpuppet crowd ADDRESS PORT CONNECTIONS BYTES: that many connections in one process, by poll(). All are
 * open before the first byte moves. Each sends its stream (seed: its number), ends its half, and must get
 * the stream of the number plus ANSWER_SEED to its end. Prints "open N" when all are, "done N" at the end,
 * or what went wrong with which. Exit status: 0 all arrived right, 1 not, 2 usage.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netpuppet.h"

#define CROWD_MAX   512u
#define ANSWER_SEED 1000000u
#define STEP_BYTES  16384u

struct member {
	uint32_t number;
	uint64_t sent, got;
	bool is_open, is_shut,
		is_ended; /* both halves are established; ours, the peer's are ended */
};

static struct member members[CROWD_MAX];
static struct pollfd polls[CROWD_MAX];
static uint64_t wanted_bytes;

static bool complain(const struct member *m, const char *what)
{
	printf("connection %u, %llu bytes sent and %llu received: %s: %s\n", m->number,
	       (unsigned long long)m->sent, (unsigned long long)m->got, what, strerror(errno));
	return false;
}

static bool start(struct member *m, const struct sockaddr_storage *to)
{
	int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return complain(m, "socket");
	polls[m->number] = (struct pollfd){.fd = fd, .events = POLLOUT};
	if (connect(fd, (const struct sockaddr *)to, address_bytes(to)) != 0 &&
	    errno != EINPROGRESS)
		return complain(m, "connect");
	return true;
}

static bool finish_connect(struct member *m, struct pollfd *p)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		return complain(m, "SO_ERROR");
	errno = error;
	if (error != 0)
		return complain(m, "connect");
	m->is_open = true;
	p->events = 0;
	return true;
}

static bool push(struct member *m, struct pollfd *p)
{
	uint8_t data[STEP_BYTES];
	size_t step =
		wanted_bytes - m->sent < STEP_BYTES ? (size_t)(wanted_bytes - m->sent) : STEP_BYTES;
	ssize_t done;

	pattern_fill(m->number, m->sent, data, step);
	done = send(p->fd, data, step, MSG_NOSIGNAL);
	if (done < 0)
		return errno == EAGAIN || complain(m, "send");
	m->sent += (uint64_t)done;
	if (m->sent < wanted_bytes)
		return true;
	m->is_shut = true;
	p->events &= ~POLLOUT;
	return shutdown(p->fd, SHUT_WR) == 0 || complain(m, "shutdown");
}

static bool pull(struct member *m, struct pollfd *p)
{
	uint8_t data[STEP_BYTES], right[STEP_BYTES];
	ssize_t done = recv(p->fd, data, sizeof(data), 0);

	if (done < 0)
		return errno == EAGAIN || complain(m, "receive");
	errno = 0;
	if (done == 0) {
		m->is_ended = true;
		p->events &= ~POLLIN;
		return m->got == wanted_bytes || complain(m, "the peer ended the stream too early");
	}
	if (m->got + (uint64_t)done > wanted_bytes)
		return complain(m, "too many bytes");
	pattern_fill(m->number + ANSWER_SEED, m->got, right, (size_t)done);
	if (memcmp(data, right, (size_t)done) != 0)
		return complain(m, "wrong bytes");
	m->got += (uint64_t)done;
	return true;
}

static bool serve(struct member *m, struct pollfd *p)
{
	if (!m->is_open)
		return finish_connect(m, p);
	if ((p->revents & POLLOUT) && !m->is_shut && !push(m, p))
		return false;
	if ((p->revents & (POLLIN | POLLHUP | POLLERR)) && !m->is_ended && !pull(m, p))
		return false;
	if (m->is_shut && m->is_ended) {
		close(p->fd);
		p->fd = -1;
	}
	return true;
}

/* Polls until is_over() is true of all. */
static bool run(unsigned count, bool (*is_over)(const struct member *m))
{
	for (;;) {
		unsigned left = 0;

		for (unsigned n = 0; n < count; n++)
			left += !is_over(&members[n]);
		if (left == 0)
			return true;
		if (poll(polls, count, -1) < 0) {
			perror("netpuppet: poll");
			return false;
		}
		for (unsigned n = 0; n < count; n++)
			if (polls[n].revents != 0 && !serve(&members[n], &polls[n]))
				return false;
	}
}

static bool is_open(const struct member *m)
{
	return m->is_open;
}

static bool is_done(const struct member *m)
{
	return m->is_shut && m->is_ended;
}

int crowd_main(int argc, char **argv)
{
	unsigned count = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
	struct sockaddr_storage to;

	if (count == 0 || count > CROWD_MAX || parse_address(argv[1], argv[2], &to) != 0) {
		fprintf(stderr, "usage: netpuppet crowd ADDRESS PORT CONNECTIONS BYTES\n");
		return 2;
	}
	wanted_bytes = strtoull(argv[4], NULL, 10);
	for (unsigned n = 0; n < count; n++) {
		members[n].number = n;
		if (!start(&members[n], &to))
			return 1;
	}
	if (!run(count, is_open))
		return 1;
	printf("open %u\n", count);
	fflush(stdout);
	for (unsigned n = 0; n < count; n++)
		polls[n].events = POLLIN | POLLOUT;
	if (!run(count, is_done))
		return 1;
	printf("done %u\n", count);
	return 0;
}
