/* SPDX-License-Identifier: BSD-2-Clause */
/* What applications hand over with sockets, checked and taken apart: local addresses and control
 * messages. Pure. Layouts are those of Linux: unix(7), cmsg(3). */
#ifndef SERVERS_VFS_SOCKWIRE_H
#define SERVERS_VFS_SOCKWIRE_H

#include <stddef.h>
#include "axolotl/types.h"

#define UNIX_PATH_BYTES 108u
#define UNIX_ADDR_BYTES (2u + UNIX_PATH_BYTES)
#define RIGHTS_FDS_MAX  253u /* SCM_MAX_FD */

/* An address without its family. */
struct unix_addr {
	uint16_t len; /* of name; 0: none. An abstract one begins with a zero byte that counts */
	char name[UNIX_PATH_BYTES + 1];
};
static inline bool unixaddr_is_abstract(const struct unix_addr *a)
{
	return a->len > 0 && a->name[0] == '\0';
}
/* 0 (out->len 0: nothing but the family) or -EINVAL. A path ends at its first zero byte. */
int unixaddr_parse(const void *sa, size_t len, struct unix_addr *out) MUST_CHECK;
/* Into sa (UNIX_ADDR_BYTES + 1 bytes): its length. A path gets its terminating zero. */
size_t unixaddr_store(const struct unix_addr *a, void *sa);
bool unixaddr_equal(const struct unix_addr *a, const struct unix_addr *b);

struct sock_cred { /* struct ucred */
	int32_t pid;
	uint32_t uid, gid;
};
struct control {
	unsigned fds_count;
	bool has_cred;
	struct sock_cred cred;
	int32_t fds[RIGHTS_FDS_MAX];
};
/* Messages of other levels than SOL_SOCKET are ignored; -EINVAL. */
int control_parse(const void *buf, size_t len, struct control *out) MUST_CHECK;

/* Writes control messages one after the other. */
struct control_out {
	uint8_t *buf;
	size_t size; /* of the application's buffer */
	size_t used;
	bool is_truncated; /* MSG_CTRUNC */
};
void control_put_cred(struct control_out *o, const struct sock_cred *cred);
/* How many descriptors there is room for, of `wanted`. */
unsigned control_fds_room(const struct control_out *o, unsigned wanted);
void control_put_fds(struct control_out *o, const int32_t *fds, unsigned count);

#endif
