/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfs as others call it. pm and vm may only ASEND to vfs (they are below it); vfs answers by ASEND
 * with the same id: struct vfs_rep, type | MSG_REPLY. pm does not let the parent and child of a fork, or
 * the memory of an exiting process, go on before the reply.
 */
#ifndef AXOLOTL_VFS_H
#define AXOLOTL_VFS_H

#include "axolotl/ipc.h"

enum vfs_msg {
	VFS_FORK = MSG_VFS_BASE + 1, /* pm: struct vfs_fork */
	VFS_EXIT,          /* pm: struct vfs_exit: close everything of ep; reply when done */
	VFS_UPDATE,        /* pm: struct vfs_update: ids of a process have changed */
	VFS_INTERRUPT,     /* pm: struct vfs_ep, no reply of its own: the blocked call of ep ends
	                                with -ERESTARTSYS (nothing done yet) or its partial result */
	VFS_FD_MAP,        /* vm: struct vfs_fd_map -> value = token, value2 = file size */
	VFS_FETCH,         /* vm: struct vfs_fetch: read pages of a token's file into vm */
	VFS_TOKEN_RELEASE, /* vm: struct vfs_token_release, no reply */
	VFS_INFO_FDS, /* procfs, SENDREC: struct vfs_info: struct vfs_fdinfo[] of ep, result = bytes */
	VFS_INFO_MOUNTS, /* procfs, SENDREC: struct vfs_info: text of /proc/mounts */
	VFS_INFO_CWD,    /* procfs, SENDREC: struct vfs_info: path; flags: 0 cwd 1 root 2 exe */
	VFS_INFO_UNIX,   /* procfs, SENDREC: struct vfs_info: text of /proc/net/unix */
	VFS_SPAWN, /* pm: struct vfs_ep: execute /sbin/init in the fresh process ep (pid 1, after
	                                its VFS_FORK with parent EP_NONE); PM_EXEC_COMMIT follows as for every
	                                execve; the reply says -errno if it did not come to that */
};

struct vfs_rep {
	uint32_t id;
	int32_t result;
	uint64_t value;
	uint64_t value2;
};
struct vfs_ep {
	uint32_t id;
	endpoint_t ep;
};
struct vfs_fork {
	uint32_t id;
	endpoint_t parent;
	endpoint_t child;
	uint32_t clone_flags; /* CLONE_FILES, CLONE_FS shared instead of copied */
	int32_t child_pid;
};
struct vfs_exit {
	uint32_t id;
	endpoint_t ep;
	int32_t is_leader; /* session leader: its terminal hangs up */
};
struct vfs_update {
	uint32_t id;
	endpoint_t ep;
	int32_t pid, pgid, sid;
	uint32_t uid, euid, gid, egid;
	uint32_t ngroups; /* supplementary groups are read by PM_GETPROC when > 0 */
	uint32_t is_new_session;
};
struct vfs_fd_map {
	uint32_t id;
	endpoint_t ep;
	int32_t fd;
	uint32_t prot;  /* Linux PROT_* */
	uint32_t flags; /* Linux MAP_* */
};
struct vfs_fetch {
	uint32_t id;
	grant_t grant; /* of vm, writable, for vfs; vfs passes it on as an indirect grant */
	uint64_t token;
	uint64_t offset;
	uint64_t len_bytes; /* bytes beyond the end of the file are zeroed by vm */
};
struct vfs_token_release {
	uint64_t token;
	uint32_t refs;
};
struct vfs_info {
	endpoint_t ep;
	grant_t grant;
	uint32_t len_bytes;
	uint32_t flags;
};
struct vfs_fdinfo {
	int32_t fd;
	uint32_t flags;
	uint64_t offset;
	char target[112]; /* as readlink of /proc/PID/fd/N */
};

#endif
