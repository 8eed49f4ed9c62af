/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of local sockets share. */
#ifndef TESTS_GUEST_FILES_LOCAL_H
#define TESTS_GUEST_FILES_LOCAL_H

#include <sys/socket.h>
#include <sys/un.h>

struct address {
	struct sockaddr_un sa;
	socklen_t len;
};
struct address local_path(const char *path);
struct address local_abstract(const char *name); /* this process's own */
int local_bound(int type, const struct address *a);
int local_connected(int type, const struct address *a);
void local_pair(int type, int s[2]);

#endif
