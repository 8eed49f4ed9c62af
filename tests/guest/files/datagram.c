/* SPDX-License-Identifier: BSD-2-Clause */
/* Local sockets with boundaries; options, waiting. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "files.h"
#include "local.h"

static void boundaries(int type)
{
	char buf[8];
	int s[2], n;

	local_pair(type, s);
	CHECK(send(s[0], "abc", 3, 0) == 3 && send(s[0], "", 0, 0) == 0 &&
	      send(s[0], "defgh", 5, 0) == 5 && send(s[0], "ij", 2, 0) == 2);
	CHECK(recv(s[1], buf, 8, MSG_PEEK) == 3 && recv(s[1], buf, 8, 0) == 3);
	CHECK(recv(s[1], buf, 8, 0) == 0);
	CHECK(ioctl(s[1], FIONREAD, &n) == 0 && n == (type == SOCK_DGRAM ? 5 : 7));
	CHECK(recv(s[1], buf, 2, MSG_TRUNC) == 5 && !memcmp(buf, "de", 2));
	CHECK(read(s[1], buf, 8) == 2 && !memcmp(buf, "ij", 2));
	FAILS(recv(s[1], buf, 8, MSG_DONTWAIT), EAGAIN);
}

static void datagrams_keep_boundaries(void)
{
	boundaries(SOCK_DGRAM);
}

static void packets_keep_boundaries(void)
{
	boundaries(SOCK_SEQPACKET);
}

static void vectors_are_one_datagram(void)
{
	char a[2], b[8];
	struct iovec out[2] = {{"abc", 3}, {"def", 3}}, in[2] = {{a, 2}, {b, 8}};
	struct msghdr m = {.msg_iov = in, .msg_iovlen = 2};
	int s[2];

	local_pair(SOCK_DGRAM, s);
	CHECK(writev(s[0], out, 2) == 6 && writev(s[0], out, 2) == 6);
	CHECK(recvmsg(s[1], &m, 0) == 6 && m.msg_flags == 0 && !memcmp(b, "cdef", 4));
	m.msg_iovlen = 1;
	CHECK(recvmsg(s[1], &m, 0) == 2 && m.msg_flags == MSG_TRUNC && m.msg_namelen == 0);
}

static void datagrams_name_their_sender(void)
{
	struct address a = local_path("a"), b = local_path("b"), got = {.len = sizeof(got.sa)};
	int s = local_bound(SOCK_DGRAM, &a), t = local_bound(SOCK_DGRAM, &b),
	    u = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[8];

	CHECK(sendto(s, "x", 1, 0, (void *)&b.sa, b.len) == 1);
	CHECK(recvfrom(t, buf, 8, 0, (void *)&got.sa, &got.len) == 1 && got.len == a.len);
	CHECK(!strcmp(got.sa.sun_path, "a"));
	CHECK(sendto(u, "y", 1, 0, (void *)&b.sa, b.len) == 1);
	got.len = sizeof(got.sa);
	CHECK(recvfrom(t, buf, 8, 0, (void *)&got.sa, &got.len) == 1 && got.len == 0);
	CHECK(connect(s, (void *)&b.sa, b.len) == 0 && send(s, "z", 1, 0) == 1);
	CHECK(connect(t, (void *)&a.sa, a.len) == 0);
	FAILS(sendto(u, "y", 1, 0, (void *)&b.sa, b.len), EPERM); /* t listens to s alone */
	FAILS(connect(u, (void *)&b.sa, b.len), EPERM);
	CHECK(close(t) == 0);
	FAILS(send(s, "z", 1, 0), ECONNREFUSED);
	FAILS(sendto(u, "y", 1, 0, (void *)&b.sa, b.len), ECONNREFUSED);
}

static void a_connected_datagram_socket_can_be_freed(void)
{
	struct address a = local_abstract("a");
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	int s = local_bound(SOCK_DGRAM, &a), t = local_connected(SOCK_DGRAM, &a);

	CHECK(send(t, "x", 1, 0) == 1 && connect(t, &none, sizeof(none)) == 0);
	FAILS(send(t, "x", 1, 0), ENOTCONN);
	CHECK(close(s) == 0);
}

static void too_long_datagrams(void)
{
	static char big[300000];
	int s[2], size = 20000;

	local_pair(SOCK_DGRAM, s);
	FAILS(send(s[0], big, sizeof(big), 0), EMSGSIZE);
	CHECK(send(s[0], big, 100000, 0) == 100000 && recv(s[1], big, sizeof(big), 0) == 100000);
	CHECK(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
	FAILS(send(s[0], big, 60000, 0), EMSGSIZE);
}

static void slow_receivers_hold_senders(void)
{
	struct address a = local_abstract("slow");
	int s = local_bound(SOCK_DGRAM, &a), t = local_connected(SOCK_DGRAM, &a), sent = 0, status;
	struct pollfd p = {t, POLLOUT, 0};
	char c;
	pid_t pid;

	while (send(t, "x", 1, MSG_DONTWAIT) == 1)
		sent++;
	CHECK(errno == EAGAIN && sent > 5 && sent < 1000 && poll(&p, 1, 0) == 0);
	pid = fork();
	if (pid == 0) {
		msleep(50);
		for (int i = 0; i <= sent; i++)
			CHECK(recv(s, &c, 1, 0) == 1);
		_exit(0);
	}
	CHECK(send(t, "y", 1, 0) == 1);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0 && poll(&p, 1, 1000) == 1);
}

static void a_packet_connection(void)
{
	struct address a = local_path("sock");
	int s = local_bound(SOCK_SEQPACKET, &a), c, t;
	char buf[8];

	CHECK(listen(s, 2) == 0);
	c = local_connected(SOCK_SEQPACKET, &a);
	t = accept(s, NULL, NULL);
	CHECK(t >= 0 && send(c, "one", 3, 0) == 3 && send(c, "two", 3, 0) == 3);
	CHECK(recv(t, buf, 8, 0) == 3 && recv(t, buf, 8, 0) == 3);
	CHECK(close(c) == 0 && recv(t, buf, 8, 0) == 0);
	FAILS(send(t, "x", 1, MSG_NOSIGNAL), EPIPE);
}

static void many_messages_in_one_call(void)
{
	char a[3][8];
	struct iovec out[3] = {{"a", 1}, {"bb", 2}, {"ccc", 3}}, in[3];
	struct mmsghdr mo[3] = {0}, mi[3] = {0};
	int s[2];

	for (int i = 0; i < 3; i++) {
		in[i] = (struct iovec){a[i], 8};
		mo[i].msg_hdr = (struct msghdr){.msg_iov = &out[i], .msg_iovlen = 1};
		mi[i].msg_hdr = (struct msghdr){.msg_iov = &in[i], .msg_iovlen = 1};
	}
	local_pair(SOCK_DGRAM, s);
	CHECK(sendmmsg(s[0], mo, 3, 0) == 3 && mo[2].msg_len == 3);
	CHECK(recvmmsg(s[1], mi, 2, 0, NULL) == 2 && mi[1].msg_len == 2 && a[1][1] == 'b');
	CHECK(recvmmsg(s[1], mi, 3, MSG_WAITFORONE, NULL) == 1 && mi[0].msg_len == 3);
	FAILS(recvmmsg(s[1], mi, 3, MSG_DONTWAIT, NULL), EAGAIN);
}

const struct test datagram_tests[] = {
	TEST(datagrams_keep_boundaries),
	TEST(packets_keep_boundaries),
	TEST(vectors_are_one_datagram),
	TEST(datagrams_name_their_sender),
	TEST(a_connected_datagram_socket_can_be_freed),
	TEST(too_long_datagrams),
	TEST(slow_receivers_hold_senders),
	TEST(a_packet_connection),
	TEST(many_messages_in_one_call),
	{NULL, NULL},
};

/* ---- options and waiting ---- */

static int option(int s, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	CHECK(getsockopt(s, SOL_SOCKET, name, &value, &len) == 0 && len == sizeof(value));
	return value;
}

static void options_of_local_sockets(void)
{
	struct address a = local_abstract("options");
	int s = local_bound(SOCK_SEQPACKET, &a), value = 1;
	socklen_t len = 2;
	short half;

	CHECK(option(s, SO_TYPE) == SOCK_SEQPACKET && option(s, SO_DOMAIN) == AF_UNIX);
	CHECK(option(s, SO_ACCEPTCONN) == 0 && listen(s, 1) == 0 && option(s, SO_ACCEPTCONN) == 1);
	CHECK(option(s, SO_ERROR) == 0 && option(s, SO_SNDBUF) >= 4096);
	CHECK(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)) == 0);
	CHECK(option(s, SO_REUSEADDR) == 1);
	value = 30000;
	CHECK(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)) == 0);
	CHECK(option(s, SO_SNDBUF) == 60000);
	CHECK(getsockopt(s, SOL_SOCKET, SO_TYPE, &half, &len) == 0 && len == 2 && half == 5);
	FAILS(setsockopt(s, SOL_SOCKET, SO_SNDBUF, &value, 2), EINVAL);
	FAILS(setsockopt(s, SOL_SOCKET, SO_SNDBUF, (void *)8, 4), EFAULT);
	FAILS(setsockopt(s, SOL_SOCKET, 9999, &value, 4), ENOPROTOOPT);
	FAILS(getsockopt(s, SOL_SOCKET, 9999, &value, &len), ENOPROTOOPT);
	FAILS(setsockopt(s, 6, 1, &value, 4), EOPNOTSUPP);
}

static void timeouts_end_calls(void)
{
	struct timeval tv = {0, 50000};
	uint64_t before = clock_ms();
	int s[2];
	char c;

	local_pair(SOCK_STREAM, s);
	CHECK(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) == 0);
	FAILS(read(s[0], &c, 1), EAGAIN);
	CHECK(clock_ms() - before >= 49);
}

static void on_signal(int signo)
{
	(void)signo;
}

static void signals_end_or_restart_calls(void)
{
	struct sigaction sa = {.sa_handler = on_signal};
	struct address a = local_abstract("signal");
	int s[2], l = local_bound(SOCK_STREAM, &a);
	char c;

	local_pair(SOCK_STREAM, s);
	CHECK(listen(l, 1) == 0 && sigaction(SIGALRM, &sa, NULL) == 0);
	ualarm(50000, 50000);
	FAILS(read(s[0], &c, 1), EINTR);
	FAILS(accept(l, NULL, NULL), EINTR);
	ualarm(0, 0);
	sa.sa_flags = SA_RESTART;
	CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
	if (fork() == 0) {
		msleep(120);
		CHECK(write(s[1], "x", 1) == 1);
		_exit(0);
	}
	ualarm(50000, 0);
	CHECK(recv(s[0], &c, 1, 0) == 1 && c == 'x');
}

static void readiness_of_local_sockets(void)
{
	struct address a = local_abstract("ready");
	struct pollfd p = {.events = POLLIN | POLLOUT};
	int s[2], l = local_bound(SOCK_STREAM, &a), c;

	p.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == (POLLOUT | POLLHUP));
	CHECK(listen(l, 1) == 0);
	p.fd = l;
	CHECK(poll(&p, 1, 0) == 0);
	c = local_connected(SOCK_STREAM, &a);
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
	p.fd = c;
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLOUT);
	local_pair(SOCK_STREAM, s);
	CHECK(close(s[1]) == 0);
	p.fd = s[0];
	CHECK(poll(&p, 1, 0) == 1 && p.revents == (POLLIN | POLLOUT | POLLHUP));
}

static void epoll_sees_edges_of_sockets(void)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLET}, got;
	int s[2], e = epoll_create1(0);

	local_pair(SOCK_STREAM, s);
	CHECK(epoll_ctl(e, EPOLL_CTL_ADD, s[0], &ev) == 0);
	CHECK(epoll_wait(e, &got, 1, 0) == 1 && got.events == EPOLLOUT);
	CHECK(epoll_wait(e, &got, 1, 0) == 0);
	if (fork() == 0) {
		msleep(50);
		CHECK(write(s[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK(epoll_wait(e, &got, 1, 5000) == 1 && got.events == (EPOLLIN | EPOLLOUT));
}

static void a_waiting_reader_sees_the_end(void)
{
	int s[2], status;
	char c;
	pid_t pid;

	local_pair(SOCK_SEQPACKET, s);
	pid = fork();
	if (pid == 0) {
		close(s[1]);
		CHECK(read(s[0], &c, 1) == 0);
		_exit(0);
	}
	close(s[0]);
	msleep(50);
	CHECK(close(s[1]) == 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

const struct test local_wait_tests[] = {
	TEST(options_of_local_sockets),
	TEST(timeouts_end_calls),
	TEST(signals_end_or_restart_calls),
	TEST(readiness_of_local_sockets),
	TEST(epoll_sees_edges_of_sockets),
	TEST(a_waiting_reader_sees_the_end),
	{NULL, NULL},
};
