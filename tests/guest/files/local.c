/* SPDX-License-Identifier: BSD-2-Clause */
/* Local sockets: names, connections, all three types, readiness. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include "files.h"
#include "local.h"

struct address local_path(const char *path)
{
	struct address a = {.sa.sun_family = AF_UNIX};

	strncpy(a.sa.sun_path, path, sizeof(a.sa.sun_path) - 1);
	a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
	return a;
}

struct address local_abstract(const char *name)
{
	struct address a = {.sa.sun_family = AF_UNIX};

	snprintf(a.sa.sun_path + 1, sizeof(a.sa.sun_path) - 1, "%s.%d", name, getpid());
	a.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(a.sa.sun_path + 1));
	return a;
}

int local_bound(int type, const struct address *a)
{
	int s = socket(AF_UNIX, type, 0);

	CHECK(s >= 0 && bind(s, (const void *)&a->sa, a->len) == 0);
	return s;
}

int local_connected(int type, const struct address *a)
{
	int s = socket(AF_UNIX, type, 0);

	CHECK(s >= 0 && connect(s, (const void *)&a->sa, a->len) == 0);
	return s;
}

void local_pair(int type, int s[2])
{
	CHECK(socketpair(AF_UNIX, type, 0, s) == 0);
}

static short events_of(int fd, short wanted)
{
	struct pollfd p = {fd, wanted, 0};

	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

/* ---- names ---- */

static void binding_makes_a_socket_file(void)
{
	struct address a = local_path("sock"), b = local_path("b"), got = {.len = sizeof(got.sa)};
	struct stat st;
	int s = local_bound(SOCK_STREAM, &a), t = socket(AF_UNIX, SOCK_STREAM, 0);

	CHECK(stat("sock", &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0755);
	FAILS(open("sock", O_RDWR), ENXIO);
	FAILS(bind(t, (void *)&a.sa, a.len), EADDRINUSE);
	FAILS(bind(s, (void *)&b.sa, b.len), EINVAL);
	CHECK(getsockname(s, (void *)&got.sa, &got.len) == 0 && got.len == a.len);
	CHECK(!strcmp(got.sa.sun_path, "sock"));
	CHECK(close(s) == 0 && stat("sock", &st) == 0); /* the name stays */
	FAILS(connect(t, (void *)&a.sa, a.len), ECONNREFUSED);
	CHECK(unlink("sock") == 0);
	FAILS(connect(t, (void *)&a.sa, a.len), ENOENT);
	CHECK(bind(t, (void *)&a.sa, a.len) == 0);
}

static void bad_addresses_are_refused(void)
{
	struct address a = local_path("x"), none = local_path("no/such/dir");
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	FAILS(bind(s, (void *)&a.sa, 1), EINVAL);
	FAILS(bind(s, (void *)&a.sa, sizeof(a.sa) + 1), EINVAL);
	FAILS(bind(s, (void *)&none.sa, none.len), ENOENT);
	FAILS(bind(s, (void *)8, a.len), EFAULT);
	FAILS(bind(s, (void *)&a.sa, 1000), EINVAL);
	a.sa.sun_family = AF_INET;
	FAILS(bind(s, (void *)&a.sa, a.len), EINVAL);
	FAILS(connect(s, (void *)&a.sa, a.len), EINVAL);
	put_file("file", "x");
	a = local_path("file");
	FAILS(connect(s, (void *)&a.sa, a.len), ECONNREFUSED);
	FAILS(bind(s, (void *)&a.sa, a.len), EADDRINUSE);
}

static void abstract_names_have_no_file(void)
{
	struct address a = local_abstract("name"), got = {.len = sizeof(got.sa)};
	int s = local_bound(SOCK_STREAM, &a), t = socket(AF_UNIX, SOCK_STREAM, 0);

	FAILS(bind(t, (void *)&a.sa, a.len), EADDRINUSE);
	CHECK(getsockname(s, (void *)&got.sa, &got.len) == 0 && got.len == a.len);
	CHECK(memcmp(&got.sa, &a.sa, a.len) == 0);
	FAILS(connect(t, (void *)&a.sa, a.len), ECONNREFUSED); /* it does not listen */
	CHECK(listen(s, 1) == 0 && connect(t, (void *)&a.sa, a.len) == 0);
	CHECK(close(s) == 0);
	CHECK(local_bound(SOCK_STREAM, &a) >= 0);
}

static void a_family_alone_gets_a_name(void)
{
	struct address a = {.sa.sun_family = AF_UNIX, .len = 2}, got = {.len = sizeof(got.sa)};
	int s = local_bound(SOCK_DGRAM, &a);

	CHECK(getsockname(s, (void *)&got.sa, &got.len) == 0 && got.len == 2 + 6);
	CHECK(got.sa.sun_path[0] == '\0');
}

static void long_paths_fit(void)
{
	struct address a = {.sa.sun_family = AF_UNIX, .len = sizeof(a.sa)}, got = {.len = 200};
	char space[200];
	int s;

	memset(a.sa.sun_path, 'x', sizeof(a.sa.sun_path));
	a.sa.sun_path[50] = '/';
	a.sa.sun_path[50] = '\0'; /* ends there */
	s = local_bound(SOCK_STREAM, &a);
	CHECK(getsockname(s, (void *)space, &got.len) == 0 && got.len == 2 + 51);
}

static void connect_as_user(void *arg)
{
	const struct address *a = arg;
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	FAILS(connect(s, (const void *)&a->sa, a->len), EACCES);
}

static void connecting_needs_write_permission(void)
{
	struct address a = local_path("sock");
	int s = local_bound(SOCK_STREAM, &a);

	CHECK(listen(s, 5) == 0 && chmod("sock", 0755) == 0);
	as_user(connect_as_user, &a);
	CHECK(chmod("sock", 0777) == 0);
}

const struct test local_name_tests[] = {
	TEST(binding_makes_a_socket_file),
	TEST(bad_addresses_are_refused),
	TEST(abstract_names_have_no_file),
	TEST(a_family_alone_gets_a_name),
	TEST(long_paths_fit),
	TEST(connecting_needs_write_permission),
	{NULL, NULL},
};

/* ---- creation and misuse ---- */

static void types_and_protocols(void)
{
	int s[2];

	FAILS(socket(AF_UNIX, SOCK_STREAM, 5), EPROTONOSUPPORT);
	FAILS(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	FAILS(socket(AF_UNIX, 15, 0), EINVAL);
	FAILS(socket(AF_UNIX, SOCK_STREAM | 0x100000, 0), EINVAL);
	FAILS(socket(100, SOCK_STREAM, 0), EAFNOSUPPORT);
	FAILS(socketpair(AF_UNIX, SOCK_STREAM, 9, s), EPROTONOSUPPORT);
	CHECK(socket(AF_UNIX, SOCK_STREAM, AF_UNIX) >= 0 && socket(AF_UNIX, SOCK_RAW, 0) >= 0);
	FAILS(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 8), EFAULT);
}

static void flags_of_new_sockets(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), t[2];
	struct stat st;

	CHECK(fcntl(s, F_GETFD) == FD_CLOEXEC && fcntl(s, F_GETFL) == (O_RDWR | O_NONBLOCK));
	CHECK(fstat(s, &st) == 0 && S_ISSOCK(st.st_mode));
	FAILS(lseek(s, 0, SEEK_SET), ESPIPE);
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, t) == 0);
	CHECK(fcntl(t[1], F_GETFL) == (O_RDWR | O_NONBLOCK) && fcntl(t[1], F_GETFD) == 0);
}

static void what_is_no_socket(void)
{
	struct address a = local_path("x");
	char buf[4];
	int p[2];

	CHECK(pipe(p) == 0);
	FAILS(bind(p[0], (void *)&a.sa, a.len), ENOTSOCK);
	FAILS(listen(p[0], 1), ENOTSOCK);
	FAILS(accept(p[0], NULL, NULL), ENOTSOCK);
	FAILS(send(p[1], buf, 1, 0), ENOTSOCK);
	FAILS(recv(p[0], buf, 1, 0), ENOTSOCK);
	FAILS(shutdown(p[0], SHUT_RD), ENOTSOCK);
	FAILS(send(99, buf, 1, 0), EBADF);
	FAILS(accept(-1, NULL, NULL), EBADF);
}

static void calls_in_the_wrong_state(void)
{
	struct address a = local_abstract("state");
	char buf[4];
	socklen_t len = sizeof(a.sa);
	int s = socket(AF_UNIX, SOCK_STREAM, 0), d = socket(AF_UNIX, SOCK_DGRAM, 0),
	    q = socket(AF_UNIX, SOCK_SEQPACKET, 0);

	FAILS(listen(s, 1), EINVAL); /* no name */
	FAILS(accept(s, NULL, NULL), EINVAL);
	FAILS(accept4(s, NULL, NULL, 0x123), EINVAL);
	FAILS(send(s, buf, 1, MSG_NOSIGNAL), ENOTCONN);
	FAILS(recv(s, buf, 1, 0), EINVAL);
	FAILS(send(q, buf, 1, 0), ENOTCONN);
	FAILS(recv(q, buf, 1, 0), ENOTCONN);
	FAILS(send(d, buf, 1, 0), ENOTCONN);
	FAILS(listen(d, 1), EOPNOTSUPP);
	FAILS(accept(d, NULL, NULL), EOPNOTSUPP);
	FAILS(getpeername(s, (void *)&a.sa, &len), ENOTCONN);
	FAILS(sendto(s, buf, 1, 0, (void *)&a.sa, a.len), EOPNOTSUPP);
	FAILS(shutdown(s, 7), EINVAL);
	a = local_path("sock");
	CHECK(bind(s, (void *)&a.sa, a.len) == 0 && listen(s, 1) == 0);
	FAILS(connect(s, (void *)&a.sa, a.len), EINVAL);
	FAILS(connect(q, (void *)&a.sa, a.len), EPROTOTYPE);
	FAILS(connect(d, (void *)&a.sa, a.len), EPROTOTYPE);
}

const struct test local_misuse_tests[] = {
	TEST(types_and_protocols),
	TEST(flags_of_new_sockets),
	TEST(what_is_no_socket),
	TEST(calls_in_the_wrong_state),
	{NULL, NULL},
};

/* ---- streams ---- */

static void a_server_and_its_client(void)
{
	struct address a = local_path("sock"), got = {.len = sizeof(got.sa)};
	int s = local_bound(SOCK_STREAM, &a), c, t;
	char buf[16];

	CHECK(listen(s, 5) == 0);
	c = local_connected(SOCK_STREAM, &a);
	FAILS(connect(c, (void *)&a.sa, a.len), EISCONN);
	CHECK(write(c, "early", 5) == 5);
	t = accept4(s, (void *)&got.sa, &got.len, SOCK_CLOEXEC);
	CHECK(t >= 0 && got.len == 2 && fcntl(t, F_GETFD) == FD_CLOEXEC);
	CHECK(read(t, buf, 16) == 5 && !memcmp(buf, "early", 5));
	CHECK(write(t, "back", 4) == 4 && read(c, buf, 16) == 4);
	got.len = sizeof(got.sa);
	CHECK(getpeername(c, (void *)&got.sa, &got.len) == 0 && got.len == a.len);
	got.len = sizeof(got.sa);
	CHECK(getsockname(t, (void *)&got.sa, &got.len) == 0 && got.len == a.len);
	FAILS(sendto(c, "x", 1, 0, (void *)&a.sa, a.len), EISCONN);
	CHECK(close(t) == 0 && read(c, buf, 16) == 0);
	signal(SIGPIPE, SIG_IGN);
	FAILS(write(c, "x", 1), EPIPE);
}

static void connect_later(void *arg)
{
	struct address *a = arg;
	char buf[4];
	int c;

	msleep(50);
	c = local_connected(SOCK_STREAM, a);
	CHECK(read(c, buf, 4) == 4 && !memcmp(buf, "hail", 4));
	CHECK(write(c, "ok", 2) == 2);
}

static void accept_waits(void)
{
	struct address a = local_path("sock");
	int s = local_bound(SOCK_STREAM, &a), t, status;
	char buf[4];
	pid_t pid;

	CHECK(listen(s, 5) == 0);
	pid = fork();
	if (pid == 0) {
		connect_later(&a);
		_exit(0);
	}
	t = accept(s, NULL, NULL);
	CHECK(t >= 0 && write(t, "hail", 4) == 4 && recv(t, buf, 2, MSG_WAITALL) == 2);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(fcntl(s, F_SETFL, O_NONBLOCK) == 0);
	FAILS(accept(s, NULL, NULL), EAGAIN);
}

static void a_full_backlog(void)
{
	struct address a = local_abstract("backlog");
	int s = local_bound(SOCK_STREAM, &a), c;

	CHECK(listen(s, 1) == 0);
	(void)local_connected(SOCK_STREAM, &a);
	(void)local_connected(SOCK_STREAM, &a);
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	FAILS(connect(c, (void *)&a.sa, a.len), EAGAIN);
	CHECK(accept(s, NULL, NULL) >= 0 && connect(c, (void *)&a.sa, a.len) == 0);
}

static void a_listener_that_ends_resets_its_queue(void)
{
	struct address a = local_abstract("ends");
	int s = local_bound(SOCK_STREAM, &a), c;
	char x;

	CHECK(listen(s, 5) == 0);
	c = local_connected(SOCK_STREAM, &a);
	CHECK(close(s) == 0);
	FAILS(read(c, &x, 1), ECONNRESET);
	CHECK(read(c, &x, 1) == 0);
}

static void unread_data_reset_the_connection(void)
{
	int s[2];
	char x;

	local_pair(SOCK_STREAM, s);
	CHECK(write(s[0], "xyz", 3) == 3 && write(s[1], "a", 1) == 1 && close(s[1]) == 0);
	CHECK(read(s[0], &x, 1) == 1 && x == 'a');
	FAILS(read(s[0], &x, 1), ECONNRESET);
}

static void send_to_nobody(void *arg)
{
	int s[2], flags = arg ? MSG_NOSIGNAL : 0;

	local_pair(SOCK_STREAM, s);
	CHECK(close(s[1]) == 0);
	FAILS(send(s[0], "x", 1, flags), EPIPE);
}

static void sigpipe_can_be_turned_off(void)
{
	CHECK(status_of(send_to_nobody, NULL) == SIGPIPE);
	CHECK(status_of(send_to_nobody, (void *)1) == 0);
}

static void half_closed_streams(void)
{
	int s[2];
	char buf[8];

	local_pair(SOCK_STREAM, s);
	CHECK(write(s[0], "last", 4) == 4 && shutdown(s[0], SHUT_WR) == 0);
	FAILS(send(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(events_of(s[1], POLLIN | POLLRDHUP) == (POLLIN | POLLRDHUP));
	CHECK(read(s[1], buf, 8) == 4);
	CHECK(read(s[1], buf, 8) == 0);
	CHECK(write(s[1], "still", 5) == 5 && read(s[0], buf, 8) == 5);
	CHECK(shutdown(s[0], SHUT_RD) == 0);
	FAILS(send(s[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK(events_of(s[1], POLLIN) == (POLLIN | POLLHUP));
}

static void peeking_takes_nothing(void)
{
	int s[2];
	char buf[8];

	local_pair(SOCK_STREAM, s);
	CHECK(write(s[0], "abc", 3) == 3 && write(s[0], "def", 3) == 3);
	CHECK(recv(s[1], buf, 2, MSG_PEEK) == 2 && !memcmp(buf, "ab", 2));
	CHECK(recv(s[1], buf, 8, MSG_PEEK) == 6 && !memcmp(buf, "abcdef", 6));
	CHECK(recv(s[1], buf, 4, 0) == 4 && recv(s[1], buf, 8, MSG_DONTWAIT) == 2);
	FAILS(recv(s[1], buf, 8, MSG_DONTWAIT), EAGAIN);
}

static void stream_much(int fd)
{
	static uint8_t buf[100000];

	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = (uint8_t)((size_t)round + i * 7);
		CHECK(write(fd, buf, sizeof(buf)) == sizeof(buf));
	}
}

static void much_data_arrives_in_order(void)
{
	static uint8_t buf[100000];
	int s[2], status;
	size_t at = 0;
	ssize_t n;
	pid_t pid;

	local_pair(SOCK_STREAM, s);
	pid = fork();
	if (pid == 0) {
		close(s[1]);
		stream_much(s[0]);
		_exit(0);
	}
	close(s[0]);
	while ((n = read(s[1], buf, 7777)) > 0)
		for (ssize_t i = 0; i < n; i++, at++)
			CHECK(buf[i] == (uint8_t)(at / 100000 + at % 100000 * 7));
	CHECK(n == 0 && at == 2000000 && waitpid(pid, &status, 0) == pid && status == 0);
}

static void a_full_stream(void)
{
	static char big[65536];
	int s[2];
	ssize_t n, total = 0;

	local_pair(SOCK_STREAM | SOCK_NONBLOCK, s);
	CHECK(events_of(s[0], POLLOUT) == POLLOUT);
	while ((n = write(s[0], big, sizeof(big))) > 0)
		total += n;
	CHECK(n == -1 && errno == EAGAIN && total >= 65536 && events_of(s[0], POLLOUT) == 0);
	while (total > 0) {
		n = read(s[1], big, sizeof(big));
		CHECK(n > 0);
		total -= n;
	}
	CHECK(events_of(s[0], POLLOUT) == POLLOUT);
	FAILS(read(s[1], big, 1), EAGAIN);
}

static void vectors_and_sendfile(void)
{
	static char big[10000], back[10000];
	struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {big, 6000}},
		     in[2] = {{back, 1}, {back + 1, 9000}};
	int s[2], fd;

	memset(big, 'z', sizeof(big));
	local_pair(SOCK_STREAM, s);
	CHECK(writev(s[0], out, 3) == 6002 && readv(s[1], in, 2) == 6002);
	CHECK(!memcmp(back, "abzz", 4) && back[6001] == 'z');
	put_file("f", "contents");
	fd = open("f", O_RDONLY);
	CHECK(sendfile(s[0], fd, NULL, 100) == 8 && read(s[1], back, 100) == 8);
	CHECK(!memcmp(back, "contents", 8));
	FAILS(write(s[0], (void *)8, 4), EFAULT);
	CHECK(write(s[0], "x", 1) == 1);
	FAILS(read(s[1], (void *)8, 4), EFAULT);
	CHECK(read(s[1], back, 4) == 1); /* it was not lost */
}

static void unread_bytes_are_counted(void)
{
	int s[2], n = -1;

	local_pair(SOCK_STREAM, s);
	CHECK(write(s[0], "abc", 3) == 3 && write(s[0], "de", 2) == 2);
	CHECK(ioctl(s[1], FIONREAD, &n) == 0 && n == 5);
	CHECK(ioctl(s[0], TIOCOUTQ, &n) == 0 && n > 0);
	n = 1;
	CHECK(ioctl(s[1], FIONBIO, &n) == 0 && fcntl(s[1], F_GETFL) == (O_RDWR | O_NONBLOCK));
}

const struct test local_stream_tests[] = {
	TEST(a_server_and_its_client),
	TEST(accept_waits),
	TEST(a_full_backlog),
	TEST(a_listener_that_ends_resets_its_queue),
	TEST(unread_data_reset_the_connection),
	TEST(sigpipe_can_be_turned_off),
	TEST(half_closed_streams),
	TEST(peeking_takes_nothing),
	TEST(much_data_arrives_in_order),
	TEST(a_full_stream),
	TEST(vectors_and_sendfile),
	TEST(unread_bytes_are_counted),
	{NULL, NULL},
};
