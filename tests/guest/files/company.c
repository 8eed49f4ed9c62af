/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of local sockets with company: files and credentials. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "files.h"
#include "local.h"

struct company {
	union {
		struct cmsghdr align;
		char bytes[512];
	} u;
	struct iovec iov;
	struct msghdr m;
	char data[8];
};

static void begin(struct company *k)
{
	memset(k, 0, sizeof(*k));
	k->data[0] = 'x';
	k->iov = (struct iovec){k->data, 1};
	k->m = (struct msghdr){.msg_iov = &k->iov, .msg_iovlen = 1, .msg_control = k->u.bytes};
}

static void send_fds(int s, const int *fds, unsigned count)
{
	struct company k;

	begin(&k);
	k.u.align.cmsg_len = CMSG_LEN(count * sizeof(int));
	k.u.align.cmsg_level = SOL_SOCKET;
	k.u.align.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&k.u.align), fds, count * sizeof(int));
	k.m.msg_controllen = CMSG_SPACE(count * sizeof(int));
	CHECK(sendmsg(s, &k.m, 0) == 1);
}

/* How many descriptors came; room for `room` of them. */
static unsigned recv_fds(int s, int *fds, unsigned room, int flags)
{
	struct company k;
	struct cmsghdr *h;
	unsigned n;

	begin(&k);
	k.iov.iov_len = 8;
	k.m.msg_controllen = room ? CMSG_LEN(room * sizeof(int)) : 0;
	CHECK(recvmsg(s, &k.m, flags) > 0);
	h = CMSG_FIRSTHDR(&k.m);
	if (!h) {
		CHECK(!room || !(k.m.msg_flags & MSG_CTRUNC));
		return 0;
	}
	CHECK(h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS);
	n = (unsigned)((h->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(h), n * sizeof(int));
	return n;
}

static void files_pass(int type)
{
	int s[2], p[2], got[4];
	char c;

	local_pair(type, s);
	CHECK(pipe(p) == 0);
	send_fds(s[0], p, 2);
	CHECK(close(p[0]) == 0 && close(p[1]) == 0);
	CHECK(recv_fds(s[1], got, 4, 0) == 2);
	CHECK(write(got[1], "!", 1) == 1 && read(got[0], &c, 1) == 1 && c == '!');
	CHECK(fcntl(got[0], F_GETFD) == 0);
	send_fds(s[0], got, 1);
	CHECK(recv_fds(s[1], got + 2, 1, MSG_CMSG_CLOEXEC) == 1);
	CHECK(fcntl(got[2], F_GETFD) == FD_CLOEXEC);
}

static void streams_pass_files(void)
{
	files_pass(SOCK_STREAM);
}

static void datagrams_pass_files(void)
{
	files_pass(SOCK_DGRAM);
}

static void packets_pass_files(void)
{
	files_pass(SOCK_SEQPACKET);
}

static void files_that_nobody_takes_are_closed(void)
{
	int s[2], p[2], q[3], got[3];
	char buf[8];

	local_pair(SOCK_STREAM, s);
	CHECK(pipe(p) == 0 && pipe(q) == 0);
	send_fds(s[0], &p[1], 1);
	CHECK(close(p[1]) == 0 && read(s[1], buf, 8) == 1 && read(p[0], buf, 8) == 0);
	q[2] = q[1];
	send_fds(s[0], q, 3);
	CHECK(close(q[1]) == 0);
	CHECK(recv_fds(s[1], got, 1, 0) == 1 && read(q[0], buf, 8) == 0);
	CHECK(pipe(p) == 0);
	send_fds(s[0], &p[1], 1);
	CHECK(close(p[1]) == 0 && close(s[0]) == 0 && close(s[1]) == 0);
	CHECK(read(p[0], buf, 8) == 0);
}

/* What was sent with files ends a read, what was sent before does not. */
static void files_stop_a_read(void)
{
	int s[2], got[2];
	struct company k;

	local_pair(SOCK_STREAM, s);
	CHECK(write(s[0], "ab", 2) == 2);
	send_fds(s[0], &s[0], 1);
	send_fds(s[0], &s[0], 1);
	CHECK(write(s[0], "cd", 2) == 2);
	begin(&k);
	k.iov.iov_len = 8;
	k.m.msg_controllen = sizeof(k.u);
	CHECK(recvmsg(s[1], &k.m, 0) == 3 && CMSG_FIRSTHDR(&k.m));
	CHECK(recv_fds(s[1], got, 1, MSG_PEEK) == 1 && recv_fds(s[1], got + 1, 1, 0) == 1);
	CHECK(got[0] != got[1] && read(s[1], k.data, 8) == 2 && !memcmp(k.data, "cd", 2));
}

static void bad_control_messages(void)
{
	struct company k;
	int s[2];

	local_pair(SOCK_STREAM, s);
	begin(&k);
	k.u.align = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
	k.m.msg_controllen = CMSG_SPACE(4);
	*(int *)(void *)CMSG_DATA(&k.u.align) = 99;
	FAILS(sendmsg(s[0], &k.m, 0), EBADF);
	k.u.align.cmsg_len = 3;
	FAILS(sendmsg(s[0], &k.m, 0), EINVAL);
	k.u.align.cmsg_len = 400;
	FAILS(sendmsg(s[0], &k.m, 0), EINVAL);
	k.u.align.cmsg_len = CMSG_LEN(4);
	k.u.align.cmsg_type = 77;
	FAILS(sendmsg(s[0], &k.m, 0), EINVAL);
	k.m.msg_control = (void *)8;
	FAILS(syscall(SYS_sendmsg, s[0], &k.m, 0), EFAULT); /* the C library would look itself */
	FAILS(syscall(SYS_sendmsg, s[0], 8, 0), EFAULT);
}

static void peers_know_each_other(void)
{
	struct {
		int pid;
		unsigned uid, gid;
	} id = {0};
	struct address a = local_abstract("peer");
	socklen_t len = sizeof(id);
	int s = local_bound(SOCK_STREAM, &a), c, pair[2];

	CHECK(getsockopt(s, SOL_SOCKET, SO_PEERCRED, &id, &len) == 0 && id.uid == ~0u);
	CHECK(listen(s, 1) == 0);
	c = local_connected(SOCK_STREAM, &a);
	CHECK(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &id, &len) == 0 && id.pid == getpid());
	local_pair(SOCK_DGRAM, pair);
	CHECK(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &id, &len) == 0);
	CHECK(id.pid == getpid() && id.uid == getuid() && id.gid == getgid());
}

static void credentials_are_told(void)
{
	int s[2], on = 1, id[3];
	struct company k;
	struct cmsghdr *h;

	local_pair(SOCK_STREAM, s);
	CHECK(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
	CHECK(write(s[0], "x", 1) == 1);
	begin(&k);
	k.m.msg_controllen = sizeof(k.u);
	CHECK(recvmsg(s[1], &k.m, 0) == 1);
	h = CMSG_FIRSTHDR(&k.m);
	CHECK(h && h->cmsg_type == 2 && h->cmsg_len == CMSG_LEN(sizeof(id)));
	memcpy(id, CMSG_DATA(h), sizeof(id));
	CHECK(id[0] == getpid() && id[1] == (int)getuid());
}

static void invent_credentials(void *arg)
{
	int s[2], id[3] = {1, 0, 0};
	struct company k;

	(void)arg;
	local_pair(SOCK_STREAM, s);
	begin(&k);
	k.u.align = (struct cmsghdr){
		.cmsg_len = CMSG_LEN(sizeof(id)), .cmsg_level = SOL_SOCKET, .cmsg_type = 2};
	memcpy(CMSG_DATA(&k.u.align), id, sizeof(id));
	k.m.msg_controllen = CMSG_SPACE(sizeof(id));
	FAILS(sendmsg(s[0], &k.m, 0), EPERM);
}

static void credentials_cannot_be_invented(void)
{
	as_user(invent_credentials, NULL);
}

/* Every round leaves sockets that only hold one another, and a pipe's end with them. */
static void cycles_are_collected(void)
{
	char c;

	for (int round = 0; round < 300; round++) {
		int s[2], t[2], p[2];

		local_pair(SOCK_STREAM, s);
		local_pair(SOCK_DGRAM, t);
		CHECK(pipe(p) == 0);
		send_fds(s[0], s, 2);
		send_fds(s[0], t, 2);
		send_fds(t[0], &s[1], 1);
		send_fds(t[0], &p[1], 1);
		CHECK(close(s[0]) == 0 && close(s[1]) == 0 && close(t[0]) == 0 &&
		      close(t[1]) == 0 && close(p[1]) == 0);
		local_pair(SOCK_STREAM, s); /* Linux looks when a socket ends */
		CHECK(close(s[0]) == 0 && close(s[1]) == 0);
		CHECK(read(p[0], &c, 1) == 0 && close(p[0]) == 0);
	}
}

const struct test company_tests[] = {
	TEST(streams_pass_files),
	TEST(datagrams_pass_files),
	TEST(packets_pass_files),
	TEST(files_that_nobody_takes_are_closed),
	TEST(files_stop_a_read),
	TEST(bad_control_messages),
	TEST(peers_know_each_other),
	TEST(credentials_are_told),
	TEST(credentials_cannot_be_invented),
	TEST(cycles_are_collected),
	{NULL, NULL},
};
