/* SPDX-License-Identifier: BSD-2-Clause */
/* Network sockets over the loopback interface: run by name ("inet_"), where there is a network. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "files.h"

static struct sockaddr_in loopback(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Bound to a free port, which is told. */
static int bound(int type, struct sockaddr_in *a)
{
	socklen_t len = sizeof(*a);
	int s = socket(AF_INET, type, 0);

	*a = loopback();
	CHECK(s >= 0 && bind(s, (void *)a, sizeof(*a)) == 0);
	CHECK(getsockname(s, (void *)a, &len) == 0 && len == sizeof(*a) && a->sin_port != 0);
	return s;
}

static void pair(int s[2])
{
	struct sockaddr_in a, peer;
	socklen_t len = sizeof(peer);
	int l = bound(SOCK_STREAM, &a);

	CHECK(listen(l, 5) == 0);
	s[0] = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(connect(s[0], (void *)&a, sizeof(a)) == 0);
	s[1] = accept(l, (void *)&peer, &len);
	CHECK(s[1] >= 0 && len == sizeof(peer) && peer.sin_family == AF_INET && close(l) == 0);
}

static void inet_streams_carry_data(void)
{
	struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cdef", 4}};
	char buf[16];
	int s[2], n;

	pair(s);
	CHECK(writev(s[0], out, 3) == 6 && recv(s[1], buf, 6, MSG_WAITALL) == 6);
	CHECK(!memcmp(buf, "abcdef", 6));
	CHECK(write(s[1], "xyz", 3) == 3 && recv(s[0], buf, 2, MSG_PEEK) > 0);
	CHECK(recv(s[0], buf, 3, MSG_WAITALL) == 3 && !memcmp(buf, "xyz", 3));
	CHECK(ioctl(s[0], FIONREAD, &n) == 0 && n == 0);
	FAILS(recv(s[0], buf, 3, MSG_DONTWAIT), EAGAIN);
	CHECK(shutdown(s[1], SHUT_WR) == 0 && read(s[0], buf, 8) == 0);
	FAILS(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	FAILS(connect(s[0], (void *)buf, 1), EINVAL);
}

static void inet_much_data(void)
{
	static uint8_t buf[50000];
	int s[2], status;
	size_t at = 0;
	ssize_t n;
	pid_t pid;

	pair(s);
	pid = fork();
	if (pid == 0) {
		for (int round = 0; round < 20; round++) {
			for (size_t i = 0; i < sizeof(buf); i++)
				buf[i] = (uint8_t)((size_t)round + i * 7);
			CHECK(write(s[0], buf, sizeof(buf)) == sizeof(buf));
		}
		_exit(0);
	}
	close(s[0]);
	while ((n = read(s[1], buf, 7777)) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			CHECK(buf[i] == (uint8_t)(at / 50000 + at % 50000 * 7));
	CHECK(n == 0 && at == 1000000 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void inet_datagrams_of_pieces(void)
{
	static char big[3000], back[3000];
	struct sockaddr_in a, b, from;
	struct iovec out[2] = {{big, 1000}, {"end", 3}}, in[2] = {{back, 900}, {back + 900, 2000}};
	struct msghdr m = {
		.msg_name = &b, .msg_namelen = sizeof(b), .msg_iov = out, .msg_iovlen = 2};
	int s = bound(SOCK_DGRAM, &a), t = bound(SOCK_DGRAM, &b);

	memset(big, 'q', sizeof(big));
	CHECK(sendmsg(s, &m, 0) == 1003);
	m = (struct msghdr){
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = in, .msg_iovlen = 2};
	CHECK(recvmsg(t, &m, 0) == 1003 && !memcmp(back + 1000, "end", 3) && back[999] == 'q');
	CHECK(m.msg_namelen == sizeof(from) && from.sin_port == a.sin_port && m.msg_flags == 0);
	CHECK(sendto(s, big, 100, 0, (void *)&b, sizeof(b)) == 100);
	CHECK(recv(t, back, 10, MSG_TRUNC) == 100);
	FAILS(recv(t, back, 10, MSG_DONTWAIT), EAGAIN);
	FAILS(send(s, "x", 1, 0), EDESTADDRREQ);
	FAILS(sendto(s, (void *)8, 100, 0, (void *)&b, sizeof(b)), EFAULT);
}

static void inet_refusals(void)
{
	struct sockaddr_in a = loopback();
	int s = socket(AF_INET, SOCK_STREAM, 0), value = 0;
	socklen_t len = sizeof(value);
	char c;

	a.sin_port = htons(9);
	FAILS(connect(s, (void *)&a, sizeof(a)), ECONNREFUSED);
	s = socket(AF_INET, SOCK_STREAM, 0);
	FAILS(recv(s, &c, 1, 0), ENOTCONN);
	FAILS(getpeername(s, (void *)&a, &len), ENOTCONN);
	FAILS(accept(s, NULL, NULL), EINVAL);
	FAILS(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
	FAILS(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
	FAILS(lseek(s, 0, SEEK_SET), ESPIPE);
	len = sizeof(value);
	CHECK(getsockopt(s, SOL_SOCKET, SO_TYPE, &value, &len) == 0 && value == SOCK_STREAM);
	value = 1;
	CHECK(setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)) == 0);
	value = 0;
	CHECK(getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &value, &len) == 0 && value != 0);
}

static void on_signal(int signo)
{
	(void)signo;
}

static void inet_waits_end(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct timeval tv = {0, 50000};
	int s[2];
	char c;

	pair(s);
	CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
	ualarm(50000, 0);
	FAILS(read(s[0], &c, 1), EINTR);
	CHECK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	FAILS(read(s[0], &c, 1), EAGAIN);
	sa.sa_flags = SA_RESTART;
	CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
	if (fork() == 0) {
		msleep(120);
		CHECK(write(s[0], "x", 1) == 1);
		_exit(0);
	}
	ualarm(50000, 0);
	CHECK(read(s[1], &c, 1) == 1 && c == 'x');
}

static void inet_readiness(void)
{
	struct sockaddr_in a;
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET}, got;
	int l = bound(SOCK_STREAM, &a), s[2], e = epoll_create1(0);
	struct pollfd p = {l, POLLIN, 0};
	int c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	CHECK(listen(l, 1) == 0 && poll(&p, 1, 0) == 0);
	CHECK(connect(c, (void *)&a, sizeof(a)) == 0 || errno == EINPROGRESS);
	CHECK(poll(&p, 1, 5000) == 1 && p.revents == POLLIN);
	p = (struct pollfd){c, POLLOUT, 0};
	CHECK(poll(&p, 1, 5000) == 1 && p.revents == POLLOUT);
	pair(s);
	CHECK(epoll_ctl(e, EPOLL_CTL_ADD, s[0], &ev) == 0);
	CHECK(epoll_wait(e, &got, 1, 1000) == 1 && got.events == EPOLLOUT);
	CHECK(epoll_wait(e, &got, 1, 0) == 0);
	CHECK(write(s[1], "x", 1) == 1);
	CHECK(epoll_wait(e, &got, 1, 5000) == 1 && (got.events & EPOLLIN));
	p = (struct pollfd){s[0], POLLIN | POLLRDHUP, 0};
	CHECK(close(s[1]) == 0);
	msleep(50);
	CHECK(poll(&p, 1, 5000) == 1 && (p.revents & POLLIN));
}

static int ready(int fd, short events, int ms)
{
	struct pollfd p = {fd, events, 0};
	int n = poll(&p, 1, ms);

	return n <= 0 ? n : p.revents;
}

/* What poll says is true at each time, without any waiting: before and after what we do ourselves. */
static void inet_state_is_current(void)
{
	char buf[8];
	int s[2], on = 1;

	pair(s);
	CHECK(setsockopt(s[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
	CHECK(fcntl(s[0], F_SETFL, O_NONBLOCK) == 0 && ready(s[0], POLLOUT, 0) == POLLOUT);
	for (int i = 0; i < 300; i++) {
		CHECK(ready(s[0], POLLIN, 0) == 0);
		CHECK(write(s[1], "abc", 3) == 3 &&
		      ready(s[0], POLLIN, i % 2 ? 0 : 5000) == POLLIN);
		CHECK(read(s[0], buf, 2) == 2 &&
		      ready(s[0], POLLIN | POLLOUT, 0) == (POLLIN | POLLOUT));
		CHECK(read(s[0], buf, 2) == 1);
		CHECK(read(s[0], buf, 2) == -1 && errno == EAGAIN);
	}
	CHECK(shutdown(s[1], SHUT_WR) == 0);
	CHECK(ready(s[0], POLLIN | POLLRDHUP, 5000) == (POLLIN | POLLRDHUP));
	CHECK(shutdown(s[0], SHUT_WR) == 0 && (ready(s[0], POLLIN, 0) & POLLHUP));
	close(s[0]);
	close(s[1]);
}

/* A new edge after each draining. */
static void inet_edges(void)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET}, got;
	int s[2], e = epoll_create1(0);
	char buf[8];

	pair(s);
	CHECK(fcntl(s[0], F_SETFL, O_NONBLOCK) == 0);
	CHECK(epoll_ctl(e, EPOLL_CTL_ADD, s[0], &ev) == 0 && epoll_wait(e, &got, 1, 0) == 0);
	for (int i = 0; i < 50; i++) {
		CHECK(write(s[1], "x", 1) == 1);
		CHECK(epoll_wait(e, &got, 1, 5000) == 1 && got.events == EPOLLIN);
		CHECK(epoll_wait(e, &got, 1, 0) == 0);
		CHECK(read(s[0], buf, 8) == 1);
		CHECK(read(s[0], buf, 8) == -1 && errno == EAGAIN);
		CHECK(epoll_wait(e, &got, 1, 0) == 0);
	}
	close(s[0]);
	close(s[1]);
	close(e);
}

/* A sender that does not wait is told the same by poll and by write, until all has arrived. */
static void inet_full_sender(void)
{
	static char data[131072];
	size_t sent = 0, got = 0;
	ssize_t n;
	int s[2];

	pair(s);
	CHECK(fcntl(s[0], F_SETFL, O_NONBLOCK) == 0 && fcntl(s[1], F_SETFL, O_NONBLOCK) == 0);
	for (int i = 0; i < 4; i++) {
		while ((n = write(s[0], data, sizeof(data))) > 0)
			sent += (size_t)n;
		CHECK(n == -1 && errno == EAGAIN && ready(s[0], POLLOUT, 0) == 0);
		CHECK(write(s[0], data, sizeof(data)) == -1 && errno == EAGAIN);
		while (got < sent && ready(s[1], POLLIN, 5000) == POLLIN) {
			n = read(s[1], data, sizeof(data));
			CHECK(n > 0);
			got += (size_t)n;
		}
		CHECK(got == sent && ready(s[0], POLLOUT, 5000) == POLLOUT);
	}
	close(s[0]);
	close(s[1]);
}

const struct test inet_tests[] = {
	TEST(inet_streams_carry_data),  TEST(inet_much_data),
	TEST(inet_datagrams_of_pieces), TEST(inet_refusals),
	TEST(inet_waits_end),           TEST(inet_readiness),
	TEST(inet_state_is_current),    TEST(inet_edges),
	TEST(inet_full_sender),         {NULL, NULL},
};
